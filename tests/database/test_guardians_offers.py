"""A minor's rights are given away by the guardian alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from provenance.audit_log.models import Entry
from provenance.licensing.models import Offer
from provenance.works.models import Party
from server.accounts.models import Account
from tests.factories.records import a_party, an_artist
from tests.factories.shops import PRICE, Shop, a_shop
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db


@dataclass
class Ward:
    """A shop of a minor, and the guardian who acts for the minor."""

    shop: Shop
    guardian: Account

    def offer(self, account: Account, **more: Any) -> Any:
        return Caller(account).post("/api/v1/offers", self.shop.body(**more))


@pytest.fixture
def ward() -> Ward:
    shop, guardian = a_shop(), an_artist("guardian")
    adult = a_party("Guardian", member=guardian)
    Party.objects.filter(pk=shop.party.pk).update(is_minor=True, guardian=adult)
    return Ward(shop, guardian)


def test_a_minor_offers_nothing_and_nothing_is_written(ward: Ward) -> None:
    before = Entry.objects.count()
    is_problem(ward.offer(ward.shop.owner), 403, "guardian-needed")
    assert not Offer.objects.exists() and Entry.objects.count() == before


def test_the_guardian_offers_for_the_minor_and_the_offer_is_the_minors(ward: Ward) -> None:
    offer = ward.offer(ward.guardian, price=PRICE, approval=True)
    assert offer.status_code == 201 and offer.json()["party"]["id"] == str(ward.shop.party.pk)
    mara = an_artist("mara")
    grant = Caller(mara).post(f"/api/v1/offers/{offer.json()['id']}/grants").json()
    assert grant["price"]["splits"] == [{"party": str(ward.shop.party.pk), "basis_points": 10_000}]
    told = Caller(ward.guardian).pages("/api/v1/me/notifications")
    assert [one["kind"] for one in told] == ["grant-requested"]
    is_problem(Caller(ward.shop.owner).post(f"/api/v1/grants/{grant['id']}/approve"), 403, "guardian-needed")
    assert Caller(ward.guardian).post(f"/api/v1/grants/{grant['id']}/approve").status_code == 200


@pytest.mark.parametrize("change", ["versions", "pause", "withdraw"])
def test_a_minor_changes_no_offer_either(ward: Ward, change: str) -> None:
    offer = ward.offer(ward.guardian).json()
    body = {"permissions": ["gen:reference", "commercialize"]} if change == "versions" else None
    is_problem(Caller(ward.shop.owner).post(f"/api/v1/offers/{offer['id']}/{change}", body), 403, "guardian-needed")
    assert Caller(ward.guardian).post(f"/api/v1/offers/{offer['id']}/{change}", body).status_code in {200, 201}


def test_a_guardian_of_somebody_else_offers_nothing(ward: Ward) -> None:
    other = an_artist("other guardian")
    a_party("Other", member=other)
    is_problem(ward.offer(other), 403, "not-the-owner")


def test_who_acts_for_the_minor_takes_no_grant_of_its_own_offer(ward: Ward) -> None:
    offer = ward.offer(ward.guardian, price=PRICE).json()
    answer = Caller(ward.shop.owner).post(f"/api/v1/offers/{offer['id']}/grants")
    is_problem(answer, 409, "own-offer")
