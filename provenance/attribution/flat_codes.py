"""The codes of many pictures side by side in memory, compared with one code at the speed of reading them.

320 bytes a picture. A comparison counts differing bits of every code, so it is exact at every distance and takes as
long for pictures that are much alike as for others.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        return self._near(code, within=within, places=range(CODES))

    def near_in_place(self, codes: Sequence[bytes], *, within: int) -> set[int]:
        """Return the rows with a window that is that near to the same window among some codes, the whole left out."""
        places = list(enumerate(codes))[1:]
        return {row for each, code in places for row in self._near(code, within=within, places=range(each, each + 1))}

    def wholes_near(self, code: bytes, *, within: int) -> set[int]:
        """Return the rows whose whole picture is that near to a code."""
        return self._near(code, within=within, places=range(1))

    def _near(self, code: bytes, *, within: int, places: range) -> set[int]:
        words, rows, count = self._held
        wanted = np.frombuffer(code, np.uint64)
        found = [place for each in places for place in _near_in(words[:, each, :count], wanted, within)]
        return {int(rows[place]) for place in found}


def _grown(words: Any, rows: Rows, count: int, *, room: int) -> tuple[Any, Rows]:
    larger, longer = np.zeros((WORDS, CODES, room), np.uint64), np.zeros(room, np.int64)
    larger[:, :, :count], longer[:count] = words[:, :, :count], rows[:count]
    return larger, longer


def _near_in(words: Any, wanted: Any, within: int) -> list[int]:
    """Return the places where codes, by words of shape (4, n), differ in at most so many bits."""
    differing = np.empty(AT_ONCE, np.uint64)
    bits, more = np.empty(AT_ONCE, np.uint8), np.empty(AT_ONCE, np.uint8)
    found: list[int] = []
    for start in range(0, words.shape[1], AT_ONCE):
        part = words[:, start : start + AT_ONCE]
        d, b, m = differing[: part.shape[1]], bits[: part.shape[1]], more[: part.shape[1]]
        np.bitwise_count(np.bitwise_xor(part[0], wanted[0], out=d), out=b)
        for word in range(1, WORDS):
            np.bitwise_count(np.bitwise_xor(part[word], wanted[word], out=d), out=m)
            np.add(b, m, out=b)  # 256 wraps to 0: the caller looks at each again
        if b.min() <= within:
            found += (start + np.flatnonzero(b <= within)).tolist()
    return found
