"""The verdict on one picture: every check with its result and evidence, and one sentence for everybody.

``docs/formats/verdict.md`` describes its JSON field by field.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from provenance.canonical import Digest
from provenance.credentials.reading import Signer
from provenance.verification.evidence import RecordFound, Result
from provenance.verification.facts import Facts
from provenance.verification.history import Step
from provenance.verification.plain_text import plain_json, plain_text
from provenance.verification.trust import Trust

VERSION = 1
Outcome = Literal["trusted", "untrusted", "failed", "no_manifest", "unreadable"]
EXIT_CODES: Mapping[Outcome, int] = {
    "trusted": 0,
    "failed": 1,
    "no_manifest": 2,
    "unreadable": 3,
    "untrusted": 4,
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: what came of it, in both languages, and what that rests on."""

    code: str
    result: Result
    en: str
    zh: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""

    def said(self, language: str) -> str:
        """Return the sentence in a language, harmless to show on one line."""
        return plain_text(self.zh if language == "zh-Hans" else self.en)

    def as_json(self) -> dict[str, Any]:
        """Return the check as it is recorded."""
        told = {
            "code": self.code,
            "result": self.result,
            "en": self.said("en"),
            "zh-Hans": self.said("zh-Hans"),
        }
        return told | {"subject": plain_text(self.subject), "evidence": plain_json(dict(self.evidence))}


@dataclass(frozen=True, kw_only=True)
class FileAlone:
    """What a file says by itself, whatever records there are: what they answer is told on top of it."""

    outcome: Outcome
    en: str
    zh: str
    has_credentials: bool

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept while records are still being looked for; no database keeps every stranger's name."""
        return {**dataclasses.asdict(self), "en": plain_text(self.en), "zh": plain_text(self.zh)}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is true about a picture, check by check."""

    outcome: Outcome
    headline_en: str
    headline_zh: str
    file_digest: Digest
    size_bytes: int
    media_type: str
    pixel_digest: Digest | None
    validation_state: str
    checks: tuple[Check, ...]
    signer: Signer | None
    facts: Facts | None
    history: tuple[Step, ...]
    records: tuple[RecordFound, ...]
    library_version: str
    trust: Trust
    alone: FileAlone

    @property
    def exit_code(self) -> int:
        """Return the code with which the command line ends."""
        return EXIT_CODES[self.outcome]

    def check(self, code: str) -> Check:
        """Return the first check of a code; raise KeyError where there is none."""
        for one in self.checks:
            if one.code == code:
                return one
        raise KeyError(code)

    def summary(self, language: str) -> str:
        """Return the one sentence that a person who knows nothing of C2PA should read."""
        return plain_text(self.headline_zh if language == "zh-Hans" else self.headline_en)

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as it is published and kept."""
        return {
            "v": VERSION,
            "state": self.outcome,
            "summary": {"en": self.summary("en"), "zh-Hans": self.summary("zh-Hans")},
            "file": {
                "digest": self.file_digest,
                "size_bytes": self.size_bytes,
                "media_type": self.media_type,
                "pixels": self.pixel_digest,
            },
            "validation_state": self.validation_state,
            "checks": [check.as_json() for check in self.checks],
            "signer": _signer_json(self.signer),
            "manifest": self.facts.as_json() if self.facts else None,
            "history": [step.as_json() for step in self.history],
            "records": [record.as_json() for record in self.records],
            "library": {"name": "c2pa-rs", "version": self.library_version},
            "trust": self.trust.as_json(),
        }


def _signer_json(signer: Signer | None) -> dict[str, Any] | None:
    if signer is None:
        return None
    told: dict[str, Any] = plain_json(dataclasses.asdict(signer))
    return told | {"is_development": signer.is_development}
