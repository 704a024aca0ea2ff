"""What a keeper of records can say of a picture; offline there is none, and such checks read "not checked"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from provenance.canonical import Digest, timestamp

Result = Literal["passed", "failed", "not_checked"]
Layer = Literal["file", "manifest", "pixels"]


@dataclass(frozen=True, kw_only=True)
class RecordFound:
    """The record of one delivered image, as far as the public may see it, and by what it was found."""

    layer: Layer
    image_digest: Digest
    manifest_id: str
    delivered_pixels: Digest
    generation_id: str
    model: str
    made_at: datetime
    credits: tuple[Mapping[str, str], ...] = ()
    """Each in both languages, by ``en`` and ``zh-Hans``."""
    leaf_hashes: tuple[Digest, ...] = ()
    erased_at: datetime | None = None
    """When file, manifest, prompt and names were erased at the person's request."""

    def as_json(self) -> dict[str, Any]:
        """Return the record as it stands in a verdict."""
        return {
            "layer": self.layer,
            "image": self.image_digest,
            "manifest": self.manifest_id,
            "delivered_pixels": self.delivered_pixels,
            "generation": self.generation_id,
            "model": self.model,
            "made_at": timestamp(self.made_at),
            "credits": [dict(credit) for credit in self.credits],
            "leaf_hashes": list(self.leaf_hashes),
            "erased_at": timestamp(self.erased_at) if self.erased_at else None,
        }


@dataclass(frozen=True)
class Answer:
    """What the keeper of records answers to one question, in both languages, with what it rests on."""

    result: Result
    en: str
    zh: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


class Evidence(Protocol):
    """Records that a verification may ask; each answer is the keeper's word unless its evidence proves it."""

    @property
    def keeper(self) -> str:
        """Return who keeps the records, to be named in sentences; empty when there are none to ask."""
        ...

    def find(
        self, *, file_digest: Digest, pixel_digest: Digest | None, manifest_id: str | None
    ) -> Sequence[RecordFound]:
        """Return the records found by the first layer that finds any: file, then manifest, then pixels.

        Several records may have the same pixels; all are returned, none is picked.
        """
        ...

    def log_inclusion(self, record: RecordFound) -> Answer:
        """Say whether the log includes the record's entries."""
        ...

    def licences_today(self, record: RecordFound) -> Answer:
        """Say how the licences that the image was made under stand today."""
        ...


class NoEvidence:
    """Nobody to ask: every check that needs records stays unchecked."""

    keeper = ""

    def find(
        self, *, file_digest: Digest, pixel_digest: Digest | None, manifest_id: str | None
    ) -> Sequence[RecordFound]:
        """Return no record."""
        return ()

    def log_inclusion(self, record: RecordFound) -> Answer:
        """Leave the log unchecked."""
        return LOG_NOT_CHECKED

    def licences_today(self, record: RecordFound) -> Answer:
        """Leave the licences unchecked."""
        return LICENCES_NOT_CHECKED


RECORDS_NOT_CHECKED = Answer(
    "not_checked",
    "Nobody's records were asked: this check ran offline.",
    "未查询任何记录：本次核验为离线进行。",
)
LOG_NOT_CHECKED = Answer(
    "not_checked",
    "Whether the log includes this picture's entries was not checked.",
    "未核对日志是否收录了此图片的条目。",
)
LICENCES_NOT_CHECKED = Answer(
    "not_checked",
    "How the licences stand today was not checked.",
    "未核对各项许可目前的状态。",
)
