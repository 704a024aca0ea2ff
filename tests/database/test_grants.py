"""Grants over HTTP: taken, approved, counted, priced, exclusive, revoked; both sides see what they may."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import Error, connection, transaction

from generation.actions.rendering import render_next
from generation.models import Generation
from provenance.audit_log.models import Entry
from provenance.licensing.actions.opting_out import record_opt_out
from provenance.licensing.models import Grant, GrantEvent
from server.accounts.models import Account
from tests.factories.records import a_request, a_worker, an_artist, an_auditor, in_style, kinds_of_entries
from tests.factories.shops import PRICE, USES, Shop, a_shop, take
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db
EXCLUSIVE = {
    "exclusive": True, "territories": ["DE"], "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z",
}  # fmt: skip


@pytest.fixture
def shop() -> Shop:
    return a_shop()


def reasons(generation: Generation) -> list[str]:
    return [reason["code"] for answer in generation.decision["references"] for reason in answer["reasons"]]


def test_an_artist_is_refused_takes_the_grant_and_is_let_in_at_its_price(shop: Shop, mara: Account) -> None:
    offer = shop.offer(price=PRICE)
    assert a_request(mara, **in_style(shop.style)).state == "refused"
    grant = take(mara, offer).json()
    assert (grant["state"], grant["price"]["amount"]) == ("granted", "250")
    assert grant["price"]["splits"] == [{"party": str(shop.party.pk), "basis_points": 10_000}]
    generation = a_request(mara, seeds=(1, 2), **in_style(shop.style))
    answer, quote = generation.decision["references"][1], generation.decision["quote"]
    assert (generation.state, answer["right"], answer["price"]) == ("queued", grant["id"], grant["price"])
    assert quote == {"currency": "EUR", "per_image": "250", "flat": "0", "images": "2", "total": "500"}
    later = Caller(shop.owner).post(f"/api/v1/offers/{offer['id']}/versions", {"permissions": USES})
    assert later.status_code == 201
    kept = a_request(mara, **in_style(shop.style)).decision["references"][1]
    assert kept["terms_digest"] == offer["terms_digest"], "an old grant keeps its terms"


def test_a_request_above_its_ceiling_is_refused_with_the_quote(shop: Shop, mara: Account) -> None:
    take(mara, shop.offer(price=PRICE))
    body = {"prompt": "a cat", "references": [{"style": shop.style.slug}], "n": 2}
    for amount, currency, code in (("499", "EUR", "above-ceiling"), ("500", "USD", "currencies-differ")):
        problem = is_problem(
            Caller(mara).post("/api/v1/generations", {**body, "ceiling": {"amount": amount, "currency": currency}}),
            403, code,
        )  # fmt: skip
        assert problem["generation"]["decision"]["quote"]["total"] == "500"
        assert "5.00 EUR" in problem["said"]["en"] or code == "currencies-differ"
    allowed = Caller(mara).post("/api/v1/generations", {**body, "ceiling": {"amount": "500", "currency": "EUR"}})
    assert allowed.status_code == 202 and allowed.json()["ceiling"] == {"amount": "500", "currency": "EUR"}
    entry = Entry.objects.get(opening__details__generation=allowed.json()["id"], kind="GenerationRequested")
    assert entry.opening.details["decision"]["quote"]["total"] == "500"


def test_what_would_it_cost_is_answered_without_making_it(shop: Shop, mara: Account) -> None:
    take(mara, shop.offer(price=PRICE))
    before = Entry.objects.count()
    body = {"prompt": "a cat", "references": [{"style": shop.style.slug}], "n": 3}
    answer = Caller(mara).post("/api/v1/decisions", body).json()
    assert answer["permitted"] and answer["quote"]["total"] == "750" and answer["territory"] == ""
    assert Entry.objects.count() == before and not Generation.objects.exists()


@pytest.mark.parametrize(
    ("terms", "asked", "code"),
    [
        ({"territories": ["DE"]}, {}, "territory-not-covered"),
        ({"territories": ["DE"]}, {"territory": "FR"}, "territory-not-covered"),
        ({"purposes": ["editorial"]}, {"purpose": "advertising"}, "purpose-not-covered"),
        ({"recipients": ["Acme"]}, {"recipient": "Bcme"}, "recipient-not-covered"),
        ({"ends_at": "2025-01-01T00:00:00Z"}, {}, "out-of-term"),
        ({"content_rating": "teen"}, {}, "content-rating-not-covered"),
        ({"count": 1}, {"seeds": (1, 2)}, "uses-exhausted"),
    ],
    ids=str,
)
def test_a_use_outside_its_grant_is_refused_for_that_reason(
    shop: Shop, mara: Account, terms: dict[str, Any], asked: dict[str, Any], code: str
) -> None:  # fmt: skip
    take(mara, shop.offer(**terms))
    refused = a_request(mara, **asked, **in_style(shop.style))
    assert refused.state == "refused" and code in reasons(refused)


def test_a_use_within_its_grant_is_permitted(shop: Shop, mara: Account) -> None:
    offer = shop.offer(territories=["EU"], purposes=["commercial"], recipients=["Acme"], content_rating="teen", count=2)
    take(mara, offer)
    asked = {"territory": "FR", "purpose": "editorial", "recipient": "acme", "content_rating": "general"}
    generation = a_request(mara, seeds=(1, 2), **asked, **in_style(shop.style))
    assert generation.state == "queued" and generation.decision["territory"] == "FR"
    assert reasons(a_request(mara, **asked, **in_style(shop.style)))[-1] == "uses-exhausted"


def test_a_grant_that_is_approved_counts_only_then(shop: Shop, mara: Account) -> None:
    grant = take(mara, shop.offer(approval=True)).json()
    assert grant["state"] == "requested" and a_request(mara, **in_style(shop.style)).state == "refused"
    owner, address = Caller(shop.owner), f"/api/v1/grants/{grant['id']}"
    told = owner.get("/api/v1/me/notifications").json()["results"]
    assert [one["kind"] for one in told] == ["grant-requested"] and "Fx Emoji" in told[0]["said"]["en"]
    is_problem(Caller(mara).post(f"{address}/approve"), 403, "not-the-owner")
    assert owner.post(f"{address}/approve").json()["state"] == "granted"
    assert a_request(mara, **in_style(shop.style)).state == "queued"
    for change in ("approve", "decline"):
        is_problem(owner.post(f"{address}/{change}"), 409, "grant-not-waiting")
    assert [one["kind"] for one in Caller(mara).get("/api/v1/me/notifications").json()["results"]] == ["grant-approved"]
    assert [kind for kind in kinds_of_entries() if kind.startswith("Grant")] == ["GrantRequested", "GrantApproved"]


def test_a_declined_grant_lets_nobody_in(shop: Shop, mara: Account) -> None:
    grant = take(mara, shop.offer(approval=True)).json()
    assert Caller(shop.owner).post(f"/api/v1/grants/{grant['id']}/decline").json()["state"] == "declined"
    assert a_request(mara, **in_style(shop.style)).state == "refused"


def test_a_revoked_grant_ends_for_new_uses_and_only_once(shop: Shop, mara: Account) -> None:
    grant = take(mara, shop.offer()).json()
    before, owner = a_request(mara, **in_style(shop.style)), Caller(shop.owner)
    assert owner.post(f"/api/v1/grants/{grant['id']}/revoke").json()["state"] == "revoked"
    is_problem(owner.post(f"/api/v1/grants/{grant['id']}/revoke"), 409, "already-revoked")
    assert a_request(mara, **in_style(shop.style)).state == "refused"
    before.refresh_from_db()
    assert before.decision["references"][1]["right"] == grant["id"], "what was decided keeps its terms"


@pytest.mark.parametrize("change", ["pause", "withdraw"])
def test_an_offer_that_does_not_stand_is_not_taken(shop: Shop, mara: Account, change: str) -> None:
    offer = shop.offer()
    Caller(shop.owner).post(f"/api/v1/offers/{offer['id']}/{change}")
    before = Entry.objects.count()
    is_problem(take(mara, offer), 409, "offer-not-standing")
    assert not Grant.objects.exists() and Entry.objects.count() == before


def test_an_open_offer_and_ones_own_need_no_grant(shop: Shop, mara: Account) -> None:
    is_problem(take(shop.owner, shop.offer()), 409, "own-offer")
    is_problem(take(mara, shop.offer(is_open=True)), 409, "not-for-taking")
    is_problem(take(an_auditor(), shop.offer()), 403, "not-permitted")
    assert not Grant.objects.exists()


def test_both_sides_and_an_auditor_see_a_grant_and_nobody_else_does(shop: Shop, mara: Account) -> None:
    grant = take(mara, shop.offer()).json()
    for account, sees in ((mara, True), (shop.owner, True), (an_auditor(), True), (an_artist("noa"), False)):
        caller = Caller(account)
        assert bool(caller.get("/api/v1/grants").json()["results"]) is sees
        assert caller.get(f"/api/v1/grants/{grant['id']}").status_code == (200 if sees else 404)
    is_problem(Caller(an_artist("zoe")).post(f"/api/v1/grants/{grant['id']}/revoke"), 404, "unknown-grant")
    is_problem(Caller(mara).post(f"/api/v1/grants/{grant['id']}/revoke"), 403, "not-the-owner")


def test_a_grant_and_its_events_stay_as_they_are(shop: Shop, mara: Account) -> None:
    grant = take(mara, shop.offer()).json()
    Caller(shop.owner).post(f"/api/v1/grants/{grant['id']}/revoke")
    for rows in (Grant.objects.filter(pk=grant["id"]), GrantEvent.objects.all()):
        with pytest.raises(Error, match="stays as it is"), transaction.atomic():
            rows.update(**({"terms": {}} if rows.model is Grant else {"kind": "approved"}))
        with pytest.raises(Error, match="stays as it is"), transaction.atomic():
            rows._raw_delete(rows.db)  # type: ignore[attr-defined]  # past Django's own look at what depends


def test_what_a_licensee_owns_a_share_of_costs_nothing_and_is_flagged(shop: Shop, mara: Account) -> None:
    shop.party.members.create(account_id=mara.pk)
    offer = shop.offer(price=PRICE)
    is_problem(take(mara, offer), 409, "own-offer")


# ---- exclusive ------------------------------------------------------------------------------------------------


def test_an_exclusive_grant_keeps_overlapping_grants_and_open_licences_out(shop: Shop, mara: Account) -> None:
    exclusive, plain, other = shop.offer(**EXCLUSIVE), shop.offer(), shop.offer(territories=["FR"])
    assert take(mara, exclusive).status_code == 201
    noa = an_artist("noa")
    before = Entry.objects.count()
    for offer in (exclusive, plain):
        is_problem(take(noa, offer), 409, "exclusive-elsewhere")
    opened = {"subject_kind": "style", "subject": str(shop.style.pk), "licence": "CC0-1.0", "is_open": True}
    is_problem(Caller(shop.owner).post("/api/v1/offers", opened), 409, "exclusive-elsewhere")
    assert Entry.objects.count() == before and Grant.objects.count() == 1
    assert take(noa, other).status_code == 201, "France is still free"


def test_an_exclusive_grant_that_comes_too_late_is_refused(shop: Shop, mara: Account) -> None:
    exclusive = shop.offer(**EXCLUSIVE)
    earlier = take(an_artist("noa"), shop.offer()).json()
    is_problem(take(mara, exclusive), 409, "granted-elsewhere")
    Caller(shop.owner).post(f"/api/v1/grants/{earlier['id']}/revoke")
    opened = shop.offer(is_open=True)
    is_problem(take(mara, exclusive), 409, "already-open")
    Caller(shop.owner).post(f"/api/v1/offers/{opened['id']}/withdraw")
    assert take(mara, exclusive).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_two_that_take_the_same_exclusively_at_once_exactly_one_does(shop: Shop) -> None:
    offer = shop.offer(**EXCLUSIVE)
    callers, start, found = [Caller(an_artist(name)) for name in ("mara", "noa")], threading.Barrier(2), []

    def race(caller: Caller) -> None:
        start.wait()
        found.append(caller.post(f"/api/v1/offers/{offer['id']}/grants").status_code)
        connection.close()

    threads = [threading.Thread(target=race, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [201, 409] and Grant.objects.count() == 1


# ---- what the rightsholder sees -------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_rightsholder_sees_each_use_with_its_terms_and_amount_and_disclosed_prompts_only(
    shop: Shop, mara: Account, keys: Any
) -> None:  # fmt: skip
    offer = shop.offer(price=PRICE)
    grant = take(mara, offer).json()
    made = [a_request(mara, disclosure=disclosure, **in_style(shop.style)) for disclosure in ("public", "private")]
    while render_next(worker=a_worker(keys)):
        pass
    uses = Caller(shop.owner).get(f"/api/v1/offers/{offer['id']}/uses").json()["results"]
    assert {use["prompt"] for use in uses} == {"a red cat", None}
    assert {use["image"] for use in uses} == {one.outputs.get().digest for one in made}
    assert all((use["right"], use["amount"], use["terms_digest"]) == (grant["id"], "250", offer["terms_digest"])
               for use in uses)  # fmt: skip
    for other in (mara, an_artist("noa")):
        is_problem(Caller(other).get(f"/api/v1/offers/{offer['id']}/uses"), 404, "unknown-offer")


@pytest.mark.django_db(transaction=True)
def test_a_priced_name_in_an_undisclosed_prompt_is_refused_and_no_quote_tells_of_it(
    shop: Shop, mara: Account
) -> None:  # fmt: skip
    take(mara, shop.offer(price=PRICE))
    prompt = "a cat, fxemoji"
    told = a_request(mara, prompt=prompt)
    assert told.state == "queued" and told.decision["quote"]["total"] == "250"
    hidden = a_request(mara, prompt=prompt, disclosure="private")
    assert hidden.state == "refused" and hidden.decision["quote"] is None
    assert "priced-name-undisclosed" in reasons(hidden)


@pytest.mark.django_db(transaction=True)
def test_an_opt_out_wins_over_a_grant_that_was_paid_for(shop: Shop, mara: Account, keys: Any) -> None:
    take(mara, shop.offer(price=PRICE))
    waiting = a_request(mara, **in_style(shop.style))
    record_opt_out(
        actor=shop.owner.actor(), party=shop.party, subject_kind="style", subject_id=shop.style.pk, source="form"
    )
    render_next(worker=a_worker(keys))
    waiting.refresh_from_db()
    assert waiting.state == "refused" and waiting.decision["quote"] is None
