"""What the log is told of models and generations, and what a browser is told while it waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.dispatch import Signal

from provenance.audit_log.entry import Statement

work_available = Signal()
"""Sent inside a transaction that leaves something to render; the wake-up goes out when it commits."""

reconciliation_waiting = Signal()
"""Sent inside a transaction that asks for a reconciliation; the wake-up goes out when it commits."""

training_waiting = Signal()
"""Sent inside a transaction that leaves a style to train; the wake-up goes out when it commits."""

watermark_waiting = Signal()
"""Sent inside a transaction that leaves a picture whose watermark is to be read; the wake-up goes out as it commits."""

PROGRESS_CHANNEL = "colophon_progress"
"""The PostgreSQL channel on which steps and changes of state are notified."""

STOP_CHANNEL = "colophon_stop"
"""The PostgreSQL channel on which workers hear that a request is to stop: its payload is the request's id."""


@dataclass(frozen=True, kw_only=True)
class ModelRegistered(Statement):
    """A model was registered with its digests and licence, and is the current one of its name."""

    model: UUID
    name: str
    digest: str
    licence: str
    training: str
    supersedes: str = ""
    """Digest of the weights that stood under this name before."""


@dataclass(frozen=True, kw_only=True)
class GenerationRequested(Statement):
    """Somebody asked for pictures, and the licence decision allowed it."""

    generation: UUID
    model: str
    prompt_commitment: str
    seeds: Sequence[str]
    references: Sequence[Mapping[str, Any]]
    inputs: Sequence[Mapping[str, Any]]
    decision: Mapping[str, Any]
    settings: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class GenerationRefused(Statement):
    """A request had no basis, when asked or when its turn came."""

    generation: UUID
    stage: str
    decision: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DecisionRenewed(Statement):
    """A request is still permitted when its turn comes, but on another basis than when it was made."""

    generation: UUID
    decision: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RenderingStarted(Statement):
    """A worker took a request up."""

    generation: UUID
    attempt: int
    worker: str


@dataclass(frozen=True, kw_only=True)
class MarkingStarted(Statement):
    """The pictures of a request are drawn; what is left is to mark, sign and deliver them."""

    generation: UUID
    attempt: int


@dataclass(frozen=True, kw_only=True)
class RenderingAbandoned(Statement):
    """A worker stopped answering, the database did, or the worker was to stop, and the request waits again."""

    generation: UUID
    attempt: int
    worker: str
    reason: str
    """"worker-silent", which counts as a worker lost, "database-restarted" or "handed-back", which do not."""


@dataclass(frozen=True, kw_only=True)
class GenerationFailed(Statement):
    """A request ended without pictures."""

    generation: UUID
    attempt: int
    code: str


@dataclass(frozen=True, kw_only=True)
class GenerationCancelled(Statement):
    """Its owner called a request off."""

    generation: UUID


@dataclass(frozen=True, kw_only=True)
class OutputDelivered(Statement):
    """An image left, and this is what its file, pixels and manifest are."""

    generation: UUID
    index: int
    use: UUID
    digest: str
    manifest: str
    raw_pixels: str
    delivered_pixels: str
    seed: str
    watermark: str | None = None


@dataclass(frozen=True, kw_only=True)
class RenditionMade(Statement):
    """A delivered image left in a later form; this is what its file, pixels and manifest are."""

    rendition: UUID
    generation: UUID
    image: str
    """Digest of the file first delivered."""
    parent: str
    reason: str
    digest: str
    manifest: str
    delivered_pixels: str


@dataclass(frozen=True, kw_only=True)
class StampGivenUp(Statement):
    """A signature stays without a timestamp, for its file can be given none later."""

    image: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class GenerationDone(Statement):
    """Every picture of a request was delivered; this is the environment that made them."""

    generation: UUID
    attempt: int
    outputs: Sequence[str]
    environment: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class PromptRead(Statement):
    """An auditor read a prompt that was not public, for this reason."""

    generation: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class PersonErased(Statement):
    """A person's data was erased on request; this much was there."""

    account: UUID
    generations: int
    cancelled: int
    images: int
    works: int
    styles: int
    parties: int
    openings: int


@dataclass(frozen=True, kw_only=True)
class ReconciliationRequested(Statement):
    """Somebody asked for rows, files, manifests and log to be compared."""

    reconciliation: UUID


@dataclass(frozen=True, kw_only=True)
class ReconciliationEnded(Statement):
    """A comparison came to its end; the report has this digest."""

    reconciliation: UUID
    differences: int
    report: str


@dataclass(frozen=True, kw_only=True)
class ReplayRequested(Statement):
    """Its owner or an auditor asked for a generation to be drawn again and compared; no output, no charge."""

    generation: UUID
    replay: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class ReplayEnded(Statement):
    """A replay came to its end: exact, similar, erased, model-changed, or the code of what it failed with."""

    generation: UUID
    replay: UUID
    result: str


@dataclass(frozen=True, kw_only=True)
class ReverificationRequested(Statement):
    """Every stored credential is to be verified again, for this reason, with this library and these lists."""

    reverification: UUID
    reason: str
    library: str
    trust: str


@dataclass(frozen=True, kw_only=True)
class VerdictChanged(Statement):
    """A stored credential verifies otherwise than it did."""

    reverification: UUID
    change: UUID
    image: str
    manifest: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class ReverificationEnded(Statement):
    """Every stored credential was verified again; so many verdicts changed."""

    reverification: UUID
    changed: int


@dataclass(frozen=True, kw_only=True)
class TrainingRequested(Statement):
    """Somebody asked for a style to be trained, on these of its works and without those."""

    training: UUID
    style: UUID
    model: str
    recipe: Mapping[str, Any]
    trained_on: int
    left_out: int
    works: str
    """Digest of the canonical list of works: of each its digest and basis, or why it was left out."""


@dataclass(frozen=True, kw_only=True)
class TrainingStarted(Statement):
    """A worker took a training up, on these works."""

    training: UUID
    attempt: int
    worker: str
    works_digest: str
    """Of the sorted list of the file digests that are trained on."""


@dataclass(frozen=True, kw_only=True)
class TrainingNarrowed(Statement):
    """Works of a training that began were left out: they opted out, were withdrawn or lost their basis since."""

    training: UUID
    attempt: int
    works_digest: str
    """Of the sorted list of the file digests that are still trained on."""


@dataclass(frozen=True, kw_only=True)
class TrainingAbandoned(Statement):
    """A worker stopped answering, or the database did, and the training waits again."""

    training: UUID
    attempt: int
    worker: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class TrainingEnded(Statement):
    """A style was trained: the adapter, its manifest, the signed sheet of samples, and all that decides them."""

    training: UUID
    attempt: int
    style: UUID
    model: str
    adapter: str
    manifest: str
    manifest_id: str
    sheet: str
    sheet_manifest_id: str
    works_digest: str
    """Of the sorted list of the file digests that were trained on."""
    losses: str
    """Digest of the canonical loss curve."""
    outcome: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class TrainingFailed(Statement):
    """A training ended without an adapter."""

    training: UUID
    attempt: int
    code: str


@dataclass(frozen=True, kw_only=True)
class TrainingCancelled(Statement):
    """A training was called off."""

    training: UUID
