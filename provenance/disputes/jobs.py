"""What Celery runs for disputes: the deadlines."""

from __future__ import annotations

from celery import shared_task

from provenance.disputes.actions import assessing


@shared_task
def pass_deadlines() -> None:
    """Let incomplete notices lapse that nobody completed in time."""
    assessing.pass_deadlines()
