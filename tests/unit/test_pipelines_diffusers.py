"""The diffusers pipeline, drawing with tiny random models of every family."""

from __future__ import annotations

import dataclasses
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generation.pipelines.contract import RenderOrder, StepDone
from generation.pipelines.errors import (
    ModelUnreadable,
    OrderIncomplete,
    OutOfMemory,
    RenderFailed,
    SchedulerUnfit,
    SizeUnfit,
    TaskUnsupported,
    UnknownScheduler,
    WeightsChanged,
)
from generation.pipelines.families import FAMILIES
from generation.pipelines.loading import check_weights, inspect_model
from generation.pipelines.registry import load_pipeline
from generation.pipelines.schedulers import SCHEDULERS
from provenance.canonical import canonical_json, pixel_digest

pytestmark = [
    pytest.mark.torch,
    # Warnings of torch's, diffusers' and their kin's own making, about each other.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:torch"),
]
BACKEND = "generation.pipelines.diffusers_backend.DiffusersPipeline"
ALL = [family.name for family in FAMILIES]
TASKS = ("text-to-image", "image-to-image", "inpainting")


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return load_pipeline(BACKEND, device="cpu", dtype="float32", preview_every=1)


@pytest.fixture
def lent(tiny: Any, tmp_path: Path) -> Iterator[Path]:
    """A copy of the tiny Stable Diffusion folder that a test may spoil."""
    yield Path(shutil.copytree(tiny.folder_of("stable-diffusion"), tmp_path / "lent"))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("family", [*ALL, "starter"])
def test_every_family_does_every_task_and_repeats_itself_bit_for_bit(tiny, pipeline, family, task):
    order = tiny.order(family, task=task)
    steps: list[StepDone] = []
    first = pipeline.render(order, on_step=steps.append)
    again = pipeline.render(order, on_step=_ignore)
    assert [picture.shape for picture in first.images] == [(64, 64, 3)] * 2
    assert first.images[0].dtype == np.uint8
    assert [(step.number, step.of) for step in steps] == [(1, 2), (2, 2)]
    assert _digests(first) == _digests(again)
    assert len(set(_digests(first))) == 2
    assert again.environment == first.environment and again.settings == first.settings


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("family", ALL)
def test_a_seed_draws_the_same_at_any_place_of_a_batch(tiny, pipeline, family, task):
    order = tiny.order(family, task=task)
    turned = dataclasses.replace(order, seeds=order.seeds[::-1])
    there, back = pipeline.render(order, on_step=_ignore), pipeline.render(turned, on_step=_ignore)
    assert _digests(there) == _digests(back)[::-1]


@pytest.mark.parametrize("family", ["stable-diffusion", "flux", "starter"])
def test_inpainting_keeps_what_the_mask_keeps(tiny, pipeline, family):
    order = tiny.order(family, task="inpainting")
    picture = pipeline.render(order, on_step=_ignore).images[0]
    assert np.array_equal(picture[32:], order.image[32:])
    assert not np.array_equal(picture[:32], order.image[:32])


def test_the_pipeline_is_the_one_that_diffusers_itself_would_be(tiny, pipeline):
    import diffusers
    import torch

    order = tiny.order("stable-diffusion", seeds=(5,))
    bare = diffusers.DiffusionPipeline.from_pretrained(order.model.source, dtype=torch.float32)
    drawn = bare(
        order.prompt,
        width=64,
        height=64,
        num_inference_steps=2,
        guidance_scale=3.0,
        generator=torch.Generator().manual_seed(5),
    ).images[0]
    assert np.array_equal(np.asarray(drawn), pipeline.render(order, on_step=_ignore).images[0])


def test_tasks_share_the_weights_of_one_model(tiny, pipeline):
    for task in TASKS:
        pipeline.render(tiny.order("stable-diffusion", task=task), on_step=_ignore)
    model = _resident(pipeline, tiny.order("stable-diffusion"))
    assert len(model._pipelines) == 3 and len({id(kind.unet) for kind in model._pipelines.values()}) == 1


def test_a_scheduler_can_be_chosen_and_the_next_order_has_the_models_own_again(tiny, pipeline):
    order = tiny.order("stable-diffusion", steps=4)
    own = pipeline.render(order, on_step=_ignore)
    chosen = dataclasses.replace(order, scheduler="EulerAncestralDiscreteScheduler")
    other = pipeline.render(chosen, on_step=_ignore)
    assert other.settings["scheduler"]["class"] == "EulerAncestralDiscreteScheduler"
    assert _digests(other) != _digests(own)
    assert _digests(pipeline.render(order, on_step=_ignore)) == _digests(own)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_on_offer_draws(tiny, pipeline, scheduler):
    steps: list[StepDone] = []
    order = tiny.order("stable-diffusion", scheduler=scheduler, steps=4)
    assert len(pipeline.render(order, on_step=steps.append).images) == 2
    assert [step.number for step in steps] == list(range(1, steps[0].of + 1))


@pytest.mark.parametrize(
    ("family", "changes", "fault"),
    [
        ("stable-diffusion", {"scheduler": "os.system"}, UnknownScheduler),
        ("flux", {"scheduler": "DDIMScheduler"}, SchedulerUnfit),
        ("stable-diffusion", {"width": 65}, SizeUnfit),
        ("flux", {"height": 72}, SizeUnfit),
        ("stable-diffusion", {"width": 0}, SizeUnfit),
        ("stable-diffusion", {"steps": 0}, OrderIncomplete),
        ("stable-diffusion", {"seeds": ()}, OrderIncomplete),
        ("stable-diffusion", {"task": "image-to-image", "image": None}, OrderIncomplete),
        ("stable-diffusion", {"task": "image-to-image", "strength": 0.1}, OrderIncomplete),
        ("stable-diffusion", {"task": "inpainting", "mask": np.zeros((8, 8), np.uint8)}, OrderIncomplete),
    ],
)
def test_an_order_that_cannot_be_drawn_is_refused_before_a_step(tiny, pipeline, family, changes, fault):
    steps: list[StepDone] = []
    with pytest.raises(fault) as refused:
        pipeline.render(tiny.order(family, **changes), on_step=steps.append)
    assert steps == [] and refused.value.said("zh-Hans") != refused.value.said("en")


def test_a_model_trained_to_inpaint_inpaints_and_refuses_other_tasks(tiny, pipeline):
    painted = pipeline.render(tiny.order("inpainting-only", task="inpainting"), on_step=_ignore)
    assert painted.settings["pipeline_class"] == "StableDiffusionInpaintPipeline"
    with pytest.raises(TaskUnsupported, match="inpainting"):
        pipeline.render(tiny.order("inpainting-only"), on_step=_ignore)


def test_a_changed_tokenizer_is_read_anew(lent, tiny):
    pipeline = load_pipeline(BACKEND, device="cpu")
    order = tiny.order("stable-diffusion", model=inspect_model(lent).source)
    before = pipeline.render(order, on_step=_ignore)
    tokenizer = lent / "tokenizer/tokenizer.json"
    _rewrite(tokenizer, '"c": 66', '"c": 69')
    after = pipeline.render(order, on_step=_ignore)
    assert after.settings["model_config_digest"] != before.settings["model_config_digest"]


def test_a_weight_file_changed_since_registration_is_refused_and_named(lent, tiny):
    pipeline = load_pipeline(BACKEND, device="cpu")
    order = tiny.order("stable-diffusion", model=inspect_model(lent).source)
    file = lent / "unet/diffusion_pytorch_model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(WeightsChanged, match="unet/diffusion_pytorch_model"):
        pipeline.render(order, on_step=_ignore)
    assert pipeline.resident_models() == ()


def test_a_change_is_seen_while_the_model_is_in_memory(lent, tiny):
    pipeline = load_pipeline(BACKEND, device="cpu")
    order = tiny.order("stable-diffusion", model=inspect_model(lent).source)
    pipeline.render(order, on_step=_ignore)
    file = lent / "unet/diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    with pytest.raises(WeightsChanged):
        pipeline.render(order, on_step=_ignore)


def test_weights_in_memory_do_not_depend_on_their_file(lent, tiny):
    pipeline = load_pipeline(BACKEND, device="cpu")
    order = tiny.order("stable-diffusion", model=inspect_model(lent).source)
    before = pipeline.render(order, on_step=_ignore)
    file = lent / "unet/diffusion_pytorch_model.safetensors"
    whole = file.read_bytes()
    with file.open("r+b") as opened:
        opened.seek(len(whole) // 2)
        opened.write(bytes(len(whole) // 2))
    model = _resident(pipeline, order)
    drawn = pipeline._drawn(order, model=model, report=_ignore)
    assert _digests(drawn) == _digests(before)


def test_another_file_that_loading_would_prefer_is_refused(lent, tiny):
    model = inspect_model(lent).source
    unet = lent / "unet"
    shutil.copy(unet / "diffusion_pytorch_model.safetensors", unet / "other.safetensors")
    (unet / "diffusion_pytorch_model.safetensors.index.json").write_text(
        '{"weight_map": {"x": "other.safetensors"}}', encoding="utf-8"
    )
    check_weights(model)
    with pytest.raises(WeightsChanged, match=r"other\.safetensors"):
        load_pipeline(BACKEND, device="cpu").render(
            tiny.order("stable-diffusion", model=model), on_step=_ignore
        )


def test_a_model_that_diffusers_cannot_build_is_refused_with_a_sentence(lent, tiny, pipeline):
    _rewrite(lent / "model_index.json", "StableDiffusionPipeline", "NoSuchPipeline")
    with pytest.raises(ModelUnreadable, match="NoSuchPipeline"):
        pipeline.render(tiny.order("stable-diffusion", model=inspect_model(lent).source), on_step=_ignore)


def test_the_least_recently_used_model_makes_room(tiny):
    orders = [tiny.order(family) for family in ("stable-diffusion", "flux", "z-image")]
    sizes = [sum(file.size_bytes for file in order.model.weights) for order in orders]
    pipeline = load_pipeline(BACKEND, device="cpu", dtype="float32", memory_budget_bytes=sizes[0] + sizes[1])
    for order in (orders[0], orders[1], orders[0]):
        pipeline.render(order, on_step=_ignore)
    assert pipeline.resident_models() == (orders[1].model.digest, orders[0].model.digest)
    pipeline.render(orders[2], on_step=_ignore)
    assert orders[1].model.digest not in pipeline.resident_models()
    assert pipeline.resident_models()[-1] == orders[2].model.digest


def test_what_the_caller_raises_stops_at_that_step_and_passes_unchanged(tiny, pipeline):
    stop, seen = RuntimeError("out of memory, says the caller"), []

    def cancel(step: StepDone) -> None:
        seen.append(step.number)
        if step.number == 2:
            raise stop

    order = tiny.order("stable-diffusion", steps=8)
    with pytest.raises(RuntimeError) as raised:
        pipeline.render(order, on_step=cancel)
    assert raised.value is stop and seen == [1, 2]
    assert len(pipeline.render(order, on_step=_ignore).images) == 2


@pytest.mark.parametrize(
    "words",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "MPS backend out of memory",
        "[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory: you tried",
        None,
    ],
)
def test_a_device_without_memory_fails_that_order_alone(tiny, monkeypatch, words):
    import torch

    pipeline = load_pipeline(BACKEND, device="cpu")
    order, other = tiny.order("stable-diffusion"), tiny.order("flux")
    pipeline.render(other, on_step=_ignore)
    expected = pipeline.render(order, on_step=_ignore)
    unet = _resident(pipeline, order).components["unet"]
    error = torch.OutOfMemoryError("no room") if words is None else RuntimeError(words)
    with monkeypatch.context() as patch:
        patch.setattr(unet, "forward", _raiser(error))
        with pytest.raises(OutOfMemory) as raised:
            pipeline.render(order, on_step=_ignore)
    assert raised.value.values["count"] == 2
    assert pipeline.resident_models() == (order.model.digest,)
    assert _digests(pipeline.render(order, on_step=_ignore)) == _digests(expected)


def test_a_model_that_breaks_off_says_so_without_its_inner_words(tiny, pipeline, monkeypatch):
    order = tiny.order("stable-diffusion")
    pipeline.render(order, on_step=_ignore)
    unet = _resident(pipeline, order).components["unet"]
    monkeypatch.setattr(unet, "forward", _raiser(RuntimeError("/secret/path: shapes differ")))
    with pytest.raises(RenderFailed) as raised:
        pipeline.render(order, on_step=_ignore)
    assert "/secret" not in raised.value.said("en")


def test_drawing_in_tiles_is_said_in_the_settings_and_undone_afterwards(tiny, pipeline):
    order = tiny.order("stable-diffusion")
    plain = pipeline.render(order, on_step=_ignore)
    tiled = pipeline.render(dataclasses.replace(order, tiled=True), on_step=_ignore)
    vae = _resident(pipeline, order).components["vae"]
    assert tiled.settings["tiled"] is True and vae.use_tiling and vae.use_slicing
    assert _digests(pipeline.render(order, on_step=_ignore)) == _digests(plain)
    assert not vae.use_tiling and not vae.use_slicing


@pytest.mark.parametrize(
    "family", ["stable-diffusion", "stable-diffusion-xl", "flux", "z-image", "qwen-image"]
)
def test_the_end_of_a_prompt_that_is_not_read_is_told_in_both_languages(tiny, pipeline, family):
    prompt = "a red cat in the house " * 120 + "zebra"
    notes = pipeline.render(tiny.order(family, prompt=prompt), on_step=_ignore).notes
    assert [note["code"] for note in notes] == ["prompt-cut"]
    assert "hat" not in notes[0]["en"].split("“")[1] and "house" in notes[0]["en"]
    assert "未被读取" in notes[0]["zh-Hans"]


def test_a_negative_prompt_without_effect_is_told(tiny, pipeline):
    order = tiny.order("stable-diffusion", negative_prompt="tree", guidance_scale=1.0)
    assert [n["code"] for n in pipeline.render(order, on_step=_ignore).notes] == ["negative-prompt-unused"]
    guided = dataclasses.replace(order, guidance_scale=3.0)
    assert pipeline.render(guided, on_step=_ignore).notes == ()


@pytest.mark.parametrize("family", ["stable-diffusion", "flux", "starter"])
def test_previews_are_small_pictures_and_take_a_small_share_of_the_time(tiny, family):
    clock = _Clock(reading_takes=0.1)
    pipeline = load_pipeline(BACKEND, device="cpu", preview_every=1, clock=clock)
    order = tiny.order(family, steps=20, seeds=(1,))
    pipeline.render(order, on_step=clock.step)
    steps: list[StepDone] = []
    pipeline.render(order, on_step=lambda step: (steps.append(step), clock.step(step)))
    shown = [step.preview for step in steps if step.preview]
    assert 1 <= len(shown) <= 0.03 * 25 / 0.1
    for preview in shown:
        with Image.open(io.BytesIO(preview)) as image:
            assert image.format == "JPEG" and max(image.size) <= 96 and len(preview) <= 5_000


def test_previews_do_not_change_the_picture(tiny, pipeline):
    order = tiny.order("starter", steps=6)
    without = load_pipeline(BACKEND, device="cpu", dtype="float32", preview_every=0)
    assert _digests(pipeline.render(order, on_step=_ignore)) == _digests(
        without.render(order, on_step=_ignore)
    )


def test_what_was_in_force_is_recorded_as_canonical_json(tiny, pipeline):
    rendered = pipeline.render(tiny.order("starter"), on_step=_ignore)
    assert canonical_json(dict(rendered.environment)) and canonical_json(dict(rendered.settings))
    assert rendered.environment["dtypes"]["unet"] == "float32"
    assert rendered.environment["versions"]["torch"]
    assert rendered.settings["scheduler"]["config"]["lambda_min_clipped"] == "-inf"
    assert rendered.settings["generator_device"] == "cpu" and rendered.settings["batch_size"] == "2"


class _Clock:
    """A clock on which a step takes a second and each reading moves on a little, so that work between costs."""

    def __init__(self, *, reading_takes: float) -> None:
        self.now, self.reading_takes = 0.0, reading_takes

    def __call__(self) -> float:
        self.now += self.reading_takes
        return self.now

    def step(self, step: StepDone) -> None:
        """Let a step's second pass."""
        self.now += 1.0


def _resident(pipeline: Any, order: RenderOrder) -> Any:
    return pipeline._models.touch(f"{order.model.digest} {order.model.source} {order.model.revision}")


def _digests(rendered: Any) -> list[str]:
    return [pixel_digest(picture) for picture in rendered.images]


def _ignore(step: StepDone) -> None:
    """Take a step as it comes."""


def _raiser(error: Exception) -> Any:
    def forward(*arguments: Any, **named: Any) -> None:
        raise error

    return forward


def _rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
