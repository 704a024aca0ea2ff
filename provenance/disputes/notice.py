"""What somebody says against a work, a style or an image, and the words that everybody uses for it."""

from __future__ import annotations

from dataclasses import dataclass

SUBJECT_KINDS = ("work", "style", "image")
GROUNDS = ("mine", "no-consent", "shows-me", "opt-out", "other")
OPT_OUT = "opt-out"
REMEDIES = ("withdraw", "reassign", OPT_OUT)
"""How an upheld dispute over a work or style ends: out of use for good, with its new owner, or opted out as claimed."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One notice, as its claimant gives it."""

    subject_kind: str
    subject: str
    ground: str
    name: str
    contact: str
    text: str
    is_in_good_faith: bool
    is_accurate: bool
    language: str = "en"
