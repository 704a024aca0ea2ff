"""What large pictures leave in memory goes back to the system, once nobody works on one."""

from __future__ import annotations

import ctypes

import psutil
import pytest

from server.memory import KEPT, given_back

PIECE, PIECES = 100_000, 4_000
"""Too small for glibc to map one by one, and 400 MB altogether."""


def resident() -> int:
    return int(psutil.Process().memory_info().rss)


@pytest.fixture
def before() -> int:
    if not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("this libc has no malloc_trim: it is glibc's")
    with given_back():
        pass
    return resident()


def left_behind() -> bytearray:
    """Use much memory and free it; return the piece that stays, above all of it, so that nothing is freed by itself."""
    pieces = [bytearray(PIECE) for _ in range(PIECES)]
    return pieces[-1]


def test_what_a_large_picture_left_behind_is_given_back(before: int) -> None:
    with given_back():
        kept = left_behind()
        assert resident() > before + 3 * KEPT
    assert kept and resident() < before + KEPT


def test_nothing_is_given_back_while_somebody_still_works(before: int) -> None:
    with given_back():
        with given_back():
            kept = left_behind()
        assert resident() > before + 3 * KEPT
    assert kept and resident() < before + KEPT
