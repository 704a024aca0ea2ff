"""The codes of many pictures side by side in memory, compared with one code at the speed of reading them.

320 bytes a picture. A comparison counts differing bits of every code, so it is exact at every distance and takes as
long for pictures that are much alike as for others.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

CODES = 10
"""The whole picture and its nine windows."""
BYTES = 32
WORDS = BYTES // 8
AT_ONCE = 1 << 15
"""Codes a step: what a step computes stays in the processor's nearest cache."""
FEW_BITS = 40
"""Strangers differ in 64 of their first 128 bits and hardly ever in so few; in 96 of their first 192."""
WORTH_THREADS = 1 << 16
MOST_THREADS = 4

Rows = npt.NDArray[np.int64]


class FlatCodes:
    """The codes of pictures, each under the number of its row; safe to search while others add."""

    def __init__(self) -> None:
        self._adding = Lock()
        self._held: tuple[Any, Rows, int] = (np.empty((WORDS, CODES, 0), np.uint64), np.empty(0, np.int64), 0)

    def __len__(self) -> int:
        return self._held[2]

    @property
    def size_bytes(self) -> int:
        """Return how much memory the codes and rows take, with what is kept free for more."""
        words, rows, _ = self._held
        return int(words.nbytes + rows.nbytes)

    def add(self, rows: Sequence[int] | Rows, codes: bytes) -> None:
        """Add pictures by their rows and their codes, 320 bytes each."""
        fresh = np.frombuffer(codes, np.uint64).reshape(len(rows), CODES, WORDS).transpose(2, 1, 0)
        with self._adding:
            words, held, count = self._held
            after = count + len(rows)
            if after > len(held):
                words, held = _grown(words, held, count, room=max(1024, after + after // 4))
            words[:, :, count:after] = fresh
            held[count:after] = rows
            self._held = (words, held, after)  # those who search see all of it or nothing

    def near(self, code: bytes, *, within: int) -> set[int]:
        """Return the rows with a code that differs from a code of 32 bytes in at most so many bits."""
        return self.rows_near([(place, code) for place in range(CODES)], within=within)

    def rows_near(self, wanted: Iterable[tuple[int, bytes]], *, within: int) -> set[int]:
        """Return the rows that are within so many bits of a code at its place: 0 for the whole, 1 to 9 for windows."""
        words, rows, count = self._held
        asked = [(words[:, place, :count], np.frombuffer(code, np.uint64)) for place, code in wanted]
        if count < WORTH_THREADS:
            found = [_near_in(part, code, within) for part, code in asked]
        else:
            found = list(_threads().map(lambda one: _near_in(one[0], one[1], within), asked))
        return {int(rows[place]) for places in found for place in places}


@cache
def _threads() -> ThreadPoolExecutor:
    """Return the threads that compare side by side: numpy holds no lock while it does."""
    return ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1), thread_name_prefix="codes")


def _grown(words: Any, rows: Rows, count: int, *, room: int) -> tuple[Any, Rows]:
    larger, longer = np.zeros((WORDS, CODES, room), np.uint64), np.zeros(room, np.int64)
    larger[:, :, :count], longer[:count] = words[:, :, :count], rows[:count]
    return larger, longer


def _near_in(words: Any, wanted: Any, within: int) -> list[int]:
    """Return the places where codes, by words of shape (4, n), differ in at most so many bits.

    Most differ in more than that in the first words alone: only of the others are the last ones read.
    """
    first = 2 if within <= FEW_BITS else 3
    differing = np.empty(AT_ONCE, np.uint64)
    bits, more = np.empty(AT_ONCE, np.uint8), np.empty(AT_ONCE, np.uint8)
    found: list[int] = []
    for start in range(0, words.shape[1], AT_ONCE):
        part = words[:, start : start + AT_ONCE]
        d, b, m = differing[: part.shape[1]], bits[: part.shape[1]], more[: part.shape[1]]
        np.bitwise_count(np.bitwise_xor(part[0], wanted[0], out=d), out=b)
        for word in range(1, first):
            np.bitwise_count(np.bitwise_xor(part[word], wanted[word], out=d), out=m)
            np.add(b, m, out=b)
        if b.min() <= within:
            near = np.flatnonzero(b <= within)
            rest = np.bitwise_count(part[first:, near] ^ wanted[first:, None]).sum(0, dtype=np.uint16)
            found += (start + near[b[near] + rest <= within]).tolist()
    return found
