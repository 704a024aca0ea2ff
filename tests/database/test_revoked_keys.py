"""Revoked signing keys: verdicts tell of them, and nothing new is signed with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from generation.actions import reconciling
from generation.actions.rendering import Worker, render_next
from generation.actions.signing_works import manifest_of
from generation.evidence import Records
from generation.models import Generation, Output
from generation.pipelines.seeded_noise import SeededNoisePipeline
from provenance import storage
from provenance.actor import COLOPHON, NotPermitted
from provenance.audit_log.models import Entry
from provenance.credentials.actions import key_to_sign_with, revoke_key, signing_key
from provenance.credentials.errors import KeyRevokedAlready, KeyUnreachable, RevokedFromFuture, UnknownKey
from provenance.credentials.external_key import external_key
from provenance.credentials.models import RevokedKey
from provenance.verification.verify import verify
from server.accounts.models import Account
from tests.factories.records import a_model, a_party, a_request, a_work, an_artist, an_operator
from tests.simulators import certificates
from tests.simulators.caller import Caller, is_problem
from tests.simulators.tampering import stripped

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]
ADDRESS = "/api/v1/signing-keys/revocations"


def worker() -> Worker:
    return Worker(name="w", pipeline=SeededNoisePipeline(), lease_seconds=30, signing_key=key_to_sign_with)


@pytest.fixture
def output() -> Output:
    """Deliver a picture signed with the installation's own key."""
    a_model()
    generation = a_request(an_artist())
    render_next(worker=worker())
    return generation.outputs.get()


def check(output: Output) -> Any:
    root = signing_key().root_pem
    return verify(storage.load(output.digest), evidence=Records(keeper="here"), trust_pem=root).check("key.revoked")


def test_a_key_that_nobody_revoked_passes(output: Output) -> None:
    assert check(output).result == "passed"


def test_a_picture_signed_after_the_moment_fails_and_one_before_it_passes(output: Output) -> None:
    key = signing_key().key_id
    revoke_key(actor=COLOPHON, key_id=key, since=datetime.now(UTC) - timedelta(hours=1), reason="lost laptop")
    found = check(output)
    assert found.result == "failed" and "signed after that" in found.en


def test_openais_client_reads_a_revoked_key_s_signature_as_invalid_and_a_copy_without_one_as_none(
    output: Output,
) -> None:
    data = storage.load(output.digest)
    for since, state in ((None, "trusted"), (datetime.now(UTC) - timedelta(hours=1), "invalid")):
        if since is not None:
            revoke_key(actor=COLOPHON, key_id=signing_key().key_id, since=since, reason="lost laptop")
        told = [Caller().upload("/v1/content_provenance_checks", sent).json() for sent in (data, stripped(data))]
        assert [one["results"][0]["validation_state"] for one in told] == [state, "not_present"]
    assert [one["colophon"]["state"] for one in told] == ["failed", "no_manifest"]


def test_a_picture_signed_before_the_moment_keeps_its_standing(output: Output) -> None:
    revoke_key(actor=COLOPHON, key_id=signing_key().key_id, since=datetime.now(UTC), reason="retired")
    found = check(output)
    assert found.result == "passed" and "before that" in found.en and found.evidence["since"]


def test_nothing_new_is_signed_with_a_revoked_key(output: Output) -> None:
    revoke_key(actor=COLOPHON, key_id=signing_key().key_id, since=datetime.now(UTC), reason="lost")
    refused = a_request(an_artist("ida"))
    render_next(worker=worker())
    refused.refresh_from_db()
    assert (refused.state, refused.fault["code"]) == (Generation.State.FAILED, "signing-key-revoked")
    assert Output.objects.count() == 1
    caller = Caller(an_artist("noa"))
    assert caller.get("/api/v1/trust.pem").status_code == 200, "what it signed before can still be checked"


def test_while_the_key_does_not_answer_a_later_form_is_refused_as_away_and_not_as_broken(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise KeyUnreachable(kind="TokenNotPresent")

    monkeypatch.setattr("server.api.renditions.key_to_sign_with", away)
    caller = Caller(Account.objects.get(pk=output.generation.owner_id))
    answer = caller.post(f"/api/v1/images/{output.digest}/renditions", {"output_format": "jpeg"})
    is_problem(answer, 503, "signing-key-unreachable")


def test_an_operator_revokes_over_http_and_anyone_reads_it(output: Output) -> None:
    key = signing_key().key_id
    body = {"key": key, "reason": "token lost"}
    is_problem(Caller(an_artist("ida")).post(ADDRESS, body), 403, "not-permitted")
    assert Caller().post(ADDRESS, body).status_code == 401
    assert not RevokedKey.objects.exists()
    operator = Caller(an_operator())
    assert operator.post(ADDRESS, body).status_code == 201
    is_problem(operator.post(ADDRESS, body), 409, "signing-key-revoked-already")
    (listed,) = Caller().get(ADDRESS).json()
    assert (listed["key"], listed["reason"]) == (key, "token lost")
    assert Entry.objects.filter(kind="SigningKeyRevoked").count() == 1
    assert reconciling.reconcile(reconciling.begin_here(actor=COLOPHON)).differences == 0


def test_a_revocation_names_a_key_that_signed_and_a_moment_that_has_come(output: Output) -> None:
    now = datetime.now(UTC)
    key = signing_key().key_id
    with pytest.raises(UnknownKey):
        revoke_key(actor=COLOPHON, key_id="sha256:" + "0" * 64, since=now, reason="x")
    with pytest.raises(RevokedFromFuture):
        revoke_key(actor=COLOPHON, key_id=key, since=now + timedelta(days=1), reason="x")
    with pytest.raises(NotPermitted):
        revoke_key(actor=an_artist("ida").actor(), key_id=key, since=now, reason="x")
    assert not RevokedKey.objects.exists()
    revoke_key(actor=COLOPHON, key_id=key, since=now, reason="x")
    with pytest.raises(KeyRevokedAlready):
        revoke_key(actor=COLOPHON, key_id=key, since=now, reason="x")


def test_a_key_that_signed_nothing_but_works_can_be_revoked_once_another_signs() -> None:
    ada = an_artist("ada")
    now = datetime.now(UTC)
    chain = certificates.chain(now=now)
    sign = certificates.service(chain.key)
    retired = external_key(chain_pem=chain.pem, root_pem=chain.root_pem, sign=sign, now=now)
    assert manifest_of(a_work(ada, a_party("Ada", member=ada)), key=retired)
    assert retired.key_id != signing_key().key_id
    revoked = revoke_key(actor=COLOPHON, key_id=retired.key_id, since=datetime.now(UTC), reason="lost")
    assert revoked.key_id == retired.key_id


def test_the_command_revokes_the_key_in_force(output: Output) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="RFC 3339"):
        call_command("revoke_signing_key", reason="lost", since="yesterday", stdout=out)
    call_command("revoke_signing_key", reason="lost", stdout=out)
    assert out.getvalue().strip() == signing_key().key_id == RevokedKey.objects.get().key_id
