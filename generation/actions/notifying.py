"""Telling browsers that wait: one PostgreSQL notification a change, delivered on commit."""

from __future__ import annotations

import json
from uuid import UUID

from django.db import connection

from generation.events import PROGRESS_CHANNEL, STOP_CHANNEL
from generation.models import Generation, TrainingRun


def notify_state(generation: Generation) -> None:
    """Tell whoever watches a generation which state it is in now."""
    notify(generation.pk, state=generation.state)


def notify(generation_id: UUID, *, state: str) -> None:
    """Tell whoever watches a generation that it is in a state now."""
    payload = json.dumps({"generation": str(generation_id), "state": state})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [PROGRESS_CHANNEL, payload])


def notify_training(run: TrainingRun) -> None:
    """Tell whoever watches a training which state it is in now."""
    payload = json.dumps({"training": str(run.pk), "state": run.state})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [PROGRESS_CHANNEL, payload])


def notify_stop(generation_id: UUID) -> None:
    """Tell the worker that renders a generation to look at once whether it is to stop."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [STOP_CHANNEL, str(generation_id)])
