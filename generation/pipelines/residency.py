"""What stays in memory: the most recently used values whose sizes fit a budget."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Residency(Generic[Value]):
    """Keeps loaded values by least recent use under a budget of bytes.

    Room is made before a value is loaded, so the budget holds while it loads. A value larger than the
    whole budget is kept alone: whether it fits the device, the device says.
    """

    def __init__(self, *, budget_bytes: int, release: Callable[[Value], None] | None = None) -> None:
        self.budget_bytes = budget_bytes
        self._release = release
        self._kept: OrderedDict[str, tuple[Value, int]] = OrderedDict()

    def resident(self) -> tuple[str, ...]:
        """Return the keys of what is kept, least recently used first."""
        return tuple(self._kept)

    def used_bytes(self) -> int:
        """Return the summed sizes of what is kept."""
        return sum(size for _, size in self._kept.values())

    def fetch(self, key: str, *, size_bytes: int, load: Callable[[], Value]) -> Value:
        """Return the value kept under ``key``, loading it after making room where it is not."""
        if key in self._kept:
            return self.touch(key)
        self.make_room(size_bytes)
        value = load()
        self._kept[key] = (value, size_bytes)
        return value

    def touch(self, key: str) -> Value:
        """Return a value that is kept, as the most recently used one."""
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def make_room(self, size_bytes: int) -> None:
        """Let go of the least recently used values until ``size_bytes`` more fit the budget."""
        while self._kept and self.used_bytes() + size_bytes > self.budget_bytes:
            self.drop(next(iter(self._kept)))

    def drop(self, key: str) -> None:
        """Let go of one value; an absent key is already gone."""
        value, _ = self._kept.pop(key, (None, 0))
        if value is not None and self._release is not None:
            self._release(value)

    def clear(self) -> None:
        """Let go of everything."""
        while self._kept:
            self.drop(next(iter(self._kept)))
