"""Keeping house: silent workers, forgotten wake-ups, and files that nothing refers to."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from generation.actions import upkeep
from generation.actions.claiming import claim_next
from generation.actions.rendering import render_next
from generation.models import Generation, Output
from provenance import storage
from provenance.audit_log.models import Entry
from provenance.canonical import sha256_digest
from provenance.works.actions.styles import carry_by_adapter
from tests.factories.pictures import a_png
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_work,
    a_worker,
    an_artist,
    in_style,
    kinds_of_entries,
)

pytestmark = pytest.mark.django_db


def abandoned(**more: object) -> Generation:
    """Leave a request with a worker that has fallen silent."""
    a_model()
    generation = a_request(an_artist())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # a claim by itself has no entry
        assert claim_next(worker="silent", resident=[], lease_seconds=30)
    Generation.objects.update(lease_expires=Now() - timedelta(seconds=1), step=2, **more)
    return generation


def again(generation: Generation) -> Generation:
    generation.refresh_from_db()
    return generation


# ---- the reaper -----------------------------------------------------------------------------------------------


def test_a_lease_that_is_renewed_is_left_alone() -> None:
    a_model()
    generation = a_request(an_artist())
    claim_next(worker="busy", resident=[], lease_seconds=30)
    assert upkeep.reap() == 0 and again(generation).state == "rendering"


@pytest.mark.parametrize("state", ["rendering", "marking"])
def test_a_request_whose_worker_fell_silent_waits_again_and_is_announced(wakes: list[object], state: str) -> None:
    generation = abandoned(state=state)
    wakes.clear()
    assert upkeep.reap() == 1
    again(generation)
    assert generation.state == "queued" and generation.lost_workers == 1
    assert generation.lease_expires is None and generation.step == 0 and len(wakes) == 1
    assert kinds_of_entries(generation.pk) == ["GenerationRequested", "RenderingAbandoned"]
    assert upkeep.reap() == 0


def test_a_request_that_takes_two_workers_with_it_fails_as_such(wakes: list[object]) -> None:
    generation = abandoned(lost_workers=1)
    wakes.clear()
    assert upkeep.reap() == 1
    again(generation)
    assert generation.state == "failed" and generation.fault["code"] == "worker-lost" and generation.ended_at
    assert kinds_of_entries(generation.pk)[1:] == ["RenderingAbandoned", "GenerationFailed"]
    assert wakes == [] and claim_next(worker="next", resident=[], lease_seconds=30) is None


def test_a_silent_workers_request_that_was_called_off_is_cancelled() -> None:
    generation = abandoned(cancel_requested=True)
    assert upkeep.reap() == 1
    assert again(generation).state == "cancelled"
    assert kinds_of_entries(generation.pk)[1:] == ["RenderingAbandoned", "GenerationCancelled"]


@pytest.mark.parametrize("state", ["done", "failed", "refused", "cancelled"])
def test_what_has_ended_is_never_reaped(state: str) -> None:
    generation = abandoned(state=state, ended_at=timezone.now())
    assert upkeep.reap() == 0 and again(generation).state == state


@pytest.mark.django_db(transaction=True)
def test_of_two_reapers_one_brings_a_request_back() -> None:
    generation = abandoned()

    def reap(_: int) -> int:
        try:
            return upkeep.reap()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(reap, range(2))) == 1
    assert again(generation).lost_workers == 1 and kinds_of_entries().count("RenderingAbandoned") == 1


@pytest.mark.django_db(transaction=True)
def test_a_request_brought_back_is_drawn_by_the_next_worker(keys: Path) -> None:
    generation = abandoned()
    upkeep.reap()
    render_next(worker=a_worker(keys))
    assert again(generation).state == "done" and generation.attempt == 2 and Output.objects.count() == 1


# ---- forgotten wake-ups ---------------------------------------------------------------------------------------


def waited(seconds: float, *, woken: float | None = None) -> None:
    now = timezone.now()
    Generation.objects.update(
        requested_at=now - timedelta(seconds=seconds),
        woken_at=None if woken is None else now - timedelta(seconds=woken),
    )


def test_a_request_that_waits_longer_than_a_message_takes_is_announced_again(wakes: list[object]) -> None:
    a_model()
    a_request(an_artist())
    waited(60)
    wakes.clear()
    assert upkeep.wake_for_the_forgotten() == 1 and len(wakes) == 1


def test_each_request_is_announced_again_at_most_twice_a_minute(wakes: list[object]) -> None:
    a_model()
    a_request(an_artist())
    waited(60)
    wakes.clear()
    assert [upkeep.wake_for_the_forgotten() for _ in range(3)] == [1, 0, 0]
    waited(90, woken=29)
    assert upkeep.wake_for_the_forgotten() == 0
    waited(90, woken=31)
    assert upkeep.wake_for_the_forgotten() == 1


def test_a_fresh_request_is_not_announced_twice(wakes: list[object]) -> None:
    a_model()
    a_request(an_artist())
    wakes.clear()
    assert upkeep.wake_for_the_forgotten() == 0 and wakes == []


def test_only_waiting_requests_are_announced_again() -> None:
    abandoned()
    waited(60)
    assert upkeep.wake_for_the_forgotten() == 0


# ---- the sweeper ----------------------------------------------------------------------------------------------


def age(files: Path, *digests: str) -> None:
    """Let some kept files be two days old."""
    then = time.time() - 2 * 86_400
    for digest in digests:
        code = digest.removeprefix("sha256:")
        os.utime(files / code[:2] / code, (then, then))


def test_old_files_that_nothing_refers_to_are_deleted_and_young_ones_stay(files: Path) -> None:
    old, young = storage.store(b"old orphan"), storage.store(b"young orphan")
    age(files, old)
    assert upkeep.sweep() == 1
    assert not storage.exists(old) and storage.exists(young)


@pytest.mark.django_db(transaction=True)
def test_every_file_that_a_row_refers_to_stays(files: Path, keys: Path) -> None:
    model = a_model()
    owner = an_artist("ada")
    a_work(owner, a_party("Ada", member=owner))
    a_style(model, adapter=b"lora weights")
    a_request(owner)
    render_next(worker=a_worker(keys))
    kept = [digest for digest, _ in storage.stored_files()]
    assert len(kept) == 4  # work, adapter, picture, manifest store
    age(files, *kept)
    assert upkeep.sweep() == 0
    assert sorted(digest for digest, _ in storage.stored_files()) == sorted(kept)


def test_an_adapter_that_a_recorded_request_names_stays_when_its_style_has_another(files: Path) -> None:
    owner, model = an_artist("ada"), a_model()
    party = a_party("Ada", member=owner)
    work = a_work(owner, party)
    style = a_style(model, adapter=b"first", party=party, works=[work], actor=owner.actor())
    a_request(owner, **in_style(style))
    for adapter in (b"never drawn with", b"now"):
        carry_by_adapter(
            actor=owner.actor(), style=style, adapter=adapter, model_digest=model.digest, works=[work]
        )
    age(files, *[digest for digest, _ in storage.stored_files()])
    assert upkeep.sweep() == 1
    assert storage.exists(sha256_digest(b"first")) and storage.exists(sha256_digest(b"now"))
    assert not storage.exists(sha256_digest(b"never drawn with"))


def test_what_others_left_in_the_folder_does_not_stop_the_sweeper(files: Path) -> None:
    old = storage.store(b"old orphan")
    age(files, old)
    code = old.removeprefix("sha256:")
    stray = files / code[:2] / "notes.txt"
    stray.write_text("mine")
    os.utime(stray, (0, 0))
    assert upkeep.sweep() == 1 and stray.exists()


def test_an_empty_store_is_no_fault() -> None:
    assert upkeep.sweep() == 0


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_taken_up_while_the_sweeper_looks_is_not_deleted(files: Path) -> None:
    owner = an_artist("ada")
    party = a_party("Ada", member=owner)
    digest = storage.store(a_png())
    age(files, digest)

    def sweep() -> int:
        try:
            return upkeep.sweep()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            storage.hold(digest)  # as the listing of this very picture does
            sweeping = pool.submit(sweep)
            while not sweeping.done() and not waits_for_a_lock():
                time.sleep(0.05)
            a_work(owner, party)
        assert sweeping.result(60) == 0
    assert storage.exists(digest) and Entry.objects.filter(kind="WorkRegistered").count() == 1


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])
