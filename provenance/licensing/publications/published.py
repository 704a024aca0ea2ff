"""One version of an offer as every publication needs it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from provenance.licensing.terms import Terms

State = Literal["standing", "paused", "superseded", "withdrawn"]
PLACES = {"work": "/api/v1/works/", "style": "/api/v1/styles/", "party": "/api/v1/parties/"}
"""Below which paths what is offered lies, by its kind: publications name it there, so robots may go there."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """What is offered by whom on which terms, and where that can be read."""

    id: str
    url: str
    """Of the page of this version, absolute."""
    subject_kind: str
    subject_id: str
    subject_url: str
    name: str
    name_zh: str
    """What it is called in Chinese, the same where that was not said."""
    party: str
    party_id: str
    is_organisation: bool
    is_open: bool
    terms: Terms
    terms_digest: str
    version: int
    state: State
    published_at: datetime
    replaces: str = ""
    replaced_by: str = ""
