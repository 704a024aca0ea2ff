"""What several share is offered by one of them only where all agreed that it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from provenance.audit_log.models import Entry
from provenance.licensing.actions.offering import offer_by_grant, offer_openly
from provenance.licensing.errors import OwnersNotAgreed, WorksNotOffered
from provenance.licensing.models import Offer
from provenance.works.models import Party, Work
from server.accounts.models import Account
from tests.factories.records import a_party, a_request, a_work, an_artist, as_image
from tests.factories.shops import PRICE, USES, Shop, a_shop, stand_on
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db


@dataclass
class Shared:
    """A shop with a style and a work, and an inker who is to share in them."""

    shop: Shop
    work: Work
    inker: Account
    inkers: Party

    def subject(self, kind: str) -> str:
        return str({"style": self.shop.style.pk, "work": self.work.pk, "party": self.shop.party.pk}[kind])

    def offer(self, kind: str, **more: Any) -> Any:
        body = {"subject_kind": kind, "subject": self.subject(kind), "permissions": ["derive", *USES], **more}
        return Caller(self.shop.owner).post("/api/v1/offers", body)

    def split(self, kind: str, *, consents: bool = True, **more: Any) -> dict[str, Any]:
        """Propose over HTTP that the inker shares, and let the inker consent."""
        shares = [{"party": str(party.pk), "basis_points": 5_000} for party in (self.shop.party, self.inkers)]
        address = f"/api/v1/{kind}s/{self.subject(kind)}/splits"
        answer = Caller(self.shop.owner).post(address, {"shares": shares, **more})
        assert answer.status_code == 201, answer.content
        if consents:
            answer = Caller(self.inker).post(f"{address}/consent", {"party": str(self.inkers.pk)})
            assert answer.status_code == 200, answer.content
        return dict(answer.json())


@pytest.fixture
def shared() -> Shared:
    shop, inker = a_shop(), an_artist("ink")
    return Shared(shop, a_work(shop.owner, shop.party), inker, a_party("Inker", member=inker))


@pytest.mark.parametrize("kind", ["work", "style"])
@pytest.mark.parametrize("terms", [{}, {"price": PRICE}, {"is_open": True}], ids=str)
def test_what_is_shared_is_not_offered_by_its_owner_alone(shared: Shared, kind: str, terms: dict[str, Any]) -> None:
    assert shared.split(kind)["offered_by"] == "together"
    before = Entry.objects.count()
    answer = shared.offer(kind, **terms)
    is_problem(answer, 409, "owners-not-agreed")
    assert "Inker" in answer.json()["detail"] and not Offer.objects.exists() and Entry.objects.count() == before


@pytest.mark.parametrize("kind", ["work", "style"])
def test_no_other_way_of_offering_goes_round_it(shared: Shared, kind: str) -> None:
    shared.split(kind)
    told = {"actor": shared.shop.owner.actor(), "party": shared.shop.party, "subject_kind": kind}
    subject = shared.shop.style.pk if kind == "style" else shared.work.pk
    with pytest.raises(OwnersNotAgreed):
        offer_by_grant(**told, subject_id=subject)
    with pytest.raises(OwnersNotAgreed):
        offer_openly(**told, subject_id=subject, licence="CC-BY-4.0")
    assert not Offer.objects.exists()


@pytest.mark.parametrize("kind", ["work", "style"])
def test_the_owner_offers_once_all_have_agreed_on_that(shared: Shared, kind: str) -> None:
    shared.split(kind)
    agreed = shared.split(kind, consents=False, offered_by="owner")
    is_problem(shared.offer(kind), 409, "owners-not-agreed")
    Caller(shared.inker).post(
        f"/api/v1/{kind}s/{shared.subject(kind)}/splits/consent", {"party": str(shared.inkers.pk)}
    )
    assert agreed["offered_by"] == "owner" and shared.offer(kind).status_code == 201
    proposed = Entry.objects.filter(kind="SplitProposed").order_by("at", "id")
    assert [entry.opening.details.get("offered_by") for entry in proposed] == [None, "owner"]


def test_a_share_lets_nobody_offer_but_the_owner(shared: Shared) -> None:
    shared.split("work", offered_by="owner")
    body = {"subject_kind": "work", "subject": shared.subject("work"), "permissions": USES}
    is_problem(Caller(shared.inker).post("/api/v1/offers", body), 403, "not-the-owner")


def test_who_acts_for_everybody_needs_no_agreement_on_it(shared: Shared) -> None:
    shared.split("work")
    shared.inkers.members.create(account_id=shared.shop.owner.pk)
    assert shared.offer("work").status_code == 201


def test_an_offer_from_before_stands_and_has_no_next_version_until_all_agree(shared: Shared) -> None:
    offer = shared.offer("work").json()
    shared.split("work")
    caller = Caller(shared.shop.owner)
    is_problem(caller.post(f"/api/v1/offers/{offer['id']}/versions", {"permissions": USES}), 409, "owners-not-agreed")
    assert caller.get(f"/api/v1/offers/{offer['id']}").json()["state"] == "standing"


def test_everything_of_a_party_is_not_what_it_shares_unless_it_offers_for_all(shared: Shared) -> None:
    mara = an_artist("mara")
    offer = shared.offer("party").json()
    assert Caller(mara).post(f"/api/v1/offers/{offer['id']}/grants").status_code == 201
    states = []
    for more in (None, {}, {"offered_by": "owner"}):
        if more is not None:
            shared.split("work", **more)
        states.append(a_request(mara, **as_image(shared.work)).state)
    assert states == ["queued", "refused", "queued"]


def test_a_style_over_a_shared_work_is_bounded_by_no_offer_of_everything(shared: Shared) -> None:
    noa = an_artist("noa")
    party = a_party("Noa", member=noa)
    style = shared.shop.style
    style.owner = party
    style.save()
    stand_on(style, shared.work)
    assert shared.offer("party").status_code == 201
    told = {"actor": noa.actor(), "party": party, "subject_kind": "style", "subject_id": style.pk}
    assert offer_by_grant(**told)
    shared.split("work")
    with pytest.raises(WorksNotOffered):
        offer_by_grant(**told)


def test_a_style_over_the_owners_own_shared_work_is_offered_where_the_split_lets_the_owner_offer(
    shared: Shared,
) -> None:
    stand_on(shared.shop.style, shared.work)
    shared.split("work")
    is_problem(shared.offer("style"), 409, "works-not-offered")
    shared.split("work", offered_by="owner")
    assert shared.offer("style").status_code == 201


def test_an_own_work_that_all_agreed_to_offer_bounds_the_style_as_a_work_of_others_does(shared: Shared) -> None:
    stand_on(shared.shop.style, shared.work)
    open_to_all = {"is_open": True, "permissions": USES[:1]}
    assert shared.offer("work", **open_to_all).status_code == 201
    shared.split("work")
    narrowed = shared.offer("style", permissions=USES)
    assert narrowed.status_code == 201 and narrowed.json()["terms"]["permissions"] == USES[:1]
    withdrawn = Offer.objects.get(subject_id=shared.work.pk)
    Caller(shared.shop.owner).post(f"/api/v1/offers/{withdrawn.pk}/withdraw")
    assert Offer.objects.get(pk=withdrawn.pk).withdrawn_at
    is_problem(shared.offer("style", **open_to_all), 409, "works-not-offered")
