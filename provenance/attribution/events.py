"""What the log is told of fingerprints."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from provenance.audit_log.entry import Statement


@dataclass(frozen=True, kw_only=True)
class PictureFingerprinted(Statement):
    """What a picture is recognised by was kept."""

    fingerprint: int
    of: str
    subject: UUID
    stage: str
    picture: str
    """Digest of the picture's file."""
    codes: str
    """Digest of the PDQ codes followed by the text of the ISCC code."""
