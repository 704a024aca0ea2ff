"""Parties: who acts for them, in which capacity, and what an auditor has seen of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from provenance.audit_log.models import Entry
from provenance.licensing.actions.offering import offer_openly
from provenance.licensing.models import Offer
from provenance.works.actions.parties import (
    declare_capacity,
    own_party,
    record_guardianship,
    record_party,
    require_authority,
    review_claim,
)
from provenance.works.errors import CapacityEnded, GuardianNeeded, NotVerified
from provenance.works.models import Party, PartyMember
from provenance.works.queries import require_payable
from server.accounts.models import Account
from tests.factories.records import a_party, a_work, an_artist, an_auditor, kinds_of_entries
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db
PARTIES = "/api/v1/parties"


def founded(account: Account, **more: Any) -> dict[str, Any]:
    answer = Caller(account).post(PARTIES, {"name": "Studio", **more})
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def test_whoever_makes_a_party_known_acts_for_it_and_it_is_self_declared() -> None:
    artist = an_artist()
    until = "2030-01-01T00:00:00Z"
    made = founded(artist, kind="organisation", capacity="agent", evidence="a contract", until=until)
    assert (made["claim"], made["capacity"], made["capacity_until"]) == ("self-declared", "agent", until)
    assert made["members"] == [{"account": str(artist.pk), "is_invited": False}]
    assert [one["id"] for one in Caller(artist).pages(PARTIES)] == [made["id"]]
    assert Caller(an_artist("noa")).pages(PARTIES) == []
    is_problem(Caller(an_artist("ida")).get(f"{PARTIES}/{made['id']}"), 404, "unknown-party")
    assert kinds_of_entries() == ["PartyRecorded", "CapacityDeclared"]


@pytest.mark.parametrize("wrong", [{"name": ""}, {"capacity": "king"}, {"claim": "identity-verified"}, {"kind": "cat"}])
def test_a_party_that_says_something_wrong_is_not_made_known(wrong: dict[str, str]) -> None:
    is_problem(Caller(an_artist()).post(PARTIES, {"name": "Studio", **wrong}), 422, "invalid-request")
    assert not Party.objects.exists() and not Entry.objects.exists()


def test_an_account_acts_for_a_party_only_once_it_has_accepted() -> None:
    artist, friend = an_artist(), an_artist("noa")
    party = founded(artist)
    place = f"{PARTIES}/{party['id']}"
    assert Caller(artist).post(f"{place}/members", {"account": str(friend.pk)}).status_code == 201
    is_problem(Caller(artist).post(f"{place}/members", {"account": str(friend.pk)}), 409, "already-member")
    is_problem(Caller(friend).post(f"{place}/capacity", {"capacity": "agent"}), 403, "not-the-owner")
    assert own_party(actor=friend.actor(), name="Noa").pk != Party.objects.get(name="Studio").pk
    assert Caller(friend).post(f"{place}/join").status_code == 200
    assert Caller(friend).post(f"{place}/capacity", {"capacity": "agent"}).status_code == 200
    is_problem(Caller(friend).post(f"{place}/join"), 404, "not-invited")


def test_a_member_leaves_and_the_last_one_stays() -> None:
    artist, friend = an_artist(), an_artist("noa")
    place = f"{PARTIES}/{founded(artist)['id']}"
    Caller(artist).post(f"{place}/members", {"account": str(friend.pk)})
    is_problem(Caller(artist).delete(f"{place}/members/{artist.pk}"), 409, "last-member")
    Caller(friend).post(f"{place}/join")
    assert Caller(artist).delete(f"{place}/members/{artist.pk}").status_code == 204
    is_problem(Caller(artist).get(place), 404, "unknown-party")
    is_problem(Caller(friend).delete(f"{place}/members/{uuid4()}"), 404, "not-invited")
    assert list(PartyMember.objects.values_list("account_id", flat=True)) == [friend.pk]


def test_only_an_auditor_says_how_far_a_claim_is_borne_out() -> None:
    artist, auditor = an_artist(), an_auditor()
    place = f"{PARTIES}/{founded(artist)['id']}/claim"
    wanted = {"claim": "identity-verified", "reason": "passport seen"}
    before = Entry.objects.count()
    is_problem(Caller(artist).post(place, wanted), 403, "not-permitted")
    assert Entry.objects.count() == before and Party.objects.get().claim == "self-declared"
    assert Caller(auditor).post(place, wanted).json()["claim"] == "identity-verified"
    assert Entry.objects.get(kind="ClaimReviewed").opening.details["reason"] == "passport seen"


def test_declaring_another_capacity_undoes_what_an_auditor_had_seen() -> None:
    artist = an_artist()
    party = a_party(member=artist)
    review_claim(actor=an_auditor().actor(), party=party, claim="identity-verified", reason="seen")
    assert declare_capacity(actor=artist.actor(), party=party, capacity="estate").claim == "self-declared"


def test_money_goes_to_a_verified_identity_alone() -> None:
    party, auditor = a_party(), an_auditor()
    for claim in ("self-declared", "evidence-reviewed"):
        review_claim(actor=auditor.actor(), party=party, claim=claim, reason="seen")
        with pytest.raises(NotVerified, match="Ada Painter"):
            require_payable(Party.objects.get(pk=party.pk))
    review_claim(actor=auditor.actor(), party=party, claim="identity-verified", reason="seen")
    require_payable(Party.objects.get(pk=party.pk))


def test_an_ended_capacity_gives_nothing_away_and_earns_nothing() -> None:
    artist = an_artist()
    party = a_party(member=artist)
    work = a_work(artist, party)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    party = declare_capacity(actor=artist.actor(), party=party, capacity="agent", until=yesterday)
    party = review_claim(actor=an_auditor().actor(), party=party, claim="identity-verified", reason="seen")
    with pytest.raises(CapacityEnded):
        offer_openly(
            actor=artist.actor(), party=party, subject_kind="work", subject_id=work.pk, licence="CC0-1.0"
        )
    with pytest.raises(NotVerified):
        require_payable(party)
    assert not Offer.objects.exists()


def test_a_minors_rights_are_given_away_by_the_guardian_alone() -> None:
    child, parent, auditor = an_artist("child"), an_artist("parent"), an_auditor()
    party = record_party(actor=child.actor(), name="Child", member=child.pk, is_minor=True)
    work = a_work(child, party)
    with pytest.raises(GuardianNeeded):
        offer_openly(actor=child.actor(), party=party, subject_kind="work", subject_id=work.pk, licence="CC0-1.0")
    guardian = a_party("Parent", member=parent)
    place = f"{PARTIES}/{party.pk}/guardian"
    body = {"is_minor": True, "guardian": str(guardian.pk), "reason": "birth certificate"}
    is_problem(Caller(parent).post(place, body), 403, "not-permitted")
    assert Caller(auditor).post(place, body).json()["guardian"] == str(guardian.pk)
    party = Party.objects.select_related("guardian").get(pk=party.pk)
    with pytest.raises(GuardianNeeded):
        require_authority(child.actor(), party)
    offer_openly(actor=parent.actor(), party=party, subject_kind="work", subject_id=work.pk, licence="CC0-1.0")
    with pytest.raises(NotVerified):
        require_payable(party)
    review_claim(actor=auditor.actor(), party=guardian, claim="identity-verified", reason="seen")
    require_payable(Party.objects.select_related("guardian").get(pk=party.pk))


def test_a_minor_comes_of_age_when_an_auditor_says_so() -> None:
    child = an_artist("child")
    party = record_party(actor=child.actor(), name="Child", member=child.pk, is_minor=True)
    record_guardianship(actor=an_auditor().actor(), party=party, is_minor=False, guardian=None, reason="is 18")
    require_authority(child.actor(), Party.objects.get(pk=party.pk))
