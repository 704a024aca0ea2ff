"""A hold and a delivery at once, on two connections: no line slips through, whichever commits first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from provenance.licensing.actions import holding
from provenance.licensing.models import RoyaltyLine
from tests.factories.records import a_party
from tests.factories.royalties import a_decision, a_licensee, a_price, reserved, settled, standings

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


def a_delivery(subject: UUID) -> Act:
    """Return a delivery of one image under a priced decision on a style."""
    party, licensee = a_party(), a_licensee()
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
