"""Whom recorded generations credit today, looked up once for a page of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provenance.licensing.queries.crediting import all_credited_today


def credit_at_once(generations: Iterable[Any]) -> None:
    """Look up whom some generations credit today, all at once; each keeps it for as long as it is in memory."""
    listed = list(generations)
    for generation, today in zip(listed, all_credited_today(one.decision for one in listed), strict=True):
        generation.decision_today = today


def decision_today(generation: Any) -> dict[str, Any]:
    """Return a generation's recorded decision as it credits today."""
    if not hasattr(generation, "decision_today"):
        credit_at_once([generation])
    today: dict[str, Any] = generation.decision_today
    return today
