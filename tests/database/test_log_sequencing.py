"""The sequencer: every committed entry gets one index, and nothing is promised that is not durable."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from provenance.audit_log import actions, sequencing
from provenance.audit_log.models import Checkpoint, Position
from provenance.audit_log.sequencing import sequence
from tests.factories.log import entries, one_entry, published
from tests.factories.published_log import everything_adds_up, leaves_in_order, log_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]


def test_what_was_committed_is_numbered_and_published() -> None:
    leaves = entries(3)
    done = sequence()
    assert done and done.size == 4  # the first entry tells of the log's key
    assert leaves_in_order()[:3] == leaves
    everything_adds_up()


def test_a_run_without_anything_new_changes_nothing(files: Path) -> None:
    entries(2)
    sequence()
    before = log_files(files)
    done = sequence()
    assert done and done.numbered == 0 and log_files(files) == before and Checkpoint.objects.count() == 1


def test_the_log_grows_over_tile_borders_and_stays_the_same_log(files: Path) -> None:
    for many in (200, 55, 1, 1, 300):
        entries(many)
        sequence()
        everything_adds_up()
    full = {name: data for name, data in log_files(files).items() if ".p/" not in name and name != "checkpoint"}
    assert set(full) == {"tile/0/000", "tile/0/001", "tile/entries/000", "tile/entries/001"}


def test_many_more_than_one_round_takes_are_all_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencing, "MOST_AT_ONCE", 256)
    entries(600)
    done = sequence()
    assert done and done.size == 601
    everything_adds_up()


def test_an_entry_whose_transaction_fails_is_never_numbered() -> None:
    entries(1)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        one_entry("lost")
        raise ZeroDivisionError
    sequence()
    assert published().checkpoint.size == 2
    everything_adds_up()


def test_entries_that_commit_out_of_order_under_eight_writers_are_each_numbered_once() -> None:
    together, stop = threading.Barrier(9), threading.Event()

    def write(writer: int) -> list[str]:
        try:
            together.wait(30)
            return entries(25, first=100 * writer)
        finally:
            connection.close()

    def number() -> int:
        try:
            together.wait(30)
            found = 0
            while not stop.is_set():
                done = sequence()
                found += done.numbered if done else 0
            return found
        finally:
            connection.close()

    with ThreadPoolExecutor(9) as pool:
        sequencer = pool.submit(number)
        leaves = [leaf for own in pool.map(write, range(8)) for leaf in own]
        stop.set()
        during = sequencer.result()
    last = sequence()
    assert last and during + last.numbered == 201 and set(leaves) < set(leaves_in_order())
    everything_adds_up()


def test_of_two_sequencers_at_once_exactly_one_works() -> None:
    entries(5)
    entered, leave = threading.Event(), threading.Event()
    real = actions.take_positions

    def slow(*, most: int) -> int:
        entered.set()
        leave.wait(30)
        return real(most=most)

    def first() -> Any:
        try:
            return sequence()
        finally:
            connection.close()

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as pool:
        patch.setattr(actions, "take_positions", slow)
        running = pool.submit(first)
        assert entered.wait(30)
        assert sequence() is None and not Position.objects.exists()
        leave.set()
        assert running.result().numbered == 6
    everything_adds_up()
