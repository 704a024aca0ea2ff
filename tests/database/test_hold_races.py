"""A hold and a delivery at once, on two connections: no line slips through, whichever commits first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from provenance.actor import COLOPHON
from provenance.licensing.actions import holding
from provenance.licensing.actions.granting import revoke_grant
from provenance.licensing.actions.ledger import change_holds
from provenance.licensing.actions.paying import prepay
from provenance.licensing.models import Grant, PayeeCount, RoyaltyLine
from provenance.works.models import Party, Style
from tests.database.test_dispute_money import complete_notice
from tests.factories.records import a_party, an_artist, an_auditor
from tests.factories.royalties import (
    a_counted_grant,
    a_decision,
    a_licensee,
    a_price,
    balances,
    earned,
    reserved,
    settled,
    standings,
)
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db(transaction=True)
Act = Callable[[], None]
LONG_ENOUGH = 0.5
"""Seconds in which one that waits for nothing has finished; a slow machine makes the test lenient, never red."""


def together(first: Act, second: Act) -> None:
    """Let the second begin after the first has done its work, and the first commit after the second had its chance."""
    done, may_commit = Event(), Event()

    def begin() -> None:
        with transaction.atomic():
            first()
            done.set()
            may_commit.wait(30)
        connection.close()

    def follow() -> None:
        done.wait(30)
        second()
        connection.close()

    with ThreadPoolExecutor(2) as two:
        both: list[Future[None]] = [two.submit(begin), two.submit(follow)]
        with suppress(TimeoutError):  # it waits for the first, as it should
            both[1].result(timeout=LONG_ENOUGH)
        may_commit.set()
        for one in both:
            one.result(timeout=30)


def interleaved(begin: Act, meanwhile: Act, finish: Act) -> None:
    """Let one transaction begin, another come meanwhile and get as far as it can, and the first then go on."""
    done, may_go_on = Event(), Event()

    def first() -> None:
        with transaction.atomic():
            begin()
            done.set()
            may_go_on.wait(30)
            finish()
        connection.close()

    def second() -> None:
        done.wait(30)
        meanwhile()
        connection.close()

    with ThreadPoolExecutor(2) as two:
        both: list[Future[None]] = [two.submit(first), two.submit(second)]
        with suppress(TimeoutError):
            both[1].result(timeout=LONG_ENOUGH)
        may_go_on.set()
        for one in both:
            one.result(timeout=30)


def a_delivery(subject: UUID, *, to: Party | None = None) -> Act:
    """Return a delivery of one image under a priced decision on a style."""
    party, licensee = to or a_party(), a_licensee(f"mara {uuid4()}")
    decision = a_decision(price=a_price(splits={party.pk: 10_000}), id=str(subject))
    generation = reserved(licensee, decision, images=1)
    return lambda: settled(generation, decision, images=1)


@pytest.mark.parametrize("order", ["delivery first", "hold first"])
def test_what_is_delivered_while_a_hold_is_placed_is_held(order: str) -> None:
    subject = uuid4()
    deliver = a_delivery(subject)

    def hold() -> None:
        holding.hold(subject_kind="style", subject_id=subject, reason="dispute 1")

    together(*((deliver, hold) if order == "delivery first" else (hold, deliver)))
    assert standings(RoyaltyLine.objects.all()) == {"held": 1}


@pytest.mark.parametrize("order", ["delivery first", "release first"])
def test_what_is_delivered_while_a_hold_is_lifted_is_not_held_for_ever(order: str) -> None:
    subject = uuid4()
    holding.hold(subject_kind="style", subject_id=subject, reason="dispute 1")
    deliver = a_delivery(subject)

    def release() -> None:
        holding.release(subject_kind="style", subject_id=subject, reason="dispute 1")

    together(*((deliver, release) if order == "delivery first" else (release, deliver)))
    assert standings(RoyaltyLine.objects.all()) == {"accrued": 1}


def a_prepaid_grant() -> Grant:
    """Have somebody prepay 1,000 for four images in a style, and use one."""
    licensee = a_licensee()
    grant = a_counted_grant(4, licensee=licensee)
    with transaction.atomic():
        prepay(
            grant_id=grant.pk, licensee_id=grant.licensee_id, subject_kind="style",
            subject_id=grant.offer.subject_id, terms_digest=grant.terms_digest,
            price=a_price(1_000, splits={grant.offer.party_id: 10_000}, per="flat"),
        )  # fmt: skip
    used = a_decision(price=None, right=grant.pk, basis="grant", id=str(grant.offer.subject_id))
    earned(licensee, used, images=1)
    return grant


@pytest.mark.parametrize("change", [holding.hold, holding.release])
def test_a_refund_that_comes_while_a_hold_changes_waits_for_it_and_holds_nothing_that_it_needs(
    change: Callable[..., None],
) -> None:
    grant = a_prepaid_grant()
    of = {"subject_kind": "style", "subject_id": grant.offer.subject_id, "reason": "dispute 1"}
    if change == holding.release:
        holding.hold(**of)
    interleaved(change_holds, lambda: revoke_grant(actor=COLOPHON, grant=grant), lambda: change(**of))
    account = "held" if change == holding.hold else "accrued"
    assert balances() == {account: 250, "owed": -250}


def test_a_dispute_that_ends_with_a_refund_and_a_delivery_to_the_same_party_both_come_through() -> None:
    """Both want the number of the party's next line; who has the holds changed must not wait for who waits for that."""
    grant = a_prepaid_grant()
    former, painter, auditor = grant.offer.party, a_party("The painter", member=an_artist("painter")), an_auditor()
    address = complete_notice(Style.objects.get(pk=grant.offer.subject_id), auditor)
    body = {"upheld": True, "reason": "Theirs.", "remedy": "reassign", "new_owner": str(painter.pk)}
    deliver = a_delivery(uuid4(), to=former)

    def closing(act: Callable[[], object]) -> Act:
        def on_its_own_connection() -> None:
            act()
            connection.close()

        return on_its_own_connection

    def resolve() -> None:
        assert Caller(auditor).post(f"{address}/resolution", body).status_code == 200

    with ThreadPoolExecutor(2) as two:
        with transaction.atomic():
            PayeeCount.objects.select_for_update().get(party=former)
            both: list[Future[None]] = []
            for act in (resolve, deliver):
                both.append(two.submit(closing(act)))
                with suppress(TimeoutError):
                    both[-1].result(timeout=LONG_ENOUGH)
        for one in both:
            one.result(timeout=30)
    assert balances(former.pk) == {"accrued": 250} == balances(painter.pk)
