"""Which files are kept as evidence: sniffed, bounded, and never shown inline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from provenance.canonical import sha256_digest
from provenance.disputes.errors import EvidenceUnfit
from provenance.errors import Fault
from provenance.picture import decode_picture

LARGEST_FILE = 10 * 2**20
MOST_FILES = 5
KEPT_PICTURES = {"image/png", "image/jpeg", "image/webp"}


@dataclass(frozen=True)
class EvidenceFile:
    """A file that a side hands in, with what its bytes are."""

    name: str
    data: bytes
    media_type: str

    def as_json(self) -> dict[str, Any]:
        """Return what is recorded of the file."""
        return {
            "digest": sha256_digest(self.data),
            "media_type": self.media_type,
            "size_bytes": str(len(self.data)),
            "name": self.name,
        }


def taken_as_evidence(name: str, data: bytes) -> EvidenceFile:
    """Return a file with its sniffed kind; raise EvidenceUnfit for one that is too large or of no kept kind."""
    shown = "".join(character for character in name if character.isprintable())[:120] or "file"
    if len(data) > LARGEST_FILE:
        raise EvidenceUnfit(name=shown, reason_en="it is larger than 10 MB", reason_zh="超过 10 MB")
    media_type = _sniffed(data)
    if media_type is None:
        raise EvidenceUnfit(name=shown, reason_en="it is none of the kinds that are kept", reason_zh="不是可保存的类型")
    return EvidenceFile(name=shown, data=data, media_type=media_type)


def _sniffed(data: bytes) -> str | None:
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    try:
        media_type = decode_picture(data).media_type
    except Fault:
        return "text/plain" if _is_text(data) else None
    return media_type if media_type in KEPT_PICTURES else None


def _is_text(data: bytes) -> bool:
    """Say whether bytes are text a person typed: UTF-8, with no control characters, and no markup at its start."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    is_plain = all(character.isprintable() or character in "\r\n\t" for character in text)
    return bool(text.strip()) and is_plain and not text.lstrip("\ufeff \r\n\t").startswith("<")
