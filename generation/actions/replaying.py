"""Replays: a delivered generation drawn again on a render worker and compared; no output, no charge, all in the log."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import numpy as np
import structlog
from django.db import connection, transaction
from django.utils import timezone

from generation import queries
from generation.actions.rendering import Worker, draw
from generation.errors import InternalFault, LeaseLost, NotReplayable, ReasonNeeded, WorkerLost, WorkerStopping
from generation.events import ReplayEnded, ReplayRequested, work_available
from generation.models import Generation, Output, Replay
from generation.pipelines.contract import Pixels, Rendered, StepDone
from generation.pipelines.errors import ModelReplaced, WeightsChanged
from provenance import storage
from provenance.actor import COLOPHON, Actor
from provenance.attribution import queries as fingerprints
from provenance.audit_log import actions as audit_log
from provenance.canonical import pixel_digest
from provenance.errors import Fault
from provenance.fingerprint import distance, fingerprint_of
from provenance.picture import decode_picture

log = structlog.get_logger(__name__)
SILENT_SECONDS = 600
"""A replay of which nothing was heard for so long, loading the model included, has lost its worker."""
MOST_WORKERS_LOST = 2
WAITING = """
SELECT id FROM generation_replay
WHERE state = 'waiting' OR (state = 'running' AND beat_at < clock_timestamp() - make_interval(secs => %s))
ORDER BY asked_at LIMIT 1
"""
TAKE = f"""
UPDATE generation_replay SET lost_workers = lost_workers + (state = 'running')::int, state = 'running',
    attempt = attempt + 1, beat_at = clock_timestamp(), step = 0
WHERE id = ({WAITING} FOR UPDATE SKIP LOCKED) RETURNING id
"""
BEAT = """
UPDATE generation_replay SET beat_at = clock_timestamp(), step = %s WHERE id = %s AND attempt = %s AND state = 'running'
RETURNING EXISTS (SELECT FROM generation_generation WHERE state = 'queued')
"""


@transaction.atomic
def request_replay(*, actor: Actor, generation_id: UUID, reason: str = "") -> Replay:
    """Ask for a delivered generation to be drawn again; who asked, and why, is an entry.

    Raises UnknownGeneration, NotReplayable, and ReasonNeeded for an auditor on somebody else's private prompt.
    """
    generation = queries.generation_of(actor, generation_id=generation_id)
    is_private = generation.disclosure == Generation.Disclosure.PRIVATE
    if generation.owner_id != actor.account_id and is_private and not reason.strip():
        raise ReasonNeeded()
    if generation.state != Generation.State.DONE:
        raise NotReplayable(state=generation.state)
    replay = Replay.objects.create(
        generation=generation, asked_by=actor.account_id, state=Replay.State.WAITING, asked_at=timezone.now()
    )
    audit_log.append(
        ReplayRequested(actor=actor, generation=generation.pk, replay=replay.pk, reason=reason.strip()[:1000])
    )
    if generation.erased_at:
        _end(replay, result="erased")
    else:
        work_available.send(sender=Replay)
    return replay


def replays_visible_to(actor: Actor, *, generation_id: UUID) -> Any:
    """Return the replays of a generation that an account may see, the newest first; raise UnknownGeneration."""
    generation = queries.generation_of(actor, generation_id=generation_id)
    return Replay.objects.filter(generation=generation).order_by("-asked_at", "id")


def is_one_waiting() -> bool:
    """Say whether a replay waits to be taken up."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [SILENT_SECONDS])
        return cursor.fetchone() is not None


def replay_next(*, worker: Worker, is_stopping: Callable[[], bool]) -> bool:
    """Take up the replay that waits longest and end it, or give it back when a request waits; say if there was one."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [SILENT_SECONDS])
        taken = cursor.fetchone()
    if taken is None:
        return False
    replay = Replay.objects.select_related("generation__model").get(pk=taken[0])
    try:
        _replay(replay, worker=worker, is_stopping=is_stopping)
    except WorkerStopping:  # a request waits, or the worker stops
        _mine(replay).update(state=Replay.State.WAITING)
    except LeaseLost:
        log.warning("replay taken over", replay=str(replay.pk))
    except (ModelReplaced, WeightsChanged) as fault:
        _end(replay, result="model-changed", fault=fault)
    except Fault as fault:
        _end(replay, result=fault.code, fault=fault, state=Replay.State.FAILED)
    except Exception:
        log.exception("replay failed", replay=str(replay.pk))
        _end(replay, result=InternalFault.code, fault=InternalFault(), state=Replay.State.FAILED)
    return True


def _replay(replay: Replay, *, worker: Worker, is_stopping: Callable[[], bool]) -> None:
    generation = replay.generation
    if replay.lost_workers >= MOST_WORKERS_LOST:
        raise WorkerLost()
    if generation.erased_at:
        _end(replay, result="erased")
        return

    def on_step(step: StepDone) -> None:
        with connection.cursor() as cursor:
            cursor.execute(BEAT, [step.number, replay.pk, replay.attempt])
            beaten = cursor.fetchone()
        if beaten is None:
            raise LeaseLost()
        if beaten[0] or is_stopping():
            raise WorkerStopping()

    rendered = draw(generation, pipeline=worker.pipeline, on_step=on_step)
    comparison = compared(generation, rendered=rendered)
    is_exact = not comparison["environment"] and all(one["is_equal"] for one in comparison["outputs"])
    _end(replay, result="exact" if is_exact else "similar", comparison=comparison)


def compared(generation: Generation, *, rendered: Rendered) -> dict[str, Any]:
    """Return how each picture of a replay compares with the one delivered, and what differs in the environment."""
    outputs = Output.objects.filter(generation=generation).order_by("index")
    recorded, now = generation.environment or {}, json.loads(json.dumps(dict(rendered.environment)))
    return {
        "outputs": [_compared_picture(output, rendered.images[output.index]) for output in outputs],
        "environment": [
            {"name": name, "recorded": recorded.get(name), "now": now.get(name)}
            for name in sorted({*recorded, *now})
            if recorded.get(name) != now.get(name)
        ],
    }


def _compared_picture(output: Output, pixels: Pixels) -> dict[str, Any]:
    found = pixel_digest(pixels)
    is_equal = found == output.raw_pixels
    return {
        "index": output.index,
        "digest": output.digest,
        "raw_pixels": {"recorded": output.raw_pixels, "now": found},
        "is_equal": is_equal,
        "psnr_db": None if is_equal else _psnr(output, pixels),
        "pdq_distance": None if is_equal else _pdq_distance(output, pixels),
    }


def _psnr(output: Output, pixels: Pixels) -> str | None:
    """Return the peak signal-to-noise ratio in dB against the delivered picture, whose visible label counts as noise.

    None where that file is gone or has another size.
    """
    try:
        delivered = decode_picture(storage.load(output.digest)).pixels
    except Fault:
        return None
    if delivered.shape != pixels.shape:
        return None
    error = float(np.mean((delivered.astype(np.float64) - pixels.astype(np.float64)) ** 2))
    return f"{10 * math.log10(255**2 / error):.2f}" if error else "inf"


def _pdq_distance(output: Output, pixels: Pixels) -> int | None:
    """Return in how many of 256 bits the codes of both whole pictures differ, before marks where those were kept.

    None where one of them has too little detail for a code, or the recorded one is gone.
    """
    kept = {row.stage: fingerprints.codes_of(row) for row in fingerprints.kept_of("image", subject=output.use_id)}
    recorded, now = kept.get("raw") or kept.get("delivered"), fingerprint_of(pixels).pdq
    return distance(recorded[0], now[0]) if recorded and now else None


def _mine(replay: Replay) -> Any:
    return Replay.objects.filter(pk=replay.pk, attempt=replay.attempt, state=Replay.State.RUNNING)


@transaction.atomic
def _end(
    replay: Replay,
    *,
    result: str,
    comparison: Mapping[str, Any] | None = None,
    fault: Fault | None = None,
    state: str = Replay.State.DONE,
) -> None:
    """End a replay with its entry, unless another attempt has it now."""
    ended = Replay.objects.filter(pk=replay.pk, attempt=replay.attempt).exclude(ended_at__isnull=False)
    values = {"comparison": comparison, "fault": fault.as_json() if fault else None}
    if ended.update(state=state, result=result[:40], ended_at=timezone.now(), **values):
        audit_log.append(ReplayEnded(actor=COLOPHON, generation=replay.generation_id, replay=replay.pk, result=result))
        replay.refresh_from_db()
