"""Erasing a person: what names them goes, digests and proofs stay, and everybody who asks is told."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from generation.actions.erasing import erase_person, extent_of_erasure
from generation.actions.rendering import claim_one, render_next
from generation.actions.upkeep import reap, sweep
from generation.errors import UnderDispute
from generation.models import Generation, IdempotencyKey, Output
from provenance import storage
from provenance.audit_log import sequencing
from provenance.audit_log.models import Entry, Opening
from provenance.audit_log.note import VerifierKey
from provenance.audit_log.proof import verify_proof
from provenance.audit_log.sequencing import sequence
from provenance.canonical import sha256_digest
from provenance.credentials.manifest import prompt_commitment
from provenance.credentials.models import Credential
from provenance.licensing.actions.opting_out import record_opt_out
from provenance.works.actions.listing import register_work
from provenance.works.models import Party, PartyMember, Style, Work
from server.accounts.models import Account
from tests.factories.log import one_entry
from tests.factories.pictures import a_png
from tests.factories.records import (
    PASSWORD,
    a_model,
    a_party,
    a_request,
    a_style,
    a_work,
    a_worker,
    an_artist,
    an_auditor,
    as_image,
    in_style,
    kinds_of_entries,
)
from tests.services import REPOSITORY
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = (
    "quillfox", "Mara Unmistakable", "Unmistakable Wave", "Unmistakable inks", "unmistakable-slug", "gallery Zinnober",
    "painted by hand",
)  # fmt: skip


@pytest.fixture
def mara(keys: Path) -> Account:
    """Have an artist with a work of her own that went into a picture, under her name, sold on to somebody."""
    artist = an_artist("Mara Unmistakable")
    party = a_party("Mara Unmistakable", member=artist)
    own = a_work(artist, party, title="Unmistakable Wave")
    inks = {"name": "Unmistakable inks", "slug": "unmistakable-slug", "works": [own], "licence": ""}
    style = a_style(a_model(), party=party, actor=artist.actor(), **inks)
    asked = {"prompt": "a quillfox", "recipient": "gallery Zinnober", **as_image(own), **in_style(style)}
    generation = a_request(artist, key="mine", **asked)
    render_next(worker=a_worker(keys))
    generation.refresh_from_db()
    assert generation.state == "done", generation.fault
    return artist


def erase(account: Account) -> Any:
    caller = Caller(account)
    told = caller.post("/api/v1/me/erasure").json()
    return caller.post("/api/v1/me/erasure", {"confirmation": told["confirmation"]})


def every_row() -> str:
    """Return every row of every table as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT t::text FROM "{table}" AS t')
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


# ---- what goes -------------------------------------------------------------------------------------------------


def test_no_row_file_or_opening_tells_of_an_erased_person_and_digests_stay(mara: Account) -> None:
    image, work = Output.objects.get(), Work.objects.get()
    store = Credential.objects.get().store_digest
    before = Generation.objects.get()
    assert all(word in every_row() for word in WORDS)
    assert all(storage.exists(digest) for digest in (image.digest, store, work.digest))
    answer = erase(mara)
    assert answer.status_code == 200 and answer.json()["is_erased"], answer.content
    assert not any(storage.exists(digest) for digest in (image.digest, store, work.digest))
    rows = every_row()
    assert [word for word in WORDS if word in rows] == []
    after = Generation.objects.get()
    kept = ("state", "prompt_commitment", "request_leaf", "seeds", "model_id", "requested_at")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert after.erased_at and Output.objects.get().digest == image.digest
    assert Work.objects.get().digest == work.digest and Work.objects.get().state == "withdrawn"
    assert Credential.objects.get().store_digest == store and not IdempotencyKey.objects.exists()


def test_the_erasure_is_an_entry_that_says_how_much_there_was(mara: Account) -> None:
    reached = erase(mara).json()["reached"]
    opening = Opening.objects.get(entry__kind="PersonErased")
    assert opening.details == {"actor": str(mara.pk), "account": str(mara.pk), **reached}
    assert {name: reached[name] for name in ("generations", "images", "works", "parties", "cancelled")} == {
        "generations": 1, "images": 1, "works": 1, "parties": 1, "cancelled": 0,
    }  # fmt: skip
    about_her = Opening.objects.filter(details__actor=str(mara.pk)).values_list("entry__kind", flat=True)
    assert list(about_her) == ["PersonErased"]


def test_nobody_can_sign_in_with_an_erased_account(mara: Account) -> None:
    caller = Caller(mara)
    assert caller.get("/api/v1/me").status_code == 200
    erase(mara)
    is_problem(caller.get("/api/v1/me"), 401, "not-signed-in")
    mara.refresh_from_db()
    assert not mara.is_active and mara.name == f"erased-{mara.pk}" and not mara.has_usable_password()
    assert an_artist("Mara Unmistakable").pk != mara.pk, "her name is free again"


# ---- what stays ------------------------------------------------------------------------------------------------


def test_the_checker_and_the_proof_of_an_erased_entry_still_pass(mara: Account, tmp_path: Path, client: Client) -> None:
    sequencing.key_in_force()
    image, leaf = Output.objects.get(), Generation.objects.get().request_leaf
    entries = list(Entry.objects.order_by("pk").values_list("leaf_hash", flat=True))
    erase(mara)
    sequence()
    assert set(entries) < set(Entry.objects.values_list("leaf_hash", flat=True))
    assert not Opening.objects.filter(entry__leaf_hash__in=[leaf, image.delivered_leaf]).exists()
    vkey = client.get("/log/vkey").content.decode().strip()
    proof = client.get(f"/images/{image.digest}/proof").content.decode()
    raw = bytes.fromhex(image.delivered_leaf.removeprefix("sha256:"))
    opened = verify_proof(proof, leaf_hash=raw, keys=[VerifierKey.parse(vkey)])
    assert opened.checkpoint.size == Entry.objects.count()
    asked = client.get("/api/v1/audit/proofs/inclusion", {"leaf": leaf}).json()
    assert asked["leaf_hash"] == leaf
    done = checked(client, folder=tmp_path / "log", vkey=vkey, size=opened.checkpoint.size)
    assert done.returncode == 0, done.stdout + done.stderr


def checked(client: Client, *, folder: Path, vkey: str, size: int) -> subprocess.CompletedProcess[str]:
    """Save the published log as a stranger would, and run the offline checker on it."""
    for name in ("checkpoint", f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(client.get(f"/log/{name}").content)
    command = [sys.executable, "-m", "provenance.audit_log.check", str(folder), "--key", vkey]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_the_public_verdict_says_that_the_record_is_erased_in_both_languages(mara: Account) -> None:
    data = storage.load(Output.objects.get().digest)
    before = Caller().upload("/api/v1/verifications", data).json()
    erase(mara)
    after = Caller().upload("/api/v1/verifications", data).json()
    checks = {one["code"]: one for one in after["checks"]}
    found = checks["record.found"]
    assert found["result"] == "passed" and "erased on" in found["en"] and "删除" in found["zh-Hans"]
    assert checks["record.agrees"]["result"] == "passed" and after["records"][0]["erased_at"]
    was = {one["code"]: one for one in before["checks"]}
    assert "erased" not in was["record.found"]["en"] and before["records"][0]["erased_at"] is None
    assert before["records"][0]["credits"] and after["records"][0]["credits"] == []
    assert checks["signature.valid"]["result"] == "passed", "the copy itself is as it was signed"


def test_an_auditor_reads_that_the_record_is_erased(mara: Account) -> None:
    image, generation = Output.objects.get(), Generation.objects.get()
    erase(mara)
    auditor = Caller(an_auditor())
    record = auditor.get(f"/api/v1/generations/{generation.pk}").json()
    assert record["erased_at"] and record["prompt"] is None and record["state"] == "done"
    assert auditor.get(f"/api/v1/images/{image.digest}").json()["erased_at"]
    is_problem(auditor.get(f"/api/v1/images/{image.digest}/file"), 410, "record-erased")
    is_problem(Caller().get(f"/api/v1/images/{image.digest}/manifest"), 410, "record-erased")
    export = auditor.get("/api/v1/audit/exports")
    assert export.status_code in {200, 503}
    for page in ("/api/v1/generations", "/api/v1/images", "/api/v1/audit/entries", "/api/v1/works"):
        assert auditor.get(page).status_code == 200


def test_a_file_that_somebody_elses_row_needs_stays(mara: Account) -> None:
    image = Output.objects.get()
    other = an_artist("noa")
    listed = {"party": a_party("Noa", member=other), "data": storage.load(image.digest), "title": "Bought"}
    register_work(actor=other.actor(), **listed)
    erase(mara)
    assert storage.exists(image.digest)
    assert not storage.exists(Credential.objects.get().store_digest)


def test_another_persons_records_stay_as_they_are(mara: Account, keys: Path) -> None:
    noa = an_artist("noa")
    theirs = a_request(noa, prompt="a blue door")
    render_next(worker=a_worker(keys))
    image = theirs.outputs.get()
    openings = set(Opening.objects.filter(details__generation=str(theirs.pk)).values_list("pk", flat=True))
    erase(mara)
    theirs.refresh_from_db()
    assert (theirs.prompt, theirs.owner_name, theirs.erased_at) == ("a blue door", "noa", None)
    assert storage.exists(image.digest) and openings
    assert set(Opening.objects.filter(pk__in=openings).values_list("pk", flat=True)) == openings


def test_names_of_an_own_style_that_was_refused_go_from_the_request_too(mara: Account) -> None:
    party, own, style = Party.objects.get(), Work.objects.get(), Style.objects.get()
    record_opt_out(actor=mara.actor(), party=party, subject_kind="work", subject_id=own.pk, source="a letter")
    refused = a_request(mara, seeds=(9,), **in_style(style))
    assert refused.state == "refused" and "Unmistakable Wave" in str(refused.decision)
    erase(mara)
    rows = every_row()
    assert [word for word in WORDS if word in rows] == []


def test_a_party_with_another_member_stays_with_that_one(mara: Account) -> None:
    noa = an_artist("noa")
    shared = a_party("Two Painters", member=noa)
    with transaction.atomic():
        PartyMember.objects.create(party=shared, account_id=mara.pk)
        one_entry("a member, as it will be told")
    work = a_work(noa, shared, seed=9, title="Together")
    erase(mara)
    work.refresh_from_db()
    shared.refresh_from_db()
    assert (shared.name, work.title, work.erased_at) == ("Two Painters", "Together", None)
    assert storage.exists(work.digest)
    assert list(PartyMember.objects.values_list("account_id", flat=True)) == [noa.pk]


def test_a_style_of_an_erased_person_can_no_longer_be_used(mara: Account) -> None:
    model, party = a_model("Other"), Party.objects.get()
    named = {"name": "Mara's inks", "slug": "mara-inks", "token": "marainks"}
    style = a_style(model, party=party, actor=mara.actor(), works=[Work.objects.get()], **named)
    erase(mara)
    style.refresh_from_db()
    assert style.state == "withdrawn" and "Mara" not in style.name and "mara" not in style.slug
    noa = an_artist("noa")
    refused = a_request(noa, model=str(model.pk), **{"references": in_style(style)["references"]})
    assert refused.state == "refused"
    assert not Style.objects.filter(slug="mara-inks").exists()


# ---- what still runs, and what has to wait ---------------------------------------------------------------------


def test_what_waits_is_called_off_first_and_never_rendered(keys: Path) -> None:
    a_model()
    artist = an_artist()
    waiting = a_request(artist)
    erase(artist)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.prompt) == ("cancelled", "")
    assert not render_next(worker=a_worker(keys))
    assert "GenerationCancelled" in kinds_of_entries()


def test_a_worker_that_renders_meanwhile_writes_nothing_more(keys: Path) -> None:
    a_model()
    artist = an_artist()
    generation = a_request(artist)

    class ErasesMeanwhile:
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def resident_models(self) -> Any:
            return self._inner.resident_models()

        def render(self, order: Any, *, on_step: Any) -> Any:
            rendered = self._inner.render(order, on_step=on_step)
            erase_person(actor=artist.actor(), account_id=artist.pk)
            return rendered

    worker = a_worker(keys)
    assert render_next(worker=a_worker(keys, pipeline=ErasesMeanwhile(worker.pipeline)))
    generation.refresh_from_db()
    assert (generation.state, generation.prompt) == ("cancelled", "")
    assert not Output.objects.exists() and not Credential.objects.exists()


def test_the_reaper_leaves_an_erased_request_alone(keys: Path) -> None:
    a_model()
    artist = an_artist()
    generation = a_request(artist)
    assert claim_one(worker=a_worker(keys, lease_seconds=0))
    erase_person(actor=artist.actor(), account_id=artist.pk)
    assert reap() == 0
    generation.refresh_from_db()
    assert generation.state == "cancelled"


def test_the_sweeper_takes_what_a_crash_left_of_an_erased_persons_files(
    mara: Account, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Output.objects.get().digest
    monkeypatch.setattr("generation.actions.erasing._delete_files", lambda files: None)  # as if killed after the commit
    erase(mara)
    assert storage.exists(image)
    monkeypatch.setattr("generation.actions.upkeep.KEEP_ORPHANS", timedelta(days=-1))
    # The picture and its manifest, and the work that went into it and the manifest beside that.
    assert sweep() == 4 and not storage.exists(image)


def test_a_dispute_is_a_legal_hold(mara: Account) -> None:
    with transaction.atomic():
        Work.objects.update(state="disputed")
        one_entry("a dispute, as it will be told")
    entries, rows = Entry.objects.count(), Generation.objects.values().get()
    for body in ({}, {"confirmation": "x"}):
        assert Caller(mara).post("/api/v1/me/erasure", body).status_code in {409, 422}
    is_problem(Caller(mara).post("/api/v1/me/erasure"), 409, "under-dispute")
    with pytest.raises(UnderDispute):
        erase_person(actor=mara.actor(), account_id=mara.pk)
    assert Generation.objects.values().get() == rows and Entry.objects.count() == entries
    assert storage.exists(Output.objects.get().digest)


# ---- being told before -----------------------------------------------------------------------------------------


def test_a_person_is_told_first_and_nothing_happens_without_the_confirmation(mara: Account) -> None:
    told = Caller(mara).post("/api/v1/me/erasure").json()
    assert told["is_erased"] is False and told["reaches"]["images"] == 1 and told["reaches"]["works"] == 1
    assert any("cannot be recalled" in one["en"] and "无法召回" in one["zh-Hans"] for one in told["stays"])
    assert told["goes"] and Generation.objects.get().erased_at is None
    other = Caller(an_artist("noa")).post("/api/v1/me/erasure", {"confirmation": told["confirmation"]})
    is_problem(other, 422, "erasure-not-confirmed")
    is_problem(Caller(mara).post("/api/v1/me/erasure", {"confirmation": "x"}), 422, "erasure-not-confirmed")
    is_problem(Caller().post("/api/v1/me/erasure"), 401, "not-signed-in")
    assert Generation.objects.get().erased_at is None


def test_who_has_a_password_confirms_with_it(mara: Account) -> None:
    mara.set_password(PASSWORD)
    mara.save()
    caller = Caller(mara)
    told = caller.post("/api/v1/me/erasure").json()
    assert told["needs_password"]
    body = {"confirmation": told["confirmation"]}
    is_problem(caller.post("/api/v1/me/erasure", {**body, "password": "guess"}), 422, "erasure-not-confirmed")
    assert Generation.objects.get().erased_at is None
    assert caller.post("/api/v1/me/erasure", {**body, "password": PASSWORD}).json()["is_erased"]


def test_the_operators_command_tells_first_and_erases_with_yes(mara: Account) -> None:
    told, done = StringIO(), StringIO()
    call_command("erase", mara.name, stdout=told)
    assert "cannot be recalled" in told.getvalue() and "无法召回" in told.getvalue()
    assert Generation.objects.get().erased_at is None
    call_command("erase", mara.name, "--yes", stdout=done)
    assert "images 1" in done.getvalue() and Generation.objects.get().erased_at
    with pytest.raises(CommandError, match="no account"):
        call_command("erase", mara.name)


def test_a_second_time_finds_nothing_left(mara: Account) -> None:
    erase_person(actor=mara.actor(), account_id=mara.pk)
    left = extent_of_erasure(mara.pk)
    assert (left.generations, left.images, left.works, left.openings) == (0, 0, 0, 0)
    assert sha256_digest(a_png(seed=1)) == Work.objects.get().digest


def test_records_made_before_get_the_same_commitment_that_new_ones_get() -> None:
    a_model()
    generation = a_request(an_artist(), prompt="a café, 落款")
    commitment = generation.prompt_commitment
    assert commitment == prompt_commitment(generation.prompt, salt=bytes(generation.prompt_salt))
    Generation.objects.update(prompt_commitment="")
    migration = import_module("generation.migrations.0003_let_records_be_erased_and_searched")
    with connection.cursor() as cursor:
        cursor.execute(migration.COMMIT)
    assert Generation.objects.get().prompt_commitment == commitment
