"""A long training is in nobody's way: a render waits for a step at most, the log's sequencer for nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from generation.actions.rendering import render_next
from generation.actions.training.running import train_next
from generation.models import Generation, TrainingRun
from generation.training.contract import TrainingOrder
from generation.training.stand_in import StandInTrainer
from provenance.audit_log.models import Entry, Pending
from provenance.audit_log.sequencing import sequence
from tests.factories.log import published
from tests.factories.records import a_request, a_worker, an_artist
from tests.factories.trainings import a_studio, a_trainer, asked, told_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]
STEPS = 12


class SteppedTrainer:
    """A trainer each of whose steps a test lets happen."""

    def __init__(self) -> None:
        self.steps = 0
        self.allowed = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)

    def train(self, order: TrainingOrder, *, on_step: Callable[[Any], None], between: Callable[[], None]) -> Any:
        """Train as the stand-in does, a step whenever one is allowed."""

        def sleep(seconds: float) -> None:
            self.begun.release()
            assert self.allowed.acquire(timeout=60)
            self.steps += 1

        return StandInTrainer(sleep=sleep).train(order, on_step=on_step, between=between)


@contextmanager
def in_training(trainer: SteppedTrainer, keys: Path, *, yields: bool = True) -> Iterator[Future[bool]]:
    """Train in a thread of its own, which is inside its first step when the block begins."""

    def train() -> bool:
        try:
            return train_next(worker=a_trainer(keys, trainer=trainer, yields=yields))
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(train)
        assert trainer.begun.acquire(timeout=60)
        yield running
        trainer.allowed.release(STEPS)
        assert running.result(timeout=120)


def paused() -> bool:
    return TrainingRun.objects.get().is_paused


def test_a_render_waits_for_the_step_in_hand_and_for_no_other(keys: Path) -> None:
    studio = a_studio()
    run, trainer = asked(studio, steps=STEPS), SteppedTrainer()
    with in_training(trainer, keys) as running:
        generation = a_request(an_artist("mara"))
        trainer.allowed.release(STEPS)  # nothing but the render holds it back
        while not paused():
            assert not running.done()
        assert trainer.steps == 1, "the step that was in hand when the picture was asked for"
        assert render_next(worker=a_worker(keys)) and trainer.steps == 1
    run.refresh_from_db()
    assert Generation.objects.get(pk=generation.pk).state == "done"
    assert (run.state, run.is_paused, trainer.steps) == ("done", False, STEPS)


def test_where_training_has_a_device_of_its_own_it_goes_on_beside_renders(keys: Path) -> None:
    studio = a_studio()
    run, trainer = asked(studio, steps=STEPS), SteppedTrainer()
    with in_training(trainer, keys, yields=False) as running:
        a_request(an_artist("mara"))
        trainer.allowed.release(STEPS)
        assert running.result(timeout=60)
        trainer.allowed = threading.Semaphore(0)
    run.refresh_from_db()
    assert run.state == "done" and Generation.objects.get().state == "queued"


def test_the_sequencer_publishes_every_entry_while_a_step_of_a_training_lasts(keys: Path) -> None:
    studio = a_studio()
    run, trainer = asked(studio, steps=STEPS), SteppedTrainer()
    with in_training(trainer, keys):
        assert told_of(run)[-1] == "TrainingStarted"
        sequence()
        assert published().checkpoint.size == Entry.objects.count() and not Pending.objects.exists()
        assert trainer.steps == 0, "the step still lasts"
