"""What stands when a grant is taken, a picture is shown, a request is taken up and a payout is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from generation.actions.rendering import render_next
from generation.actions.requesting import decide_again
from provenance.audit_log.models import Entry
from provenance.licensing.actions.opting_out import record_opt_out
from provenance.licensing.actions.paying import close_period, record_payout
from provenance.licensing.decision import restrictions_to_accept
from provenance.licensing.models import Grant, RoyaltyLine
from provenance.licensing.money import Money
from provenance.licensing.queries.statements import payables
from provenance.works.actions.styles import withdraw_style
from provenance.works.errors import NotVerified
from provenance.works.models import Party, Style, Work
from server.accounts.models import Account
from tests.factories.log import one_entry
from tests.factories.records import (
    a_model,
    a_request,
    a_work,
    a_worker,
    an_operator,
    in_style,
)
from tests.factories.royalties import a_decision, a_licensee, a_price, balances, earned
from tests.factories.shops import PRICE, Shop, a_shop, take
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db(transaction=True)
FLAT = {"amount": "1000", "currency": "EUR", "per": "flat"}


@pytest.fixture
def shop() -> Shop:
    return a_shop()


def an_offer(shop: Shop, *, kind: str, subject: Any, permissions: list[str], **more: Any) -> dict[str, Any]:
    body = {"subject_kind": kind, "subject": str(subject), "permissions": permissions, **more}
    answer = Caller(shop.owner).post("/api/v1/offers", body)
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def a_work_behind(shop: Shop) -> Work:
    """List a work of the shop's on which its style stands."""
    work = a_work(shop.owner, shop.party)
    with transaction.atomic():
        one_entry()
        shop.style.works.set([work])
    return work


# ---- what nobody can use is not paid for ----------------------------------------------------------------------


def leave(shop: Shop, how: str) -> None:
    """Make a shop's style something that no request may use."""
    if how == "withdrawn":
        withdraw_style(actor=shop.owner.actor(), style=shop.style)
    elif how in {"disputed", "rejected"}:
        with transaction.atomic():
            Style.objects.filter(pk=shop.style.pk).update(state=how)
            one_entry()
    else:
        kind, subject = ("style", shop.style.pk) if how == "style says no" else ("party", shop.party.pk)
        record_opt_out(
            actor=shop.owner.actor(), party=shop.party, subject_kind=kind, subject_id=subject, source="form"
        )


@pytest.mark.parametrize("how", ["withdrawn", "disputed", "rejected", "style says no", "party says no"])
@pytest.mark.parametrize("approval", [False, True])
def test_nobody_pays_for_a_style_that_nobody_can_use(shop: Shop, mara: Account, how: str, approval: bool) -> None:
    offer = shop.offer(price=FLAT, approval=approval)
    grant = take(mara, offer).json() if approval else None
    leave(shop, how)
    entries, grants = Entry.objects.count(), Grant.objects.count()
    if grant:
        is_problem(Caller(shop.owner).post(f"/api/v1/grants/{grant['id']}/approve"), 409, "subject-not-usable")
    else:
        is_problem(take(mara, offer), 409, "subject-not-usable")
    assert (Entry.objects.count(), Grant.objects.count()) == (entries, grants)
    assert not RoyaltyLine.objects.exists()


def test_nobody_pays_for_a_style_on_a_work_that_was_taken_back(shop: Shop, mara: Account) -> None:
    work = a_work_behind(shop)
    offers = [shop.offer(price=FLAT), an_offer(shop, kind="work", subject=work.pk, permissions=["derive"], price=FLAT)]
    assert Caller(shop.owner).post(f"/api/v1/works/{work.pk}/withdraw").status_code == 200
    for offer in offers:
        is_problem(take(mara, offer), 409, "subject-not-usable")
    assert not Grant.objects.exists() and not RoyaltyLine.objects.exists()


@pytest.mark.parametrize("kind", ["style", "work"])
def test_what_was_prepaid_comes_back_when_a_style_or_the_work_behind_it_is_taken_back(
    shop: Shop, mara: Account, kind: str
) -> None:
    work = a_work_behind(shop)
    assert take(mara, shop.offer(price=FLAT, count=4)).status_code == 201
    assert balances() == {"accrued": 1_000, "owed": -1_000}
    subject = shop.style.pk if kind == "style" else work.pk
    assert Caller(shop.owner).post(f"/api/v1/{kind}s/{subject}/withdraw").status_code == 200
    assert balances() == {}


# ---- which grants open a picture ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["work", "party"])
@pytest.mark.parametrize(
    ("permissions", "more", "sees"),
    [
        (["derive"], {}, True),
        (["ai-train"], {}, True),
        (["gen:promptName"], {}, False),
        (["derive"], {"ends_at": "2025-01-01T00:00:00Z"}, False),
        (["derive"], {"approval": True}, False),
    ],
    ids=str,
)
def test_a_grant_opens_a_picture_only_for_a_use_that_needs_it(
    shop: Shop, mara: Account, kind: str, permissions: list[str], more: dict[str, Any], sees: bool
) -> None:  # fmt: skip
    work = a_work(shop.owner, shop.party, title="Sketch")
    subject = work.pk if kind == "work" else shop.party.pk
    assert take(mara, an_offer(shop, kind=kind, subject=subject, permissions=permissions, **more)).status_code == 201
    caller = Caller(mara)
    assert [row["title"] for row in caller.get("/api/v1/works").json()["results"]] == ["Sketch"] * sees
    assert caller.get(f"/api/v1/works/{work.pk}/preview").status_code == (200 if sees else 404)


def test_a_rightsholder_is_not_told_of_names_in_undisclosed_prompts(shop: Shop, mara: Account, keys: Path) -> None:
    offer = shop.offer()
    take(mara, offer)
    hidden = a_request(mara, prompt="a cat, fxemoji", disclosure="private")
    told = [
        a_request(mara, prompt="a cat, fxemoji"),
        a_request(mara, prompt="a fxemoji", disclosure="private", **in_style(shop.style)),
    ]
    while render_next(worker=a_worker(keys)):
        pass
    assert hidden.outputs.exists()
    uses = Caller(shop.owner).get(f"/api/v1/offers/{offer['id']}/uses").json()["results"]
    assert {use["image"] for use in uses} == {one.outputs.get().digest for one in told}


# ---- what was decided when it was asked for -------------------------------------------------------------------


def test_a_price_that_was_never_quoted_is_not_charged_at_rendering(shop: Shop, mara: Account, keys: Path) -> None:
    opened = shop.offer(is_open=True)
    take(mara, shop.offer(price=PRICE))
    waiting = a_request(mara, **in_style(shop.style))
    assert waiting.decision["quote"] is None
    Caller(shop.owner).post(f"/api/v1/offers/{opened['id']}/withdraw")
    quoted = a_request(mara, **in_style(shop.style))
    while render_next(worker=a_worker(keys)):
        pass
    waiting.refresh_from_db()
    quoted.refresh_from_db()
    assert (waiting.state, waiting.fault["code"]) == ("refused", "above-quote") and "2.50 EUR" in waiting.fault["en"]
    assert quoted.state == "done" and balances() == {"accrued": 250, "owed": -250}


def test_a_request_from_before_acceptance_keeps_what_was_decided_of_it(mara: Account) -> None:
    licence = "CreativeML-OpenRAIL-M"
    a_model(licence=licence)
    generation = a_request(mara, accepted_terms=(restrictions_to_accept(licence),))
    assert generation.state == "queued"
    generation.accepted_terms = []
    assert not decide_again(generation).is_permitted
    del generation.decision["accepted_terms"]
    again = decide_again(generation)
    assert again.is_permitted and again.as_json() == generation.decision


def test_nothing_is_paid_out_to_a_party_whose_verification_has_ended(shop: Shop) -> None:
    with transaction.atomic():
        Party.objects.filter(pk=shop.party.pk).update(claim="identity-verified")
        one_entry()
    earned(a_licensee(), a_decision(price=a_price(splits={shop.party.pk: 10_000})))
    operator = an_operator().actor()
    close_period(actor=operator, until=timezone.now())
    assert [row["amount"] for row in payables()] == ["250"]
    with transaction.atomic():
        Party.objects.filter(pk=shop.party.pk).update(capacity_until=timezone.now())
        one_entry()
    party, entries = Party.objects.get(pk=shop.party.pk), Entry.objects.count()
    assert payables() == []
    with pytest.raises(NotVerified):
        record_payout(actor=operator, party=party, money=Money(250, "EUR"), reference="bank 1")
    assert Entry.objects.count() == entries and balances(party.pk) == {"payable": 250}
