"""How long each side has: dates that everybody can work out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

DAYS: Mapping[str, int] = {"received": 7, "incomplete": 14, "complete": 14, "answered": 14}
"""Days from entering a state: for the auditor to look at a notice, for the claimant to complete it, for the other
side's counter-notice, and for the auditor to decide."""
WHO_ACTS: Mapping[str, str] = {
    "received": "auditor",
    "incomplete": "claimant",
    "complete": "respondent",
    "answered": "auditor",
}
"""Whom a dispute waits for; a silent respondent only lets the auditor decide without an answer."""


def due(state: str, *, entered_at: datetime) -> datetime | None:
    """Return when the side that must act in a state has to have acted; None once a dispute has ended."""
    days = DAYS.get(state)
    return entered_at + timedelta(days=days) if days else None
