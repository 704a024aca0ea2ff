"""Carrying out what was claimed: decide again, teach, keep what is needed to go on; every failure has its end."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from generation import queries
from generation.actions.notifying import notify_training
from generation.actions.rendering import despite_restarts, is_away
from generation.actions.training import finishing
from generation.actions.training.claiming import TrainingClaim, TrainingLease, claim_next, hold_claimed
from generation.actions.training.works_taught import (
    HELD_OUT,
    LEFT_OUT,
    TRAINED,
    digests,
    lessons_of,
    taught_digest,
    why_left_out,
    works_taught,
)
from generation.errors import Cancelled, InternalFault, LeaseLost, WorkerStopping
from generation.events import (
    TrainingAbandoned,
    TrainingCancelled,
    TrainingFailed,
    TrainingNarrowed,
    TrainingStarted,
    training_waiting,
)
from generation.models import TrainingRun
from generation.training.contract import StepTrained, Trainer, TrainingOrder
from generation.training.errors import TooFewWorks
from generation.training.recipe import LEAST_WORKS, Recipe
from generation.training.sheets import jpeg_strip
from provenance import storage
from provenance.actor import COLOPHON, Actor
from provenance.audit_log import actions as audit_log
from provenance.credentials.signing import SigningKey
from provenance.errors import Fault, FileAltered, FileMissing, StorageFull
from provenance.works import queries as works
from provenance.works.actions.styles import require_carriable

log = structlog.get_logger(__name__)
SAMPLES = 6
"""How often a training shows what it draws, besides at its end."""


@dataclass(frozen=True)
class TrainingWorker:
    """What one training process works with."""

    name: str
    trainer: Callable[[], Trainer]
    """Loads torch, so it is called only once there is something to train."""
    lease_seconds: int
    yields: bool
    """Whether it shares its device with renders, and stands aside for them."""
    checkpoint_seconds: float
    signing_key: Callable[[], SigningKey]


def train_next(*, worker: TrainingWorker) -> bool:
    """Claim the next training and bring it to an end; say whether there was one to claim."""
    claim = claim_one(worker=worker)
    if claim is None:
        return False
    log.info("training claimed", training=str(claim.training_id), attempt=claim.attempt)
    lease = TrainingLease(claim, yields=worker.yields)
    try:
        with lease.kept():
            despite_restarts(lambda: decide_once_more(claim))
            _train(claim, worker=worker, lease=lease)
    except LeaseLost:
        log.warning("lease lost", training=str(claim.training_id), attempt=claim.attempt)
    except Cancelled:
        _end(lambda: _end_cancelled(claim))
    except WorkerStopping:
        _end(lambda: _give_back(claim))
    except Fault as fault:
        _end(partial(_end_failed, claim, fault=fault))
    except Exception as error:
        log.exception("training broke off", training=str(claim.training_id))
        _end(partial(_give_back, claim) if is_away(error) else partial(_end_failed, claim, fault=InternalFault()))
    return True


@transaction.atomic
def claim_one(*, worker: TrainingWorker) -> TrainingClaim | None:
    """Claim what waits longest, with its entry; None when nothing waits."""
    claim = claim_next(worker=worker.name, lease_seconds=worker.lease_seconds)
    if claim is None:
        return None
    run = TrainingRun.objects.get(pk=claim.training_id)
    audit_log.append(
        TrainingStarted(
            actor=COLOPHON,
            training=run.pk,
            attempt=claim.attempt,
            worker=worker.name,
            works_digest=taught_digest(run.works),
        )
    )
    notify_training(run)
    return claim


@transaction.atomic
def decide_once_more(claim: TrainingClaim) -> None:
    """Leave out the works that opted out, were withdrawn or lost their basis since: never the other way round.

    Raises LeaseLost, and WrongState where the style itself was taken back or is in dispute.
    """
    run = hold_claimed(claim)
    style = works.style_named(str(run.style_id))
    require_carriable(style)
    recipe = Recipe.from_json(run.recipe)
    now = {
        row["work"]: row
        for row in works_taught(
            actor=Actor(account_id=run.asked_by), style=style, purpose=run.purpose, recipe=recipe
        )
    }
    rows = []
    for row in run.works:
        later = now.get(row["work"])
        is_out = row["use"] != LEFT_OUT and (later is None or later["use"] == LEFT_OUT)
        rows.append({**row, "use": LEFT_OUT, "reasons": later["reasons"] if later else []} if is_out else row)
    if rows != run.works:
        run.works = rows
        run.save(update_fields=["works"])
        audit_log.append(
            TrainingNarrowed(
                actor=COLOPHON, training=run.pk, attempt=claim.attempt, works_digest=taught_digest(rows)
            )
        )


def _train(claim: TrainingClaim, *, worker: TrainingWorker, lease: TrainingLease) -> None:
    run = TrainingRun.objects.select_related("model").get(pk=claim.training_id)
    usable = len(digests(run.works, TRAINED))
    if usable < LEAST_WORKS:
        said_en, said_zh = why_left_out(run.works)
        raise TooFewWorks(
            usable=usable, listed=len(run.works), least=LEAST_WORKS, said_en=said_en, said_zh=said_zh
        )
    order = _order(run)
    heard = _Heard(claim, lease=lease, checkpoint_seconds=worker.checkpoint_seconds)
    trained = worker.trainer().train(order, on_step=heard, between=lease.stand_aside)
    made = finishing.prepare(run, trained=trained, key=worker.signing_key())
    lease.raise_if_over()
    despite_restarts(lambda: finishing.finish(claim, made=made))


def _order(run: TrainingRun) -> TrainingOrder:
    return TrainingOrder(
        model=queries.model_source(run.model),
        style=works.style_named(str(run.style_id)).name,
        recipe=Recipe.from_json(run.recipe),
        lessons=lessons_of(run, use=TRAINED),
        held_out=lessons_of(run, use=HELD_OUT),
        checkpoint=_checkpoint(run),
    )


def _checkpoint(run: TrainingRun) -> bytes | None:
    if not run.checkpoint_digest:
        return None
    try:
        return storage.load(run.checkpoint_digest)
    except (FileMissing, FileAltered):
        log.warning("checkpoint gone", training=str(run.pk))
        return None


class _Heard:
    """Hears of each step: keeps what a later attempt needs, shows samples, and stops when the claim is over."""

    def __init__(self, claim: TrainingClaim, *, lease: TrainingLease, checkpoint_seconds: float) -> None:
        self._claim, self._lease, self._every = claim, lease, checkpoint_seconds
        self._kept_at = self._shown = 0.0

    def __call__(self, step: StepTrained) -> None:
        """Take one step in."""
        try:
            self._lease.step_done(step, sample=self._sample(step))
        except WorkerStopping:
            self._keep(step)
            raise
        if step.seconds - self._kept_at >= self._every and step.number < step.of:
            self._keep(step)

    def _sample(self, step: StepTrained) -> bytes | None:
        """Return pictures drawn now, at the first step and then each time that another part is done."""
        if step.number > 1 and step.number / step.of < self._shown + 1 / SAMPLES:
            return None
        self._shown = step.number / step.of
        strip = jpeg_strip(step.samples())
        self._record(partial(_add_sample, step=step.number, strip=strip))
        return strip

    def _keep(self, step: StepTrained) -> None:
        self._kept_at = step.seconds
        data = step.checkpoint()
        try:
            digest = storage.store(data)
        except StorageFull:
            # There may be room again before the end; until then a crash costs more.
            log.warning("no room for a checkpoint", training=str(self._claim.training_id))
            return
        self._record(partial(_add_checkpoint, data=data, digest=digest, losses=step.losses))

    def _record(self, change: Callable[[TrainingRun], None]) -> None:
        @transaction.atomic
        def write() -> None:
            change(hold_claimed(self._claim))

        despite_restarts(write)


def _add_sample(run: TrainingRun, *, step: int, strip: bytes) -> None:
    run.samples = [
        *(one for one in run.samples if one["step"] < step),
        {"step": step, "jpeg": base64.b64encode(strip).decode()},
    ]
    run.save(update_fields=["samples"])


def _add_checkpoint(run: TrainingRun, *, data: bytes, digest: str, losses: Sequence[Any]) -> None:
    before = run.checkpoint_digest
    storage.hold(digest)
    if not storage.exists(digest):  # the sweeper came between storing and now
        storage.store(data)
    run.checkpoint_digest, run.losses = digest, [dict(point) for point in losses]
    run.save(update_fields=["checkpoint_digest", "losses"])
    if before and before != digest:
        transaction.on_commit(partial(storage.delete, before))


# ---- ends --------------------------------------------------------------------------------------------------------


def _end(write: Callable[[], None]) -> None:
    try:
        despite_restarts(write)
    except LeaseLost:
        log.warning("lease lost before writing")


@transaction.atomic
def _end_cancelled(claim: TrainingClaim) -> None:
    run = hold_claimed(claim)
    close(run, state=TrainingRun.State.CANCELLED)
    audit_log.append(TrainingCancelled(actor=Actor(account_id=run.asked_by), training=run.pk))


@transaction.atomic
def _end_failed(claim: TrainingClaim, *, fault: Fault) -> None:
    run = hold_claimed(claim)
    run.fault = fault.as_json()
    close(run, state=TrainingRun.State.FAILED)
    audit_log.append(TrainingFailed(actor=COLOPHON, training=run.pk, attempt=claim.attempt, code=fault.code))


@transaction.atomic
def _give_back(claim: TrainingClaim) -> None:
    run = hold_claimed(claim)
    if run.cancel_requested:
        _end_cancelled(claim)
        return
    run.state, run.lease_expires, run.is_paused = TrainingRun.State.QUEUED, None, False
    run.save(update_fields=["state", "lease_expires", "is_paused"])
    audit_log.append(
        TrainingAbandoned(
            actor=COLOPHON, training=run.pk, attempt=claim.attempt, worker=run.worker, reason="handed-back"
        )
    )
    notify_training(run)
    training_waiting.send(sender=TrainingRun)


def close(run: TrainingRun, *, state: str) -> None:
    """End a run in the caller's transaction; its checkpoint is of no more use."""
    finishing.forget_checkpoint(run)
    run.state, run.ended_at, run.lease_expires, run.is_paused = state, timezone.now(), None, False
    run.save()
    notify_training(run)
