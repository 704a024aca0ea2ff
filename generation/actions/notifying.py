"""Telling browsers that wait: one PostgreSQL notification a change, delivered on commit."""

from __future__ import annotations

import json

from django.db import connection

from generation.events import PROGRESS_CHANNEL
from generation.models import Generation


def notify_state(generation: Generation) -> None:
    """Tell whoever watches a generation which state it is in now."""
    payload = json.dumps({"generation": str(generation.pk), "state": generation.state})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [PROGRESS_CHANNEL, payload])
