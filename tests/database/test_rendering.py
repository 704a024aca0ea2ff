"""Rendering: a real worker takes a request to its end, whichever end that is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.db.models import F

from generation.actions.claiming import request_release
from generation.actions.rendering import render_next
from generation.actions.requesting import cancel_generation
from generation.models import Generation, Output
from generation.pipelines.adapter_folders import PREFIX
from generation.pipelines.contract import Rendered, RenderOrder, StepDone
from generation.pipelines.seeded_noise import SeededNoisePipeline
from generation.request import InputPicture
from provenance import storage
from provenance.audit_log.models import Entry
from tests.factories.log import one_entry
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

# A worker renews its lease from a connection of its own, which sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)
OnStep = Callable[[StepDone], None]


class Watched(SeededNoisePipeline):
    """The stand-in, telling a test each order that it gets and each step that it takes."""

    def __init__(self, *, at_step: Callable[[int], None] = lambda number: None) -> None:
        super().__init__()
        self.orders: list[RenderOrder] = []
        self._at_step = at_step

    def render(self, order: RenderOrder, *, on_step: OnStep) -> Rendered:
        """Draw as the stand-in does; the test acts before each step is reported."""
        self.orders.append(order)

        def observed(step: StepDone) -> None:
            self._at_step(step.number)
            on_step(step)

        return super().render(order, on_step=observed)


def ended(generation: Generation, state: str, *entries: str) -> Generation:
    """The request ended so, its entries are exactly these, and without pictures nothing of one is recorded."""
    generation.refresh_from_db()
    assert generation.state == state and generation.ended_at and generation.lease_expires is None
    assert kinds_of_entries(generation.pk) == ["GenerationRequested", *entries]
    if state != "done":
        assert not Output.objects.exists()
    return generation


def test_a_request_becomes_its_pictures(keys: Path) -> None:
    a_model()
    generation = a_request(an_artist(), seeds=(7, 8))
    assert render_next(worker=a_worker(keys)) is True
    ended(generation, "done", "RenderingStarted", "MarkingStarted", *["OutputDelivered"] * 2, "GenerationDone")
    assert [int(output.seed) for output in generation.outputs.order_by("index")] == [7, 8]
    assert generation.step == generation.steps == 3 and generation.environment["backend"] == "seeded-noise"
    assert render_next(worker=a_worker(keys)) is False


def test_the_pipeline_is_given_everything_that_was_asked(keys: Path) -> None:
    model = a_model()
    style = a_style(model, adapter=b"lora weights")
    owner = an_artist("ada")
    work = a_work(owner, a_party("Ada", member=owner))
    a_request(
        owner, prompt="a cat", negative_prompt="rain", seeds=(2**63 - 1,), steps=5, width=72, height=80,
        guidance_scale=3.5, scheduler="EulerDiscreteScheduler", strength=0.5,
        inputs=(InputPicture(role="image", work=str(work.pk)),), **in_style(style),
    )  # fmt: skip
    pipeline = Watched()
    render_next(worker=a_worker(keys, pipeline=pipeline))
    (order,) = pipeline.orders
    assert (order.task, order.prompt, order.negative_prompt) == ("image-to-image", "a cat", "rain")
    assert (order.seeds, order.steps, order.width, order.height) == ((2**63 - 1,), 5, 72, 80)
    assert (order.guidance_scale, order.scheduler, order.strength) == (3.5, "EulerDiscreteScheduler", 0.5)
    assert order.image is not None and order.image.shape == (80, 72, 3) and order.mask is None
    assert order.model.digest == model.digest and order.model.weights[0].size_bytes == 64
    assert [(adapter.digest, adapter.scale) for adapter in order.adapters] == [(style.adapter_digest, 1.0)]


def test_a_mask_goes_in_as_grey_of_the_pictures_size(keys: Path) -> None:
    a_model()
    owner = an_artist("ada")
    party = a_party("Ada", member=owner)
    image, mask = a_work(owner, party, seed=1), a_work(owner, party, seed=2)
    inputs = tuple(InputPicture(role=role, work=str(work.pk)) for role, work in (("image", image), ("mask", mask)))  # type: ignore[arg-type]
    generation = a_request(owner, inputs=inputs)
    pipeline = Watched()
    render_next(worker=a_worker(keys, pipeline=pipeline))
    assert pipeline.orders[0].task == "inpainting"
    assert pipeline.orders[0].mask is not None and pipeline.orders[0].mask.shape == (64, 64)
    ended(generation, "done", "RenderingStarted", "MarkingStarted", "OutputDelivered", "GenerationDone")


def test_the_same_seed_draws_the_same_pixels_again(keys: Path) -> None:
    a_model()
    artist = an_artist()
    for _ in range(2):
        a_request(artist, seeds=(7,))
        render_next(worker=a_worker(keys))
    first, second = Output.objects.all()
    assert first.raw_pixels == second.raw_pixels and first.digest != second.digest


# ---- called off -----------------------------------------------------------------------------------------------


def test_the_owner_stops_a_rendering_between_two_steps(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOPHON_NOISE_STEP_MS", "110")  # long enough for each step to be told by itself
    a_model()
    artist = an_artist()
    generation = a_request(artist, steps=10)
    steps: list[int] = []

    def cancel_at_the_third(number: int) -> None:
        steps.append(number)
        if number == 3:
            cancel_generation(actor=artist.actor(), generation_id=generation.pk)

    render_next(worker=a_worker(keys, pipeline=Watched(at_step=cancel_at_the_third)))
    ended(generation, "cancelled", "RenderingStarted", "GenerationCancelled")
    assert steps == [1, 2, 3]


def test_a_cancelled_request_is_never_drawn(keys: Path) -> None:
    a_model()
    artist = an_artist()
    generation = a_request(artist)
    cancel_generation(actor=artist.actor(), generation_id=generation.pk)
    assert render_next(worker=a_worker(keys)) is False
    ended(generation, "cancelled", "GenerationCancelled")


# ---- failures -------------------------------------------------------------------------------------------------


def test_too_little_memory_is_tried_once_more_in_tiles(keys: Path) -> None:
    a_model()
    generation = a_request(an_artist(), prompt="a cat [[out-of-memory-once]]")
    pipeline = Watched()
    render_next(worker=a_worker(keys, pipeline=pipeline))
    assert [order.tiled for order in pipeline.orders] == [False, True]
    done = ended(generation, "done", "RenderingStarted", "MarkingStarted", "OutputDelivered", "GenerationDone")
    assert done.settings["tiled"] is True


def test_too_little_memory_twice_fails_that_request_alone_and_the_next_is_drawn(keys: Path) -> None:
    a_model()
    artist = an_artist()
    failing, next_one = a_request(artist, prompt="a cat [[out-of-memory]]"), a_request(artist)
    worker = a_worker(keys, pipeline=Watched())
    render_next(worker=worker)
    failed = ended(failing, "failed", "RenderingStarted", "GenerationFailed")
    assert failed.fault["code"] == "out-of-memory" and failed.fault["zh-Hans"]
    render_next(worker=worker)
    ended(next_one, "done", "RenderingStarted", "MarkingStarted", "OutputDelivered", "GenerationDone")


@pytest.mark.parametrize("marker", ["[[fail]]", "[[fail at step 2]]"])
def test_a_model_that_breaks_off_fails_the_request_with_its_sentence(keys: Path, marker: str) -> None:
    a_model()
    generation = a_request(an_artist(), prompt=f"a cat {marker}")
    render_next(worker=a_worker(keys))
    failed = ended(generation, "failed", "RenderingStarted", "GenerationFailed")
    assert failed.fault["code"] == "render-failed" and failed.fault["en"] and failed.fault["zh-Hans"]


def test_what_nobody_foresaw_fails_the_request_without_telling_its_secrets(keys: Path) -> None:
    a_model()
    generation = a_request(an_artist())

    def stumble(number: int) -> None:
        raise ZeroDivisionError("hunter2")

    render_next(worker=a_worker(keys, pipeline=Watched(at_step=stumble)))
    failed = ended(generation, "failed", "RenderingStarted", "GenerationFailed")
    assert failed.fault["code"] == "internal-fault" and "hunter2" not in str(failed.fault)


def test_a_fault_that_the_database_would_answer_again_fails_the_request_instead_of_drawing_it_forever(
    keys: Path,
) -> None:
    a_model()
    generation = a_request(an_artist())

    def overrun(number: int) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 10")
            cursor.execute("SELECT pg_sleep(5)")

    render_next(worker=a_worker(keys, pipeline=Watched(at_step=overrun)))
    failed = ended(generation, "failed", "RenderingStarted", "GenerationFailed")
    assert failed.fault["code"] == "internal-fault"


def test_a_worker_that_lost_its_lease_signs_nothing(keys: Path) -> None:
    a_model()
    generation = a_request(an_artist())
    asked: list[str] = []

    class Overtaken(SeededNoisePipeline):
        def render(self, order: RenderOrder, *, on_step: OnStep) -> Rendered:
            drawn = super().render(order, on_step=on_step)
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT set_config('colophon.entry_in', pg_current_xact_id()::text, true)")
                Generation.objects.filter(pk=generation.pk).update(attempt=F("attempt") + 1)
            return drawn

    worker = a_worker(keys, pipeline=Overtaken())
    render_next(worker=replace(worker, signing_key=lambda: asked.append("key") or worker.signing_key()))
    generation.refresh_from_db()
    assert asked == [] and generation.state == "rendering" and list(storage.stored_files()) == []


def test_an_input_whose_file_was_altered_fails_the_request(keys: Path, files: Path) -> None:
    a_model()
    owner = an_artist("ada")
    work = a_work(owner, a_party("Ada", member=owner))
    generation = a_request(owner, inputs=(InputPicture(role="image", work=str(work.pk)),))
    code = work.digest.removeprefix("sha256:")
    (files / code[:2] / code).write_bytes(b"other bytes")
    render_next(worker=a_worker(keys))
    assert ended(generation, "failed", "RenderingStarted", "GenerationFailed").fault["code"] == "file-altered"


def test_pictures_of_the_wrong_shape_fail_the_request_and_store_nothing(keys: Path) -> None:
    a_model()
    generation = a_request(an_artist())

    class Grey(SeededNoisePipeline):
        def render(self, order: RenderOrder, *, on_step: OnStep) -> Rendered:
            drawn = super().render(order, on_step=on_step)
            return Rendered(images=(np.zeros((4, 4, 1), np.uint8),), environment={}, settings=drawn.settings)

    render_next(worker=a_worker(keys, pipeline=Grey()))
    ended(generation, "failed", "RenderingStarted", "MarkingStarted", "GenerationFailed")
    assert list(storage.stored_files()) == []


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_pictures_than_seeds_fails_the_request_and_keeps_none(keys: Path, count: int) -> None:
    a_model()
    generation = a_request(an_artist(), seeds=(7, 8))

    class Miscounting(SeededNoisePipeline):
        def render(self, order: RenderOrder, *, on_step: OnStep) -> Rendered:
            drawn = super().render(order, on_step=on_step)
            return replace(drawn, images=(drawn.images * 2)[:count])

    render_next(worker=a_worker(keys, pipeline=Miscounting()))
    failed = ended(generation, "failed", "RenderingStarted", "GenerationFailed")
    assert failed.fault["code"] == "pictures-miscounted" and f"drew {count} pictures where 2" in failed.fault["en"]
    assert f"画出 {count} 张" in failed.fault["zh-Hans"] and list(storage.stored_files()) == []


def test_a_request_without_adapters_makes_no_temporary_folder(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    style = a_style(a_model(), adapter=b"lora weights")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[list[str]] = []

    def look(number: int) -> None:
        if number == 1:
            seen.append([path.name[: len(PREFIX)] for path in tmp_path.glob(f"{PREFIX}*")])

    for asked in ({}, in_style(style)):
        a_request(an_artist(f"a{len(seen)}"), **asked)
        render_next(worker=a_worker(keys, pipeline=Watched(at_step=look)))
    assert seen == [[], [PREFIX]] and list(tmp_path.glob(f"{PREFIX}*")) == []


def test_a_worker_that_is_to_stop_hands_its_request_back_and_the_log_hears_of_it(keys: Path) -> None:
    a_model()
    generation = a_request(an_artist())

    def release(number: int) -> None:
        if number == 3:
            request_release(["worker"])

    render_next(worker=a_worker(keys, pipeline=Watched(at_step=release)))
    generation.refresh_from_db()
    assert generation.state == "queued" and generation.lease_expires is None and generation.step == 0
    assert kinds_of_entries(generation.pk) == ["GenerationRequested", "RenderingStarted", "RenderingAbandoned"]
    assert Entry.objects.get(kind="RenderingAbandoned").opening.details["reason"] == "handed-back"


# ---- leases ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "theft",
    [{"lease_expires": F("lease_expires") - timedelta(days=1)}, {"attempt": 9}, {"state": "queued"}],
    ids=["expired", "next attempt", "waiting again"],
)
@pytest.mark.parametrize("prompt", ["a cat", "a cat [[fail at step 3]]"])
def test_a_worker_that_lost_its_lease_writes_nothing(keys: Path, theft: dict[str, Any], prompt: str) -> None:
    a_model()
    generation = a_request(an_artist(), prompt=prompt)

    def lose_it(number: int) -> None:
        if number == 3:
            with transaction.atomic():
                Generation.objects.update(**theft)
                one_entry("of whoever took it over")

    render_next(worker=a_worker(keys, pipeline=Watched(at_step=lose_it)))
    generation.refresh_from_db()
    assert generation.ended_at is None and generation.fault is None and not Output.objects.exists()
    assert kinds_of_entries(generation.pk) == ["GenerationRequested", "RenderingStarted"]
