"""A notice from its form to its end: who may do what, what stops, what goes on, and what nobody else reads."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from generation.actions.rendering import render_next
from generation.models import Generation, Output
from provenance import storage
from provenance.audit_log.models import Opening
from provenance.disputes.actions.assessing import pass_deadlines
from provenance.disputes.models import Dispute, DisputeEvent
from provenance.disputes.queries import referenced_files
from provenance.works.actions.parties import invite_member
from provenance.works.models import Style, Work
from server.accounts.models import Account
from tests.factories.pictures import a_png
from tests.factories.records import (
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
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db
WORDS = {"text": "I painted this in 2019.", "name": "Ada Unmistakable", "contact": "ada@example.org"}


def notice_against(kind: str, subject: Any, **more: Any) -> dict[str, Any]:
    """Return a complete notice's fields."""
    return {
        "subject_kind": kind, "subject": str(subject), "ground": "mine", "good_faith": True, "accurate": True,
        **WORDS, **more,
    }  # fmt: skip


def given(kind: str, subject: Any, caller: Caller | None = None, **more: Any) -> tuple[str, str]:
    """Give notice and return the dispute's address and its secret."""
    answer = (caller or Caller()).post("/api/v1/disputes", notice_against(kind, subject, **more))
    assert answer.status_code == 201, answer.content
    return f"/api/v1/disputes/{answer.json()['id']}", answer.json()["secret"]


def found_complete(address: str, auditor: Account) -> None:
    """Have an auditor find a notice complete."""
    answer = Caller(auditor).post(f"{address}/assessment", {"complete": True, "reason": "All is said."})
    assert answer.status_code == 200, answer.content


@pytest.fixture
def owner() -> Account:
    return an_artist("owner")


@pytest.fixture
def work(owner: Account) -> Work:
    return a_work(owner, a_party("Painter", member=owner), licence="CC0-1.0")


@pytest.fixture
def auditor() -> Account:
    return an_auditor()


def test_a_notice_needs_no_account_and_stops_nothing_by_itself(work: Work) -> None:
    model = a_model()
    address, secret = given("work", work.pk)
    told = Caller(**{"Dispute-Secret": secret}).get(address).json()
    assert (told["state"], told["side"], told["waits_for"]) == ("received", "claimant", "auditor")
    assert told["claimant"] == {"name": WORDS["name"], "contact": WORDS["contact"]}
    assert told["events"][0]["text"] == WORDS["text"]
    work.refresh_from_db()
    assert work.state == Work.State.ACTIVE
    assert a_request(an_artist("guest"), model=model.slug, **as_image(work)).state == Generation.State.QUEUED
    assert kinds_of_entries()[-2:] == ["DisputeOpened", "GenerationRequested"]


def test_a_complete_notice_stops_the_next_request_and_a_dismissal_lets_it_go_on(work: Work, auditor: Account) -> None:
    model, guest = a_model(), an_artist("guest")
    address, _ = given("work", work.pk)
    found_complete(address, auditor)
    refused = a_request(guest, model=model.slug, **as_image(work))
    assert refused.state == Generation.State.REFUSED and "in dispute" in refused.fault["en"]
    answer = Caller(auditor).post(f"{address}/resolution", {"upheld": False, "reason": "Not theirs."})
    assert answer.json()["state"] == "dismissed"
    assert a_request(guest, model=model.slug, **as_image(work)).state == Generation.State.QUEUED


def test_a_style_that_stands_on_a_disputed_work_is_refused(work: Work, auditor: Account) -> None:
    model = a_model()
    style = a_style(model, works=[work], licence="CC0-1.0")
    found_complete(given("work", work.pk)[0], auditor)
    refused = a_request(an_artist("guest"), model=model.slug, **in_style(style))
    assert refused.state == Generation.State.REFUSED and work.title in refused.fault["en"]


def test_a_disputed_style_is_refused_and_an_upheld_notice_withdraws_it(owner: Account, auditor: Account) -> None:
    model = a_model()
    style = a_style(model, party=a_party("Painter", member=owner))
    address, _ = given("style", style.pk)
    found_complete(address, auditor)
    assert a_request(an_artist("guest"), model=model.slug, **in_style(style)).state == Generation.State.REFUSED
    without = Caller(auditor).post(f"{address}/resolution", {"upheld": True, "reason": "Theirs."})
    is_problem(without, 422, "notice-incomplete")
    body = {"upheld": True, "reason": "Theirs.", "remedy": "withdraw"}
    assert Caller(auditor).post(f"{address}/resolution", body).json()["state"] == "upheld"
    style.refresh_from_db()
    assert style.state == Style.State.REJECTED


def test_an_upheld_notice_can_give_the_work_to_its_painter(work: Work, auditor: Account) -> None:
    painter = an_artist("painter")
    party = a_party("The painter", member=painter)
    address, _ = given("work", work.pk)
    found_complete(address, auditor)
    own = {"upheld": True, "reason": "Theirs.", "remedy": "reassign", "new_owner": str(work.owner_id)}
    is_problem(Caller(auditor).post(f"{address}/resolution", own), 422, "no-new-owner")
    body = {**own, "new_owner": str(party.pk)}
    told = Caller(auditor).post(f"{address}/resolution", body).json()
    assert (told["state"], told["remedy"], told["new_owner"]) == ("upheld", "reassign", str(party.pk))
    work.refresh_from_db()
    assert (work.owner_id, work.state) == (party.pk, Work.State.ACTIVE)
    assert a_request(an_artist("guest"), model=a_model().slug, **as_image(work)).state == Generation.State.REFUSED


def test_the_old_owners_offers_end_with_a_reassignment(work: Work, auditor: Account) -> None:
    party = a_party("The painter", member=an_artist("painter"))
    address, _ = given("work", work.pk)
    found_complete(address, auditor)
    body = {"upheld": True, "reason": "Theirs.", "remedy": "reassign", "new_owner": str(party.pk)}
    Caller(auditor).post(f"{address}/resolution", body)
    offers = work.owner.offers.all()
    assert offers and all(offer.withdrawn_at for offer in offers)


def test_the_owner_answers_and_reads_no_name(work: Work, owner: Account, auditor: Account) -> None:
    address, secret = given("work", work.pk)
    early = Caller(owner).post(f"{address}/counter-notice", {"text": "It is mine."})
    is_problem(early, 409, "wrong-step")
    found_complete(address, auditor)
    told = Caller(owner).post(f"{address}/counter-notice", {"text": "It is mine."}).json()
    assert (told["state"], told["side"], told["claimant"]) == ("answered", "respondent", None)
    assert WORDS["name"] not in str(told) and WORDS["contact"] not in str(told)
    assert Caller(**{"Dispute-Secret": secret}).get(address).json()["events"][-1]["text"] == "It is mine."


def test_strangers_read_nothing_and_a_wrong_secret_opens_nothing(work: Work) -> None:
    address, secret = given("work", work.pk)
    for caller in (Caller(), Caller(an_artist("stranger")), Caller(**{"Dispute-Secret": secret[:-1]})):
        is_problem(caller.get(address), 404, "unknown-dispute")
        assert caller.post(f"{address}/withdrawal").status_code == 404
    assert Caller(an_artist("other")).get("/api/v1/disputes").json()["results"] == []
    assert Caller().get("/api/v1/disputes").status_code == 403
    assert Dispute.objects.get().state == "received"


def test_an_artist_may_not_assess_and_an_auditor_with_a_part_may_not_decide(work: Work, owner: Account) -> None:
    address, _ = given("work", work.pk)
    body = {"complete": True, "reason": "Yes."}
    is_problem(Caller(owner).post(f"{address}/assessment", body), 403, "not-permitted")
    owner.is_auditor = True
    owner.save()
    is_problem(Caller(owner).post(f"{address}/assessment", body), 403, "recused")
    assert Dispute.objects.get().state == "received"
    assert "DisputeAssessed" not in kinds_of_entries()


def test_an_auditor_who_stood_back_leaves_it_to_another(work: Work, auditor: Account) -> None:
    address, _ = given("work", work.pk)
    assert Caller(auditor).post(f"{address}/recusal", {"text": "A friend of mine."}).status_code == 200
    is_problem(Caller(auditor).post(f"{address}/assessment", {"complete": True, "reason": "Yes."}), 403, "recused")
    found_complete(address, an_auditor("another"))
    assert kinds_of_entries()[-2:] == ["HoldPlaced", "DisputeAssessed"]
    assert kinds_of_entries().count("AuditorRecused") == 1


def test_an_incomplete_notice_is_completed_by_its_claimant(work: Work, auditor: Account) -> None:
    address, secret = given("work", work.pk)
    body = {"complete": False, "reason": "Show us the painting."}
    assert Caller(auditor).post(f"{address}/assessment", body).json()["state"] == "incomplete"
    claimant = Client(headers={"Dispute-Secret": secret})
    files = {"evidence": SimpleUploadedFile("mine.png", a_png(seed=9)), "text": "Here it is."}
    told = claimant.post(f"{address}/supplement", files).json()
    assert told["state"] == "received" and told["events"][-1]["evidence"][0]["media_type"] == "image/png"
    digest = told["events"][-1]["evidence"][0]["digest"]
    file = Caller(auditor).get(f"{address}/evidence/{digest}")
    assert file.content == a_png(seed=9) and file["Content-Disposition"].startswith("attachment")
    assert Caller(an_artist("stranger")).get(f"{address}/evidence/{digest}").status_code == 404
    with CaptureQueriesContext(connection) as asked:
        assert referenced_files([digest, "sha256:" + "0" * 64]) == {digest} == referenced_files()
        assert referenced_files(["sha256:" + "0" * 64]) == set()
    assert digest in asked[0]["sql"], "the database says which of some, not this process"


def test_a_page_of_disputes_looks_up_once_a_row_who_its_reader_is_to_it(
    owner: Account, work: Work, auditor: Account
) -> None:
    other = a_work(owner, work.owner, seed=9)
    for subject in (work, other):
        given("work", subject.pk)
    for reader, side, per_page in ((auditor, "auditor", 0), (owner, "respondent", 1)):
        caller = Caller(reader)
        with CaptureQueriesContext(connection) as asked:
            rows = caller.get("/api/v1/disputes").json()["results"]
        assert [row["side"] for row in rows] == [side] * 2
        members = [one for one in asked if 'FROM "works_partymember"' in one["sql"]]
        assert len(members) == per_page + len(rows), [one["sql"] for one in members]


def test_what_nobody_completes_lapses_in_time_and_the_rest_only_shows_as_late(work: Work, auditor: Account) -> None:
    address, _ = given("work", work.pk)
    Caller(auditor).post(f"{address}/assessment", {"complete": False, "reason": "Show us."})
    assert pass_deadlines() == 0
    Dispute.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert pass_deadlines() == 1
    assert Dispute.objects.get().state == "lapsed"
    given("work", work.pk)
    Dispute.objects.filter(ended_at=None).update(due_at=timezone.now() - timedelta(days=1))
    assert pass_deadlines() == 0
    assert kinds_of_entries()[-2:] == ["DisputeEnded", "DisputeOpened"]


def test_a_withdrawn_notice_lets_everything_go_on_unless_another_stands(work: Work, auditor: Account) -> None:
    first, secret = given("work", work.pk)
    second, _ = given("work", work.pk, contact="bob@example.org")
    for address in (first, second):
        found_complete(address, auditor)
    Caller(**{"Dispute-Secret": secret}).post(f"{first}/withdrawal")
    work.refresh_from_db()
    assert work.state == Work.State.DISPUTED
    Caller(auditor).post(f"{second}/resolution", {"upheld": False, "reason": "No."})
    work.refresh_from_db()
    assert work.state == Work.State.ACTIVE


def test_the_public_reads_that_a_dispute_stands_and_no_names(work: Work, auditor: Account) -> None:
    address, _ = given("work", work.pk)
    assert Caller().get("/api/v1/disputes/standing").json()["results"] == []
    found_complete(address, auditor)
    (told,) = Caller().get("/api/v1/disputes/standing").json()["results"]
    assert told["subject"] == str(work.pk) and told["state"] == "complete"
    assert told.keys() == {"id", "subject_kind", "subject", "ground", "state", "stands_since"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"good_faith": False}, "notice-incomplete"),
        ({"accurate": False}, "notice-incomplete"),
        ({"text": "   "}, "invalid-request"),
        ({"ground": "because"}, "invalid-request"),
        ({"subject": "7"}, "invalid-request"),
        ({"subject": "sha256:" + "0" * 64}, "invalid-request"),
        ({"subject": "7f1d6a52-8f0e-4f5c-9d3c-0c8f1f6b2a11"}, "nothing-to-dispute"),
        ({"subject_kind": "image", "subject": "sha256:" + "0" * 64}, "nothing-to-dispute"),
    ],
)
def test_a_notice_that_lacks_something_is_not_taken(work: Work, change: dict[str, Any], code: str) -> None:
    is_problem(Caller().post("/api/v1/disputes", {**notice_against("work", work.pk), **change}), 422, code)
    assert not Dispute.objects.exists() and not DisputeEvent.objects.exists()
    assert "DisputeOpened" not in kinds_of_entries()


def test_the_same_account_has_one_open_notice_against_a_subject(work: Work) -> None:
    claimant = Caller(an_artist("claimant"))
    given("work", work.pk, claimant)
    again = claimant.post("/api/v1/disputes", notice_against("work", work.pk, contact="other@example.org"))
    is_problem(again, 409, "notice-already-open")
    assert Dispute.objects.count() == 1


def test_a_stranger_who_knows_a_contact_does_not_learn_who_gave_notice(work: Work) -> None:
    first, _ = given("work", work.pk)
    second, _ = given("work", work.pk, contact=WORDS["contact"].upper())
    assert first != second and Dispute.objects.count() == 2


def test_who_was_only_invited_to_the_owning_party_neither_reads_nor_answers_a_notice(
    work: Work, owner: Account, auditor: Account
) -> None:
    address, _ = given("work", work.pk)
    found_complete(address, auditor)
    guest, vera = an_artist("invited"), an_auditor("invited auditor")
    for account in (guest, vera):
        invite_member(actor=owner.actor(), party=work.owner, account_id=account.pk)
    assert Caller(guest).get(address).status_code == 404
    assert Caller(vera).get(address).json()["side"] == "auditor"
    assert Caller(vera).post(f"{address}/counter-notice", {"text": "Ours."}).status_code in (403, 404)
    assert Dispute.objects.get().state == "complete"


@pytest.mark.parametrize("data", [b"<script>alert(1)</script>", b"\0\1\2", b"MZ\x90\0", b"<svg onload=x>"])
def test_evidence_that_is_no_picture_document_or_text_is_refused(work: Work, data: bytes) -> None:
    fields = {**notice_against("work", work.pk), "evidence": SimpleUploadedFile("a.png", data)}
    answer = Client().post("/api/v1/disputes", fields)
    is_problem(answer, 422, "evidence-unfit")
    assert not Dispute.objects.exists()


def test_a_claimant_without_an_account_can_have_an_ended_notice_erased(work: Work) -> None:
    address, secret = given("work", work.pk)
    claimant = Caller(**{"Dispute-Secret": secret})
    is_problem(claimant.post(f"{address}/erasure"), 409, "wrong-step")
    claimant.post(f"{address}/withdrawal")
    assert claimant.post(f"{address}/erasure").status_code == 204
    dispute = Dispute.objects.get()
    assert not dispute.claimant_name and not dispute.claimant_contact
    assert not DisputeEvent.objects.exclude(text="").exists()
    assert claimant.get(address).status_code == 404
    assert kinds_of_entries()[-1] == "NoticeErased"


def test_no_name_or_word_of_a_claimant_enters_the_log(work: Work, auditor: Account) -> None:
    address, _ = given("work", work.pk)
    found_complete(address, auditor)
    said = str(list(Opening.objects.values_list("details", flat=True)))
    assert not any(word in said for word in (*WORDS.values(), "All is said."))


@pytest.mark.django_db(transaction=True)
def test_the_public_report_tells_of_a_dispute_and_not_that_the_picture_was_changed(
    work: Work, auditor: Account, keys: Path
) -> None:
    style = a_style(a_model(), works=[work], licence="CC0-1.0")
    a_request(an_artist("guest"), **in_style(style))
    assert render_next(worker=a_worker(keys))
    picture = storage.load(Output.objects.get().digest)

    def verdict() -> dict[str, Any]:
        return Caller().upload("/api/v1/verifications", picture).json()

    before = {one["code"]: one for one in verdict()["checks"]}
    assert before["dispute"]["result"] == "passed"
    found_complete(given("work", work.pk)[0], auditor)
    told = verdict()
    after = {one["code"]: one for one in told["checks"]}
    assert after["dispute"]["result"] == "failed" and told["state"] == verdict()["state"] != "failed"
    assert "dispute" in told["summary"]["en"] and "争议" in told["summary"]["zh-Hans"]
    assert after["dispute"]["evidence"]["disputes"][0]["subject"] == str(work.pk)
    assert WORDS["name"] not in str(told)


@pytest.mark.django_db(transaction=True)
def test_an_image_can_be_disputed_by_whom_it_shows_and_answered_by_who_asked_for_it(
    auditor: Account, keys: Path
) -> None:
    a_model()
    guest = an_artist("guest")
    a_request(guest)
    assert render_next(worker=a_worker(keys))
    digest = Output.objects.get().digest
    address, _ = given("image", digest, ground="shows-me")
    found_complete(address, auditor)
    assert Caller(guest).get(address).json()["side"] == "respondent"
    assert Caller(guest).post(f"{address}/counter-notice", {"text": "Invented."}).json()["state"] == "answered"
    assert Caller(auditor).post(f"{address}/resolution", {"upheld": True, "reason": "Yes."}).status_code == 200


def test_the_page_takes_a_notice_and_shows_how_it_stands_without_an_account(work: Work, auditor: Account) -> None:
    page = Client()
    fields = {
        "subject_kind": "work", "subject": str(work.pk), "ground": "mine", "good_faith": "on", "accurate": "on",
        **WORDS,
    }  # fmt: skip
    lacking = page.post("/notice", {**fields, "accurate": ""})
    assert lacking.status_code == 422 and not Dispute.objects.exists()
    given_page = page.post("/notice", fields)
    assert given_page.status_code == 201
    dispute = Dispute.objects.get()
    found = re.search(r"<code>([\w-]{43})</code>", given_page.content.decode())
    assert found is not None and str(dispute.pk) in given_page.content.decode()
    found_complete(f"/api/v1/disputes/{dispute.pk}", auditor)
    told = page.post("/notice/follow", {"number": str(dispute.pk), "secret": found[1]})
    assert told.status_code == 200 and "new uses have stopped" in told.content.decode()
    assert page.post("/notice/follow", {"number": str(dispute.pk), "secret": "no"}).status_code == 404
