"""Claiming: one worker for each request, in a fair order, and no write once the lease is lost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from generation.actions.claiming import (
    LOOK_AHEAD,
    Claim,
    Heartbeat,
    LeaseLine,
    claim_next,
    hold_claimed,
    request_release,
)
from generation.actions.rendering import claim_one
from generation.actions.requesting import cancel_generation
from generation.errors import Cancelled, LeaseLost, WorkerStopping
from generation.events import RenderingStarted
from generation.models import Generation, ImageModel
from generation.pipelines.contract import StepDone
from provenance.actor import COLOPHON
from provenance.audit_log import actions as audit_log
from server.accounts.models import Account
from tests.factories.records import a_model, a_request, a_worker, an_artist, kinds_of_entries

pytestmark = pytest.mark.django_db
STEP = StepDone(number=2, of=3)


def claim(*, resident: tuple[str, ...] = (), lease_seconds: int = 30) -> Claim | None:
    with transaction.atomic():
        found = claim_next(worker="worker", resident=resident, lease_seconds=lease_seconds)
        if found:
            tell(found)
    return found


def tell(found: Claim) -> None:
    """Write the entry without which a claim cannot be committed."""
    audit_log.append(
        RenderingStarted(actor=COLOPHON, generation=found.generation_id, attempt=found.attempt, worker="worker")
    )


def claimed() -> Claim:
    found = claim()
    assert found is not None
    return found


def order_of(claims: int, *, resident: tuple[str, ...] = ()) -> list[UUID]:
    found = [claim(resident=resident) for _ in range(claims)]
    return [one.generation_id for one in found if one]


def queue(artist: Account, many: int = 1, *, model: ImageModel | None = None, priority: int = 0) -> list[UUID]:
    """Leave requests waiting, each a moment after the one before."""
    made = []
    for _ in range(many):
        generation = a_request(artist, model=model.slug if model else "")
        Generation.objects.filter(pk=generation.pk).update(priority=priority)
        made.append(generation.pk)
    return made


@contextmanager
def elsewhere() -> Iterator[psycopg.Connection[Any]]:
    """Lend a connection of its own to the same database."""
    values = connection.get_connection_params()
    kept = {name: values[name] for name in ("dbname", "host", "port", "user", "password") if values.get(name)}
    with psycopg.connect(**kept) as other:
        yield other


# ---- whose turn it is -----------------------------------------------------------------------------------------


def test_an_empty_queue_gives_nothing() -> None:
    assert claim() is None


def test_a_claim_is_a_numbered_attempt_with_a_lease_on_the_databases_clock() -> None:
    a_model()
    (wanted,) = queue(an_artist())
    found = claim(lease_seconds=30)
    assert found == Claim(generation_id=wanted, attempt=1, worker="worker", lease_seconds=30)
    row = Generation.objects.get()
    assert row.state == "rendering" and row.worker == "worker" and row.claimed_at
    assert row.lease_expires and round((row.lease_expires - row.claimed_at).total_seconds()) == 30
    assert claim() is None


@pytest.mark.parametrize("state", ["rendering", "marking", "done", "refused", "failed", "cancelled"])
def test_only_waiting_requests_are_claimed(state: str) -> None:
    a_model()
    queue(an_artist())
    has_ended = state in {"done", "refused", "failed", "cancelled"}
    Generation.objects.update(state=state, ended_at=timezone.now() if has_ended else None)
    assert claim() is None


def test_one_artists_requests_come_in_the_order_of_asking() -> None:
    a_model()
    wanted = queue(an_artist(), 4)
    assert order_of(4) == wanted


def test_artists_take_turns_however_many_requests_each_has() -> None:
    a_model()
    first, second, third = (an_artist(name) for name in ("mara", "noa", "oda"))
    a, b, c = queue(first, 4), queue(second, 2), queue(third, 1)
    assert order_of(7) == [a[0], b[0], c[0], a[1], b[1], a[2], a[3]]


def test_a_latecomer_is_served_before_the_next_turn_of_who_came_first() -> None:
    a_model()
    first, late = an_artist("mara"), an_artist("noa")
    a = queue(first, 3)
    assert order_of(1) == a[:1]
    b = queue(late, 1)
    assert order_of(2) == [b[0], a[1]]


def test_a_higher_priority_comes_first_whoever_asks() -> None:
    a_model()
    first, second = an_artist("mara"), an_artist("noa")
    low, high = queue(first, 2), queue(second, 2, priority=5)
    assert order_of(4) == [*high, *low]


def test_a_low_priority_request_of_ones_own_waits_for_ones_high_one() -> None:
    a_model()
    artist = an_artist()
    low, high = queue(artist), queue(artist, priority=1)
    assert order_of(2) == [*high, *low]


# ---- the model that is loaded ---------------------------------------------------------------------------------


def test_a_request_whose_model_is_loaded_is_preferred() -> None:
    cold, warm = a_model("Cold"), a_model("Warm")
    artist = an_artist()
    other, wanted = queue(artist, 2, model=cold), queue(artist, 1, model=warm)
    assert order_of(1, resident=(warm.digest,)) == wanted
    assert order_of(2, resident=(warm.digest,)) == other


def test_a_loaded_model_does_not_take_another_artists_turn() -> None:
    cold, warm = a_model("Cold"), a_model("Warm")
    first, second = an_artist("mara"), an_artist("noa")
    a, b = queue(first, 1, model=cold), queue(second, 2, model=warm)
    assert order_of(3, resident=(warm.digest,)) == [a[0], b[0], b[1]]


def test_a_loaded_model_is_looked_for_among_the_next_32_only() -> None:
    cold, warm = a_model("Cold"), a_model("Warm")
    artist = an_artist()
    before, _ = queue(artist, LOOK_AHEAD, model=cold), queue(artist, 1, model=warm)
    assert order_of(1, resident=(warm.digest,)) == before[:1]


def test_a_request_that_was_passed_over_comes_at_most_32_later() -> None:
    cold, warm = a_model("Cold"), a_model("Warm")
    artist = an_artist()
    (passed,) = queue(artist, 1, model=cold)
    queue(artist, 40, model=warm)
    order = order_of(41, resident=(warm.digest,))
    assert order.index(passed) == LOOK_AHEAD and len(set(order)) == 41


# ---- many workers ---------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_exactly_one_gets_each_request() -> None:
    a_model()
    wanted = queue(an_artist("mara"), 6) + queue(an_artist("noa"), 6)
    together = threading.Barrier(6)

    def work(_: int) -> list[UUID]:
        try:
            together.wait(30)
            return [found.generation_id for found in (claim() for _ in range(4)) if found]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        found = [one for own in pool.map(work, range(6)) for one in own]
    assert sorted(found) == sorted(wanted) and set(Generation.objects.values_list("attempt", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_a_claim_never_waits_for_another_that_is_not_committed_yet() -> None:
    cold, warm = a_model("Cold"), a_model("Warm")
    artist = an_artist()
    first, second, third = queue(artist, 2, model=cold) + queue(artist, 1, model=warm)
    with elsewhere() as other:
        other.execute("SELECT 1 FROM generation_generation WHERE id = %s FOR UPDATE", [first])
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '3s'")
            assert order_of(2, resident=(warm.digest,)) == [third, second]
            assert claim() is None
        other.rollback()
    assert order_of(1) == [first]


@pytest.mark.django_db(transaction=True)
def test_a_claim_whose_transaction_failed_leaves_the_request_waiting(tmp_path: Any) -> None:
    a_model()
    (wanted,) = queue(an_artist())
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert claim_one(worker=a_worker(tmp_path)) is not None
        raise ZeroDivisionError
    assert Generation.objects.get().state == "queued" and kinds_of_entries(wanted) == ["GenerationRequested"]
    assert order_of(1) == [wanted]


def test_a_workers_claim_has_its_entry(tmp_path: Any) -> None:
    a_model()
    (wanted,) = queue(an_artist())
    assert claim_one(worker=a_worker(tmp_path)) is not None
    assert kinds_of_entries(wanted) == ["GenerationRequested", "RenderingStarted"]


# ---- leases ---------------------------------------------------------------------------------------------------


def expire() -> None:
    """Let every lease have run out a second ago, on the database's clock."""
    Generation.objects.update(lease_expires=F("lease_expires") - timedelta(days=1))


def test_the_claimed_row_is_held_by_its_attempt() -> None:
    a_model()
    (wanted,) = queue(an_artist())
    with transaction.atomic():
        assert hold_claimed(claimed()).pk == wanted


@pytest.mark.parametrize("change", ["expired", "next attempt", "same attempt elsewhere", "waiting again", "ended"])
def test_nothing_is_held_once_the_lease_is_lost(change: str) -> None:
    a_model()
    queue(an_artist())
    mine = claimed()
    match change:
        case "expired":
            expire()
        case "next attempt":
            Generation.objects.update(attempt=2)
        case "same attempt elsewhere":  # the database crashed before the claim was on disk, and another worker made it
            Generation.objects.update(worker="another")
        case "waiting again":
            Generation.objects.update(state="queued")
        case _:
            Generation.objects.update(state="failed", ended_at=timezone.now())
    with pytest.raises(LeaseLost), transaction.atomic():
        hold_claimed(mine)


@pytest.mark.django_db(transaction=True)
def test_a_step_renews_the_lease_and_is_seen_by_everybody() -> None:
    a_model()
    queue(an_artist())
    mine = claimed()
    before = Generation.objects.get().lease_expires
    with elsewhere() as other:
        other.autocommit = True
        other.execute("LISTEN colophon_progress")
        with Heartbeat(mine).beating() as on_step:
            on_step(STEP)
        (told,) = other.notifies(timeout=10, stop_after=1)
    row = Generation.objects.get()
    assert row.step == 2 and before and row.lease_expires and row.lease_expires > before
    assert '"step": 2' in told.payload and str(mine.generation_id) in told.payload


@pytest.mark.django_db(transaction=True)
def test_the_lease_is_renewed_while_no_step_comes() -> None:
    a_model()
    queue(an_artist())
    mine = claim(lease_seconds=4)
    assert mine
    first = Generation.objects.get().lease_expires
    assert first
    with Heartbeat(mine).beating():
        while timezone.now() < first + timedelta(seconds=0.5):
            time.sleep(0.1)  # longer than the lease, as the loading of a model is
        with transaction.atomic():
            assert hold_claimed(mine)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "end"),
    [({"attempt": 2}, LeaseLost), ({"worker": "another"}, LeaseLost), ({"cancel_requested": True}, Cancelled)],
)
def test_a_step_learns_that_the_work_is_to_stop(change: dict[str, Any], end: type[Exception]) -> None:
    a_model()
    queue(an_artist())
    mine = claimed()
    Generation.objects.update(**change)
    with Heartbeat(mine).beating() as on_step, pytest.raises(end):
        on_step(STEP)


@pytest.mark.django_db(transaction=True)
def test_an_expired_lease_is_not_revived_by_a_step() -> None:
    a_model()
    queue(an_artist())
    mine = claimed()
    expire()
    with Heartbeat(mine).beating() as on_step, pytest.raises(LeaseLost):
        on_step(STEP)
    assert Generation.objects.get().step == 0


# ---- steps that follow fast -----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_steps_that_follow_fast_are_told_together_and_the_last_one_always() -> None:
    a_model()
    queue(an_artist())
    times = iter([0.0, 0.04, 0.08, 0.12, 0.13])
    with elsewhere() as other:
        other.autocommit = True
        other.execute("LISTEN colophon_progress")
        with Heartbeat(claimed(), clock=lambda: next(times)).beating() as on_step:
            for number in (1, 2, 3, 4, 5):
                on_step(StepDone(number=number, of=5, preview=b"seen" if number == 2 else None))
        told = [json.loads(one.payload) for one in other.notifies(timeout=10, stop_after=3)]
    assert [one["step"] for one in told] == [1, 4, 5] and Generation.objects.get().step == 5
    assert ["preview" in one for one in told] == [False, True, False], "a preview waits for the step that is told"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", [Cancelled, WorkerStopping])
def test_a_wish_to_stop_is_seen_at_the_next_step_even_between_two_that_are_told(end: type[Exception]) -> None:
    a_model()
    artist = an_artist()
    queue(artist)
    mine = claimed()
    with Heartbeat(mine, clock=lambda: 0.0).beating() as on_step:
        on_step(StepDone(number=1, of=9))
        on_step(StepDone(number=2, of=9))
        assert Generation.objects.get().step == 1, "no time passes, so nothing is told"
        if end is Cancelled:
            cancel_generation(actor=artist.actor(), generation_id=mine.generation_id)
        else:
            assert request_release(["worker"]) == 1
        with pytest.raises(end):
            for _ in range(1_000):
                on_step(StepDone(number=3, of=9))
                time.sleep(0.01)  # the wish is on its way from the database


@pytest.mark.django_db(transaction=True)
def test_one_line_serves_one_claim_after_the_other() -> None:
    a_model()
    queue(an_artist(), 2)
    line = LeaseLine(lease_seconds=30)
    try:
        for mine in (claimed(), claimed()):
            with Heartbeat(mine, line=line).beating() as on_step:
                on_step(STEP)
        assert set(Generation.objects.values_list("step", flat=True)) == {2}
    finally:
        line.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("lease", [2, 15, 600])
def test_a_silent_database_host_is_given_up_before_the_lease_ends(lease: int) -> None:
    line = LeaseLine(lease_seconds=lease)
    try:
        told = line._open().info.get_parameters()
    finally:
        line.close()
    assert told["keepalives"] == "1" and 0 < int(told["tcp_user_timeout"]) < 1_000 * lease
    silent = int(told["keepalives_idle"]) + int(told["keepalives_count"]) * int(told["keepalives_interval"])
    assert silent <= max(2, lease / 2)
