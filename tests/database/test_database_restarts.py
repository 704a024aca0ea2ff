"""Leases over a restart of the database: they run once more in full, and no worker counts as lost for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from pytest_django import Settings

from generation.actions import upkeep
from generation.actions.claiming import Claim, Heartbeat, hold_claimed
from generation.actions.rendering import claim_one, render_next
from generation.errors import LeaseLost
from generation.models import Generation
from generation.pipelines.contract import StepDone
from provenance.audit_log.models import Entry
from tests.factories.records import a_model, a_request, a_worker, an_artist

pytestmark = pytest.mark.django_db(transaction=True)
LONG, SHORT = 10**7, -(10**7)
"""Seconds of a lease that outlasts the time since this database started, and of one that does not."""


def claimed_before_the_restart(keys: Path, settings: Settings, *, lease: int) -> tuple[Generation, Claim]:
    """Leave a claim that is older than this database's start, and whose lease ran out before it."""
    settings.COLOPHON_LEASE_SECONDS = lease
    a_model()
    generation = a_request(an_artist())
    claim = claim_one(worker=a_worker(keys, lease_seconds=30))
    assert claim is not None
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_generation SET claimed_at = pg_postmaster_start_time() - interval '2 years',"
            " lease_expires = pg_postmaster_start_time() - interval '1 year'"
        )
    return generation, replace(claim, lease_seconds=lease)


def test_a_worker_that_comes_back_within_a_lease_of_the_restart_keeps_its_request(
    keys: Path, settings: Settings
) -> None:
    generation, claim = claimed_before_the_restart(keys, settings, lease=LONG)
    assert upkeep.reap() == 0
    with Heartbeat(claim).beating() as on_step:
        on_step(StepDone(number=2, of=3))
    generation.refresh_from_db()
    assert generation.step == 2 and generation.lost_workers == 0
    assert Generation.objects.filter(lease_expires__gt=Now()).exists()

    with transaction.atomic():
        assert hold_claimed(claim) == generation


def test_a_claim_that_nobody_renewed_since_the_restart_waits_again_without_a_worker_counted_as_lost(
    keys: Path, settings: Settings
) -> None:
    generation, claim = claimed_before_the_restart(keys, settings, lease=SHORT)
    Generation.objects.update(lost_workers=1)
    with pytest.raises(LeaseLost), transaction.atomic():
        hold_claimed(claim)
    assert upkeep.reap() == 1
    generation.refresh_from_db()
    assert generation.state == "queued" and generation.lost_workers == 1
    assert Entry.objects.get(kind="RenderingAbandoned").opening.details["reason"] == "database-restarted"
    render_next(worker=a_worker(keys))
    generation.refresh_from_db()
    assert generation.state == "done" and generation.attempt == 2


def test_a_worker_that_renewed_after_the_restart_and_fell_silent_counts_as_lost(keys: Path, settings: Settings) -> None:
    generation, _ = claimed_before_the_restart(keys, settings, lease=SHORT)
    Generation.objects.update(lease_expires=Now() - timedelta(microseconds=1))
    assert upkeep.reap() == 1
    generation.refresh_from_db()
    assert generation.lost_workers == 1
    assert Entry.objects.get(kind="RenderingAbandoned").opening.details["reason"] == "worker-silent"


def test_a_lease_that_ran_out_while_the_database_was_up_counts_as_lost(keys: Path, settings: Settings) -> None:
    settings.COLOPHON_LEASE_SECONDS = LONG
    a_model()
    generation = a_request(an_artist())
    claim_one(worker=a_worker(keys))
    Generation.objects.update(lease_expires=F("claimed_at") - timedelta(seconds=1))
    assert upkeep.reap() == 1
    generation.refresh_from_db()
    assert generation.lost_workers == 1
