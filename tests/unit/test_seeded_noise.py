"""The stand-in pipeline: deterministic, and failing exactly when asked to."""

from __future__ import annotations

import dataclasses
import io
import signal
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generation.pipelines.contract import ModelSource, Pipeline, RenderOrder, StepDone, WeightFile
from generation.pipelines.errors import OrderIncomplete, OutOfMemory, RenderFailed
from generation.pipelines.registry import load_pipeline
from generation.pipelines.seeded_noise import SeededNoisePipeline
from provenance.canonical import canonical_json, pixel_digest

MODEL = ModelSource(source="stand-in", revision="", digest="sha256:" + "0" * 64, weights=())
ORDER = RenderOrder(
    model=MODEL,
    task="text-to-image",
    prompt="a red cat",
    negative_prompt="",
    seeds=(1, 2),
    width=96,
    height=64,
    steps=6,
    guidance_scale=3.0,
)


def test_the_same_order_gives_the_same_pixels_in_every_process():
    here = [pixel_digest(picture) for picture in _render().images]
    program = (
        "from tests.unit.test_seeded_noise import _render; from provenance.canonical import pixel_digest\n"
        "print(*[pixel_digest(picture) for picture in _render().images])"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert there.stdout.split() == here


def test_a_picture_has_the_size_and_type_that_the_contract_says():
    picture = _render().images[0]
    assert picture.shape == (64, 96, 3) and picture.dtype == np.uint8


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "a blue cat"},
        {"negative_prompt": "hat"},
        {"seeds": (3, 4)},
        {"width": 128},
        {"model": dataclasses.replace(MODEL, digest="sha256:" + "1" * 64)},
    ],
)
def test_a_change_of_order_changes_the_picture(change):
    before, after = _render().images[0], _render(**change).images[0]
    assert pixel_digest(before) != pixel_digest(after)


def test_a_seed_draws_the_same_at_any_place_of_a_batch():
    assert np.array_equal(_render(seeds=(1, 2)).images[1], _render(seeds=(2, 7, 1)).images[0])


def test_steps_count_from_one_to_all_with_small_previews_now_and_then():
    steps: list[StepDone] = []
    SeededNoisePipeline(preview_every=3).render(ORDER, on_step=steps.append)
    assert [(step.number, step.of) for step in steps] == [(n, 6) for n in range(1, 7)]
    shown = [step.preview for step in steps if step.preview is not None]
    assert [step.number for step in steps if step.preview] == [3, 6]
    for preview in shown:
        with Image.open(io.BytesIO(preview)) as image:
            assert image.format == "JPEG" and max(image.size) <= 96 and len(preview) <= 5_000


def test_what_the_caller_raises_between_steps_stops_the_work_unchanged():
    seen: list[int] = []
    stop = RuntimeError("out of memory, says the caller")

    def cancel_at_two(step: StepDone) -> None:
        seen.append(step.number)
        if step.number == 2:
            raise stop

    with pytest.raises(RuntimeError) as raised:
        SeededNoisePipeline().render(ORDER, on_step=cancel_at_two)
    assert raised.value is stop and seen == [1, 2]


def test_a_step_lasts_as_long_as_the_environment_says(monkeypatch):
    monkeypatch.setenv("COLOPHON_NOISE_STEP_MS", "40")
    naps: list[float] = []
    SeededNoisePipeline(sleep=naps.append).render(ORDER, on_step=_ignore)
    assert naps == [0.04] * 6


def test_memory_runs_out_once_only_and_the_tiled_retry_succeeds():
    with pytest.raises(OutOfMemory):
        _render(prompt="a cat [[out-of-memory-once]]")
    assert len(_render(prompt="a cat [[out-of-memory-once]]", tiled=True).images) == 2


def test_memory_that_always_runs_out_does_so_tiled_too():
    with pytest.raises(OutOfMemory):
        _render(prompt="a cat [[out-of-memory]]", tiled=True)


def test_a_failure_asked_for_comes_at_its_step():
    steps: list[StepDone] = []
    order = dataclasses.replace(ORDER, prompt="[[fail at step 3]]")
    with pytest.raises(RenderFailed):
        SeededNoisePipeline().render(order, on_step=steps.append)
    assert [step.number for step in steps] == [1, 2, 3]


def test_a_fault_can_be_asked_for_by_the_environment(monkeypatch):
    monkeypatch.setenv("COLOPHON_NOISE_FAULT", "[[fail]]")
    with pytest.raises(RenderFailed):
        _render()


@pytest.mark.parametrize(("marker", "reported"), [("[[crash]]", ""), ("[[crash at step 3]]", "1 2 3 ")])
def test_a_crash_asked_for_kills_the_process_there(marker, reported):
    program = (
        "from tests.unit.test_seeded_noise import _render\n"
        f"_render(on_step=lambda step: print(step.number, end=' ', flush=True), prompt={marker!r})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL and done.stdout == reported


def test_inpainting_keeps_what_the_mask_keeps():
    given = np.full((64, 96, 3), 200, np.uint8)
    mask = np.zeros((64, 96), np.uint8)
    mask[:, 48:] = 255
    picture = _render(task="inpainting", image=given, mask=mask).images[0]
    assert np.array_equal(picture[:, :48], given[:, :48])
    assert not np.array_equal(picture[:, 48:], given[:, 48:])


def test_image_to_image_of_little_strength_stays_near_its_input():
    given = np.full((64, 96, 3), 128, np.uint8)
    near = _render(task="image-to-image", image=given, strength=0.2).images[0]
    far = _render(task="image-to-image", image=given, strength=0.9).images[0]
    assert _distance(near, given) < _distance(far, given)


@pytest.mark.parametrize("task", ["image-to-image", "inpainting"])
def test_a_task_without_its_input_picture_is_refused(task):
    with pytest.raises(OrderIncomplete) as refused:
        _render(task=task)
    assert "缺少输入图片" in refused.value.said("zh-Hans")


def test_models_are_resident_as_far_as_the_budget_goes():
    pipeline = SeededNoisePipeline(memory_budget_bytes=25)
    models = [_model_of(size=10, number=number) for number in range(3)]
    for model in models:
        pipeline.render(dataclasses.replace(ORDER, model=model), on_step=_ignore)
    assert pipeline.resident_models() == (models[1].digest, models[2].digest)


def test_what_was_in_force_can_be_recorded_as_canonical_json():
    rendered = _render()
    assert canonical_json(dict(rendered.environment)) and canonical_json(dict(rendered.settings))
    assert rendered.settings["batch_size"] == "2"


def test_the_registry_makes_the_pipeline_that_a_setting_names():
    path = "generation.pipelines.seeded_noise.SeededNoisePipeline"
    pipeline: Pipeline = load_pipeline(path, memory_budget_bytes=1, preview_every=0, device="cuda")
    assert pipeline.resident_models() == ()


def _render(on_step: Any = None, **changes: Any) -> Any:
    order = dataclasses.replace(ORDER, **changes)
    return SeededNoisePipeline().render(order, on_step=on_step or _ignore)


def _ignore(step: StepDone) -> None:
    """Take a step as it comes."""


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean())


def _model_of(*, size: int, number: int) -> ModelSource:
    file = WeightFile(path="w.safetensors", digest="sha256:" + "2" * 64, size_bytes=size)
    return dataclasses.replace(MODEL, digest=f"sha256:{number:064d}", weights=(file,))
