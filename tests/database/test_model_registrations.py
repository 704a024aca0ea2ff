"""Registering models: each registration a row that never changes, one of them current under each name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction

from generation import queries
from generation.actions.registering import leave_styles_behind, register_model
from generation.actions.rendering import render_next
from generation.errors import ModelSuperseded, StyleNotCarried
from generation.models import Generation, ImageModel
from generation.pipelines.contract import RenderOrder
from generation.pipelines.errors import WeightsChanged
from generation.pipelines.seeded_noise import SeededNoisePipeline
from provenance.actor import COLOPHON
from provenance.audit_log.models import Entry
from tests.factories.records import (
    a_model,
    a_request,
    a_style,
    a_worker,
    an_artist,
    in_style,
    kinds_of_entries,
    model_facts,
)
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db


def test_other_weights_under_the_same_name_are_another_row_and_the_first_stays_as_it_was() -> None:
    before = a_model()
    said = ImageModel.objects.filter(pk=before.pk).values().get()
    after = a_model(trained="again")
    assert after.pk != before.pk and after.digest != before.digest and list(queries.models_listed()) == [after]
    kept = ImageModel.objects.filter(pk=before.pk).values().get()
    assert kept.pop("superseded_at") and said.pop("superseded_at") is None and kept == said
    told = [entry.opening.details for entry in Entry.objects.filter(kind="ModelRegistered").order_by("at")]
    assert [(one["digest"], one["supersedes"]) for one in told] == [(before.digest, ""), (after.digest, before.digest)]


def test_registering_what_stands_adds_neither_row_nor_entry() -> None:
    first = a_model()
    assert a_model() == first
    assert ImageModel.objects.count() == 1 and kinds_of_entries() == ["ModelRegistered"]


def test_the_same_weights_under_another_licence_are_a_registration_of_their_own() -> None:
    before, after = a_model(licence="MIT"), a_model(licence="CC0-1.0")
    before.refresh_from_db()
    assert (before.licence, after.licence) == ("MIT", "CC0-1.0") and before.superseded_at


def test_earlier_weights_registered_again_are_the_same_row_and_current() -> None:
    before, _, again = a_model(), a_model(trained="again"), a_model()
    assert again == before and again.superseded_at is None
    assert list(queries.models_listed()) == [before] and ImageModel.objects.count() == 2
    assert kinds_of_entries() == ["ModelRegistered"] * 3


@pytest.mark.parametrize("column", ["digest", "licence", "source", "training_statement", "registered_at"])
def test_the_database_refuses_to_change_what_was_registered(column: str) -> None:
    model = a_model()
    value = "2020-01-01T00:00:00Z" if column == "registered_at" else "changed"
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        ImageModel.objects.filter(pk=model.pk).update(**{column: value})


def test_newer_weights_keep_the_place_of_their_name_in_the_list() -> None:
    a_model("First"), a_model("Second")
    newer = a_model("First", trained="again")
    assert [model.name for model in queries.models_listed()] == ["First", "Second"]
    assert a_request(an_artist()).model == newer


def test_superseded_weights_can_be_looked_up_and_not_asked_for() -> None:
    before, artist = a_model(), an_artist()
    generation = a_request(artist)
    after = a_model(trained="again")
    with pytest.raises(ModelSuperseded, match="tiny"):
        a_request(artist, model=str(before.pk))
    assert Generation.objects.count() == 1 and a_request(artist, model="tiny").model == after
    caller = Caller(artist)
    assert caller.get(f"/api/v1/models/{before.pk}").json()["superseded_at"]
    assert caller.get("/api/v1/models/tiny").json()["id"] == str(after.pk)
    assert [row["id"] for row in caller.get("/api/v1/models").json()["results"]] == [str(after.pk)]
    shown = caller.get(f"/api/v1/generations/{generation.pk}").json()["model"]
    assert shown["digest"] == before.digest and shown["is_superseded"] is True


def test_styles_of_superseded_weights_are_left_behind_with_an_entry_and_come_back_with_them() -> None:
    style, artist = a_style(a_model()), an_artist()
    after = a_model(trained="again")
    assert leave_styles_behind(actor=COLOPHON, model=after) == ["Fx Emoji"]
    assert leave_styles_behind(actor=COLOPHON, model=after) == []
    style.refresh_from_db()
    assert style.state == "left-behind" and kinds_of_entries().count("StyleLeftBehind") == 1
    with pytest.raises(StyleNotCarried):
        a_request(artist, **in_style(style))
    leave_styles_behind(actor=COLOPHON, model=a_model())
    style.refresh_from_db()
    assert style.state == "active" and kinds_of_entries()[-1] == "StyleRebound"
    assert a_request(artist, **in_style(style)).state == "queued"


def test_a_style_left_behind_keeps_its_terms_for_whoever_writes_its_name() -> None:
    a_style(a_model(), licence="CC-BY-4.0")
    leave_styles_behind(actor=COLOPHON, model=a_model(trained="again"))
    generation = a_request(an_artist(), prompt="a cat, fx emoji")
    assert generation.state == "queued" and generation.decision["references"][1]["basis"] == "open-licence"


def test_files_that_were_moved_and_registered_there_are_found_by_requests_that_wait() -> None:
    before = a_model()
    facts = model_facts()
    moved = replace(facts, source=replace(facts.source, source="/elsewhere"))
    register_model(actor=COLOPHON, facts=moved, name="Tiny", licence="MIT", training="known", training_statement="")
    before.refresh_from_db()
    assert before.superseded_at and before.source == "/models/Tiny"
    assert queries.model_source(before).source == "/elsewhere"


class GoneFiles(SeededNoisePipeline):
    """A pipeline whose model files are not what was registered."""

    def render(self, order: RenderOrder, *, on_step: object) -> object:  # type: ignore[override]  # never returns
        raise WeightsChanged(file=order.model.weights[0].path, found="another digest")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("trained", "code"), [("", "weights-changed"), ("again", "model-replaced")])
def test_a_request_whose_files_are_gone_fails_and_says_whether_newer_weights_took_their_place(
    keys: Path, trained: str, code: str
) -> None:
    a_model()
    generation = a_request(an_artist())
    a_model(trained=trained)
    render_next(worker=a_worker(keys, pipeline=GoneFiles()))
    generation.refresh_from_db()
    assert generation.state == "failed" and generation.fault["code"] == code
    assert generation.fault["en"] and generation.fault["zh-Hans"]


@pytest.mark.django_db(transaction=True)
def test_a_request_for_superseded_weights_is_drawn_while_their_files_are_there(keys: Path) -> None:
    style = a_style(a_model())
    generation = a_request(an_artist(), **in_style(style))
    leave_styles_behind(actor=COLOPHON, model=a_model(trained="again"))
    render_next(worker=a_worker(keys))
    generation.refresh_from_db()
    assert generation.state == "done"
