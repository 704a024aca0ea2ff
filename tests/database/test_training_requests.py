"""Asking for a style to be trained: who may, on which works, and what a refusal leaves behind."""

from __future__ import annotations

import pytest

from generation.actions.training.requesting import cancel_training, request_training
from generation.errors import UnknownModel
from generation.models import TrainingRun
from generation.request import InvalidRequest
from generation.training.errors import (
    ModelNotTrainable,
    TooFewWorks,
    TrainingEnded,
    TrainingUnderWay,
    UnknownTraining,
)
from generation.training.recipe import Recipe
from provenance.actor import COLOPHON
from provenance.audit_log.models import Entry
from provenance.errors import Fault
from provenance.licensing.actions.opting_out import record_opt_out
from provenance.works.errors import NotTheOwner
from provenance.works.models import Work
from tests.factories.records import a_model, a_party, a_stranger, a_work, an_artist, an_auditor
from tests.factories.trainings import Studio, a_studio, asked, told_of

pytestmark = pytest.mark.django_db


def opt_out(studio: Studio, work: Work) -> None:
    """Say no to one work, as its owner."""
    record_opt_out(
        actor=studio.painter.actor(), party=studio.party, subject_kind="work", subject_id=work.pk, source="by mail"
    )


def uses(run: TrainingRun) -> dict[str, str]:
    return {row["work"]: row["use"] for row in run.works}


def nothing_was_recorded() -> None:
    assert not TrainingRun.objects.exists() and not Entry.objects.filter(kind__startswith="Training").exists()


def test_an_owner_asks_and_every_work_says_on_what_basis_it_is_trained_on() -> None:
    studio = a_studio()
    run = asked(studio)
    assert run.state == "queued" and run.steps == 8 and run.recipe["rank"] == 16
    assert [row["basis"] for row in run.works] == ["own-work"] * 4 and set(uses(run).values()) == {"trained"}
    assert {row["digest"] for row in run.works} == {work.digest for work in studio.works}
    assert told_of(run) == ["TrainingRequested"]
    assert run.request_leaf == Entry.objects.get(kind="TrainingRequested").leaf_hash


def test_a_recipe_is_as_long_as_its_works_need() -> None:
    assert asked(a_studio(), steps=None).steps == 60


def test_a_work_that_opted_out_was_withdrawn_or_has_no_basis_is_left_out_and_named_with_its_reason() -> None:
    studio = a_studio(works=6)
    refused, withdrawn, given_away = studio.works[:3]
    opt_out(studio, refused)
    Work.objects.filter(pk=withdrawn.pk).update(state="withdrawn")
    Work.objects.filter(pk=given_away.pk).update(owner=a_party("Somebody else"))
    run = asked(studio)
    left = {row["work"]: row["reasons"][0]["code"] for row in run.works if row["use"] == "left-out"}
    assert left == {
        str(refused.pk): "opted-out", str(withdrawn.pk): "withdrawn", str(given_away.pk): "no-basis"
    }  # fmt: skip
    for row in run.works:
        assert "Wave" not in str(row["reasons"]), "works are named by their ids, which need no erasing"


@pytest.mark.parametrize(("licence", "purpose", "use"), [
    ("CC-BY-4.0", "", "trained"), ("CC0-1.0", "", "trained"), ("CC-BY-NC-4.0", "non-commercial", "trained"),
    ("CC-BY-NC-4.0", "", "left-out"), ("CC-BY-ND-4.0", "", "left-out"),
])  # fmt: skip
def test_a_work_of_others_is_trained_on_as_far_as_its_open_licence_goes(licence: str, purpose: str, use: str) -> None:
    studio = a_studio()
    other = an_artist("pia")
    work = a_work(other, a_party("Pia Painter", member=other), seed=2, title="Open wave", licence=licence)
    studio.style.works.add(work)
    run = asked(studio, purpose=purpose)
    assert uses(run)[str(work.pk)] == use
    if use == "trained":
        assert next(row for row in run.works if row["work"] == str(work.pk))["licence"] == licence


def test_part_of_the_works_can_be_kept_back() -> None:
    run = asked(a_studio(works=8), held_out=0.25)
    assert sorted(uses(run).values()) == ["held-out"] * 2 + ["trained"] * 6


def test_hardly_any_usable_work_is_refused_with_the_reasons() -> None:
    studio = a_studio()
    for work in studio.works[:2]:
        opt_out(studio, work)
    with pytest.raises(TooFewWorks, match=r"Only 2 of the style's 4 works.*opted out"):
        asked(studio)
    nothing_was_recorded()


def test_nobody_but_the_owner_may_ask() -> None:
    studio = a_studio()
    for actor in (a_stranger(), an_auditor().actor()):
        with pytest.raises(NotTheOwner):
            request_training(actor=actor, style=studio.style, recipe=Recipe())
    nothing_was_recorded()


def test_the_operator_trains_on_openly_licensed_works_alone() -> None:
    with pytest.raises(TooFewWorks, match="Only 0 of the style's 4"):
        request_training(actor=COLOPHON, style=a_studio().style, recipe=Recipe())
    nothing_was_recorded()


def test_one_training_of_a_style_at_a_time() -> None:
    studio = a_studio()
    first = asked(studio)
    with pytest.raises(TrainingUnderWay, match=str(first.pk)):
        asked(studio)
    assert TrainingRun.objects.count() == 1


@pytest.mark.parametrize(("model", "fault"), [
    ("flux", ModelNotTrainable), ("nobody", UnknownModel),
])  # fmt: skip
def test_a_model_that_cannot_be_trained_for_is_refused_in_a_sentence(model: str, fault: type[Fault]) -> None:
    studio = a_studio()
    a_model("Flux", pipeline_class="FluxPipeline")
    with pytest.raises(fault):
        request_training(actor=studio.painter.actor(), style=studio.style, recipe=Recipe(), model=model)
    nothing_was_recorded()


def test_a_recipe_out_of_bounds_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="rank"):
        asked(a_studio(), rank=4_000)
    nothing_was_recorded()


def test_a_waiting_training_is_cancelled_at_once_and_an_ended_one_not_again() -> None:
    studio = a_studio()
    run = asked(studio)
    cancel_training(actor=studio.painter.actor(), training_id=run.pk)
    run.refresh_from_db()
    assert run.state == "cancelled" and run.ended_at and told_of(run) == ["TrainingRequested", "TrainingCancelled"]
    with pytest.raises(TrainingEnded):
        cancel_training(actor=studio.painter.actor(), training_id=run.pk)


def test_nobody_else_cancels_a_training() -> None:
    run = asked(a_studio())
    for actor in (a_stranger(), an_auditor().actor()):
        with pytest.raises(UnknownTraining):
            cancel_training(actor=actor, training_id=run.pk)
    run.refresh_from_db()
    assert run.state == "queued" and not run.cancel_requested
