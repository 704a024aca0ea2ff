"""Rights that meet: a style and its owner's name, several works' grants, a party's offer and its works' splits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from generation.actions.rendering import render_next
from generation.actions.requesting import cancel_generation
from provenance.audit_log.models import Entry
from provenance.licensing.models import Grant, RoyaltyLine, Use
from provenance.licensing.money import Money
from provenance.works.actions.splits import consent_to_split, propose_split
from provenance.works.models import Party, Style, Work
from server.accounts.models import Account
from server.web.choices import style_groups_for
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_work,
    a_worker,
    an_artist,
    as_image,
    in_style,
)
from tests.factories.shops import PRICE, USES, Shop, a_shop, stand_on, take
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db
DE = {"exclusive": True, "territories": ["DE"]}
EXCLUSIVE = {**DE, "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2040-01-01T00:00:00Z"}


@pytest.fixture
def shop() -> Shop:
    return a_shop()


def an_offer(owner: Account, *, kind: str, subject: Any, **more: Any) -> dict[str, Any]:
    body = {"subject_kind": kind, "subject": str(subject), "permissions": ["derive", *USES], **more}
    answer = Caller(owner).post("/api/v1/offers", body)
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


# ---- a declared style and its owner's name --------------------------------------------------------------------


def test_a_declared_style_does_not_let_its_owner_be_named(shop: Shop, mara: Account) -> None:
    take(mara, shop.offer(permissions=["gen:reference", "commercialize"]))
    assert a_request(mara, **in_style(shop.style)).state == "queued"
    refused = a_request(mara, prompt="a cat by Ada Painter", **in_style(shop.style))
    assert refused.state == "refused"
    assert [one["kind"] for one in refused.decision["references"] if not one["permitted"]] == ["name"]


@pytest.mark.parametrize("disclosure", ["public", "private"])
def test_a_grant_of_both_is_paid_and_counted_once_for_a_picture(shop: Shop, mara: Account, disclosure: str) -> None:
    take(mara, shop.offer(price=PRICE, count=2))
    prompt = "a cat by Ada Painter"
    generation = a_request(mara, prompt=prompt, disclosure=disclosure, seeds=(1, 2), **in_style(shop.style))
    assert generation.state == "queued" and generation.decision["quote"]["total"] == "500"
    assert [(use.subject_kind, use.reserved) for use in Use.objects.all()] == [("style", 2)]


# ---- one's own style on works of others -----------------------------------------------------------------------


@dataclass
class Listed:
    """A work of another painter behind the shop's style, and the grant of it that the shop took."""

    painter: Account
    party: Party
    work: Work
    grant: Grant


def listed(shop: Shop, seed: int, **terms: Any) -> Listed:
    """Have the shop take a grant of a painter's work on some terms."""
    painter = an_artist(f"painter {seed}")
    party = a_party(f"Painter {seed}", member=painter)
    work = a_work(painter, party, seed=seed, title=f"Work {seed}")
    assert take(shop.owner, an_offer(painter, kind="work", subject=work.pk, **terms)).status_code == 201
    return Listed(painter, party, work, Grant.objects.get(offer__subject_id=work.pk))


@pytest.fixture
def three(shop: Shop) -> list[Listed]:
    """Three works behind the shop's style: priced, priced and counted, and neither."""
    found = [listed(shop, 1, price=PRICE), listed(shop, 2, price={**PRICE, "amount": "40"}, count=3), listed(shop, 3)]
    stand_on(shop.style, *(one.work for one in found))
    return found


@pytest.mark.django_db(transaction=True)
def test_every_grant_behind_an_own_style_is_held_counted_and_settled(
    shop: Shop, three: list[Listed], keys: Path
) -> None:
    generation = a_request(shop.owner, seeds=(1, 2), **in_style(shop.style))
    answer = generation.decision["references"][1]
    assert generation.state == "queued" and generation.decision["quote"]["total"] == "580" and answer["price"] is None
    priced = three[:2]
    assert [held["right"] for held in answer["works"]] == [str(one.grant.pk) for one in priced]
    rows = {use.right_id: (use.subject_kind, use.subject_id, use.is_counted, use.reserved) for use in Use.objects.all()}
    assert rows == {
        three[0].grant.pk: ("work", three[0].work.pk, False, 2),
        three[1].grant.pk: ("work", three[1].work.pk, True, 2),
    }
    assert render_next(worker=a_worker(keys))
    assert {use.settled for use in Use.objects.all()} == {2}
    earned = {line.party_id: line.amount for line in RoyaltyLine.objects.all()}
    assert earned == {three[0].party.pk: 250, three[1].party.pk: 40} and RoyaltyLine.objects.count() == 4
    for one, amount in ((three[0], "250"), (three[1], "40")):
        uses = Caller(one.painter).get(f"/api/v1/offers/{one.grant.offer_id}/uses").json()["results"]
        assert [(use["right"], use["amount"]) for use in uses] == [(str(one.grant.pk), amount)] * 2


def test_the_page_says_that_an_own_style_stands_on_works_that_are_paid_for(shop: Shop, three: list[Listed]) -> None:
    def told() -> list[str]:
        groups = style_groups_for(shop.owner.pk).usable
        return [str(style.price) for group in groups for style in group.styles if style.slug == shop.style.slug]

    assert told() == ["Works of others behind it are paid for with each picture."]
    stand_on(shop.style, three[2].work)
    assert told() == [""]


def test_each_use_of_an_own_style_is_on_the_terms_of_its_own_grant(shop: Shop, three: list[Listed]) -> None:
    a_request(shop.owner, **in_style(shop.style))
    assert {use.terms_digest for use in Use.objects.all()} == {one.grant.terms_digest for one in three[:2]}


def test_the_first_grant_to_run_out_stops_the_style_and_nothing_is_reserved(shop: Shop, three: list[Listed]) -> None:
    a_request(shop.owner, seeds=(1, 2), **in_style(shop.style))
    before = Use.objects.count()
    refused = a_request(shop.owner, seeds=(3, 4), **in_style(shop.style))
    assert refused.state == "refused" and Use.objects.count() == before
    assert a_request(shop.owner, seeds=(3,), **in_style(shop.style)).state == "queued"


def test_a_cancelled_request_gives_every_grants_uses_back(shop: Shop, three: list[Listed]) -> None:
    generation = a_request(shop.owner, seeds=(1, 2, 3), **in_style(shop.style))
    cancel_generation(actor=shop.owner.actor(), generation_id=generation.pk)
    assert [(use.reserved, use.released) for use in Use.objects.all()] == [(3, 3), (3, 3)]
    assert a_request(shop.owner, seeds=(1, 2, 3), **in_style(shop.style)).state == "queued"


def test_the_ceiling_holds_for_all_of_them_together(shop: Shop, three: list[Listed]) -> None:
    low = a_request(shop.owner, ceiling=Money(289, "EUR"), **in_style(shop.style))
    assert (low.state, low.fault["code"]) == ("refused", "above-ceiling")
    assert a_request(shop.owner, ceiling=Money(290, "EUR"), **in_style(shop.style)).state == "queued"


def test_two_currencies_behind_one_style_are_refused(shop: Shop) -> None:
    found = [listed(shop, 1, price=PRICE), listed(shop, 2, price={**PRICE, "currency": "USD"})]
    stand_on(shop.style, *(one.work for one in found))
    refused = a_request(shop.owner, **in_style(shop.style))
    assert refused.decision["references"][1]["reasons"][0]["code"] == "currencies-differ"
    assert refused.state == "refused" and not Use.objects.exists()


def test_one_grant_of_everything_of_a_painter_is_paid_once_for_a_picture(shop: Shop) -> None:
    painter = an_artist("pia")
    party = a_party("Pia", member=painter)
    works = [a_work(painter, party, seed=seed, title=f"Work {seed}") for seed in (1, 2)]
    take(shop.owner, an_offer(painter, kind="party", subject=party.pk, price=PRICE))
    stand_on(shop.style, *works)
    generation = a_request(shop.owner, **in_style(shop.style))
    assert generation.decision["quote"]["total"] == "250" and Use.objects.count() == 1


@dataclass
class Everything:
    """The shop's grant of all that a painter has, for three pictures, behind own styles on two works of hers."""

    works: list[Work]
    styles: list[Style]


@pytest.fixture
def everything(shop: Shop) -> Everything:
    painter = an_artist("pia")
    party = a_party("Pia", member=painter)
    works = [a_work(painter, party, seed=seed, title=f"Work {seed}") for seed in (1, 2)]
    take(shop.owner, an_offer(painter, kind="party", subject=party.pk, price=PRICE, count=3))
    names = {"slug": "second", "name": "Second", "name_zh": "", "token": "second", "licence": ""}
    second = a_style(a_model(), party=shop.party, **names)
    stand_on(shop.style, *works)
    stand_on(second, works[1])
    return Everything(sorted(works, key=lambda work: str(work.pk)), [shop.style, second])


@pytest.mark.parametrize("is_reversed", [False, True])
def test_which_work_a_grant_of_everything_is_paid_for_does_not_hang_on_titles(
    shop: Shop, everything: Everything, is_reversed: bool
) -> None:
    first, second = everything.works
    for work, title in ((first, "Aa"), (second, "Zz")) if is_reversed else ((first, "Zz"), (second, "Aa")):
        work.title = title
        work.save()
    a_request(shop.owner, **in_style(everything.styles[0]))
    assert Use.objects.get().subject_id == first.pk


def test_two_own_styles_under_one_grant_of_everything_are_paid_and_counted_once(
    shop: Shop, everything: Everything
) -> None:
    generation = a_request(shop.owner, seeds=(1, 2, 3), **in_style(*everything.styles))
    assert generation.state == "queued" and generation.decision["quote"]["total"] == "750"
    assert [(use.is_counted, use.reserved) for use in Use.objects.all()] == [(True, 3)]


@pytest.mark.parametrize("title", ["Work 1", "Work 2"])
def test_a_work_put_in_itself_is_the_one_that_the_grant_behind_a_style_is_paid_for(
    shop: Shop, everything: Everything, title: str
) -> None:
    work = next(work for work in everything.works if work.title == title)
    generation = a_request(shop.owner, **in_style(everything.styles[0]), **as_image(work))
    assert generation.decision["quote"]["total"] == "250" and Use.objects.get().subject_id == work.pk


def test_a_work_used_as_itself_too_is_paid_once_for_a_picture(shop: Shop, three: list[Listed]) -> None:
    generation = a_request(shop.owner, **in_style(shop.style), **as_image(three[0].work))
    assert generation.decision["quote"]["total"] == "290"
    assert sorted(use.price["amount"] for use in Use.objects.all()) == ["250", "40"]


# ---- a party's offer of everything ----------------------------------------------------------------------------


def test_a_grant_of_everything_pays_whoever_shares_in_the_work_that_is_used(shop: Shop, mara: Account) -> None:
    work, plain = a_work(shop.owner, shop.party), a_work(shop.owner, shop.party, seed=2, title="Alone")
    ben_account = an_artist("ben")
    ben = a_party("Ben Printer", member=ben_account)
    shares = {shop.party.pk: 6_000, ben.pk: 4_000}
    propose_split(actor=shop.owner.actor(), subject=work, shares=shares, offered_by="owner")
    consent_to_split(actor=ben_account.actor(), subject=work, party=ben)
    take(mara, an_offer(shop.owner, kind="party", subject=shop.party.pk, price=PRICE))
    paid = {share["party"]: share["basis_points"] for share in line_of(mara, work)["splits"]}
    assert paid == {str(shop.party.pk): 6_000, str(ben.pk): 4_000}
    assert [share["party"] for share in line_of(mara, plain)["splits"]] == [str(shop.party.pk)]


def line_of(account: Account, work: Work) -> dict[str, Any]:
    generation = a_request(account, **as_image(work))
    assert generation.state == "queued"
    return dict(generation.decision["references"][1]["price"])


# ---- exclusive in what touches it -----------------------------------------------------------------------------


@pytest.fixture
def subjects(shop: Shop) -> dict[str, Any]:
    """Have a style on one's own work, and both with their party by kind."""
    work = a_work(shop.owner, shop.party)
    stand_on(shop.style, work)
    return {"style": shop.style.pk, "work": work.pk, "party": shop.party.pk}


@pytest.mark.parametrize("first", ["style", "work", "party"])
@pytest.mark.parametrize("second", ["style", "work", "party"])
def test_an_exclusive_grant_reaches_the_party_the_works_and_the_styles_on_them(
    shop: Shop, mara: Account, subjects: dict[str, Any], first: str, second: str
) -> None:
    exclusive = an_offer(shop.owner, kind=first, subject=subjects[first], **EXCLUSIVE)
    plain = an_offer(shop.owner, kind=second, subject=subjects[second])
    noa = an_artist("noa")
    assert take(mara, exclusive).status_code == 201
    before = Entry.objects.count()
    is_problem(take(noa, plain), 409, "exclusive-elsewhere")
    assert Entry.objects.count() == before and Grant.objects.count() == 1
    Caller(shop.owner).post(f"/api/v1/grants/{Grant.objects.get().pk}/revoke")
    assert take(noa, plain).status_code == 201
    is_problem(take(mara, exclusive), 409, "granted-elsewhere")


def test_an_exclusive_grant_that_has_ended_is_in_nobodys_way(shop: Shop, mara: Account) -> None:
    ended = {**DE, "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2021-01-01T00:00:00Z"}
    assert take(mara, shop.offer(**ended)).status_code == 201
    assert take(an_artist("noa"), shop.offer()).status_code == 201


def test_an_exclusive_grant_of_another_partys_style_is_in_nobodys_way(shop: Shop, mara: Account) -> None:
    other = an_artist("pia")
    party: Party = a_party("Pia", member=other)
    style = a_style(a_model("Second"), party=party, slug="pias", name="Pias", name_zh="", token="pias", licence="")
    assert take(mara, an_offer(other, kind="style", subject=style.pk, **EXCLUSIVE)).status_code == 201
    assert take(an_artist("noa"), shop.offer()).status_code == 201
