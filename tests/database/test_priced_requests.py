"""From an offer at a price to a party's statement, over HTTP with a real worker: reserved, settled, released, owed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now

from generation.actions.claiming import Claim
from generation.actions.rendering import claim_one, render_next
from generation.actions.requesting import cancel_generation
from generation.actions.upkeep import reap
from generation.models import Generation
from provenance.audit_log.models import Entry
from provenance.licensing.models import RoyaltyLine, Use
from provenance.works.actions.splits import consent_to_split, propose_split
from server.accounts.models import Account
from tests.factories.records import a_party, a_request, a_worker, an_artist, in_style, kinds_of_entries
from tests.factories.royalties import balances
from tests.factories.shops import PRICE, Shop, a_shop
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db(transaction=True)
FOUR = (1, 2, 3, 4)


def a_customer(shop: Shop, **offer: Any) -> Account:
    """Record an artist who took a shop's offer."""
    artist = an_artist()
    published = shop.offer(**{"price": PRICE, **offer})
    answer = Caller(artist).post(f"/api/v1/offers/{published['id']}/grants")
    assert answer.status_code == 201, answer.content
    return artist


def uses() -> list[tuple[int, int, int]]:
    return [(use.reserved, use.settled, use.released) for use in Use.objects.order_by("reserved_at")]


def lost(claim: Claim | None) -> None:
    """Let a worker fall silent after it took a request up."""
    assert claim is not None
    Generation.objects.filter(pk=claim.generation_id).update(lease_expires=Now() - timedelta(seconds=1))
    assert reap() == 1


def test_four_pictures_under_a_grant_are_four_lines_of_the_owners_statement(keys: Path) -> None:
    shop = a_shop()
    artist = a_customer(shop)
    generation = a_request(artist, seeds=FOUR, **in_style(shop.style))
    assert generation.decision["quote"]["total"] == "1000" and uses() == [(4, 0, 0)]
    assert render_next(worker=a_worker(keys))
    answer = Caller(shop.owner).get(f"/api/v1/statements?party={shop.party.pk}")
    lines = json.loads(b"".join(answer.streaming_content))["lines"]  # type: ignore[attr-defined]  # Django's own
    images = set(generation.outputs.values_list("digest", flat=True))
    assert len(lines) == 4 and {line["image"] for line in lines} == images
    assert {(line["amount"], line["subject"]) for line in lines} == {("250", str(shop.style.pk))}
    assert uses() == [(4, 4, 0)] and balances() == {"accrued": 1_000, "owed": -1_000}


def test_the_last_use_of_a_grant_refuses_the_next_request_and_a_cancelled_one_gives_it_back(keys: Path) -> None:
    shop = a_shop()
    artist = a_customer(shop, count=2)
    first = a_request(artist, seeds=(1, 2), **in_style(shop.style))
    assert a_request(artist, **in_style(shop.style)).state == "refused"
    cancel_generation(actor=artist.actor(), generation_id=first.pk)
    second = a_request(artist, seeds=(1, 2), **in_style(shop.style))
    assert render_next(worker=a_worker(keys))
    second.refresh_from_db()
    assert second.state == "done" and uses() == [(2, 0, 2), (2, 2, 0)]


def test_a_worker_lost_twice_ends_the_request_with_nothing_reserved_and_nothing_owed(keys: Path) -> None:
    shop = a_shop()
    generation = a_request(a_customer(shop), seeds=FOUR, **in_style(shop.style))
    for _ in range(2):
        lost(claim_one(worker=a_worker(keys)))
    generation.refresh_from_db()
    assert generation.state == "failed" and uses() == [(4, 0, 4)] and not RoyaltyLine.objects.exists()
    assert kinds_of_entries(generation.pk).count("UsesReleased") == 1


def test_a_grant_revoked_while_a_job_waits_refuses_it_and_releases_what_it_reserved(keys: Path) -> None:
    shop = a_shop()
    artist = a_customer(shop)
    generation = a_request(artist, seeds=FOUR, **in_style(shop.style))
    grant = Use.objects.get().right_id
    assert Caller(shop.owner).post(f"/api/v1/grants/{grant}/revoke").status_code == 200
    assert render_next(worker=a_worker(keys))
    generation.refresh_from_db()
    assert generation.state == "refused" and uses() == [(4, 0, 4)] and not RoyaltyLine.objects.exists()


def test_a_flat_price_is_owed_when_the_grant_is_taken_and_unused_uses_come_back_at_its_end(keys: Path) -> None:
    shop = a_shop()
    artist = a_customer(shop, count=4, price={"amount": "1000", "currency": "EUR", "per": "flat"})
    assert balances() == {"accrued": 1_000, "owed": -1_000}
    generation = a_request(artist, seeds=(1,), **in_style(shop.style))
    assert render_next(worker=a_worker(keys))
    generation.refresh_from_db()
    assert generation.state == "done" and balances() == {"accrued": 1_000, "owed": -1_000}
    grant = Use.objects.get().right_id
    assert Caller(shop.owner).post(f"/api/v1/grants/{grant}/revoke").status_code == 200
    assert balances() == {"accrued": 250, "owed": -250}


def test_who_shares_in_the_price_pays_nothing_uses_none_up_and_is_flagged_through_to_the_ledger(keys: Path) -> None:
    shop, mara = a_shop(), an_artist("mara")
    ben = a_party("Ben Printer", member=mara)
    shares = {shop.party.pk: 6_000, ben.pk: 4_000}
    propose_split(actor=shop.owner.actor(), subject=shop.style, shares=shares, offered_by="owner")
    consent_to_split(actor=mara.actor(), subject=shop.style, party=ben)
    published = shop.offer(price=PRICE, count=1)
    grant = Caller(mara).post(f"/api/v1/offers/{published['id']}/grants").json()
    assert (grant["price"]["amount"], grant["price"]["is_self_dealing"]) == ("0", True)
    for _ in range(2):  # the grant is for one picture, and neither counts
        generation = a_request(mara, **in_style(shop.style))
        answer = generation.decision["references"][1]
        assert (generation.state, generation.decision["quote"]["total"]) == ("queued", "0")
        assert (answer["price"]["amount"], answer["price"]["is_self_dealing"]) == ("0", True)
        assert render_next(worker=a_worker(keys))
        generation.refresh_from_db()
        assert generation.state == "done"
    assert [(use.is_counted, use.settled) for use in Use.objects.all()] == [(False, 1)] * 2
    assert not RoyaltyLine.objects.exists() and balances() == {}
    settled = Entry.objects.filter(kind="UsesSettled")
    assert [entry.opening.details["is_self_dealing"] for entry in settled] == [True, True]
    noa = an_artist("noa")
    Caller(noa).post(f"/api/v1/offers/{published['id']}/grants")
    a_request(noa, **in_style(shop.style))
    assert render_next(worker=a_worker(keys))
    assert {line.party_id: line.amount for line in RoyaltyLine.objects.all()} == {shop.party.pk: 150, ben.pk: 100}
