"""Taking a waiting request, holding it by a lease, and writing nothing once the lease is lost."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.db import connection, transaction

from generation.actions.notifying import notify_stop
from generation.errors import Cancelled, LeaseLost, WorkerStopping
from generation.events import PROGRESS_CHANNEL, STOP_CHANNEL
from generation.models import Generation
from generation.pipelines.contract import StepDone

log = structlog.get_logger(__name__)
LOOK_AHEAD = 32
"""How many of an artist's requests are looked at for one whose model is loaded, and how often the first
of them may be passed over for it."""

DATABASE_ANSWERS_WITHIN = 30
"""Seconds that a database may recover from a crash, after it has started and before it answers anybody."""
LEASE_ENDS = f"""
CASE WHEN generation_generation.claimed_at < pg_postmaster_start_time()
    THEN greatest(
        generation_generation.lease_expires,
        pg_postmaster_start_time() + make_interval(secs => {{lease}} + {DATABASE_ANSWERS_WITHIN})
    )
    ELSE generation_generation.lease_expires END
"""
"""When a claim ends. Nobody can renew a lease while the database is down, so one that was held when it stopped
runs once more in full from the moment it is back; every fence reads it so, and the reaper waits as long."""
RENEWED_SINCE_RESTART = """
(generation_generation.claimed_at IS NULL OR generation_generation.claimed_at >= pg_postmaster_start_time()
    OR generation_generation.lease_expires >= pg_postmaster_start_time() + make_interval(secs => %s))
"""
"""Whether a claim's worker was heard of since the database last started."""
SECONDS_BETWEEN_STEPS_TOLD = 0.1
"""Steps that follow faster are told together: nobody reads faster, and each costs a way to the database and back."""
CLAIM = """
WITH turn AS (
    SELECT waiting.owner_id, waiting.priority, waiting.first_at, last.claimed_at
    FROM (
        SELECT owner_id, priority, min(requested_at) AS first_at
        FROM generation_generation WHERE state = 'queued' GROUP BY owner_id, priority
    ) AS waiting
    CROSS JOIN LATERAL (
        SELECT max(claimed_at) AS claimed_at FROM generation_generation WHERE owner_id = waiting.owner_id
    ) AS last
), candidate AS (
    SELECT turn.*, ahead.id, ahead.requested_at, ahead.is_resident
    FROM turn CROSS JOIN LATERAL (
        SELECT queued.id, queued.requested_at, model.digest = ANY(%(resident)s) AS is_resident
        FROM generation_generation AS queued
        JOIN generation_imagemodel AS model ON model.id = queued.model_id
        WHERE queued.state = 'queued' AND queued.owner_id = turn.owner_id AND queued.priority = turn.priority
        ORDER BY queued.requested_at, queued.id LIMIT %(look_ahead)s
    ) AS ahead
), chosen AS (
    SELECT generation.id, candidate.owner_id, candidate.priority, candidate.requested_at
    FROM generation_generation AS generation JOIN candidate ON candidate.id = generation.id
    WHERE generation.state = 'queued'
    ORDER BY candidate.priority DESC, candidate.claimed_at NULLS FIRST, candidate.first_at,
        candidate.owner_id, generation.passed_over >= %(look_ahead)s DESC, candidate.is_resident DESC,
        candidate.requested_at, candidate.id
    LIMIT 1 FOR UPDATE OF generation SKIP LOCKED
), earlier AS (
    SELECT generation.id
    FROM generation_generation AS generation JOIN candidate ON candidate.id = generation.id CROSS JOIN chosen
    WHERE generation.state = 'queued' AND candidate.owner_id = chosen.owner_id
        AND candidate.priority = chosen.priority AND candidate.requested_at < chosen.requested_at
    FOR UPDATE OF generation SKIP LOCKED
), passed AS (
    UPDATE generation_generation AS generation SET passed_over = passed_over + 1
    FROM earlier WHERE generation.id = earlier.id
)
UPDATE generation_generation AS generation
SET state = 'rendering', attempt = attempt + 1, worker = %(worker)s, step = 0, passed_over = 0,
    release_requested = false,
    claimed_at = clock_timestamp(),
    lease_expires = clock_timestamp() + make_interval(secs => %(lease)s)
FROM chosen WHERE generation.id = chosen.id
RETURNING generation.id, generation.attempt
"""
MARK = f"""
UPDATE generation_generation SET state = 'marking'
WHERE id = %(id)s AND attempt = %(attempt)s AND worker = %(worker)s AND state = 'rendering' AND NOT cancel_requested
    AND {LEASE_ENDS.format(lease="%(lease)s")} > clock_timestamp()
"""
HOLD = f"""
SELECT cancel_requested FROM generation_generation
WHERE id = %(id)s AND attempt = %(attempt)s AND worker = %(worker)s AND state IN ('rendering', 'marking')
    AND {LEASE_ENDS.format(lease="%(lease)s")} > clock_timestamp()
FOR UPDATE
"""
RENEW = f"""
WITH renewed AS (
    UPDATE generation_generation
    SET step = coalesce(%(step)s, step),
        lease_expires = clock_timestamp() + make_interval(secs => %(lease)s)
    WHERE id = %(id)s AND attempt = %(attempt)s AND worker = %(worker)s AND state IN ('rendering', 'marking')
        AND {LEASE_ENDS.format(lease="%(lease)s")} > clock_timestamp()
    RETURNING cancel_requested, release_requested
)
SELECT cancel_requested, release_requested, CASE WHEN %(payload)s::text IS NULL THEN NULL
    ELSE pg_notify(%(channel)s, %(payload)s)::text END FROM renewed
"""


@dataclass(frozen=True)
class Claim:
    """The right to render one generation, for as long as its lease is renewed."""

    generation_id: UUID
    attempt: int
    worker: str
    lease_seconds: int

    def as_values(self) -> dict[str, Any]:
        """Return what the statements that are fenced by this claim ask for."""
        return {"id": self.generation_id, "attempt": self.attempt, "worker": self.worker, "lease": self.lease_seconds}


def claim_next(*, worker: str, resident: Sequence[str], lease_seconds: int) -> Claim | None:
    """Claim the waiting request whose turn it is, in one statement; None when nothing waits."""
    values = {
        "worker": worker,
        "resident": list(resident),
        "lease": lease_seconds,
        "look_ahead": LOOK_AHEAD,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, values)
        row = cursor.fetchone()
    return Claim(generation_id=row[0], attempt=row[1], worker=worker, lease_seconds=lease_seconds) if row else None


def is_one_waiting() -> bool:
    """Say whether a request waits to be rendered."""
    return Generation.objects.filter(state=Generation.State.QUEUED).exists()


def enter_marking(claim: Claim) -> bool:
    """Let a claimed request go from rendering to marking; False when it is no longer ours to change, or called off."""
    with connection.cursor() as cursor:
        cursor.execute(MARK, claim.as_values())
        return bool(cursor.rowcount)


def commit_before_the_disk() -> None:
    """Let the caller's transaction commit before it is on disk: a crash of the database may undo it, whole.

    For what a crash undoes anyway, by bringing the request back: a claim, and the way from rendering to marking. An
    undone claim may be made once more under the same attempt, so every fence asks for the worker too.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


def hold_claimed(claim: Claim) -> Generation:
    """Lock the claimed row for the rest of the transaction; raise LeaseLost if it is no longer ours."""
    rows = (
        Generation.objects.select_for_update(of=("self",))
        .select_related("model")
        .defer("model__vocabulary")  # some hundred kilobytes that no worker reads
        .extra(where=[f"{LEASE_ENDS.format(lease='%s')} > clock_timestamp()"], params=[claim.lease_seconds])
    )
    held = rows.filter(
        pk=claim.generation_id,
        attempt=claim.attempt,
        worker=claim.worker,
        state__in=[Generation.State.RENDERING, Generation.State.MARKING],
    ).first()
    if held is None:
        raise LeaseLost()
    return held


def hold_unread(claim: Claim) -> None:
    """Lock the claimed row for the rest of the transaction, for one who has read it since it was claimed.

    Raises LeaseLost if it is no longer ours, Cancelled when its owner called it off.
    """
    with connection.cursor() as cursor:
        cursor.execute(HOLD, claim.as_values())
        row = cursor.fetchone()
    if row is None:
        raise LeaseLost()
    if row[0]:
        raise Cancelled()


@transaction.atomic
def request_release(workers: Sequence[str]) -> int:
    """Ask workers that are to stop to give back what they render, between two steps; return how many do."""
    rendering = Generation.objects.filter(worker__in=list(workers), state=Generation.State.RENDERING)
    for generation_id in rendering.values_list("pk", flat=True):
        notify_stop(generation_id)
    return rendering.update(release_requested=True)


class LeaseLine:
    """A connection on which one worker renews its leases, one after the other, and hears which work is to stop.

    It is opened when it is needed, and given up before a lease ends where the database's host no longer answers.
    """

    def __init__(self, *, lease_seconds: int) -> None:
        self._lease_seconds = lease_seconds
        self._connection: psycopg.Connection[Any] | None = None
        self._heard: set[str] = set()

    def execute(self, statement: str, values: dict[str, Any]) -> tuple[Any, ...] | None:
        """Return the first row of a statement's answer; a connection that failed is opened anew next time."""
        try:
            row: tuple[Any, ...] | None = self._open().execute(statement, values).fetchone()
        except psycopg.Error:
            self.close()
            raise
        return row

    def has_heard_of(self, generation_id: UUID) -> bool:
        """Say whether somebody wants a generation stopped since this was last asked; without a way to the database."""
        if self._connection is None or self._connection.closed:
            return False
        try:
            self._connection.pgconn.consume_input()
            while told := self._connection.pgconn.notifies():
                self._heard.add(told.extra.decode())
        except psycopg.Error:  # the next renewal will say what became of the database
            return False
        is_wanted = str(generation_id) in self._heard
        self._heard.clear()
        return is_wanted

    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            parameters = connection.get_connection_params()
            kept = ("dbname", "host", "port", "user", "password", "sslmode", "sslrootcert", "sslcert", "sslkey")
            self._connection = psycopg.connect(
                **{key: parameters[key] for key in kept if parameters.get(key)},
                autocommit=True,
                connect_timeout=3,
                **self._patience(),
                application_name="colophon-lease",
                options="-c synchronous_commit=off",
            )
            self._connection.add_notify_handler(lambda told: self._heard.add(told.payload))
            self._connection.execute(f"LISTEN {STOP_CHANNEL}")
        return self._connection

    def _patience(self) -> dict[str, int]:
        """Return how long a silent host is waited for: half a lease. Unix sockets, which have no host, ignore it."""
        part = max(1, self._lease_seconds // 4)
        return {
            "keepalives": 1,
            "keepalives_idle": part,
            "keepalives_interval": part,
            "keepalives_count": 1,
            "tcp_user_timeout": self._lease_seconds * 500,
        }

    def close(self) -> None:
        """Give the connection up."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None


class Heartbeat:
    """Keeps a claim's lease alive from a connection of its own, and tells steps to whoever watches.

    Between steps a thread renews it (a step or a model's loading may outlast a lease); with the process it dies.
    """

    def __init__(
        self, claim: Claim, *, line: LeaseLine | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._claim, self._clock = claim, clock
        self._line, self._is_line_lent = line or LeaseLine(lease_seconds=claim.lease_seconds), line is not None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._told_at = -SECONDS_BETWEEN_STEPS_TOLD
        self._preview: bytes | None = None
        self._is_lost = False
        self._is_cancelled = False
        self._is_stopping = False

    def step_done(self, step: StepDone) -> None:
        """Record a step, or leave it to the next where one was recorded just now; the last is always recorded.

        Raises Cancelled, LeaseLost or WorkerStopping when the work is to stop.
        """
        self._preview = step.preview or self._preview
        now = self._clock()
        is_due = step.number == step.of or now - self._told_at >= SECONDS_BETWEEN_STEPS_TOLD
        if is_due or self._is_wanted_stopped():
            self._told_at = now
            self._renew(step=step.number, payload=self._payload(step))
        self.raise_if_over()

    def _is_wanted_stopped(self) -> bool:
        with self._lock:
            return self._line.has_heard_of(self._claim.generation_id)

    def _payload(self, step: StepDone) -> str:
        payload: dict[str, Any] = {
            "generation": str(self._claim.generation_id),
            "state": "rendering",
            "step": step.number,
            "of": step.of,
        }
        if self._preview:
            payload["preview"] = base64.b64encode(self._preview).decode()
            self._preview = None
        return json.dumps(payload)

    def raise_if_over(self) -> None:
        """Raise LeaseLost, Cancelled or WorkerStopping if the claim has ended."""
        if self._is_lost:
            raise LeaseLost()
        if self._is_cancelled:
            raise Cancelled()
        if self._is_stopping:
            raise WorkerStopping()

    def _renew(self, *, step: int | None, payload: str | None) -> None:
        values = {**self._claim.as_values(), "step": step, "channel": PROGRESS_CHANNEL, "payload": payload}
        with self._lock:
            try:
                row = self._line.execute(RENEW, values)
            except psycopg.Error as error:
                # A database that restarts is no reason to stop: the fence at delivery decides.
                log.warning("lease not renewed", generation=str(self._claim.generation_id), reason=str(error))
                return
        if row is None:
            self._is_lost = True
            return
        self._is_cancelled, self._is_stopping = row[0], row[1]

    def _beat(self) -> None:
        while not self._stopped.wait(self._claim.lease_seconds / 4):
            self._renew(step=None, payload=None)
            if self._is_lost:
                return

    @contextmanager
    def beating(self) -> Iterator[Callable[[StepDone], None]]:
        """Renew the lease until the block ends; yield what to call after each step."""
        thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        thread.start()
        try:
            yield self.step_done
        finally:
            self._stopped.set()
            thread.join()
            if not self._is_line_lent:
                self._line.close()
