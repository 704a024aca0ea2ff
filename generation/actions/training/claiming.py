"""Holding a training by a lease, standing aside for renders, and writing nothing once the lease is lost."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.db import connection

from generation.actions.claiming import LEASE_ENDS as GENERATION_LEASE_ENDS
from generation.actions.claiming import RENEWED_SINCE_RESTART as GENERATION_RENEWED
from generation.actions.claiming import LeaseLine
from generation.errors import Cancelled, GenerationError, LeaseLost, WorkerStopping
from generation.events import PROGRESS_CHANNEL
from generation.models import TrainingRun
from generation.training.contract import StepTrained

LEASE_ENDS = GENERATION_LEASE_ENDS.replace("generation_generation", "generation_trainingrun")
RENEWED_SINCE_RESTART = GENERATION_RENEWED.replace("generation_generation", "generation_trainingrun")
"""What a restarted database does to leases is the same for both tables (docs/decisions/0003)."""
log = structlog.get_logger(__name__)
SECONDS_BETWEEN_LOOKS = 0.2
FRESH_SECONDS = 60
"""A request that waits for longer while nothing is drawn has no render worker: training does not wait for it."""
CLAIM = """
UPDATE generation_trainingrun AS run
SET state = 'training', attempt = attempt + 1, worker = %(worker)s, release_requested = false, is_paused = false,
    claimed_at = clock_timestamp(), lease_expires = clock_timestamp() + make_interval(secs => %(lease)s)
FROM (
    SELECT id FROM generation_trainingrun WHERE state = 'queued' ORDER BY asked_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
) AS chosen WHERE run.id = chosen.id
RETURNING run.id, run.attempt
"""
RENEW = f"""
WITH wanted AS (
    SELECT %(yields)s AND (
        EXISTS (
            SELECT FROM generation_generation
            WHERE state IN ('rendering', 'marking') AND lease_expires > clock_timestamp()
        ) OR EXISTS (
            SELECT FROM generation_generation
            WHERE state = 'queued' AND requested_at > clock_timestamp() - make_interval(secs => {FRESH_SECONDS})
        )
    ) AS by_renders
), renewed AS (
    UPDATE generation_trainingrun
    SET step = coalesce(%(step)s, step), steps = coalesce(%(of)s, steps),
        seconds_left = coalesce(%(left)s, seconds_left), is_paused = wanted.by_renders,
        lease_expires = clock_timestamp() + make_interval(secs => %(lease)s)
    FROM wanted
    WHERE id = %(id)s AND attempt = %(attempt)s AND state = 'training'
        AND {LEASE_ENDS.format(lease="%(lease)s")} > clock_timestamp()
    RETURNING cancel_requested, release_requested, wanted.by_renders
)
SELECT cancel_requested, release_requested, by_renders, CASE WHEN %(payload)s::text IS NULL THEN NULL
    ELSE pg_notify(%(channel)s, %(payload)s)::text END FROM renewed
"""


@dataclass(frozen=True)
class TrainingClaim:
    """The right to carry one training out, for as long as its lease is renewed."""

    training_id: UUID
    attempt: int
    lease_seconds: int


def claim_next(*, worker: str, lease_seconds: int) -> TrainingClaim | None:
    """Claim the training that waits longest, in one statement; None when nothing waits."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"worker": worker, "lease": lease_seconds})
        row = cursor.fetchone()
    return TrainingClaim(training_id=row[0], attempt=row[1], lease_seconds=lease_seconds) if row else None


def hold_claimed(claim: TrainingClaim) -> TrainingRun:
    """Lock the claimed row for the rest of the transaction; raise LeaseLost if it is no longer ours."""
    rows = TrainingRun.objects.select_for_update(of=("self",)).select_related("model")
    held = rows.extra(
        where=[f"{LEASE_ENDS.format(lease='%s')} > clock_timestamp()"], params=[claim.lease_seconds]
    ).filter(pk=claim.training_id, attempt=claim.attempt, state=TrainingRun.State.TRAINING)
    run = held.first()
    if run is None:
        raise LeaseLost()
    return run


class TrainingLease:
    """Keeps a claimed training's lease alive, tells each step to whoever watches, and stands aside for renders.

    Between steps a thread renews it; with the process it dies.
    """

    def __init__(
        self, claim: TrainingClaim, *, yields: bool, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._claim, self._yields, self._sleep = claim, yields, sleep
        self._line = LeaseLine(lease_seconds=claim.lease_seconds)
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._told: dict[str, int | None] = {"of": None, "left": None}
        self._over: type[GenerationError] | None = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew the lease until the block ends."""
        thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()
            self._line.close()

    def _beat(self) -> None:
        while not self._stopped.wait(self._claim.lease_seconds / 4):
            self._renew()

    def raise_if_over(self) -> None:
        """Raise LeaseLost, Cancelled or WorkerStopping if the claim has ended."""
        if self._over is not None:
            raise self._over()

    def step_done(self, step: StepTrained, *, sample: bytes | None = None) -> None:
        """Record a step and wait while a render has or wants the device.

        Raises Cancelled, LeaseLost or WorkerStopping when the work is to stop.
        """
        self._told = {"of": step.of, "left": round(step.seconds_left)}
        is_wanted = self._renew(step=step.number, payload=json.dumps(self._said(step, sample=sample)))
        self._wait_for_renders(is_wanted, paused=json.dumps({**self._said(step), "is_paused": True}))

    def stand_aside(self) -> None:
        """Wait while a render has or wants the device; raises what ``step_done`` raises."""
        self._wait_for_renders(self._renew())

    def _wait_for_renders(self, is_wanted: bool, *, paused: str | None = None) -> None:
        self.raise_if_over()
        while is_wanted:
            self._sleep(SECONDS_BETWEEN_LOOKS)
            is_wanted, paused = self._renew(payload=paused), None
            self.raise_if_over()

    def _renew(self, *, step: int | None = None, payload: str | None = None) -> bool:
        """Renew once, and say whether a render has or wants the device."""
        values = {
            "id": self._claim.training_id, "attempt": self._claim.attempt, "lease": self._claim.lease_seconds,
            "step": step, "channel": PROGRESS_CHANNEL, "payload": payload, "yields": self._yields, **self._told,
        }  # fmt: skip
        with self._lock:
            try:
                row = self._line.execute(RENEW, values)
            except psycopg.Error as error:
                # A database that restarts is no reason to stop: the fence at the end decides.
                log.warning("lease not renewed", training=str(self._claim.training_id), reason=str(error))
                return False
        if row is None:
            self._over = LeaseLost
            return False
        if self._over is None and (row[0] or row[1]):
            self._over = Cancelled if row[0] else WorkerStopping
        return bool(row[2])

    def _said(self, step: StepTrained, *, sample: bytes | None = None) -> dict[str, Any]:
        said = {
            "training": str(self._claim.training_id),
            "state": "training",
            "step": step.number,
            "of": step.of,
            "loss": f"{step.loss:.5f}",
            "seconds_left": round(step.seconds_left),
            "is_paused": False,
        }
        return {**said, "sample": base64.b64encode(sample).decode()} if sample else said
