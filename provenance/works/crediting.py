"""How the authors of works are named, and how those are called who want not to be."""

from __future__ import annotations

from collections.abc import Sequence

ANONYMOUS = "anonymous · 佚名"
LONGEST_CREDIT = 200


def credit_line(authors: Sequence[str | None]) -> str:
    """Return how the authors of a work are named where it is credited; who stays anonymous is called so.

    A line that would be too long names those first who are anonymous: that somebody is must not be cut off.
    """
    line = ", ".join(name or ANONYMOUS for name in authors)
    if len(line) > LONGEST_CREDIT and None in authors:
        line = ", ".join([ANONYMOUS, *(name for name in authors if name)])
    return line[:LONGEST_CREDIT]


def is_unnamed(credit: str) -> bool:
    """Say whether an author stays anonymous: who owns or offers it is then not told either, for it may be the same."""
    return ANONYMOUS in credit
