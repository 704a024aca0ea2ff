"""How trainings begin and end when something stands against them: one bad run, a worker that stops, an erasure."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.actions.training.running import train_next
from generation.actions.training.upkeep import request_release
from provenance.works.models import Style
from tests.database.test_training_requests import opt_out, uses
from tests.factories.reconciled import behind_the_servers_back
from tests.factories.records import a_request, in_style
from tests.factories.trainings import Watched, a_studio, a_trainer, asked, told_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_kept_back_work_that_opts_out_bars_neither_the_training_nor_the_style(keys: Path) -> None:
    studio, trainer = a_studio(works=8), Watched()
    run = asked(studio, held_out=0.25)
    (first, *_) = [work for work in studio.works if uses(run)[str(work.pk)] == "held-out"]
    trainer.at[4] = lambda: opt_out(studio, first)
    assert train_next(worker=a_trainer(keys, trainer=trainer))
    run.refresh_from_db()
    assert run.state == "done", run.fault
    style = Style.objects.get(pk=studio.style.pk)
    assert first not in style.works.all() and style.works.count() == 7
    assert a_request(studio.painter, **in_style(style)).state == "queued"


def test_one_training_that_cannot_be_decided_on_does_not_keep_the_next_from_its_turn(keys: Path) -> None:
    studio = a_studio()
    run = asked(studio)
    with behind_the_servers_back() as sql:
        sql.execute("UPDATE generation_trainingrun SET recipe = '{}' WHERE id = %s", [run.pk])
    assert train_next(worker=a_trainer(keys))
    run.refresh_from_db()
    assert run.state == "failed" and run.fault["code"] == "internal-fault"
    assert told_of(run) == ["TrainingRequested", "TrainingStarted", "TrainingFailed"]
    again = asked(studio)
    assert train_next(worker=a_trainer(keys))
    again.refresh_from_db()
    assert again.state == "done"


def test_works_that_left_before_the_training_began_and_a_hand_back_are_told_in_the_log(keys: Path) -> None:
    studio, trainer = a_studio(works=5), Watched()
    run = asked(studio)
    opt_out(studio, studio.works[0])
    trainer.at[3] = lambda: request_release(["trainer"])
    assert train_next(worker=a_trainer(keys, trainer=trainer))
    run.refresh_from_db()
    assert run.state == "queued"
    assert told_of(run) == ["TrainingRequested", "TrainingStarted", "TrainingNarrowed", "TrainingAbandoned"]
