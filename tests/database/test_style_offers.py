"""Offers of a style over works of others: bounded by every one of them, refused where one has no terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from provenance.audit_log.models import Entry
from provenance.licensing.actions.offering import offer_by_grant, offer_openly
from provenance.licensing.actions.styles import rebind_style
from provenance.licensing.errors import TermsTooWide, WorkNotUsable, WorksNotOffered
from provenance.licensing.models import Offer
from provenance.licensing.terms import TRAIN
from provenance.works.actions.parties import record_party
from provenance.works.actions.splits import consent_to_split, propose_split
from provenance.works.errors import NotTheOwner
from provenance.works.models import Party, Style, Work
from server.accounts.models import Account
from tests.factories.records import a_model, a_party, a_style, a_work, an_artist
from tests.factories.shops import PRICE, USES, Shop, a_shop, stand_on
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db
Offering = Callable[["Stand"], object]


@dataclass
class Stand:
    """A shop whose style stands on a private work of another painter, who offers it on no terms."""

    shop: Shop
    painter: Account
    party: Party
    work: Work

    @property
    def style(self) -> Style:
        return self.shop.style

    @property
    def subject(self) -> dict[str, Any]:
        """Return what an action is told of the style."""
        return {
            "actor": self.shop.owner.actor(), "party": self.shop.party, "subject_kind": "style",
            "subject_id": self.style.pk,
        }  # fmt: skip

    def offer_work(self, **more: Any) -> dict[str, Any]:
        body = {"subject_kind": "work", "subject": str(self.work.pk), "permissions": USES, **more}
        answer = Caller(self.painter).post("/api/v1/offers", body)
        assert answer.status_code == 201, answer.content
        return dict(answer.json())

    def agree(
        self,
        subject: Style | Work,
        owner: Account,
        *parties: tuple[Party, Account | None],
        offered_by: str = "owner",
    ) -> None:
        """Let an owner, who offers for all unless it is said otherwise, and some parties share in a style or work."""
        points = 10_000 // (len(parties) + 1)
        shares = {party.pk: points for party, _ in parties} | {subject.owner_id: 10_000 - points * len(parties)}
        propose_split(actor=owner.actor(), subject=subject, shares=shares, offered_by=offered_by)
        for party, account in parties:
            if account:
                consent_to_split(actor=account.actor(), subject=subject, party=party)


@pytest.fixture
def stand() -> Stand:
    shop, painter = a_shop(), an_artist("pia")
    party = a_party("Pia", member=painter)
    work = a_work(painter, party, seed=3, title="Private wave")
    stand_on(shop.style, work)
    return Stand(shop, painter, party, work)


def openly(stand: Stand) -> object:
    return offer_openly(**stand.subject, licence="CC-BY-4.0")


def by_grant(stand: Stand) -> object:
    return offer_by_grant(**stand.subject)


def refused(stand: Stand, offering: Offering, *, naming: Work | None = None) -> None:
    """Every owner without terms stops the offer: the refusal names the work, and nothing is written."""
    before = Entry.objects.count(), Offer.objects.count()
    with pytest.raises(WorksNotOffered) as fault:
        offering(stand)
    for language in ("en", "zh-Hans"):
        assert str((naming or stand.work).pk) in fault.value.said(language)
    assert "Private" not in fault.value.said("en"), "a private work's title is its owner's"
    assert (Entry.objects.count(), Offer.objects.count()) == before


@pytest.mark.parametrize("offering", [openly, by_grant])
def test_a_work_of_somebody_else_without_terms_refuses_the_offer(stand: Stand, offering: Offering) -> None:
    refused(stand, offering)


@pytest.mark.parametrize("terms", [{}, {"price": PRICE}, {"licence": "CC-BY-4.0", "is_open": True}], ids=str)
def test_over_http_the_refusal_says_which_works_and_what_to_do(stand: Stand, terms: dict[str, Any]) -> None:
    body = stand.shop.body(**terms)
    if "licence" in terms:
        del body["permissions"]
    answer = Caller(stand.shop.owner).post("/api/v1/offers", body)
    is_problem(answer, 409, "works-not-offered")
    assert str(stand.work.pk) in answer.content.decode() and not Offer.objects.exists()


def test_a_stranger_is_told_nothing_of_the_works_behind_a_style(stand: Stand) -> None:
    stranger = an_artist("noa")
    answer = Caller(stranger).post("/api/v1/offers", stand.shop.body())
    is_problem(answer, 403, "not-the-owner")
    assert str(stand.work.pk) not in answer.content.decode()
    with pytest.raises(NotTheOwner):
        offer_by_grant(**stand.subject | {"actor": stranger.actor()})


@pytest.mark.parametrize("state", ["pause", "withdraw"])
def test_terms_that_do_not_stand_are_none(stand: Stand, state: str) -> None:
    offer = stand.offer_work()
    assert Caller(stand.painter).post(f"/api/v1/offers/{offer['id']}/{state}").status_code == 200
    refused(stand, by_grant)


def test_with_terms_for_every_work_the_offer_is_within_each(stand: Stand) -> None:
    other = an_artist("quin")
    second = a_work(other, a_party("Quin", member=other), seed=4, title="Private dune", licence="")
    stand.style.works.add(second)
    stand.offer_work(price=PRICE, territories=["DE"])
    refused(stand, by_grant, naming=second)
    body = {"subject_kind": "work", "subject": str(second.pk), "permissions": ["gen:reference"], "label": True}
    assert Caller(other).post("/api/v1/offers", body).status_code == 201
    terms = stand.shop.offer()["terms"]
    assert terms["permissions"] == ["gen:reference"] and terms["price"] == PRICE
    assert [one["rightOperand"] for one in terms["constraints"]] == [["DE"]]
    assert [duty["action"] for duty in terms["duties"]] == ["gen:label"]


def test_an_offer_to_everyone_does_not_get_round_a_work_that_is_only_granted(stand: Stand) -> None:
    stand.offer_work(price=PRICE)
    before = Entry.objects.count()
    with pytest.raises(TermsTooWide, match=str(stand.work.pk)):
        openly(stand)
    assert Entry.objects.count() == before and Offer.objects.count() == 1


# ---- whose works need no terms --------------------------------------------------------------------------------


@pytest.mark.parametrize("offering", [openly, by_grant])
def test_who_acts_for_the_works_owner_too_needs_no_terms(stand: Stand, offering: Offering) -> None:
    stand.party.members.create(account_id=stand.shop.owner.pk)
    assert offering(stand)


@pytest.mark.parametrize("offering", [openly, by_grant])
def test_an_owner_who_agreed_on_the_styles_split_needs_no_terms(stand: Stand, offering: Offering) -> None:
    stand.agree(stand.style, stand.shop.owner, (stand.party, None))
    refused(stand, offering)
    consent_to_split(actor=stand.painter.actor(), subject=stand.style, party=stand.party)
    assert offering(stand)


def test_who_agreed_to_give_a_share_up_has_agreed(stand: Stand) -> None:
    stand.agree(stand.style, stand.shop.owner, (stand.party, stand.painter))
    noa = an_artist("noa")
    other = a_party("Noa", member=noa)
    propose_split(
        actor=stand.shop.owner.actor(), subject=stand.style, shares={stand.shop.party.pk: 9_000, other.pk: 1_000},
        offered_by="owner",
    )
    consent_to_split(actor=noa.actor(), subject=stand.style, party=other)
    assert by_grant(stand), "the painter's split stands until the painter consents to another"
    consent_to_split(actor=stand.painter.actor(), subject=stand.style, party=stand.party)
    assert by_grant(stand), "the painter gave the share up, and agreed to it"


def test_one_co_owner_does_not_stand_for_the_other(stand: Stand) -> None:
    inker = an_artist("ink")
    inkers = a_party("Inker", member=inker)
    stand.agree(stand.work, stand.painter, (inkers, inker))
    stand.agree(stand.style, stand.shop.owner, (stand.party, stand.painter))
    refused(stand, by_grant)
    stand.agree(stand.style, stand.shop.owner, (stand.party, stand.painter), (inkers, inker))
    assert by_grant(stand)


def test_a_co_owner_of_ones_own_work_is_asked_too(stand: Stand) -> None:
    inker = an_artist("ink")
    inkers = a_party("Inker", member=inker)
    own = a_work(stand.shop.owner, stand.shop.party, seed=8, title="Private sketch")
    stand_on(stand.style, own)
    assert by_grant(stand)
    stand.agree(own, stand.shop.owner, (inkers, inker), offered_by="together")
    refused(stand, by_grant, naming=own)
    stand.agree(own, stand.shop.owner, (inkers, inker), offered_by="owner")
    assert by_grant(stand), "all who share left it to the owner to offer"


def test_a_guardian_acts_for_the_works_of_a_ward(stand: Stand) -> None:
    Party.objects.filter(pk=stand.party.pk).update(is_minor=True, guardian=stand.shop.party)
    assert by_grant(stand)


# ---- works under a public licence -----------------------------------------------------------------------------


def public_work(licence: str) -> Work:
    """List a work of a party that was recorded from a public licence, which offers everything of its own."""
    owner = an_artist("importer")
    party = record_party(actor=owner.actor(), name="OpenMoji", origin="public-licence", member=owner.pk)
    work = a_work(owner, party, seed=5, title="Smile")
    Work.objects.filter(pk=work.pk).update(licence=licence)
    offer_openly(actor=owner.actor(), party=party, subject_kind="party", subject_id=party.pk, licence=licence)
    return work


def test_a_work_under_a_public_licence_bounds_the_offer_by_its_owners_terms(stand: Stand) -> None:
    stand_on(stand.style, public_work("CC-BY-SA-4.0"))
    with pytest.raises(TermsTooWide, match="Smile"):
        openly(stand)
    offer = offer_by_grant(**stand.subject)
    assert "nextPolicy" in {duty["action"] for duty in offer.terms["duties"]}


# ---- other works, and works added later -----------------------------------------------------------------------


def rebound(stand: Stand, *works: Work) -> None:
    rebind_style(
        actor=stand.shop.owner.actor(), style=stand.style, works=works, model_digest=stand.style.model_digest, token="t"
    )


@pytest.fixture
def offered(stand: Stand) -> Stand:
    """The stand with its style offered on a work of the shop's own, by grant and for sale."""
    stand_on(stand.style, a_work(stand.shop.owner, stand.shop.party, seed=7, title="Own"))
    stand.shop.offer()
    return stand


def test_a_style_is_not_tied_to_works_of_others_without_terms(offered: Stand) -> None:
    before = Entry.objects.count()
    with pytest.raises(WorkNotUsable, match=str(offered.work.pk)):
        rebound(offered, *offered.style.works.all(), offered.work)
    assert offered.style.works.count() == 1 and Entry.objects.count() == before


@pytest.mark.parametrize("change", ["", "pause"])
def test_an_offer_by_grant_holds_for_a_work_added_later_or_the_work_is_not_added(offered: Stand, change: str) -> None:
    if change:
        Caller(offered.shop.owner).post(f"/api/v1/offers/{Offer.objects.get().pk}/{change}")
    licensed = a_work(offered.painter, offered.party, seed=9, title="Not for sale", licence="CC-BY-NC-4.0")
    before = Entry.objects.count()
    with pytest.raises(TermsTooWide, match="Not for sale"):
        rebound(offered, *offered.style.works.all(), licensed)
    assert offered.style.works.count() == 1 and Entry.objects.count() == before


def test_a_grant_that_stands_holds_for_a_work_added_later_although_its_offer_is_over(offered: Stand) -> None:
    offer, mara = Offer.objects.get(), an_artist("mara")
    grant = Caller(mara).post(f"/api/v1/offers/{offer.pk}/grants").json()
    Caller(offered.shop.owner).post(f"/api/v1/offers/{offer.pk}/withdraw")
    licensed = a_work(offered.painter, offered.party, seed=9, title="Not for sale", licence="CC-BY-NC-4.0")
    with pytest.raises(TermsTooWide, match="Not for sale"):
        rebound(offered, licensed)
    Caller(offered.shop.owner).post(f"/api/v1/grants/{grant['id']}/revoke")
    rebound(offered, licensed)
    assert offered.style.works.get() == licensed


def test_the_next_version_of_an_offer_is_bounded_by_works_added_since(offered: Stand) -> None:
    offer = Offer.objects.get()
    stand_on(offered.style, offered.work)
    again = {"permissions": USES}
    caller = Caller(offered.shop.owner)
    is_problem(caller.post(f"/api/v1/offers/{offer.pk}/versions", again), 409, "works-not-offered")
    offer.refresh_from_db()
    assert offer.superseded_at is None
    offered.offer_work(price=PRICE)
    assert caller.post(f"/api/v1/offers/{offer.pk}/versions", again).json()["terms"]["price"] == PRICE


def test_a_style_over_many_works_names_the_first_of_those_without_terms(stand: Stand) -> None:
    works = [a_work(stand.painter, stand.party, seed=seed, title="Private") for seed in range(20, 27)]
    stand_on(stand.style, *works)
    with pytest.raises(WorksNotOffered) as fault:
        by_grant(stand)
    named = [work for work in works if str(work.pk) in str(fault.value)]
    assert len(named) == 5 and "…" in str(fault.value)


def test_training_alone_is_no_licence_to_offer(stand: Stand) -> None:
    """What was granted to the style's owner for training bounds nothing: an offer to others needs others' terms."""
    style = a_style(a_model("Second"), party=stand.shop.party, slug="n", name="N", name_zh="", token="n", licence="")
    stand_on(style, stand.work)
    offer = stand.offer_work(permissions=[TRAIN])
    Caller(stand.shop.owner).post(f"/api/v1/offers/{offer['id']}/grants")
    answer = Caller(stand.shop.owner).post("/api/v1/offers", stand.shop.body(subject=str(style.pk)))
    is_problem(answer, 422, "terms-invalid")
