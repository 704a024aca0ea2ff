"""What Celery runs for the log: wake-ups of the sequencer, and asking witnesses."""

from __future__ import annotations

import time

import structlog
from celery import shared_task
from django.conf import settings

from provenance.audit_log import sequencing, witnesses
from provenance.errors import Fault

log = structlog.get_logger(__name__)
WAKE_UP_EXPIRES_SECONDS = 10
SECONDS_BETWEEN_WITNESSES = 15.0
"""Longer than two requests usually take: each is cut off, answer and all, five seconds after it is connected."""
SECONDS_BETWEEN_COMPLAINTS = 60.0
SECONDS_BETWEEN_LOOKS = 86_400.0
"""For files that the store has lost and that growth does not read; the first look is when the worker starts."""

_last: dict[str, float] = {}


@shared_task
def sequence() -> None:
    """Number what waits and publish a checkpoint over it."""
    try:
        done = sequencing.sequence(restoring=_is_time("lost files", every=SECONDS_BETWEEN_LOOKS))
        if done and done.numbered and settings.ENVIRONMENT.log_witnesses:
            ask_witnesses.apply_async(expires=WAKE_UP_EXPIRES_SECONDS, retry=False)
    except Fault as fault:  # it stays until somebody acts, and is tried again every second meanwhile
        if _is_time(fault.code, every=SECONDS_BETWEEN_COMPLAINTS):
            log.error("log not sequenced", code=fault.code, reason=fault.said("en"))


@shared_task
def ask_witnesses() -> None:
    """Have outsiders cosign the published checkpoint."""
    if settings.ENVIRONMENT.log_witnesses and _is_time("witnesses", every=SECONDS_BETWEEN_WITNESSES):
        witnesses.ask_witnesses()


def _is_time(what: str, *, every: float) -> bool:
    """Say whether something was last done long enough ago, and count it as done now."""
    now = time.monotonic()
    if now - _last.get(what, -every) < every:
        return False
    _last[what] = now
    return True
