"""What Celery runs; each job is a wake-up that carries no choice and is safe to run twice."""

from __future__ import annotations

import multiprocessing
import os
import socket
from functools import cache
from typing import Any

import psutil
from celery import current_app, shared_task
from celery.signals import worker_process_init, worker_shutting_down
from django.conf import settings
from django.db import transaction

from generation.actions import (
    claiming,
    fingerprinting,
    fingerprinting_works,
    reading_watermarks,
    reconciling,
    rendering,
    replaying,
    reverifying,
    signing_works,
    stamping,
    upkeep,
)
from generation.actions.claiming import LeaseLine, request_release
from generation.actions.rendering import Worker
from generation.actions.training import running as training
from generation.actions.training import upkeep as training_upkeep
from generation.actions.training.running import TrainingWorker
from generation.events import reconciliation_waiting, training_waiting, watermark_waiting, work_available
from generation.pipelines.adapter_folders import clear_abandoned_folders
from generation.pipelines.registry import load_pipeline
from generation.training.registry import load_trainer
from provenance.credentials.actions import key_to_sign_with

WAKE_UP_EXPIRES_SECONDS = 300
SHORT_WAKE_UP_EXPIRES_SECONDS = 10
"""Of what the reaper wakes again every two seconds while it waits."""
BEHIND_RENDERS = 10
"""How much a training process gives way to others of its machine, also within a step."""
READ_AT_ONCE = 10
"""Watermarks of one run, a tenth of a second or so each: whoever asks for pictures then waits behind no more."""
stopping = multiprocessing.get_context("fork").Event()
"""Set in a worker that is to stop, and seen by the children that it forked."""


@shared_task
def render_next() -> None:
    """Render what waits, one request after the other, until nothing waits or this worker is to stop.

    Going through the broker between any two costs more than signing a picture does. Replays come when no request waits.
    Between any two at most one watermark is read: so neither waits for the other to run dry.
    """
    while not stopping.is_set() and (
        rendering.render_next(worker=this_worker())
        or replaying.replay_next(worker=this_worker(), is_stopping=stopping.is_set)
    ):
        reading_watermarks.read_next()


@shared_task
def train_next() -> None:
    """Train what waits, one style after the other, until nothing waits or this worker is to stop."""
    while not stopping.is_set() and training.train_next(worker=this_training_worker()):
        pass


@shared_task
def reap() -> None:
    """Bring back what silent workers held and what lost messages forgot."""
    upkeep.reap()
    upkeep.wake_for_the_forgotten()
    if reconciling.is_one_waiting():
        _wake_reconciler()
    if replaying.is_one_waiting():
        render_next.apply_async(expires=SHORT_WAKE_UP_EXPIRES_SECONDS, retry=False)
    if reading_watermarks.is_one_waiting():
        _wake_reader()
    training_upkeep.reap()
    if training_upkeep.is_one_waiting():
        train_next.apply_async(expires=SHORT_WAKE_UP_EXPIRES_SECONDS, retry=False)


@shared_task
def reconcile() -> None:
    """Compare rows, files, manifests and log for every run that waits."""
    while reconciling.reconcile_next():
        pass


@shared_task
def fingerprint() -> None:
    """Keep the fingerprints of images that were delivered, and works that were listed, before there were such."""
    fingerprinting.fingerprint_older()
    fingerprinting_works.fingerprint_works()
    fingerprinting.fingerprint_plain()


@shared_task
def sign_works() -> None:
    """Sign what is stated of works that were listed since."""
    signing_works.sign_listed(key=key_to_sign_with())


@shared_task
def read_watermarks() -> None:
    """Read some of the watermarks that need torch; one, and no more, while a request waits to be rendered.

    The reaper wakes for the others.
    """
    for _ in range(READ_AT_ONCE):
        if stopping.is_set() or not reading_watermarks.read_next() or claiming.is_one_waiting():
            break


@shared_task
def stamp() -> None:
    """Stamp what left without a timestamp while the authority was down."""
    stamping.stamp_waiting(key=key_to_sign_with())


@shared_task
def reverify() -> None:
    """Verify every stored credential again where the library or the trust lists have changed."""
    reverifying.request_if_due()
    while reverifying.reverify_next():
        pass


@shared_task
def sweep() -> None:
    """Delete old files that nothing refers to, and old readings of watermarks."""
    upkeep.sweep()
    reading_watermarks.forget_old()


@cache
def this_worker() -> Worker:
    """Return what this process renders with; made once, in the child that will use it."""
    return Worker(
        name=worker_name(os.getpid()),
        pipeline=load_pipeline(settings.COLOPHON_PIPELINE, memory_budget_bytes=settings.ENVIRONMENT.model_memory_bytes),
        lease_seconds=settings.COLOPHON_LEASE_SECONDS,
        signing_key=key_to_sign_with,
        lease_line=LeaseLine(lease_seconds=settings.COLOPHON_LEASE_SECONDS),
    )


def this_training_worker() -> TrainingWorker:
    """Return what this process trains with; torch is loaded by its first training."""
    return TrainingWorker(
        name=worker_name(os.getpid()),
        trainer=lambda: load_trainer(settings.COLOPHON_TRAINER),
        lease_seconds=settings.COLOPHON_LEASE_SECONDS,
        yields=settings.ENVIRONMENT.training_yields,
        checkpoint_seconds=settings.ENVIRONMENT.training_checkpoint_seconds,
        signing_key=key_to_sign_with,
    )


def worker_name(pid: int) -> str:
    """Return the name under which a process of this machine renders."""
    return f"{socket.gethostname()}:{pid}"


def connect() -> None:
    """Let every commit that leaves work wake a worker, and render workers prepare when they start."""
    work_available.connect(_wake_on_commit, dispatch_uid="wake a render worker")
    reconciliation_waiting.connect(_wake_reconciler_on_commit, dispatch_uid="wake a reconciler")
    watermark_waiting.connect(_wake_reader_on_commit, dispatch_uid="wake a reader of watermarks")
    training_waiting.connect(_wake_trainer_on_commit, dispatch_uid="wake a training worker")
    worker_process_init.connect(_prepare, dispatch_uid="prepare a render worker")
    worker_shutting_down.connect(_release, dispatch_uid="give back what a stopping worker renders")


def _wake_on_commit(**_: Any) -> None:
    # A broker that is down must not fail the request: its row waits, and the reaper wakes for it later.
    transaction.on_commit(lambda: render_next.apply_async(expires=WAKE_UP_EXPIRES_SECONDS, retry=False), robust=True)


def _wake_reconciler_on_commit(**_: Any) -> None:
    transaction.on_commit(_wake_reconciler, robust=True)


def _wake_reconciler() -> None:
    reconcile.apply_async(expires=SHORT_WAKE_UP_EXPIRES_SECONDS, retry=False)


def _wake_reader_on_commit(**_: Any) -> None:
    transaction.on_commit(_wake_reader, robust=True)


def _wake_reader() -> None:
    read_watermarks.apply_async(expires=SHORT_WAKE_UP_EXPIRES_SECONDS, retry=False)


def _wake_trainer_on_commit(**_: Any) -> None:
    wake = train_next.apply_async
    transaction.on_commit(lambda: wake(expires=WAKE_UP_EXPIRES_SECONDS, retry=False), robust=True)


def _prepare(**_: Any) -> None:
    if "training" in current_app.amqp.queues.consume_from:
        os.nice(BEHIND_RENDERS)
    if "render" in current_app.amqp.queues.consume_from:
        clear_abandoned_folders()
        this_worker()


def _release(**_: Any) -> None:
    stopping.set()
    children = psutil.Process().children()
    names = [worker_name(child.pid) for child in children]
    request_release(names)
    training_upkeep.request_release(names)
