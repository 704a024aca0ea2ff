"""Stored credentials verified again: after an upgrade, with other trust lists, and when the operator asks."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from generation import jobs
from generation.actions import reconciling, reverifying
from generation.actions.rendering import render_next
from generation.models import Output, Reverification, VerdictChange
from provenance import storage
from provenance.actor import COLOPHON
from provenance.credentials.actions import erase_credentials
from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.models import Credential
from provenance.credentials.signing import SigningKey
from provenance.verification.trust import trust_in
from provenance.verification.verify import verify
from tests.factories.log import one_entry
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_work,
    a_worker,
    an_artist,
    an_auditor,
    in_style,
    kinds_of_entries,
)
from tests.simulators import certificates
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db(transaction=True)
RUNS = "/api/v1/audit/reverifications"


@pytest.fixture
def ours(keys: Path, monkeypatch: pytest.MonkeyPatch) -> SigningKey:
    """Deliver two pictures whose key this installation trusts."""
    key = DevelopmentCA(keys).signing_key(now=datetime.now(UTC))
    monkeypatch.setattr("generation.trust.trusted_roots", lambda: key.root_pem)
    a_model()
    a_request(an_artist(), seeds=(7, 8))
    render_next(worker=a_worker(keys))
    return key


def command() -> tuple[int, str]:
    """Run the command; its exit code and what it printed."""
    out = io.StringIO()
    try:
        call_command("reverify", stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def with_library(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr("generation.actions.reverifying.require_library", lambda: version)


def test_nothing_has_changed_while_nothing_was_upgraded(ours: SigningKey) -> None:
    before = len(kinds_of_entries())
    jobs.reverify()
    assert not Reverification.objects.exists() and len(kinds_of_entries()) == before
    code, told = command()
    assert (code, "2 verified, 0 changed" in told) == (0, True)
    assert kinds_of_entries()[-2:] == ["ReverificationRequested", "ReverificationEnded"]


@pytest.fixture
def nested(keys: Path, monkeypatch: pytest.MonkeyPatch) -> Credential:
    """Return the credential of a picture with the manifests of three listed works in it."""
    key = DevelopmentCA(keys).signing_key(now=datetime.now(UTC))
    monkeypatch.setattr("generation.trust.trusted_roots", lambda: key.root_pem)
    ada, model = an_artist("ada"), a_model()
    party = a_party(member=ada)
    works = [a_work(ada, party, seed=seed, title=f"Wave {seed}", licence="CC-BY-4.0") for seed in range(3)]
    style = a_style(model, party=party, works=works)
    a_request(an_artist(), seeds=(7,), **in_style(style))
    render_next(worker=a_worker(keys))
    return Credential.objects.get()


def kept_instead(verdict: dict[str, Any]) -> None:
    """Have another verdict been kept at the signature; whatever changes a row needs an entry."""
    with transaction.atomic():
        Credential.objects.update(verdict=verdict)
        one_entry()


def again() -> Reverification:
    return reverifying.reverify(reverifying.begin_here(actor=COLOPHON))


def test_a_picture_with_several_manifests_in_it_reads_the_same_each_time(nested: Credential) -> None:
    data = storage.load(nested.image_digest)
    readings = {json.dumps(verify(data).as_json()) for _ in range(12)}
    assert len(readings) == 1
    assert len(json.loads(readings.pop())["history"]) == 4
    assert [again().changed for _ in range(3)] == [0, 0, 0]


def test_a_verdict_kept_in_another_order_or_with_more_checks_before_it_has_not_changed(nested: Credential) -> None:
    checks = [{"code": "a.check.of.later", "result": "not_checked"}, *reversed(nested.verdict["checks"])]
    kept_instead(nested.verdict | {"checks": checks})
    assert again().changed == 0


def test_a_check_that_delivery_did_not_make_and_that_passes_is_no_change_and_one_that_passed_is(
    nested: Credential,
) -> None:
    results = {one["code"]: one["result"] for one in nested.verdict["checks"]}
    assert (results["signer.not_expired"], results["timestamp"]) == ("passed", "not_checked")
    for code, then, changed in (("signer.not_expired", "not_checked", 0), ("timestamp", "passed", 1)):
        checks = [one | ({"result": then} if one["code"] == code else {}) for one in nested.verdict["checks"]]
        kept_instead(nested.verdict | {"checks": checks})
        assert again().changed == changed, code


def test_an_ingredient_that_reads_otherwise_is_told_by_its_place_in_the_file(nested: Credential) -> None:
    told = [one for one in nested.verdict["checks"] if one["code"] == "ingredient" and one["result"] == "passed"]
    told[1]["result"] = "failed"
    kept_instead(nested.verdict)
    (change,) = again().changes.all()
    place = f"ingredient {told[1]['evidence']['label']} of {told[1]['evidence']['manifest']}"
    assert change.why == [{"check": place, "before": "failed", "after": "passed"}]
    assert again().changed == 0


def test_a_change_recorded_when_ingredients_had_numbers_is_compared_by_how_many_read_how(nested: Credential) -> None:
    essence = reverifying.essence(nested.verdict)
    numbered = {name if " " not in name else f"ingredient {number}": result
                for number, (name, result) in enumerate(essence["checks"].items())}  # fmt: skip
    assert numbered.keys() != essence["checks"].keys()
    for checks, changed in ((numbered, 0), (numbered | {"ingredient 99": "failed"}, 1)):
        run = again()
        with transaction.atomic():
            VerdictChange.objects.create(
                reverification=run, image_digest=nested.image_digest, manifest_id=nested.manifest_id, before={},
                after=essence | {"checks": checks}, why=[], found_at=timezone.now(),
            )  # fmt: skip
            one_entry()
        assert again().changed == changed
    assert again().changed == 0


def test_no_word_of_a_stranger_s_manifest_is_kept_with_a_change() -> None:
    evidence = {"manifest": "urn:uuid:buy my pictures", "label": "c2pa.ingredient"}
    check = {"code": "ingredient", "result": "passed", "evidence": evidence}
    ((name, result),) = reverifying.essence({"checks": [check]})["checks"].items()
    assert name.startswith("ingredient sha256:") and result == "passed"


def test_an_upgraded_library_has_every_credential_verified_again_once(
    ours: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_library(monkeypatch, "0.99.0")
    jobs.reverify()
    run = Reverification.objects.get()
    assert (run.state, run.reason, run.library_version) == ("done", "library-changed", "0.99.0")
    assert (run.done, run.total, run.changed) == (2, 2, 0)
    jobs.reverify()
    assert Reverification.objects.count() == 1


def test_a_dropped_root_changes_each_verdict_and_tells_before_after_and_why(
    ours: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = {one.image_digest: one.verdict for one in Credential.objects.all()}
    stranger = trust_in(certificates.chain(now=datetime.now(UTC)).root_pem)
    monkeypatch.setattr("generation.actions.reverifying.trust_in_force", lambda: stranger)
    jobs.reverify()
    run = Reverification.objects.get()
    assert (run.reason, run.changed) == ("trust-lists-changed", 2)
    for change in run.changes.all():
        assert (change.before["state"], change.after["state"]) == ("trusted", "untrusted")
        assert change.before["trust"] == trust_in(ours.root_pem).digest and change.after["trust"] == stranger.digest
        assert change.why == [{"check": "signer.trusted", "before": "passed", "after": "failed"}]
    assert kinds_of_entries()[-4:] == ["ReverificationRequested", *["VerdictChanged"] * 2, "ReverificationEnded"]
    assert {one.image_digest: one.verdict for one in Credential.objects.all()} == signed, "as signed stays as signed"


def test_a_verdict_is_compared_with_the_last_one_known_not_with_the_first(
    ours: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = trust_in(certificates.chain(now=datetime.now(UTC)).root_pem)
    for trust, changed in ((stranger, 2), (stranger, 0), (trust_in(ours.root_pem), 2)):
        monkeypatch.setattr("generation.actions.reverifying.trust_in_force", lambda trust=trust: trust)
        assert reverifying.reverify(reverifying.begin_here(actor=COLOPHON)).changed == changed
    assert VerdictChange.objects.order_by("found_at").last().after["state"] == "trusted"  # type: ignore[union-attr]


def test_a_file_that_is_gone_is_a_changed_verdict(ours: SigningKey) -> None:
    storage.delete(Output.objects.order_by("digest").first().digest)  # type: ignore[union-attr]  # there are two
    code, told = command()
    assert code == 1
    (change,) = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert (change["before"]["state"], change["after"]["state"]) == ("trusted", "file-missing")


def test_an_erased_credential_is_left_alone(ours: SigningKey) -> None:
    first = Output.objects.order_by("digest").first()
    assert first is not None
    with transaction.atomic():
        erase_credentials([first.digest], at=timezone.now())
        one_entry()
    assert reverifying.reverify(reverifying.begin_here(actor=COLOPHON)).done == 1


def test_a_run_whose_worker_fell_silent_goes_on_behind_the_last_image(ours: SigningKey) -> None:
    run = reverifying.begin_here(actor=COLOPHON)
    first = Output.objects.order_by("digest").first()
    assert first is not None
    assert not reverifying.reverify_next(), "a run that is being worked on was taken over"
    Reverification.objects.filter(pk=run.pk).update(
        beat_at=timezone.now() - timedelta(hours=1), attempt=1, last=first.digest, done=1
    )
    assert reverifying.reverify_next()
    run.refresh_from_db()
    assert (run.state, run.attempt, run.done) == ("done", 2, 2)


def test_a_run_that_another_worker_took_over_records_nothing_more(ours: SigningKey) -> None:
    run = reverifying.begin_here(actor=COLOPHON)
    Reverification.objects.filter(pk=run.pk).update(attempt=5)
    entries = kinds_of_entries()
    assert reverifying.reverify(run).state == "running"
    assert kinds_of_entries() == entries and not VerdictChange.objects.exists()


def test_a_run_without_a_readable_trust_list_fails_with_a_sentence(
    ours: SigningKey, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = reverifying.begin_here(actor=COLOPHON)
    gone = (tmp_path / "gone.pem",)
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"trust_lists": gone})
    assert reverifying.reverify(run).state == "failed"
    assert run.fault["code"] == "trust-list-unreadable"
    monkeypatch.setattr("generation.actions.reverifying._request", lambda **_: run)
    with pytest.raises(CommandError) as failed:
        call_command("reverify")
    assert failed.value.returncode == 2


def test_a_run_that_failed_is_not_asked_for_again_at_every_beat_but_the_day_after(
    ours: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise ValueError("unforeseen")

    with_library(monkeypatch, "0.99.0")
    with monkeypatch.context() as patched:
        patched.setattr("generation.actions.reverifying.verify", full)
        for _ in range(3):
            jobs.reverify()
    assert [run.state for run in Reverification.objects.all()] == ["failed"]
    assert kinds_of_entries().count("ReverificationRequested") == 1
    Reverification.objects.update(ended_at=timezone.now() - timedelta(days=1, minutes=1))
    jobs.reverify()
    assert [run.state for run in Reverification.objects.order_by("asked_at")] == ["failed", "done"]


def test_an_image_erased_while_the_run_reads_is_no_changed_verdict(
    ours: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = storage.load

    def erased_first(digest: str) -> bytes:
        with transaction.atomic():
            erase_credentials([digest], at=timezone.now())
            one_entry()
        storage.delete(digest)
        return load(digest)

    monkeypatch.setattr(storage, "load", erased_first)
    run = reverifying.reverify(reverifying.begin_here(actor=COLOPHON))
    assert (run.state, run.changed) == ("done", 0)
    assert not VerdictChange.objects.exists()


def test_rows_and_log_agree_on_a_run_and_its_changes(ours: SigningKey, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = trust_in(certificates.chain(now=datetime.now(UTC)).root_pem)
    monkeypatch.setattr("generation.actions.reverifying.trust_in_force", lambda: stranger)
    reverifying.reverify(reverifying.begin_here(actor=COLOPHON))
    run = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    tables = {json.loads(line)["table"] for line in reconciling.report_lines(run)}
    assert not tables & {"generation_reverification", "generation_verdictchange", "credentials_credential"}


def test_auditors_read_runs_and_changes_and_nobody_else_does(ours: SigningKey, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = trust_in(certificates.chain(now=datetime.now(UTC)).root_pem)
    monkeypatch.setattr("generation.actions.reverifying.trust_in_force", lambda: stranger)
    run = reverifying.reverify(reverifying.begin_here(actor=COLOPHON))
    auditor = Caller(an_auditor())
    (told,) = auditor.pages(RUNS)
    assert (told["id"], told["state"], told["done"], told["changed"]) == (str(run.pk), "done", 2, 2)
    changes: list[Any] = auditor.pages(f"{RUNS}/{run.pk}/changes")
    assert {one["image"] for one in changes} == set(Output.objects.values_list("digest", flat=True))
    for caller, status in ((Caller(an_artist("noa")), 403), (Caller(), 401)):
        for path in (RUNS, f"{RUNS}/{run.pk}/changes"):
            is_problem(caller.get(path), status, "not-permitted" if status == 403 else "not-signed-in")
