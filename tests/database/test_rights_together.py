"""Rights that meet: a style and its owner's name, several works' grants, a party's offer and its works' splits."""

from __future__ import annotations

from typing import Any

import pytest

from provenance.audit_log.models import Entry
from provenance.licensing.models import Grant, Use
from provenance.works.actions.splits import consent_to_split, propose_split
from provenance.works.models import Party, Work
from server.accounts.models import Account
from tests.factories.records import a_model, a_party, a_request, a_style, a_work, an_artist, as_image, in_style
from tests.factories.shops import PRICE, USES, Shop, a_shop, stand_on
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db
DE = {"exclusive": True, "territories": ["DE"]}
EXCLUSIVE = {**DE, "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2040-01-01T00:00:00Z"}


@pytest.fixture
def shop() -> Shop:
    return a_shop()


@pytest.fixture
def mara() -> Account:
    return an_artist("mara")


def take(account: Account, offer: dict[str, Any]) -> Any:
    return Caller(account).post(f"/api/v1/offers/{offer['id']}/grants")


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


@pytest.mark.parametrize("more", [{"price": PRICE}, {"count": 3}], ids=str)
@pytest.mark.parametrize("number", [1, 2])
def test_an_own_style_on_works_under_several_priced_or_counted_grants_is_refused(
    shop: Shop, more: dict[str, Any], number: int
) -> None:
    listed = []
    for seed in range(1, 3):
        painter = an_artist(f"painter {seed}")
        work = a_work(painter, a_party(f"Painter {seed}", member=painter), seed=seed, title=f"Work {seed}")
        listed.append(work)
        limits = more if seed <= number else {}
        assert take(shop.owner, an_offer(painter, kind="work", subject=work.pk, **limits)).status_code == 201
    stand_on(shop.style, *listed)
    before = Use.objects.count()
    generation = a_request(shop.owner, **in_style(shop.style))
    answer = generation.decision["references"][1]
    if number == 1:
        grant = Grant.objects.get(offer__subject_id=listed[0].pk)
        assert generation.state == "queued" and answer["right"] == str(grant.pk)
        assert Use.objects.get().right_id == grant.pk
    else:
        assert generation.state == "refused" and answer["reasons"][0]["code"] == "several-grants"
        assert Use.objects.count() == before


# ---- a party's offer of everything ----------------------------------------------------------------------------


def test_a_grant_of_everything_pays_whoever_shares_in_the_work_that_is_used(shop: Shop, mara: Account) -> None:
    work, plain = a_work(shop.owner, shop.party), a_work(shop.owner, shop.party, seed=2, title="Alone")
    ben_account = an_artist("ben")
    ben = a_party("Ben Printer", member=ben_account)
    propose_split(actor=shop.owner.actor(), subject=work, shares={shop.party.pk: 6_000, ben.pk: 4_000})
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
