"""Claims: the no of an unverified party to what a checked one lists opens disputes, and ends as they end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from generation.actions.erasing import erase_person
from generation.errors import UnderDispute
from provenance.audit_log.models import Entry
from provenance.disputes.actions.assessing import pass_deadlines
from provenance.disputes.models import Dispute, DisputeEvent
from provenance.licensing.actions.opting_out import opt_out_picture
from provenance.licensing.models import OptOut
from provenance.works.actions.listing import register_work
from provenance.works.actions.parties import review_claim
from provenance.works.models import Flag, Work
from server.accounts.models import Account
from server.api.throttles import PerAccount
from tests.database.test_disputes import given
from tests.database.test_flags import a_painting, encoded, listed
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    an_artist,
    an_auditor,
    an_operator,
    as_image,
    kinds_of_entries,
)
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db
OPT_OUTS = "/api/v1/opt-outs"


@dataclass
class Claimed:
    """A stranger's claim to the picture that two checked painters list."""

    painters: list[Account]
    works: list[Work]
    stranger: Account
    claim: OptOut
    disputes: list[str]
    auditor: Caller

    def states(self) -> tuple[str, list[str]]:
        """Return the state of the claim, and of its disputes."""
        self.claim.refresh_from_db()
        found = Dispute.objects.filter(opt_out=self.claim.pk).order_by("received_at", "pk")
        return self.claim.state, [dispute.state for dispute in found]

    def uses(self) -> list[str]:
        """Return what becomes of a request of each painter with its own work."""
        pairs = zip(self.painters, self.works, strict=True)
        return [a_request(painter, **as_image(work)).state for painter, work in pairs]

    def assess(self, number: int, *, complete: bool = True) -> None:
        body = {"complete": complete, "reason": "looked at it"}
        answer = self.auditor.post(f"/api/v1/disputes/{self.disputes[number]}/assessment", body)
        assert answer.status_code == 200, answer.content

    def resolve(self, number: int, **body: Any) -> Any:
        told = {"upheld": True, "remedy": "opt-out", "reason": "looked at both", **body}
        return self.auditor.post(f"/api/v1/disputes/{self.disputes[number]}/resolution", told)


@pytest.fixture
def claimed() -> Claimed:
    auditor, eva = Caller(an_auditor("vera")), an_auditor("eva")
    painters = [an_artist("pia"), an_artist("quin")]
    forms = zip(painters, ("PNG", "JPEG"), strict=True)
    works = [listed(painter, painter.name, encoded(a_painting(), form)) for painter, form in forms]
    Work.objects.update(state="active")  # as an auditor leaves both, who were taught by the same master
    Flag.objects.all().update(decision="cleared", decided_at=timezone.now(), reason="both may")
    for work in works:
        review_claim(actor=eva.actor(), party=work.owner, claim="evidence-reviewed", reason="seen")
    a_model()
    stranger = an_artist("noa")
    said = Caller(stranger).upload(OPT_OUTS, encoded(a_painting(), "WEBP"), name="p.webp", kind="picture",
                                   evidence="I painted it in 2019.").json()  # fmt: skip
    claim = OptOut.objects.get(pk=said["id"])
    return Claimed(painters, works, stranger, claim, said["disputes"], auditor)


def test_a_claim_opens_a_dispute_over_every_work_of_a_checked_party_and_stops_nothing(claimed: Claimed) -> None:
    assert claimed.states() == ("awaiting-review", ["received"] * 2) and claimed.uses() == ["queued"] * 2
    found = Dispute.objects.filter(opt_out=claimed.claim.pk)
    assert {dispute.subject for dispute in found} == {str(work.pk) for work in claimed.works}
    assert {(dispute.ground, dispute.subject_kind, dispute.claimant_name) for dispute in found} == {
        ("opt-out", "work", "noa")
    }
    entries = Entry.objects.filter(kind="DisputeOpened")
    assert {entry.opening.details["opt_out"] for entry in entries} == {str(claimed.claim.pk)}


def test_both_sides_and_nobody_else_read_what_was_said(claimed: Claimed) -> None:
    address = f"/api/v1/disputes/{claimed.disputes[0]}"
    by_owner = {str(work.pk): painter for work, painter in zip(claimed.works, claimed.painters, strict=True)}
    owner = by_owner[Dispute.objects.get(pk=claimed.disputes[0]).subject]
    for account, side in ((claimed.stranger, "claimant"), (owner, "respondent")):
        told = Caller(account).get(address).json()
        assert (told["side"], told["opt_out"]) == (side, str(claimed.claim.pk))
        assert told["events"][0]["text"] == "I painted it in 2019."
    is_problem(Caller(an_artist("mara")).get(address), 404, "unknown-dispute")


def test_the_claimants_other_members_are_on_its_side(claimed: Claimed) -> None:
    friend = an_artist("friend")
    claimed.claim.party.members.create(account_id=friend.pk)
    assert Caller(friend).get(f"/api/v1/disputes/{claimed.disputes[0]}").json()["side"] == "claimant"


def test_nobody_decides_a_claim_but_in_its_dispute(claimed: Claimed) -> None:
    answer = claimed.auditor.post(f"{OPT_OUTS}/{claimed.claim.pk}/decision", {"is_upheld": True, "reason": "so"})
    assert answer.status_code == 404 and claimed.states()[0] == "awaiting-review"


def test_upheld_over_one_work_the_claim_holds_for_every_copy_and_its_other_disputes_end(claimed: Claimed) -> None:
    claimed.assess(0)
    assert sorted(claimed.uses()) == ["queued", "refused"], "the dispute stands over one of them"
    before = claimed.claim.recorded_at
    assert claimed.resolve(0).status_code == 200
    assert claimed.states() == ("active", ["upheld"] * 2) and claimed.uses() == ["refused"] * 2
    assert claimed.claim.recorded_at > before, "it is prospective"
    assert {work.state for work in Work.objects.all()} == {"active"}, "the claim stops them, not a rejection"
    assert kinds_of_entries().count("OptOutUpheld") == 1 and kinds_of_entries().count("DisputeEnded") == 2
    withdrawn = Caller(claimed.stranger).post(f"{OPT_OUTS}/{claimed.claim.pk}/withdraw")
    assert withdrawn.json()["state"] == "withdrawn" and claimed.uses() == ["queued"] * 2


def test_dismissed_over_one_work_it_waits_for_the_other_and_ends_with_it(claimed: Claimed) -> None:
    claimed.assess(0)
    claimed.resolve(0, upheld=False, remedy="")
    assert claimed.states() == ("awaiting-review", ["dismissed", "received"])
    claimed.assess(1)
    claimed.resolve(1, upheld=False, remedy="")
    assert claimed.states() == ("dismissed", ["dismissed"] * 2) and claimed.uses() == ["queued"] * 2
    assert kinds_of_entries().count("OptOutDismissed") == 1


def test_taking_the_claim_back_ends_its_disputes_and_what_they_stopped_goes_on(claimed: Claimed) -> None:
    claimed.assess(0)
    is_problem(Caller(claimed.painters[0]).post(f"{OPT_OUTS}/{claimed.claim.pk}/withdraw"), 404, "unknown-opt-out")
    assert Caller(claimed.stranger).post(f"{OPT_OUTS}/{claimed.claim.pk}/withdraw").status_code == 200
    assert claimed.states() == ("withdrawn", ["withdrawn"] * 2) and claimed.uses() == ["queued"] * 2


def test_taking_every_notice_back_takes_the_claim_back(claimed: Claimed) -> None:
    for number, state in ((0, "awaiting-review"), (1, "withdrawn")):
        address = f"/api/v1/disputes/{claimed.disputes[number]}/withdrawal"
        answer = Caller(claimed.stranger).post(address, {})
        assert answer.status_code == 200, answer.content
        assert claimed.states()[0] == state


def test_incomplete_claims_that_nobody_completes_lapse(claimed: Claimed) -> None:
    for number in (0, 1):
        claimed.assess(number, complete=False)
    Dispute.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert pass_deadlines() == 2 and claimed.states() == ("dismissed", ["lapsed"] * 2)


def test_a_rejected_work_upholds_the_claim_as_well(claimed: Claimed) -> None:
    claimed.assess(0)
    claimed.resolve(0, remedy="withdraw")
    assert claimed.states() == ("active", ["upheld"] * 2)
    assert sorted(work.state for work in Work.objects.all()) == ["active", "rejected"]


def test_only_a_claim_is_upheld_as_one(claimed: Claimed) -> None:
    notice = {
        "subject_kind": "work", "subject": str(claimed.works[0].pk), "ground": "opt-out", "name": "N", "contact": "c",
        "text": "no", "good_faith": True, "accurate": True,
    }  # fmt: skip
    claimed.disputes.append(Caller().post("/api/v1/disputes", notice).json()["id"])
    claimed.assess(2)
    is_problem(claimed.resolve(2), 422, "notice-incomplete")
    assert claimed.states()[0] == "awaiting-review"


def test_another_file_of_a_claimed_picture_opens_no_more_disputes(claimed: Claimed) -> None:
    entries = Entry.objects.count()
    again = {"name": "q.jpg", "kind": "picture"}
    answer = Caller(claimed.stranger).upload(OPT_OUTS, encoded(a_painting(), "JPEG", quality=70), **again)
    assert claimed.disputes[0] in is_problem(answer, 409, "notice-already-open")["detail"]
    assert (OptOut.objects.count(), Dispute.objects.count(), Entry.objects.count()) == (1, 2, entries)
    other = Caller(an_artist("mara")).upload(OPT_OUTS, encoded(a_painting(), "JPEG", quality=70), **again)
    assert other.status_code == 201 and len(other.json()["disputes"]) == 2, "what others claim does not stop her"
    Caller(claimed.stranger).post(f"{OPT_OUTS}/{claimed.claim.pk}/withdraw")
    answer = Caller(claimed.stranger).upload(OPT_OUTS, encoded(a_painting(), "JPEG", quality=70), **again)
    assert answer.status_code == 201, "one that is over does not count"


def test_the_no_to_ones_own_work_holds_where_its_copies_are_claimed_already(claimed: Claimed) -> None:
    own = listed_again(claimed)
    answer = Caller(claimed.stranger).post(OPT_OUTS, {"kind": "work", "subject": str(own.pk)})
    assert answer.status_code == 201 and answer.json()["state"] == "active", answer.content
    assert Dispute.objects.count() == 2 and OptOut.objects.count() == 2


def listed_again(claimed: Claimed) -> Work:
    """Return the picture as the stranger lists it too, which an auditor then lets stand."""
    data = encoded(a_painting(), "JPEG", quality=60)
    party, said = claimed.claim.party, {"title": "Mine", "rights_evidence": "painted"}
    own = register_work(actor=claimed.stranger.actor(), party=party, data=data, **said)
    Work.objects.filter(pk=own.pk).update(state="active")
    own.refresh_from_db()
    return own


def test_claims_are_taken_as_often_as_notices_and_any_other_no_is_not_counted(
    claimed: Claimed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PerAccount.THROTTLE_RATES, "notice", "1/hour")
    mara = Caller(an_artist("mara"))
    for seed in (7, 8):
        assert mara.upload(OPT_OUTS, encoded(a_painting(seed)), kind="picture").status_code == 201
    first = mara.upload(OPT_OUTS, encoded(a_painting(), "WEBP"), kind="picture").json()
    mara.post(f"{OPT_OUTS}/{first['id']}/withdraw")
    before = OptOut.objects.count(), Dispute.objects.count(), Entry.objects.count()
    answer = mara.upload(OPT_OUTS, encoded(a_painting(), "WEBP"), kind="picture")
    is_problem(answer, 429, "too-many-requests")
    assert int(answer["Retry-After"]) > 60
    assert (OptOut.objects.count(), Dispute.objects.count(), Entry.objects.count()) == before
    assert mara.upload(OPT_OUTS, encoded(a_painting(9)), kind="picture").status_code == 201


def test_who_stood_back_from_one_dispute_of_a_claim_upholds_none_of_them(claimed: Claimed) -> None:
    claimed.assess(0)
    assert claimed.auditor.post(f"/api/v1/disputes/{claimed.disputes[1]}/recusal", {}).status_code == 200
    is_problem(claimed.resolve(0), 403, "recused")
    assert claimed.states() == ("awaiting-review", ["complete", "received"])
    claimed.auditor = Caller(an_auditor("otto"))
    assert claimed.resolve(0).status_code == 200 and claimed.states() == ("active", ["upheld"] * 2)


def test_who_stood_back_from_one_dispute_of_a_claim_still_dismisses_another(claimed: Claimed) -> None:
    claimed.assess(0)
    claimed.auditor.post(f"/api/v1/disputes/{claimed.disputes[1]}/recusal", {})
    assert claimed.resolve(0, upheld=False, remedy="").status_code == 200
    assert claimed.states() == ("awaiting-review", ["dismissed", "received"])


def test_a_claim_that_ends_with_a_reassignment_takes_its_disputes_along(claimed: Claimed) -> None:
    Caller(claimed.stranger).post(f"{OPT_OUTS}/{claimed.claim.pk}/withdraw")
    own = listed_again(claimed)
    said = Caller(claimed.stranger).upload(OPT_OUTS, encoded(a_painting(), "WEBP"), kind="picture").json()
    claimed.claim, claimed.disputes = OptOut.objects.get(pk=said["id"]), said["disputes"]
    claimed.assess(0)
    assert sorted(claimed.uses()) == ["queued", "refused"]
    address, _ = given("work", own.pk)
    claimed.disputes.append(address.rsplit("/", 1)[1])
    claimed.assess(2)
    answer = claimed.resolve(2, remedy="reassign", new_owner=str(claimed.works[0].owner_id))
    assert answer.status_code == 200, answer.content
    assert claimed.states() == ("withdrawn", ["withdrawn"] * 2) and claimed.uses() == ["queued"] * 2
    told = Caller(claimed.stranger).get(f"/api/v1/disputes/{claimed.disputes[0]}").json()["events"][-1]
    assert (told["kind"], told["side"], told["text"]) == ("withdrawal", "colophon", f"dispute {claimed.disputes[2]}")


def test_a_claim_that_has_ended_is_upheld_no_more(claimed: Claimed) -> None:
    claimed.assess(0)
    OptOut.objects.update(state="withdrawn", ended_at=timezone.now())  # as a reassignment left it, once
    is_problem(claimed.resolve(0), 409, "wrong-step")
    assert claimed.states() == ("withdrawn", ["complete", "received"])
    assert claimed.resolve(0, upheld=False, remedy="").status_code == 200
    assert claimed.states() == ("withdrawn", ["dismissed", "received"]) and claimed.uses() == ["queued"] * 2


def test_a_claim_that_an_operator_took_from_a_list_names_its_party_only_until_that_is_erased(claimed: Claimed) -> None:
    Caller(claimed.stranger).post(f"{OPT_OUTS}/{claimed.claim.pk}/withdraw")
    own = listed_again(claimed)
    rows = f"id,kind,subject,digest,recorded_at\n,work,{own.pk},,\n".encode()
    taken = Caller(an_operator()).upload(f"{OPT_OUTS}/imports", rows, name="list.csv", source="noa's own list")
    assert taken.json()["recorded"] == 1, taken.content
    claimed.claim = OptOut.objects.get(subject_kind="picture", state="awaiting-review")
    found = Dispute.objects.filter(opt_out=claimed.claim.pk)
    assert {(one.claimant_name, one.claimant_account) for one in found} == {("noa", None)}
    assert {one.text for one in events_of(claimed)} == {"noa's own list"}
    with pytest.raises(UnderDispute):
        erase_person(actor=claimed.stranger.actor(), account_id=claimed.stranger.pk)
    claimed.disputes = [str(pk) for pk in found.order_by("received_at", "pk").values_list("pk", flat=True)]
    for number in (0, 1):
        claimed.assess(number)
        claimed.resolve(number, upheld=False, remedy="")
    erase_person(actor=claimed.stranger.actor(), account_id=claimed.stranger.pk)
    assert {(one.claimant_name, bool(one.erased_at)) for one in found.all()} == {("", True)}
    assert {one.text for one in events_of(claimed) if one.kind == "notice"} == {""}
    assert {one.text for one in events_of(claimed) if one.side == "auditor"} == {"looked at it", "looked at both"}


def events_of(claimed: Claimed) -> list[DisputeEvent]:
    return list(DisputeEvent.objects.filter(dispute__opt_out=claimed.claim.pk))


def test_a_claim_is_never_left_without_anybody_to_decide_it() -> None:
    work = listed(an_artist("pia"), "Pia", encoded(a_painting()))
    review_claim(actor=an_auditor().actor(), party=work.owner, claim="evidence-reviewed", reason="seen")
    noa = an_artist("noa")
    told = {"actor": noa.actor(), "party": a_party("Noa", member=noa), "source": "form"}
    with pytest.raises(AssertionError, match="needs somebody"):
        opt_out_picture(data=encoded(a_painting(), "JPEG"), **told)
    assert not OptOut.objects.exists()
