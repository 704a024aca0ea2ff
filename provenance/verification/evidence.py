"""What a keeper of records can say of a picture; offline there is none, and such checks read "not checked"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from provenance.canonical import Digest, timestamp
from provenance.verification.copy import Copy

Result = Literal["passed", "failed", "not_checked", "pending"]
"""A pending check is being made elsewhere; its evidence says where to ask."""
Layer = Literal["file", "manifest", "pixels", "watermark", "fingerprint"]
Disclosure = Literal["public", "committed", "private"]


@dataclass(frozen=True, kw_only=True)
class RecordFound:
    """The record of one delivered image, as far as the public may see it, and by what it was found.

    What is None or empty is not compared with the manifest: an erased record has little left to compare.
    """

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
    model_digest: Digest = ""
    seed: str = ""
    disclosure: Disclosure | None = None
    prompt_text: str = field(default="", repr=False)
    """Empty unless the requester made it public."""
    prompt_commitment: Digest = ""
    """Empty unless the prompt was committed."""
    references: tuple[Mapping[str, str], ...] | None = None
    """Kind, name, digest and licence of each, a blank one left out."""
    inputs: tuple[Mapping[str, str], ...] | None = None
    """Role, name, digest and licence of each, a blank one left out."""
    request_leaf: Digest = ""
    key_id: Digest = ""
    match: Mapping[str, Any] = field(default_factory=dict)
    """How sure the layer is: distance, rate, index size, whatever it has to say."""
    is_possible: bool = False
    """Whether this is only a possible copy, until a second method confirms it."""
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
            "key": self.key_id,
            "match": dict(self.match),
            "is_possible": self.is_possible,
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

    @property
    def left_out(self) -> Sequence[str]:
        """Return which ways of finding the last picture were not tried, because they take too long just now."""
        ...

    def find(self, copy: Copy) -> Sequence[RecordFound]:
        """Return the records found by the first layer that finds any: file, manifest, pixels, watermark, fingerprint.

        Several records may have the same pixels; all are returned, none is picked. Ask for the copy's pixels only
        when no layer before needs them.
        """
        ...

    def log_inclusion(self, record: RecordFound) -> Answer:
        """Say whether the log includes the record's entries."""
        ...

    def licences_today(self, record: RecordFound) -> Answer:
        """Say how the licences that the image was made under stand today."""
        ...

    def dispute(self, record: RecordFound) -> Answer:
        """Say whether somebody disputes the image or what it was made from."""
        ...

    def signing_key(self, record: RecordFound) -> Answer:
        """Say whether the key that signed the image was revoked since."""
        ...


class NoEvidence:
    """Nobody to ask: every check that needs records stays unchecked."""

    keeper = ""
    left_out = ()

    def find(self, copy: Copy) -> Sequence[RecordFound]:
        """Return no record."""
        return ()

    def log_inclusion(self, record: RecordFound) -> Answer:
        """Leave the log unchecked."""
        return LOG_NOT_CHECKED

    def licences_today(self, record: RecordFound) -> Answer:
        """Leave the licences unchecked."""
        return LICENCES_NOT_CHECKED

    def dispute(self, record: RecordFound) -> Answer:
        """Leave disputes unchecked."""
        return DISPUTE_NOT_CHECKED

    def signing_key(self, record: RecordFound) -> Answer:
        """Leave the key unchecked."""
        return KEY_NOT_CHECKED


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
DISPUTE_NOT_CHECKED = Answer(
    "not_checked",
    "Whether anybody disputes this picture was not checked.",
    "未核对是否有人对此图片提出争议。",
)
KEY_NOT_CHECKED = Answer(
    "not_checked",
    "Whether the signing key was revoked was not checked.",
    "未核对签名密钥是否已被吊销。",
)
