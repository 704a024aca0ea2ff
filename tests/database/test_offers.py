"""Offers over HTTP: published on the terms of a form, in versions, paused, withdrawn, and bounded by others' works."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import Error, transaction

from provenance.audit_log.models import Entry
from provenance.licensing.models import Offer
from provenance.works.models import Style
from server.accounts.models import Account
from tests.factories.records import a_model, a_party, a_request, a_style, a_work, an_artist, in_style, kinds_of_entries
from tests.factories.shops import PRICE, USES, Shop, a_shop
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db
NOBODYS = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def shop() -> Shop:
    return a_shop()


def nothing_written(before: int) -> None:
    assert not Offer.objects.exists() and Entry.objects.count() == before


def test_an_offer_is_published_with_its_terms_and_entry(shop: Shop) -> None:
    offer = shop.offer(price=PRICE, territories=["DE", "FR"], count=10, attribution="© Ada")
    assert (offer["state"], offer["version"], offer["replaces"]) == ("standing", 1, None)
    assert offer["terms"]["price"] == PRICE and offer["links"]["page"] == f"/licences/{offer['id']}"
    entry = Entry.objects.get(kind="OfferPublished")
    assert entry.opening.details["terms_digest"] == offer["terms_digest"]
    seen = Caller(an_artist("mara")).get(f"/api/v1/offers?subject={shop.style.pk}").json()["results"]
    assert [one["id"] for one in seen] == [offer["id"]]


def test_an_open_licence_by_its_id_lets_everybody_in(shop: Shop) -> None:
    answer = Caller(shop.owner).post(
        "/api/v1/offers",
        {"subject_kind": "style", "subject": str(shop.style.pk), "licence": "CC-BY-4.0", "is_open": True},
    )
    assert answer.status_code == 201 and answer.json()["licence"]["name"] == "CC BY 4.0"
    assert a_request(an_artist("mara"), **in_style(shop.style)).state == "queued"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"price": {**PRICE, "amount": "-5"}}, "amount-negative"),
        ({"price": {**PRICE, "amount": "1" + "0" * 16}}, "amount-too-large"),
        ({"price": {**PRICE, "amount": "2.50"}}, "amount-not-whole"),
        ({"price": {**PRICE, "currency": "XYZ"}}, "unknown-currency"),
        ({"prohibitions": ["gen:reference"]}, "terms-invalid"),
        ({"starts_at": "2026-02-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}, "terms-invalid"),
        ({"is_open": True, "price": PRICE}, "terms-invalid"),
        ({"permissions": []}, "terms-invalid"),
        ({"permissions": [], "licence": "CC-BY-ND-4.0"}, "terms-invalid"),
        ({"permissions": [], "licence": "WTFPL"}, "unknown-licence"),
        ({"colour": "red"}, "invalid-request"),
        ({"subject": NOBODYS}, "not-the-owner"),
    ],
    ids=str,
)
def test_what_no_terms_can_be_is_refused_and_nothing_is_written(shop: Shop, more: dict[str, Any], code: str) -> None:
    before = Entry.objects.count()
    status = 403 if code == "not-the-owner" else 422
    is_problem(Caller(shop.owner).post("/api/v1/offers", shop.body(**more)), status, code)
    nothing_written(before)


def test_nobody_offers_or_changes_what_is_somebody_elses(shop: Shop) -> None:
    thief = Caller(an_artist("noa"))
    before = Entry.objects.count()
    is_problem(thief.post("/api/v1/offers", shop.body()), 403, "not-the-owner")
    nothing_written(before)
    offer = shop.offer()
    before = Entry.objects.count()
    for change in ("versions", "withdraw", "pause", "resume"):
        body = {"permissions": USES} if change == "versions" else None
        is_problem(thief.post(f"/api/v1/offers/{offer['id']}/{change}", body), 404, "unknown-offer")
    is_problem(Caller().post("/api/v1/offers", shop.body()), 401, "not-signed-in")
    assert Offer.objects.count() == 1 and Entry.objects.count() == before


def test_publishing_again_makes_a_version_and_the_earlier_one_keeps_its_address_and_terms(shop: Shop) -> None:
    caller, first = Caller(shop.owner), shop.offer(price=PRICE)
    second = caller.post(f"/api/v1/offers/{first['id']}/versions", {"permissions": USES, "count": 5}).json()
    assert (second["version"], second["replaces"]) == (2, first["id"])
    kept = caller.get(f"/api/v1/offers/{first['id']}").json()
    assert (kept["state"], kept["terms"]) == ("superseded", first["terms"])
    for change in ("withdraw", "pause", "resume"):
        is_problem(caller.post(f"/api/v1/offers/{first['id']}/{change}"), 409, "offer-not-standing")
    is_problem(caller.post(f"/api/v1/offers/{first['id']}/versions", {"permissions": USES}), 409, "offer-not-standing")


def test_a_paused_open_offer_permits_nothing_until_it_is_resumed(shop: Shop) -> None:
    offer, caller, artist = shop.offer(is_open=True), Caller(shop.owner), an_artist("mara")
    assert a_request(artist, **in_style(shop.style)).state == "queued"
    for change, state in (("pause", "refused"), ("pause", "refused"), ("resume", "queued"), ("withdraw", "refused")):
        assert caller.post(f"/api/v1/offers/{offer['id']}/{change}").status_code == 200
        assert a_request(artist, **in_style(shop.style)).state == state
    assert [kind for kind in kinds_of_entries() if kind.startswith("Offer")] == [
        "OfferPublished", "OfferPaused", "OfferResumed", "OfferWithdrawn",
    ]  # fmt: skip
    is_problem(caller.post(f"/api/v1/offers/{offer['id']}/withdraw"), 409, "offer-not-standing")


def test_the_terms_of_an_offer_cannot_be_changed_in_place(shop: Shop) -> None:
    offer = shop.offer(price=PRICE)
    for change in ({"terms": {}}, {"is_open": True}, {"version": 7}):
        with pytest.raises(Error, match="stays as it is"), transaction.atomic():
            Offer.objects.filter(pk=offer["id"]).update(**change)


# ---- a style's offer is no wider than the works of others behind it -------------------------------------------


@pytest.fixture
def over_others(shop: Shop) -> Style:
    """A style of the shop that stands on another painter's work, who offers it to everyone but not for sale."""
    painter = an_artist("pia")
    work = a_work(painter, a_party("Pia", member=painter), seed=3, title="Open wave", licence="CC-BY-NC-4.0")
    return a_style(
        a_model("Second"), party=shop.party, actor=shop.owner.actor(), slug="over", name="Over", token="overstyle",
        name_zh="", works=[work], licence="",
    )  # fmt: skip


def test_a_style_over_others_works_takes_their_limits_and_duties(shop: Shop, over_others: Style) -> None:
    answer = Caller(shop.owner).post("/api/v1/offers", shop.body(subject=str(over_others.pk), price=PRICE))
    terms = answer.json()["terms"]
    assert "commercialize" not in terms["permissions"] and terms["price"] == PRICE
    assert {"attribute", "gen:nonCommercial"} <= {duty["action"] for duty in terms["duties"]}


def test_a_style_does_not_undercut_the_price_of_a_work_behind_it(shop: Shop) -> None:
    painter = an_artist("pia")
    party = a_party("Pia", member=painter)
    work = a_work(painter, party, seed=4, title="Priced")
    style = a_style(a_model("Third"), party=shop.party, slug="priced", name="Priced", token="pricedstyle", name_zh="",
                    licence="")  # fmt: skip
    style.works.set([work])
    body = {"subject_kind": "work", "subject": str(work.pk), "permissions": USES, "price": PRICE}
    assert Caller(painter).post("/api/v1/offers", body).status_code == 201
    caller = Caller(shop.owner)
    for asked, expected in (({**PRICE, "amount": "100"}, "250"), ({**PRICE, "amount": "900"}, "900"), (None, "250")):
        offer = caller.post("/api/v1/offers", shop.body(subject=str(style.pk), price=asked)).json()
        assert offer["terms"]["price"]["amount"] == expected
    before = Offer.objects.count()
    dollars = shop.body(subject=str(style.pk), price={**PRICE, "currency": "USD"})
    is_problem(caller.post("/api/v1/offers", dollars), 422, "currencies-differ")
    is_problem(caller.post("/api/v1/offers", shop.body(subject=str(style.pk), is_open=True)), 422, "terms-invalid")
    assert Offer.objects.count() == before


def test_an_own_style_over_others_works_is_decided_by_their_terms(shop: Shop, over_others: Style) -> None:
    refused = a_request(shop.owner, model="second", **in_style(over_others))
    assert refused.state == "refused" and "Open wave" in refused.fault["en"]
    allowed = a_request(shop.owner, model="second", purpose="research", **in_style(over_others))
    answer = allowed.decision["references"][1]
    assert (allowed.state, answer["basis"], answer["licence"]) == ("queued", "open-licence", "CC-BY-NC-4.0")
    assert "attribute" in {duty["action"] for duty in answer["duties"]}
    painter = over_others.works.get().owner.members.get().account_id
    offer = Offer.objects.get(subject_kind="work")
    pia = Account.objects.get(pk=painter)
    assert Caller(pia).post(f"/api/v1/offers/{offer.pk}/withdraw").status_code == 200
    again = a_request(shop.owner, model="second", purpose="research", **in_style(over_others))
    assert again.state == "refused" and again.decision["references"][1]["reasons"][0]["code"] == "works-without-basis"
