"""What of a verdict the page would show under its raw key, for want of a name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provenance.verification.verdict import Verdict
from server.web import evidence_words

SHAPED = {"fields", "findings"}
"""Lists that the page lays out by themselves: a table with headings of its own, codes with their explanations."""


def unnamed(verdict: Verdict) -> set[str]:
    """Return the keys of all the evidence of a verdict that the page has no name for."""
    held = {key for check in verdict.checks for key in _keys(check.as_json()["evidence"])}
    return {key for key in held if f"evidence_{key}" not in evidence_words.NAMES}


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _keys(one)
    elif isinstance(value, dict) and set(value) != {"en", "zh-Hans"}:
        for key, one in value.items():
            if key not in SHAPED:
                yield key
                yield from _keys(one)
