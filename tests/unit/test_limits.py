"""Only so many pictures are worked on at once, only so many wait, and who comes then is told to come again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from server.api import limits
from server.api.limits import AT_ONCE, IN_LINE, TooMuchToCheck, at_work


@pytest.fixture(autouse=True)
def no_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have no connection to give back, and little patience."""
    monkeypatch.setattr(limits, "connection", SimpleNamespace(in_atomic_block=True))
    monkeypatch.setattr(limits, "SECONDS_IN_LINE", 0.05)
    yield
    with at_work():  # whatever a test did, places are given back
        pass


def test_who_finds_all_at_work_waits_and_is_told_to_come_again() -> None:
    with ExitStack() as places:
        for _ in range(AT_ONCE):
            places.enter_context(at_work())
        with pytest.raises(TooMuchToCheck) as told, at_work():
            pass
    assert told.value.values == {"seconds": 30} and "30 秒" in told.value.said("zh-Hans")


def test_a_place_that_is_given_back_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS_IN_LINE", 20)
    with ExitStack() as places:
        for _ in range(AT_ONCE):
            places.enter_context(at_work())
        taken = threading.Event()

        def come() -> None:
            with at_work():
                taken.set()

        waiting = threading.Thread(target=come)
        waiting.start()
        assert not taken.wait(0.1)
    waiting.join(10)
    assert taken.is_set()


def test_who_finds_the_line_full_is_told_at_once() -> None:
    with ExitStack() as line:
        for _ in range(IN_LINE):
            line.callback(limits._in_line.release)
            assert limits._in_line.acquire(blocking=False)
        with pytest.raises(TooMuchToCheck) as told, at_work():
            pass
    assert told.value.values == {"seconds": 5}


def test_a_place_is_given_back_by_what_fails() -> None:
    for _ in range(IN_LINE + 1):
        with pytest.raises(ValueError, match="broken"), at_work():
            raise ValueError("broken")
