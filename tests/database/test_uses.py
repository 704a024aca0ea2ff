"""Uses of a request: reserved, settled and released add up, whoever dies in between, and the last use goes once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from provenance.actor import COLOPHON, Actor
from provenance.audit_log.models import Entry
from provenance.licensing.actions import uses
from provenance.licensing.actions.paying import prepay, refund_unused
from provenance.licensing.errors import SplitsDoNotAddUp, UsesExhausted
from provenance.licensing.models import Grant, LedgerTransaction, RoyaltyLine, Use
from provenance.licensing.queries.uses import taken_of
from tests.factories.log import one_entry
from tests.factories.records import kinds_of_entries
from tests.factories.royalties import (
    a_counted_grant,
    a_decision,
    a_licensee,
    a_price,
    balances,
    earned,
    reserved,
    settled,
    two_payees,
)

pytestmark = pytest.mark.django_db


def by_grant(grant: Grant, price: dict[str, Any] | None = None) -> dict[str, Any]:
    return a_decision(price=price, right=grant.pk, basis="grant", id=str(grant.offer.subject_id))


def released(generation: UUID, decision: dict[str, Any]) -> None:
    with transaction.atomic():
        uses.release(generation=generation, decision=decision, reason="failed")


def counts(generation: UUID) -> tuple[int, int, int]:
    use = Use.objects.get(generation=generation)
    return use.reserved, use.settled, use.released


# ---- reserving, settling, releasing ---------------------------------------------------------------------------


def test_a_decision_without_prices_and_grants_costs_no_statement(django_assert_num_queries: Any) -> None:
    decision, actor = a_decision(price=None), a_licensee()
    with transaction.atomic(), django_assert_num_queries(0):
        uses.reserve(actor=actor, generation=uuid4(), decision=decision, images=4)
        uses.settle(generation=uuid4(), decision=decision, images=["a"])
        uses.release(generation=uuid4(), decision=decision, reason="failed")
    assert not Use.objects.exists()


def test_each_delivered_image_earns_its_price_divided_by_the_splits() -> None:
    ada, ben = two_payees()
    lines = earned(a_licensee(), a_decision(price=a_price(251, splits={ada.pk: 7_000, ben.pk: 3_000})), images=4)
    assert [line.amount for line in lines if line.party_id == ada.pk] == [176] * 4
    assert [line.number for line in lines if line.party_id == ben.pk] == [1, 2, 3, 4]
    assert balances() == {"accrued": 1_004, "owed": -1_004}
    assert kinds_of_entries()[-5:] == ["UsesReserved", *["RoyaltyAccrued"] * 4]


def test_the_entry_of_a_royalty_names_nobody_and_holds_what_recomputes_it() -> None:
    ada, ben = two_payees()
    licensee = a_licensee()
    line = earned(licensee, a_decision(price=a_price(250, splits={ada.pk: 7_000, ben.pk: 3_000})))[0]
    entry = Entry.objects.get(leaf_hash=line.transaction.leaf)
    told = entry.opening.details
    assert entry.at == line.transaction.at
    assert told["price"]["amount"] == "250" and told["actor"] is None
    assert sorted((one["basis_points"], one["amount"]) for one in told["lines"]) == [(3_000, "75"), (7_000, "175")]
    assert str(licensee.account_id) not in str(told)


def test_a_worker_killed_after_two_of_four_images_leaves_nothing_reserved() -> None:
    ada, _ = two_payees()
    decision = a_decision(price=a_price(splits={ada.pk: 10_000}))
    generation = reserved(a_licensee(), decision, images=4)
    settled(generation, decision, images=2)
    with pytest.raises(RuntimeError), transaction.atomic():  # the third is never committed
        uses.settle(generation=generation, decision=decision, images=["sha256:third"])
        raise RuntimeError
    released(generation, decision)
    released(generation, decision)
    assert counts(generation) == (4, 2, 2)
    assert RoyaltyLine.objects.count() == 2 and kinds_of_entries().count("UsesReleased") == 1


def test_more_is_never_settled_than_was_reserved() -> None:
    ada, _ = two_payees()
    decision = a_decision(price=a_price(splits={ada.pk: 10_000}))
    generation = reserved(a_licensee(), decision, images=2)
    with pytest.raises(IntegrityError, match="no_more_uses_than_reserved"):
        settled(generation, decision, images=3)
    assert counts(generation) == (2, 0, 0) and not RoyaltyLine.objects.exists()


def test_splits_that_do_not_add_up_reserve_nothing() -> None:
    (ada, ben), licensee = two_payees(), a_licensee()
    before = Entry.objects.count()
    with pytest.raises(SplitsDoNotAddUp):
        reserved(licensee, a_decision(price=a_price(splits={ada.pk: 7_000, ben.pk: 2_999})))
    assert not Use.objects.exists() and Entry.objects.count() == before


def test_a_licensee_who_shares_in_the_price_pays_nothing_and_is_flagged() -> None:
    ada, _ = two_payees()
    licensee = a_licensee()
    grant = a_counted_grant(2, licensee=licensee)
    own = a_price(0, splits={ada.pk: 10_000}, is_self_dealing=True)
    assert earned(licensee, by_grant(grant, own), images=4) == []
    assert taken_of([grant.pk]) == {}
    told = Entry.objects.filter(kind="UsesSettled").last().opening.details  # type: ignore[union-attr]
    assert told["is_self_dealing"] is True and not LedgerTransaction.objects.exists()


def test_a_flat_price_of_an_open_offer_is_owed_once_a_request() -> None:
    ada, _ = two_payees()
    decision = a_decision(price=a_price(900, splits={ada.pk: 10_000}, per="flat"))
    lines = earned(a_licensee(), decision, images=4)
    assert [line.amount for line in lines] == [900] and Use.objects.get().settled == 4


def test_another_basis_when_its_turn_comes_releases_what_the_first_reserved() -> None:
    ada, _ = two_payees()
    actor = a_licensee()
    first = a_decision(price=a_price(250, splits={ada.pk: 10_000}))
    other = a_decision(price=a_price(300, splits={ada.pk: 10_000}))
    generation = reserved(actor, first, images=2)
    for _ in range(2):
        with transaction.atomic():
            uses.follow(actor=actor, generation=generation, earlier=first, decision=other, images=2)
    settled(generation, other, images=2)
    assert [line.amount for line in RoyaltyLine.objects.all()] == [300, 300]
    assert sorted((use.reserved, use.settled, use.released) for use in Use.objects.all()) == [(2, 0, 2), (2, 2, 0)]


# ---- grants for so many uses ----------------------------------------------------------------------------------


def test_a_grant_for_three_images_gives_three_and_no_more() -> None:
    licensee = a_licensee()
    grant = a_counted_grant(3, licensee=licensee)
    reserved(licensee, by_grant(grant), images=2)
    before = Entry.objects.count()
    with pytest.raises(UsesExhausted) as told:
        reserved(licensee, by_grant(grant), images=2)
    assert (told.value.left, told.value.needed) == (1, 2)
    assert Entry.objects.count() == before
    reserved(licensee, by_grant(grant), images=1)
    assert taken_of([grant.pk]) == {grant.pk: 3}


def test_a_released_use_can_be_taken_again() -> None:
    licensee = a_licensee()
    grant = a_counted_grant(2, licensee=licensee)
    first = reserved(licensee, by_grant(grant), images=2)
    released(first, by_grant(grant))
    second = reserved(licensee, by_grant(grant), images=2)
    assert taken_of([grant.pk]) == {grant.pk: 2}
    assert taken_of([grant.pk], but_generation=second) == {grant.pk: 0}


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_for_the_last_use_exactly_one_wins() -> None:
    licensee = a_licensee()
    grant = a_counted_grant(1, licensee=licensee)
    decision, start = by_grant(grant), Barrier(2)

    def ask() -> str:
        try:
            start.wait()
            reserved(licensee, decision, images=1)
        except UsesExhausted:
            return "refused"
        finally:
            connection.close()
        return "reserved"

    with ThreadPoolExecutor(2) as two:
        outcomes = sorted(one.result() for one in [two.submit(ask), two.submit(ask)])
    assert outcomes == ["refused", "reserved"]
    assert taken_of([grant.pk]) == {grant.pk: 1} and kinds_of_entries().count("UsesReserved") == 1


# ---- prepaid uses ---------------------------------------------------------------------------------------------


def a_prepaid_grant(licensee: Actor, *, count: int | None, splits: dict[UUID, int], amount: int = 1_000) -> Grant:
    grant = a_counted_grant(count, licensee=licensee)
    for _ in range(2):  # the second time changes nothing
        with transaction.atomic():
            prepay(
                grant_id=grant.pk, licensee_id=grant.licensee_id, subject_kind="style",
                subject_id=grant.offer.subject_id, terms_digest=grant.terms_digest,
                price=a_price(amount, splits=splits, per="flat"),
            )  # fmt: skip
    return grant


def refunded(grant: Grant) -> None:
    refund_unused(actor=COLOPHON, grant_id=grant.pk)


def test_what_was_prepaid_for_uses_never_made_is_refunded_once() -> None:
    ada, ben = two_payees()
    licensee = a_licensee()
    grant = a_prepaid_grant(licensee, count=4, splits={ada.pk: 6_667, ben.pk: 3_333})
    assert balances() == {"accrued": 1_000, "owed": -1_000}
    earned(licensee, by_grant(grant), images=1)
    refunded(grant)
    refunded(grant)
    assert balances() == {"accrued": 250, "owed": -250}
    assert balances(ada.pk) == {"accrued": 167}


def test_a_use_that_is_released_after_the_refund_is_refunded_too() -> None:
    ada, _ = two_payees()
    licensee = a_licensee()
    grant = a_prepaid_grant(licensee, count=3, splits={ada.pk: 10_000})
    waiting = reserved(licensee, by_grant(grant), images=1)
    refunded(grant)
    assert balances() == {"accrued": 334, "owed": -334}  # 1,000 less two thirds, rounded down
    released(waiting, by_grant(grant))
    assert balances() == {}
    assert kinds_of_entries().count("LinesReversed") == 2


def test_a_prepayment_without_a_count_was_for_the_term_and_stays() -> None:
    ada, _ = two_payees()
    grant = a_prepaid_grant(a_licensee(), count=None, splits={ada.pk: 10_000})
    refunded(grant)
    assert balances() == {"accrued": 1_000, "owed": -1_000}


# ---- kept by the database -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE licensing_use SET reserved = 9",
        "UPDATE licensing_use SET price = '{}'",
        "UPDATE licensing_use SET settled = settled - 1",
        "UPDATE licensing_use SET settled = 3, released = 2",
        "DELETE FROM licensing_use",
    ],
)
def test_plain_sql_cannot_change_what_was_reserved(statement: str) -> None:
    ada, _ = two_payees()
    decision = a_decision(price=a_price(splits={ada.pk: 10_000}))
    generation = reserved(a_licensee(), decision, images=4)
    settled(generation, decision, images=1)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        one_entry()
        cursor.execute(statement)
    assert counts(generation) == (4, 1, 0)
