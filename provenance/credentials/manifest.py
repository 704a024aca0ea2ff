"""What a picture's manifest says.

``docs/formats/manifest.md`` describes the assertion ``org.colophon.generation`` field by field.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from provenance.canonical import Digest, timestamp
from provenance.errors import ProvenanceError
from provenance.fingerprint import Fingerprint

Disclosure = Literal["public", "committed", "private"]
ReferenceKind = Literal["style", "adapter", "work"]
DigestOf = Literal["adapter-file", "token-style", ""]
EditBy = Literal["rule", "unknown", "nobody"]
"""A fixed rule such as resampling; people or programs elsewhere; or no pixel was decided on at all."""
InputRole = Literal["image", "mask"]
MiningUse = Literal["allowed", "notAllowed", "constrained"]

GENERATION = "org.colophon.generation"
VERSION = 1
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
WHOLLY_GENERATED = SOURCE_TYPES + "trainedAlgorithmicMedia"
PARTLY_GENERATED = SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia"
DRAWN_BY_RULE = SOURCE_TYPES + "algorithmicMedia"
PROMPT_TYPE = "c2pa.types.generator.prompt"
SALT_BYTES = 32
NO_TRAINING: Mapping[str, MiningUse] = {
    "cawg.ai_training": "notAllowed",
    "cawg.ai_generative_training": "notAllowed",
}


class ManifestError(ProvenanceError):
    """What a manifest should say cannot be said."""

    code = "manifest-not-possible"
    en = "The manifest cannot be written: {said_en}"
    zh = "无法写出内容凭证清单：{said_zh}"


@dataclass(frozen=True)
class Software:
    """The program that made the picture and its claim."""

    name: str
    version: str


@dataclass(frozen=True, kw_only=True)
class ModelUsed:
    """The checkpoint that made the picture, and what its maker states of its training."""

    name: str
    identifier: str
    source: str
    revision: str
    licence: str
    weights_digest: Digest
    training_statement: str
    url: str = ""

    @property
    def unique_name(self) -> str:
        """Return what names the checkpoint and no other: its package URL at a commit of a hub, else its digest."""
        is_of_hub = re.fullmatch(r"[\w.-]+/[\w.-]+", self.source) and re.fullmatch(r"[0-9a-f]{40}", self.revision)
        return f"pkg:huggingface/{self.source}@{self.revision}" if is_of_hub else self.weights_digest


@dataclass(frozen=True)
class Prompt:
    """The prompt as far as its writer discloses it; make one with ``public``, ``committed`` or ``private``."""

    disclosure: Disclosure
    text: str = field(default="", repr=False)
    negative_text: str = field(default="", repr=False)
    commitment: Digest = ""
    writer: str = field(default="", repr=False)

    @classmethod
    def public(cls, text: str, *, negative_text: str = "", writer: str = "") -> Prompt:
        """Return a prompt that the manifest quotes, and by whom where its writer wants to be named."""
        return cls("public", text=text, negative_text=negative_text, writer=writer)

    @classmethod
    def committed(cls, text: str, *, salt: bytes) -> Prompt:
        """Return a prompt of which the manifest keeps only a salted commitment."""
        return cls("committed", commitment=prompt_commitment(text, salt=salt))

    @classmethod
    def private(cls) -> Prompt:
        """Return a prompt of which the manifest says nothing."""
        return cls("private")


@dataclass(frozen=True)
class NestedManifest:
    """The manifest beside a listed work, as it goes into another picture's: its id, its store, and how it verified."""

    manifest_id: str
    media_type: str
    store: bytes = field(repr=False)
    results: Mapping[str, Any] = field(repr=False)
    """What the C2PA library found of it beside the work's file, without its explanations."""
    is_trusted: bool

    @property
    def is_stamped(self) -> bool:
        """Say whether its signature has a timestamp that fits it."""
        return {"code": "timeStamp.validated"} in self.results["activeManifest"]["success"]


@dataclass(frozen=True, kw_only=True)
class WorkBehind:
    """One of the few listed works that a style stands on; its own manifest comes along, and says whom to credit."""

    name: str
    digest: Digest
    licence: str
    manifest: NestedManifest


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A declared style, adapter or work that the picture was made with."""

    kind: ReferenceKind
    name: str
    digest: Digest
    licence: str
    credit_line: str
    url: str = ""
    digest_of: DigestOf = ""
    works: tuple[WorkBehind, ...] = ()


@dataclass(frozen=True, kw_only=True)
class InputUsed:
    """A picture that went in; with its bytes, the image becomes the parent and brings its own manifest along.

    That is the manifest beside the listed work where there is one, else the one inside the file.
    """

    role: InputRole
    name: str
    digest: Digest
    licence: str
    credit_line: str
    data: bytes | None = field(default=None, repr=False)
    manifest: NestedManifest | None = None


@dataclass(frozen=True, kw_only=True)
class BasisLine:
    """On what ground one thing was used, and what that asks for; duties are ODRL action names."""

    subject: str
    basis: str
    licence: str
    terms_digest: Digest
    duties: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LogReceipt:
    """Where the log holds the request: the log's origin, its key if signed already, the entry's leaf hash."""

    origin: str
    leaf_hash: Digest
    key_id: str = ""


@dataclass(frozen=True)
class WatermarkStated:
    """The watermark that the pixels carry: its algorithm, and its eight bytes."""

    algorithm: str
    id: bytes


@dataclass(frozen=True)
class Edit:
    """One change after generation: its C2PA action, in words, who decided on the pixels, and its parameters."""

    action: str
    description: str
    by: EditBy = "rule"
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The earlier file that a rendition was made from; its bytes bring its own manifest along."""

    image: Digest
    """The file first delivered, which the picture is known by."""
    parent: Digest
    reason: str
    edited_at: datetime
    data: bytes = field(repr=False)
    edits: tuple[Edit, ...] = ()
    is_composite: bool = False
    """Whether the earlier file holds an edit that was made elsewhere."""

    @property
    def has_unseen_edits(self) -> bool:
        """Say whether something was done that nobody here saw."""
        return any(edit.by == "unknown" for edit in self.edits)


@dataclass(frozen=True, kw_only=True)
class Colophon:
    """Everything that a picture's manifest says of its making."""

    manifest_id: str
    title: str
    media_type: str
    made_at: datetime
    software: Software
    model: ModelUsed
    prompt: Prompt
    seed: int
    raw_pixels: Digest
    generation_id: str
    log: LogReceipt
    settings: Mapping[str, Any] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    inputs: tuple[InputUsed, ...] = ()
    basis: tuple[BasisLine, ...] = ()
    use_ids: tuple[str, ...] = ()
    human_contribution: tuple[str, ...] = ("prompt",)
    provider: str = ""
    page_url: str = ""
    visible_label: str = ""
    fingerprint: Fingerprint | None = None
    """Of the file as delivered, for its soft bindings."""
    watermark: WatermarkStated | None = None
    opened: Opened | None = None
    conditions: tuple[str, str] = ("", "")
    """What using the picture asks for, in English and Chinese: the terms that travelled to it."""
    mining: Mapping[str, MiningUse] = field(default_factory=lambda: NO_TRAINING)
    mining_constraints: str = ""
    """What the constrained uses ask for."""

    @property
    def parent(self) -> InputUsed | None:
        """Return the input picture that the image was made over, if its bytes are given."""
        images = (picture for picture in self.inputs if picture.role == "image" and picture.data is not None)
        return next(images, None)

    @property
    def source_type(self) -> str:
        """Return the IPTC digital source type: composite where pixels of an input survive."""
        is_over_another = any(one.role == "image" for one in self.inputs)
        is_edited = self.opened is not None and (self.opened.is_composite or self.opened.has_unseen_edits)
        return PARTLY_GENERATED if is_over_another or is_edited else WHOLLY_GENERATED

    @property
    def is_every_action_told(self) -> bool:
        """Say whether the manifest tells of all that was done to the picture since its parent."""
        return self.opened is None or not self.opened.has_unseen_edits


def prompt_commitment(text: str, *, salt: bytes) -> Digest:
    """Return ``sha256:`` of a 32-byte salt followed by the UTF-8 prompt."""
    if len(salt) != SALT_BYTES:
        raise not_possible(f"the salt has {len(salt)} bytes, not 32.", f"盐值为 {len(salt)} 字节，应为 32 字节。")
    return "sha256:" + hashlib.sha256(salt + text.encode()).hexdigest()


def generation_record(colophon: Colophon) -> dict[str, Any]:
    """Return the assertion ``org.colophon.generation``, version 1."""
    return {
        "v": VERSION,
        "generation": colophon.generation_id,
        "uses": list(colophon.use_ids),
        **without_blanks(provider=colophon.provider),
        "made_at": timestamp(colophon.made_at),
        "seed": str(colophon.seed),
        "settings": dict(colophon.settings),
        "raw_pixels": colophon.raw_pixels,
        "prompt": without_blanks(disclosure=colophon.prompt.disclosure, commitment=colophon.prompt.commitment),
        "model": without_blanks(**vars(colophon.model)),
        "references": [_reference_record(reference) for reference in colophon.references],
        "inputs": [_input_record(picture) for picture in colophon.inputs],
        "basis": [without_blanks(**vars(line)) | {"duties": list(line.duties)} for line in colophon.basis],
        "credits": credit_lines(colophon),
        "log": without_blanks(**vars(colophon.log)),
        "human_contribution": list(colophon.human_contribution),
        **({"rendition": _rendition_record(colophon.opened)} if colophon.opened else {}),
    }


def _rendition_record(opened: Opened) -> dict[str, str]:
    return {
        "image": opened.image,
        "of": opened.parent,
        "reason": opened.reason,
        "made_at": timestamp(opened.edited_at),
    }


def credit_lines(colophon: Colophon) -> list[str]:
    """Return each line of credit once, in the order in which things were declared."""
    declared: tuple[Reference | InputUsed, ...] = (*colophon.references, *colophon.inputs)
    lines = (one.credit_line for one in declared if one.credit_line)
    return list(dict.fromkeys(lines))


def not_possible(en: str, zh: str) -> ManifestError:
    """Return the fault that says why in both languages."""
    return ManifestError(said_en=en, said_zh=zh)


def _reference_record(reference: Reference) -> dict[str, Any]:
    return without_blanks(**{name: value for name, value in vars(reference).items() if name != "works"})


def _input_record(picture: InputUsed) -> dict[str, Any]:
    stated = {name: value for name, value in vars(picture).items() if name not in {"data", "manifest"}}
    return without_blanks(**stated)


def without_blanks(**values: Any) -> dict[str, Any]:
    """Return what is stated: an empty text states nothing."""
    return {name: value for name, value in values.items() if value != ""}
