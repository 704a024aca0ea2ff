"""Rendering what was claimed: load, draw, mark, sign, deliver; every way of failing has its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections, transaction
from django.utils import timezone
from PIL import Image

from generation import queries
from generation.actions import delivering
from generation.actions.claiming import (
    Claim,
    Heartbeat,
    LeaseLine,
    claim_next,
    commit_before_the_disk,
    enter_marking,
    hold_claimed,
)
from generation.actions.likeness import require_unlike
from generation.actions.notifying import notify, notify_state
from generation.actions.requesting import decide_again, decision_to_log, refusal
from generation.errors import Cancelled, InternalFault, LeaseLost, WorkerStopping
from generation.events import (
    DecisionRenewed,
    GenerationCancelled,
    GenerationFailed,
    GenerationRefused,
    MarkingStarted,
    RenderingAbandoned,
    RenderingStarted,
    work_available,
)
from generation.models import Generation
from generation.pipelines.adapter_folders import adapter_folder
from generation.pipelines.contract import AdapterFile, Pipeline, Rendered, RenderOrder, StepDone
from generation.pipelines.errors import ModelReplaced, OutOfMemory, PicturesMiscounted, WeightsChanged
from provenance import storage
from provenance.actor import COLOPHON, Actor
from provenance.audit_log import actions as audit_log
from provenance.credentials.signing import SigningKey
from provenance.errors import Fault
from provenance.licensing.actions import uses
from provenance.picture import decode_picture

log = structlog.get_logger(__name__)
PASSING_STATES = ("08", "57P0", "40P01", "40001")
"""How the SQLSTATE begins of errors that tell of a lost connection, a server that stops, or a transaction that was
undone for another's sake (a deadlock, a serialization failure): tried again, each may well succeed."""
WAITS_FOR_DATABASE = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between tries to write a result while the database restarts."""


@dataclass(frozen=True)
class Worker:
    """What one render process works with."""

    name: str
    pipeline: Pipeline
    lease_seconds: int
    signing_key: Callable[[], SigningKey]
    lease_line: LeaseLine | None = None
    """A connection for the leases of all its claims; without one each claim opens its own."""


def render_next(*, worker: Worker) -> bool:
    """Claim the next generation and bring it to an end; say whether there was one to claim."""
    claim = claim_one(worker=worker)
    if claim is None:
        return False
    log.info("claimed", generation=str(claim.generation_id), attempt=claim.attempt)
    try:
        with Heartbeat(claim, line=worker.lease_line).beating() as on_step:
            if generation := decide_once_more(claim):
                _render_and_deliver(claim, generation=generation, worker=worker, on_step=on_step)
    except LeaseLost:
        log.warning("lease lost", generation=str(claim.generation_id), attempt=claim.attempt)
    except Cancelled:
        _end(lambda: _end_cancelled(claim))
    except WorkerStopping:
        _end(lambda: _give_back(claim))
    except Fault as error:
        _fail(claim, fault=error)
    except Exception as error:
        if is_away(error):
            log.exception("database away", generation=str(claim.generation_id))
            _end(lambda: _give_back(claim))
        else:
            log.exception("internal fault", generation=str(claim.generation_id))
            _fail(claim, fault=InternalFault())
    return True


@transaction.atomic
def claim_one(*, worker: Worker) -> Claim | None:
    """Claim what is next for a worker, with its entry; None when nothing waits."""
    claim = claim_next(
        worker=worker.name,
        resident=worker.pipeline.resident_models(),
        lease_seconds=worker.lease_seconds,
    )
    if claim is None:
        return None
    commit_before_the_disk()
    started = RenderingStarted(
        actor=COLOPHON, generation=claim.generation_id, attempt=claim.attempt, worker=worker.name
    )
    audit_log.append(started)
    notify(claim.generation_id, state=Generation.State.RENDERING)
    return claim


@transaction.atomic
def decide_once_more(claim: Claim) -> Generation | None:
    """Return the claimed request if it is still permitted; refuse it when an opt-out or revocation came since."""
    generation = hold_claimed(claim)
    decision = decide_again(generation)
    if decision.is_permitted:
        if decision.as_json() != generation.decision:
            _follow(generation, decision=decision.as_json())
            generation.decision = decision.as_json()
            generation.save(update_fields=["decision"])
            audit_log.append(
                DecisionRenewed(actor=COLOPHON, generation=generation.pk, decision=decision_to_log(generation))
            )
        else:
            commit_before_the_disk()
        return generation
    generation.state = Generation.State.REFUSED
    generation.fault = refusal(decision)
    _close(generation, reason="refused", decision=decision.as_json())
    audit_log.append(
        GenerationRefused(
            actor=COLOPHON, generation=generation.pk, stage="rendering", decision=decision_to_log(generation)
        )
    )
    return None


def _follow(generation: Generation, *, decision: Mapping[str, Any]) -> None:
    """Let what a request reserved follow a decision that came out on another basis."""
    uses.follow(
        actor=Actor(account_id=generation.owner_id),
        generation=generation.pk,
        earlier=generation.decision,
        decision=decision,
        images=len(generation.seeds),
    )


def _render_and_deliver(
    claim: Claim, *, generation: Generation, worker: Worker, on_step: Callable[[StepDone], None]
) -> None:
    rendered = draw(generation, pipeline=worker.pipeline, on_step=on_step)
    despite_restarts(lambda: _enter_marking(claim))
    require_unlike(generation, images=rendered.images)
    delivery = delivering.prepare(generation, rendered=rendered, key=worker.signing_key())
    despite_restarts(lambda: delivering.deliver(claim, delivery=delivery))


def draw(generation: Generation, *, pipeline: Pipeline, on_step: Callable[[StepDone], None]) -> Rendered:
    """Make the raw pictures of a recorded request; nothing is written."""
    with _adapters(generation) as adapters:
        return _draw(_order(generation, adapters=adapters), pipeline=pipeline, on_step=on_step)


def _draw(order: RenderOrder, *, pipeline: Pipeline, on_step: Callable[[StepDone], None]) -> Rendered:
    try:
        rendered = pipeline.render(order, on_step=on_step)
    except OutOfMemory:
        log.warning("out of memory, trying once more in tiles")
        rendered = pipeline.render(replace(order, tiled=True), on_step=on_step)
    except WeightsChanged as error:
        if model := queries.superseded_model(order.model.digest):
            raise ModelReplaced(model=model.name) from error
        raise
    if len(rendered.images) != len(order.seeds):
        raise PicturesMiscounted(made=len(rendered.images), asked=len(order.seeds))
    return rendered


def _order(generation: Generation, *, adapters: tuple[AdapterFile, ...]) -> RenderOrder:
    pictures = _input_pictures(generation)
    return RenderOrder(
        model=queries.model_source(generation.model),
        task=generation.task,  # type: ignore[arg-type]  # the column holds only tasks
        prompt=generation.expanded_prompt,
        negative_prompt=generation.negative_prompt,
        seeds=tuple(int(seed) for seed in generation.seeds),
        width=generation.width,
        height=generation.height,
        steps=generation.steps,
        guidance_scale=generation.guidance_scale,
        scheduler=generation.scheduler or None,
        strength=generation.strength,
        image=pictures.get("image"),
        mask=pictures.get("mask"),
        adapters=adapters,
    )


def _input_pictures(generation: Generation) -> Mapping[str, Any]:
    pictures = {}
    for row in generation.inputs:
        pixels = decode_picture(storage.load(row["digest"])).pixels
        fitted = Image.fromarray(pixels).resize((generation.width, generation.height), Image.Resampling.LANCZOS)
        pictures[row["role"]] = delivering.as_pixels(fitted if row["role"] == "image" else fitted.convert("L"))
    return pictures


@contextmanager
def _adapters(generation: Generation) -> Iterator[tuple[AdapterFile, ...]]:
    """Lend the adapter files of the declared styles; without any, no folder is made."""
    rows = [row for row in generation.references if row["adapter"]]
    if not rows:
        yield ()
        return
    with adapter_folder() as folder:
        files = []
        for row in rows:
            path = folder / f"{row['adapter'].removeprefix('sha256:')}.safetensors"
            path.write_bytes(storage.load(row["adapter"]))
            files.append(AdapterFile(path=path, digest=row["adapter"], scale=float(row["scale"])))
        yield tuple(files)


@transaction.atomic
def _enter_marking(claim: Claim) -> None:
    if enter_marking(claim):
        commit_before_the_disk()
        audit_log.append(MarkingStarted(actor=COLOPHON, generation=claim.generation_id, attempt=claim.attempt))
        notify(claim.generation_id, state=Generation.State.MARKING)
    elif hold_claimed(claim).cancel_requested:
        raise Cancelled()


@transaction.atomic
def _end_cancelled(claim: Claim) -> None:
    generation = hold_claimed(claim)
    generation.state = Generation.State.CANCELLED
    _close(generation, reason="cancelled")
    audit_log.append(GenerationCancelled(actor=Actor(account_id=generation.owner_id), generation=generation.pk))


def _fail(claim: Claim, *, fault: Fault) -> None:
    _end(lambda: _end_failed(claim, fault=fault))


@transaction.atomic
def _end_failed(claim: Claim, *, fault: Fault) -> None:
    generation = hold_claimed(claim)
    generation.state = Generation.State.FAILED
    generation.fault = fault.as_json()
    _close(generation, reason="failed")
    audit_log.append(GenerationFailed(actor=COLOPHON, generation=generation.pk, attempt=claim.attempt, code=fault.code))


@transaction.atomic
def _give_back(claim: Claim) -> None:
    generation = hold_claimed(claim)
    if generation.cancel_requested:
        _end_cancelled(claim)
        return
    generation.state = Generation.State.QUEUED
    generation.lease_expires = None
    generation.step = 0
    generation.save(update_fields=["state", "lease_expires", "step"])
    audit_log.append(
        RenderingAbandoned(
            actor=COLOPHON,
            generation=generation.pk,
            attempt=claim.attempt,
            worker=generation.worker,
            reason="handed-back",
        )
    )
    notify_state(generation)
    work_available.send(sender=Generation)


def _close(generation: Generation, *, reason: str, decision: dict[str, Any] | None = None) -> None:
    uses.release(generation=generation.pk, decision=generation.decision, reason=reason)
    generation.decision = decision or generation.decision
    generation.ended_at = timezone.now()
    generation.lease_expires = None
    generation.save(update_fields=["state", "fault", "decision", "ended_at", "lease_expires"])
    notify_state(generation)


def is_away(error: Exception) -> bool:
    """Say whether the database went away or undid a transaction for another; other faults it would answer again."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state.startswith(PASSING_STATES)


def _end(write: Callable[[], None]) -> None:
    """Bring a claim to its end; a lost lease is nobody's failure."""
    try:
        despite_restarts(write)
    except LeaseLost:
        log.warning("lease lost before writing")


def despite_restarts(write: Callable[[], None]) -> None:
    """Write once, or again while the database restarts or where it undid the write for another's sake."""
    for wait in (*WAITS_FOR_DATABASE, None):
        try:
            close_old_connections()
            return write()
        except (OperationalError, InterfaceError) as error:
            if wait is None or not is_away(error):
                raise
            time.sleep(wait)
    return None
