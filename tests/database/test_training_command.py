"""The command that trains a style: it follows what was begun, keeps what Ctrl-C leaves, and calls off what is asked."""

from __future__ import annotations

import _thread
import io
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from generation.actions.training.running import claim_one
from generation.models import TrainingRun
from generation.queries import training_state_of
from server.command_line.management.commands import train_style
from tests.database.test_training import expired, now
from tests.factories.trainings import Studio, a_studio, a_trainer, asked, told_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Have Ctrl-C heard: what a shell starts in its background is born deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def studio(settings: Any, keys: Any, monkeypatch: pytest.MonkeyPatch) -> Studio:
    settings.COLOPHON_TRAINER = "generation.training.stand_in.StandInTrainer"
    monkeypatch.setattr(train_style, "SECONDS_FOR_A_WORKER", 0.0)
    return a_studio()


def command(*options: str) -> str:
    out = io.StringIO()
    call_command("train_style", "cut-paper", "--account", "ada", *options, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_the_command_trains_where_no_process_does(studio: Studio) -> None:
    said = command("--steps", "3")
    assert TrainingRun.objects.get().adapter_digest in said


def test_it_goes_on_with_a_training_whose_process_is_gone(studio: Studio, keys: Any) -> None:
    run = asked(studio)
    claim_one(worker=a_trainer(keys))
    expired(run)
    assert "goes on with the training" in command()
    assert now(run).state == "done" and "TrainingAbandoned" in told_of(run)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_keeps_what_was_learned_for_the_next_time(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOPHON_TRAINING_STEP_MS", "400")
    somebody = threading.Thread(target=_press_ctrl_c_once_it_learns)
    somebody.start()
    with pytest.raises(CommandError, match="the same command goes on from here"):
        command("--steps", "24")
    somebody.join()
    run = TrainingRun.objects.get()
    assert run.state == "queued" and run.checkpoint_digest and 0 < run.step < 24
    monkeypatch.setenv("COLOPHON_TRAINING_STEP_MS", "0")
    command()
    assert now(run).state == "done" and run.attempt == 2


def _press_ctrl_c_once_it_learns() -> None:
    until = time.monotonic() + 60
    try:
        while time.monotonic() < until and not TrainingRun.objects.filter(step__gt=0).exists():
            time.sleep(0.05)
    finally:
        connections.close_all()
        _thread.interrupt_main()


def test_it_calls_off_what_waits_and_what_no_process_carries_out(studio: Studio, keys: Any) -> None:
    for is_begun in (False, True):
        run = asked(studio)
        if is_begun:
            claim_one(worker=a_trainer(keys))
            expired(run)
        assert "called off" in command("--cancel") and now(run).state == "cancelled"
    with pytest.raises(CommandError, match="There is no training cut-paper"):
        command("--cancel")


def test_what_it_says_while_it_waits_is_about_the_training_and_not_the_last_step(studio: Studio) -> None:
    state = training_state_of(asked(studio).pk)
    assert train_style._said(state).startswith("waits for a process")
    assert train_style._said({**state, "state": "training"}).startswith("getting ready")
    assert train_style._said({**state, "state": "training", "seconds_left": 61}) == "about 2 min left · 约剩 2 分钟"
    assert train_style._said({**state, "is_paused": True}).startswith("waits for a picture")
