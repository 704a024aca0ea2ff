"""A dispute over an image reaches every file of it, what was listed of it before, and whoever lists it after."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from generation.actions.listing_works import list_work
from generation.actions.rendering import render_next
from generation.actions.renditions import make_rendition
from generation.evidence import Records
from generation.models import Output
from generation.rendition import Change
from provenance import storage
from provenance.credentials.development_ca import DevelopmentCA
from provenance.disputes.models import Dispute
from provenance.licensing.actions.importing_works import import_works
from provenance.verification.copy import Copy
from provenance.works.actions.parties import own_party
from provenance.works.import_lists import import_lines
from provenance.works.models import Work
from server.accounts.models import Account
from tests.database.test_disputes import WORDS, found_complete, given
from tests.factories.records import a_model, a_request, a_worker, an_artist, an_auditor
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db(transaction=True)
EVIDENCE = {"rights_evidence": "made here", "title": "Fox"}


@pytest.fixture
def guest() -> Account:
    return an_artist("guest")


@pytest.fixture
def auditor() -> Account:
    return an_auditor()


@pytest.fixture
def output(keys: Path, guest: Account) -> Output:
    """Deliver an image of the guest's."""
    a_model()
    a_request(guest)
    assert render_next(worker=a_worker(keys))
    return Output.objects.get()


@pytest.fixture
def later(keys: Path, guest: Account, output: Output) -> str:
    """Make a JPEG of the image and return its digest."""
    key = DevelopmentCA(keys).signing_key(now=datetime.now(UTC))
    change = Change(output_format="jpeg", quality=80)
    return make_rendition(actor=guest.actor(), digest=output.digest, change=change, key=key).digest


def dispute_of(digest: str) -> Any:
    """Return what the records answer about disputes over the image that a file is."""
    records = Records(keeper="here")
    (record,) = records.find(Copy(storage.load(digest)))
    return records.dispute(record)


def test_a_notice_against_one_file_of_an_image_shows_in_the_verdict_on_every_other(
    output: Output, later: str, auditor: Account, guest: Account
) -> None:
    address, _ = given("image", later, ground="shows-me")
    found_complete(address, auditor)
    assert Dispute.objects.get().subject == output.digest
    assert {dispute_of(digest).result for digest in (output.digest, later)} == {"failed"}
    assert Caller(guest).get(address).json()["side"] == "respondent"


def test_what_an_older_version_recorded_against_the_first_file_shows_on_the_later_one(
    output: Output, later: str, auditor: Account
) -> None:
    found_complete(given("image", output.digest)[0], auditor)
    assert dispute_of(later).result == "failed"


def test_the_page_takes_any_file_of_an_image_too(output: Output, later: str) -> None:
    fields = {"subject_kind": "image", "subject": later, "ground": "mine", "good_faith": "on", "accurate": "on"}
    assert Client().post("/notice", {**fields, **WORDS}).status_code == 201
    dispute = Dispute.objects.get()
    assert (dispute.subject, dispute.respondent_account) == (output.digest, output.generation.owner_id)


@pytest.mark.parametrize("which", ["first", "later"])
def test_a_disputed_image_is_stopped_wherever_one_of_its_files_is_listed(
    output: Output, later: str, auditor: Account, guest: Account, which: str
) -> None:
    digest = {"first": output.digest, "later": later}[which]
    listed = Caller(guest).upload("/api/v1/works", storage.load(digest), **EVIDENCE)
    assert listed.status_code == 201, listed.content
    address, _ = given("image", output.digest)
    found_complete(address, auditor)
    assert Work.objects.get().state == "disputed"
    Caller(auditor).post(f"{address}/resolution", {"upheld": True, "reason": "It is."})
    assert Work.objects.get().state == "rejected"


@pytest.mark.parametrize(("which", "is_upheld"), [("first", True), ("later", False)])
def test_a_disputed_image_cannot_be_listed_as_a_work(
    output: Output, later: str, auditor: Account, guest: Account, which: str, is_upheld: bool
) -> None:
    address, _ = given("image", output.digest)
    found_complete(address, auditor)
    if is_upheld:
        Caller(auditor).post(f"{address}/resolution", {"upheld": True, "reason": "It is."})
    digest = {"first": output.digest, "later": later}[which]
    caller = Caller(guest)
    refused = caller.upload("/api/v1/works", storage.load(digest), **EVIDENCE)
    told = is_problem(refused, 409, "image-disputed")
    assert str(Dispute.objects.get().pk) in told["detail"]
    assert not Work.objects.exists()


def test_a_disputed_image_is_refused_in_a_list_of_many_too(output: Output, auditor: Account, guest: Account) -> None:
    found_complete(given("image", output.digest)[0], auditor)
    lines = import_lines(b"file,title,rights_evidence\nfox.png,Fox,made here\n")
    (line,) = import_works(
        actor=guest.actor(), party=own_party(actor=guest.actor(), name="guest"), lines=lines, keeps_good=True,
        read=lambda name: storage.load(output.digest), list_one=list_work,
    )  # fmt: skip
    assert line.result == "refused" and "listed as a work" in line.en and "不能登记为作品" in line.zh
    assert not Work.objects.exists()


def test_after_a_dismissal_the_image_can_be_listed(output: Output, auditor: Account, guest: Account) -> None:
    address, _ = given("image", output.digest)
    found_complete(address, auditor)
    Caller(auditor).post(f"{address}/resolution", {"upheld": False, "reason": "No."})
    listed = Caller(guest).upload("/api/v1/works", storage.load(output.digest), **EVIDENCE)
    assert listed.status_code == 201 and Work.objects.get().state == "active"


@pytest.mark.parametrize(("first_to_stand", "first_to_end"), [("work", "work"), ("image", "image")])
def test_a_work_goes_on_once_neither_it_nor_the_image_that_it_is_is_disputed(
    output: Output, later: str, auditor: Account, guest: Account, first_to_stand: str, first_to_end: str
) -> None:
    Caller(guest).upload("/api/v1/works", storage.load(later), **EVIDENCE)
    work = Work.objects.get()
    both = {"work": given("work", work.pk)[0], "image": given("image", output.digest)[0]}
    for kind in sorted(both, key=lambda kind: kind != first_to_stand):
        found_complete(both[kind], auditor)
    states = []
    for kind in sorted(both, key=lambda kind: kind != first_to_end):
        Caller(auditor).post(f"{both[kind]}/resolution", {"upheld": False, "reason": "No."})
        states.append(Work.objects.get().state)
    assert states == ["disputed", "active"]
