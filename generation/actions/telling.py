"""How an entry's statement of a row is described, so that the two can be compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from provenance.canonical import sha256_digest, timestamp

ERASED = "erased"
"""What stands for the state of a row that was erased."""
Row = Mapping[str, Any]
Says = Mapping[str, tuple[str, Callable[[Row], Any]]]
"""What an entry states, by its name in the details: the column it is about, and that column as the entry spells it."""


def column(name: str) -> tuple[str, Callable[[Row], Any]]:
    """Return a column that an entry states as the database spells it."""
    return name, lambda row: row[name]


def number(name: str) -> tuple[str, Callable[[Row], Any]]:
    """Return a whole number that an entry states as decimal text."""
    return name, lambda row: str(row[name])


def inside(name: str, *keys: str) -> tuple[str, Callable[[Row], Any]]:
    """Return a value inside a JSON column."""

    def value(row: Row) -> Any:
        found = row[name]
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    return ".".join((name, *keys)), value


def moment(name: str) -> tuple[str, Callable[[Row], Any]]:
    """Return a time that an entry states in RFC 3339, and as nothing where there is none."""
    return name, lambda row: timestamp(datetime.fromisoformat(row[name])) if row[name] else ""


def text_digest(text: str) -> str:
    """Return the digest by which an entry names a text; nothing for none."""
    return sha256_digest(text.encode()) if text else ""


def state_unless_erased(row: Row) -> Any:
    """Return a row's state; one that was erased was withdrawn with it, and the erasure's own entry tells."""
    return ERASED if row["erased_at"] else row["state"]


@dataclass(frozen=True, kw_only=True)
class Told:
    """What entries of some kinds state of the rows of one table."""

    table: str
    kinds: tuple[str, ...]
    name: str
    """Under which name the details hold the row's key."""
    column: str = "id"
    says: Says = field(default_factory=dict)
    more: str = ""
    """SQL that adds to the row what an entry states of its neighbours."""
    is_newest_only: bool = False
    """Whether a later entry replaces what an earlier one stated."""
    is_owed: bool = True
    """Whether a row without such an entry is a difference."""
    leaf_column: str = ""
    """The column that holds the entry's leaf hash."""
