"""Listed works signed once, by a job or at first use, and their manifests inside the pictures made from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from structlog.testing import capture_logs

from generation import jobs
from generation.actions import reconciling, signing_works
from generation.actions.erasing import erase_person
from generation.actions.rendering import render_next
from generation.actions.renditions import make_rendition
from generation.actions.signing_works import MOST_BEHIND, listing_of, sign_listed
from generation.actions.upkeep import sweep_one
from generation.models import Generation, Output
from generation.rendition import Change
from provenance import storage
from provenance.actor import COLOPHON
from provenance.audit_log.models import Entry
from provenance.audit_log.sequencing import sequence
from provenance.canonical import sha256_digest
from provenance.credentials.actions import key_to_sign_with
from provenance.credentials.external_key import external_key
from provenance.credentials.listing import LISTING, listing_record
from provenance.credentials.models import WorkCredential
from provenance.credentials.reading import Reading, read
from provenance.credentials.signing import SigningKey
from provenance.licensing.actions.granting import give_grant
from provenance.licensing.actions.offering import offer_by_grant, offer_openly
from provenance.only_one import as_the_only_one
from provenance.works.actions.listing import credit_authors, register_work, withdraw_work
from provenance.works.actions.parties import own_party
from provenance.works.models import Work
from server.accounts.models import Account
from tests.database.test_fingerprinting_works import a_collection, preview
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_token,
    a_work,
    a_worker,
    an_artist,
    as_image,
    in_style,
)
from tests.simulators import certificates

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]


def painter() -> tuple[Account, Any]:
    ada = an_artist("ada")
    return ada, a_party("Ada Painter", member=ada)


def made(keys: Path, account: Account, **asked: Any) -> tuple[Output, Reading]:
    """Render a request, and return its picture's row and what its credentials say."""
    generation = a_request(account, **asked)
    worker = a_worker(keys)
    render_next(worker=worker)
    generation.refresh_from_db()
    assert generation.state == Generation.State.DONE, generation.fault
    output = generation.outputs.get()
    return output, read(storage.load(output.digest), trust_pem=worker.signing_key().root_pem)


def nested_listings(reading: Reading) -> dict[str, Any]:
    """Return what the manifests inside a picture state of listed works, by their ids."""
    return {
        name: one["data"]
        for name, manifest in reading.manifests.items()
        for one in manifest.get("assertions", ())
        if one["label"] == LISTING
    }


def signed(work: Work) -> list[WorkCredential]:
    return list(WorkCredential.objects.filter(work_id=work.pk).order_by("signed_at"))


# ---- once ------------------------------------------------------------------------------------------------------


def test_the_job_signs_each_listed_work_once_with_an_entry() -> None:
    work = a_work(*painter())
    jobs.sign_works()
    jobs.sign_works()
    (row,) = WorkCredential.objects.all()
    assert (row.work_id, row.file_digest) == (work.pk, work.digest)
    assert storage.exists(row.store_digest)
    (entry,) = Entry.objects.filter(kind="WorkSigned")
    assert (entry.opening.details["manifest"], entry.opening.details["store"]) == (row.manifest_id, row.store_digest)


def test_works_of_a_collection_wait_for_their_first_use() -> None:
    a_collection(preview())
    assert sign_listed(key=key_to_sign_with()) == 0


def test_a_withdrawn_work_and_one_whose_file_is_gone_are_not_signed() -> None:
    ada, party = painter()
    withdrawn, lost, kept = (a_work(ada, party, seed=seed) for seed in (1, 2, 3))
    withdraw_work(actor=ada.actor(), work=withdrawn)
    storage.delete(lost.digest)
    assert sign_listed(key=key_to_sign_with()) == 1
    assert [row.work_id for row in WorkCredential.objects.all()] == [kept.pk]


def test_a_work_used_before_the_job_came_is_signed_then_and_only_then(keys: Path) -> None:
    a_model()
    ada, party = painter()
    work = a_work(ada, party)
    _, first = made(keys, ada, **as_image(work))
    _, second = made(keys, ada, **as_image(work))
    (row,) = signed(work)
    assert set(nested_listings(first)) == set(nested_listings(second)) == {row.manifest_id}


def test_other_credit_is_signed_anew_and_the_old_name_goes_into_no_new_picture(keys: Path) -> None:
    a_model()
    ada, party = painter()
    work = a_work(ada, party)
    made(keys, ada, **as_image(work))
    credit_authors(actor=ada.actor(), work=work, authors=[None])
    _, reading = made(keys, ada, **as_image(work))
    (told,) = nested_listings(reading).values()
    assert "Ada" not in json.dumps(told)
    assert len(signed(work)) == 2


def test_a_manifest_whose_signer_is_no_longer_ours_is_signed_anew(keys: Path, tmp_path_factory: Any) -> None:
    a_model()
    ada, party = painter()
    work = a_work(ada, party)
    made(keys, ada, **as_image(work))
    _, reading = made(tmp_path_factory.mktemp("other-keys"), ada, **as_image(work))
    assert reading.validation_state == "Trusted"
    assert set(nested_listings(reading)) == {signed(work)[1].manifest_id}


@pytest.mark.parametrize("damage", ["lost", "altered"])
def test_a_manifest_whose_store_is_lost_or_damaged_is_signed_anew(
    keys: Path, files: Path, damage: str
) -> None:
    a_model()
    ada, party = painter()
    work = a_work(ada, party)
    sign_listed(key=a_worker(keys).signing_key())
    (row,) = signed(work)
    (kept,) = files.rglob(row.store_digest.removeprefix("sha256:"))
    kept.unlink() if damage == "lost" else kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    _, reading = made(keys, ada, **as_image(work))
    assert reading.validation_state == "Trusted"
    assert set(nested_listings(reading)) == {signed(work)[1].manifest_id}


# ---- what cannot be signed now ---------------------------------------------------------------------------------


def a_key_that_does_not_answer(asked: list[bytes]) -> SigningKey:
    now = datetime.now(UTC)

    def sign(message: bytes) -> bytes:
        asked.append(message)
        raise ConnectionRefusedError

    return external_key(chain_pem=certificates.chain(now=now).pem, sign=sign, now=now)


def test_while_the_key_does_not_answer_one_work_is_tried_and_the_next_run_asks_again() -> None:
    ada, party = painter()
    for seed in (1, 2, 3):
        a_work(ada, party, seed=seed)
    asked: list[bytes] = []
    assert sign_listed(key=a_key_that_does_not_answer(asked)) == 0
    assert len(asked) == 1 and not WorkCredential.objects.exists()
    assert sign_listed(key=key_to_sign_with()) == 3


def test_a_work_that_cannot_be_signed_is_tried_and_logged_once_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    work = a_work(*painter())
    data = storage.load(work.digest)
    storage.delete(work.digest)
    with capture_logs() as logged:
        assert sign_listed(key=key_to_sign_with()) == sign_listed(key=key_to_sign_with()) == 0
    assert [one["event"] for one in logged] == ["work not signed"]
    storage.store(data)
    monkeypatch.setattr(signing_works, "PASSED_OVER_SECONDS", -1)
    assert sign_listed(key=key_to_sign_with()) == 1


def test_works_that_cannot_be_signed_count_and_do_not_keep_the_next_ones_from_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signing_works, "AT_ONCE", 2)
    ada, party = painter()
    works = [a_work(ada, party, seed=seed) for seed in (1, 2, 3)]
    for work in works[:2]:
        storage.delete(work.digest)
    assert sign_listed(key=key_to_sign_with()) == 0
    assert sign_listed(key=key_to_sign_with()) == 1 and signed(works[2])


def test_a_second_run_beside_the_first_does_nothing() -> None:
    work = a_work(*painter())
    with ThreadPoolExecutor(1) as pool, as_the_only_one(signing_works.ONE_RUN) as is_only:
        assert is_only
        assert pool.submit(in_a_thread, partial(sign_listed, key=key_to_sign_with())).result(60) == 0
    assert not signed(work)
    assert sign_listed(key=key_to_sign_with()) == 1


def in_a_thread(act: Callable[[], int]) -> int:
    try:
        return act()
    finally:
        connection.close()


# ---- inside pictures -------------------------------------------------------------------------------------------


def test_a_picture_over_a_listed_work_opens_it_with_the_work_s_own_manifest(keys: Path) -> None:
    a_model()
    ada, party = painter()
    work = a_work(ada, party, licence="CC-BY-4.0")
    _, reading = made(keys, an_artist("mara"), **as_image(work))
    (parent,) = [
        one for one in reading.ingredients if (one.manifest_id, one.relationship) == (reading.manifest_id, "parentOf")
    ]
    work.refresh_from_db()
    assert reading.validation_state == "Trusted"
    assert nested_listings(reading) == {parent.own_manifest_id: listing_record(listing_of(work))}
    assert nested_listings(reading)[parent.own_manifest_id]["listed_by"] == "Ada Painter"


def test_a_style_on_few_works_brings_them_along_and_one_on_more_does_not(keys: Path) -> None:
    model = a_model()
    ada, party = painter()
    works = [a_work(ada, party, seed=seed, title=f"Wave {seed}", licence="CC-BY-4.0") for seed in range(1, 6)]
    few = a_style(model, party=party, slug="few", name="Few", token="few", works=works[:MOST_BEHIND])
    many = a_style(model, party=party, slug="many", name="Many", token="many", works=works)
    _, with_few = made(keys, an_artist("mara"), **in_style(few))
    _, with_many = made(keys, an_artist("noa"), **in_style(many))
    assert {told["work"] for told in nested_listings(with_few).values()} == {str(one.pk) for one in works[:MOST_BEHIND]}
    assert with_few.validation_state == "Trusted" and not nested_listings(with_many)


def test_works_that_are_not_everybody_s_to_see_come_along_into_their_owner_s_pictures_alone(keys: Path) -> None:
    model = a_model()
    ada, party = painter()
    style = a_style(model, party=party, works=[a_work(ada, party)], actor=ada.actor())
    _, theirs = made(keys, an_artist("mara"), **in_style(style))
    _, own = made(keys, ada, **in_style(style))
    assert not nested_listings(theirs) and len(nested_listings(own)) == 1


def test_a_private_work_that_a_licensee_puts_in_is_bound_by_its_digest_alone(keys: Path) -> None:
    a_model()
    ada, party = painter()
    work, mara = a_work(ada, party), an_artist("mara")
    offer = offer_by_grant(actor=ada.actor(), party=party, subject_kind="work", subject_id=work.pk)
    give_grant(actor=ada.actor(), offer=offer, licensee_id=mara.pk)
    _, theirs = made(keys, mara, **as_image(work))
    _, own = made(keys, ada, **as_image(work))
    assert not nested_listings(theirs) and theirs.validation_state == "Trusted"
    assert work.digest in str(theirs.manifest)
    assert len(nested_listings(own)) == 1


def test_a_work_of_a_collection_is_bound_by_its_preview_and_names_the_file_it_lists(keys: Path) -> None:
    model = a_model()
    (work,) = a_collection(preview())
    offer_openly(actor=COLOPHON, party=work.owner, subject_kind="party", subject_id=work.owner_id, licence="CC0-1.0")
    style = a_style(model, party=work.owner, works=[work])
    _, reading = made(keys, an_artist("mara"), **in_style(style))
    (told,) = nested_listings(reading).values()
    assert (told["digest"], told["bound_file"]) == (work.digest, work.preview_digest)
    assert reading.validation_state == "Trusted"


def test_a_later_form_nests_works_through_its_parent_alone(keys: Path) -> None:
    a_model()
    ada, party = painter()
    output, _ = made(keys, ada, **as_image(a_work(ada, party)))
    key = a_worker(keys).signing_key()
    form = make_rendition(actor=ada.actor(), digest=output.digest, change=Change(output_format="webp"), key=key)
    reading = read(storage.load(form.digest), trust_pem=key.root_pem)
    own = [one.own_manifest_id for one in reading.ingredients if one.manifest_id == reading.manifest_id]
    assert reading.validation_state == "Trusted"
    assert len(nested_listings(reading)) == 1 and not set(nested_listings(reading)) & set(own)


# ---- asked for, kept and erased --------------------------------------------------------------------------------


def test_anybody_who_may_see_a_work_gets_its_manifest_and_it_answers_under_its_id_too(client: Client) -> None:
    ada, party = painter()
    work = a_work(ada, party, licence="CC-BY-4.0")
    headers = {"Authorization": f"Bearer {a_token(an_artist('mara'))}"}
    answer = client.get(f"/api/v1/works/{work.pk}/manifest", headers=headers)
    (row,) = signed(work)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/c2pa")
    assert sha256_digest(answer.content) == row.store_digest
    by_id = client.get(f"/c2pa/manifests/{row.manifest_id}")
    assert (by_id.status_code, by_id.content) == (200, answer.content)


def test_a_work_that_is_not_one_s_to_see_or_not_to_be_used_has_no_manifest_to_give(client: Client) -> None:
    ada, party = painter()
    private, withdrawn = a_work(ada, party), a_work(ada, party, seed=2, licence="CC-BY-4.0")
    withdraw_work(actor=ada.actor(), work=withdrawn)
    headers = {"Authorization": f"Bearer {a_token(an_artist('mara'))}"}
    for work in (private, withdrawn):
        assert client.get(f"/api/v1/works/{work.pk}/manifest", headers=headers).status_code == 404
    assert client.get(f"/api/v1/works/{private.pk}/manifest").status_code == 401
    assert not WorkCredential.objects.exists()


def differences() -> list[Any]:
    sequence()
    run = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    assert run.state == "done", run.fault
    return [json.loads(line) for line in reconciling.report_lines(run)]


def test_reconciling_finds_nothing_amiss_and_names_a_manifest_that_is_gone_or_was_changed() -> None:
    work = a_work(*painter())
    sign_listed(key=key_to_sign_with())
    assert differences() == []
    (row,) = signed(work)
    storage.delete(row.store_digest)
    (gone,) = differences()
    assert (gone["kind"], gone["table"]) == ("manifest-missing", "credentials_workcredential")


def test_erasing_a_person_takes_the_manifests_beside_their_works_and_leaves_digests() -> None:
    ada, _ = painter()
    party = own_party(actor=ada.actor(), name="Ada")
    work = a_work(ada, party)
    sign_listed(key=key_to_sign_with())
    (row,) = signed(work)
    erase_person(actor=COLOPHON, account_id=ada.pk)
    row.refresh_from_db()
    assert row.erased_at is not None and not storage.exists(row.store_digest)
    assert Client().get(f"/c2pa/manifests/{row.manifest_id}").status_code == 410
    assert differences() == []
    assert sign_listed(key=key_to_sign_with()) == 0


def test_the_sweeper_leaves_the_manifests_of_works_alone() -> None:
    work = a_work(*painter())
    sign_listed(key=key_to_sign_with())
    (row,) = signed(work)
    assert not sweep_one(row.store_digest) and storage.exists(row.store_digest)


def test_a_file_that_carries_credentials_of_its_own_keeps_them_below_the_listing(keys: Path) -> None:
    a_model()
    ada, party = painter()
    output, _ = made(keys, ada, prompt="a lamp")
    data = storage.load(output.digest)
    work = register_work(actor=ada.actor(), party=party, data=data, title="Lamp")
    _, reading = made(keys, ada, prompt="a brass lamp", **as_image(work))
    assert reading.validation_state == "Trusted"
    assert len(nested_listings(reading)) == 1 and output.manifest_id in reading.manifests
