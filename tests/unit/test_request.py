"""A request against its model's limits: the numbers it settles on, and the field that a refusal names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.request import (
    GenerationRequest,
    InputPicture,
    InvalidRequest,
    Settled,
    StyleReference,
    settle,
)

DEFAULTS = {"width": 64, "height": 96, "steps": 20, "guidance_scale": "7.5", "scheduler": "DDIMScheduler"}
SIZES = {"multiple": 8, "min": 32, "max": 256}
TASKS = ("text-to-image", "image-to-image", "inpainting")
SCHEDULERS = ("DDIMScheduler", "EulerDiscreteScheduler")
IMAGE, MASK = (InputPicture(role=role, work="w") for role in ("image", "mask"))  # type: ignore[arg-type]  # as named


def settled(**asked: Any) -> Settled:
    request = GenerationRequest(**{"prompt": "a red cat", **asked})
    return settle(request, tasks=TASKS, defaults=DEFAULTS, sizes=SIZES, schedulers=SCHEDULERS)


def refused_field(**asked: Any) -> str:
    with pytest.raises(InvalidRequest) as caught:
        settled(**asked)
    fault = caught.value
    assert fault.said("en").startswith(f"{fault.field}: ") and fault.said("zh-Hans").startswith(f"{fault.field}：")
    return str(fault.field)


def test_what_is_left_open_takes_the_models_defaults() -> None:
    found = settled()
    assert (found.width, found.height, found.steps, found.guidance_scale) == (64, 96, 20, 7.5)
    assert found.scheduler == "" and found.strength is None and len(found.seeds) == 1


@pytest.mark.parametrize("prompt", ["", " ", "\n\t ", "\u3000"])
def test_an_empty_prompt_is_refused(prompt: str) -> None:
    assert refused_field(prompt=prompt) == "prompt"


@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
@pytest.mark.parametrize(
    "text", ["x" * 40_000, "猫" * 40_000, "x" * 4_001, "a\0b", "a\ud800b", "\udfff"], ids=lambda text: ascii(text)[:12]
)
def test_a_prompt_too_long_or_not_text_is_refused(field: str, text: str) -> None:
    assert refused_field(**{field: text}) == field


def test_a_refused_length_names_how_long_it_was_and_may_be() -> None:
    with pytest.raises(InvalidRequest, match="40,000 characters; at most 4,000"):
        settled(prompt="x" * 40_000)


def test_the_longest_prompt_is_taken_and_an_empty_negative_prompt_is_fine() -> None:
    assert settled(prompt="猫" * 4_000, negative_prompt="")


@pytest.mark.parametrize("seed", [2**63, 2**64, 10**30, -1])
def test_a_seed_beyond_its_range_is_refused(seed: int) -> None:
    assert refused_field(seeds=(seed,)) == "seeds"


def test_the_outermost_seeds_are_taken_as_given() -> None:
    assert settled(seeds=(0, 2**63 - 1)).seeds == (0, 2**63 - 1)


def test_the_same_seed_twice_is_refused() -> None:
    assert refused_field(seeds=(7, 7)) == "seeds"


def test_more_pictures_than_a_request_may_ask_for_are_refused() -> None:
    assert refused_field(seeds=tuple(range(9))) == "seeds"
    assert refused_field(n=9) == "n"
    assert refused_field(n=0) == "n"
    assert refused_field(n=-1) == "n"


@pytest.mark.parametrize("field", ["width", "height"])
@pytest.mark.parametrize("side", [0, -64, 1, 24, 33, 63, 260, 264, 2**31, 10**40])
def test_a_size_out_of_range_or_not_a_multiple_is_refused(field: str, side: int) -> None:
    assert refused_field(**{field: side}) == field


def test_a_refused_size_names_the_multiple_and_the_range() -> None:
    with pytest.raises(InvalidRequest, match="multiple of 8 from 32 to 256"):
        settled(width=33)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("steps", 151),
        ("steps", -1),
        ("guidance_scale", -0.1),
        ("guidance_scale", 30.1),
        ("guidance_scale", float("nan")),
        ("guidance_scale", float("inf")),
    ],
)
def test_a_number_out_of_range_is_refused(field: str, value: float) -> None:
    assert refused_field(**{field: value}) == field


@pytest.mark.parametrize("scheduler", ["DDIM", "ddimscheduler", "../x", "PNDMScheduler"])
def test_an_unknown_scheduler_is_refused_with_those_that_there_are(scheduler: str) -> None:
    assert refused_field(scheduler=scheduler) == "scheduler"
    with pytest.raises(InvalidRequest, match="EulerDiscreteScheduler"):
        settled(scheduler=scheduler)


@pytest.mark.parametrize("strength", [0.0, 1.01, float("nan")])
def test_a_strength_that_leaves_nothing_to_do_is_refused(strength: float) -> None:
    assert refused_field(inputs=(IMAGE,), strength=strength) == "strength"


@pytest.mark.parametrize("inputs", [(MASK,), (IMAGE, IMAGE), (IMAGE, MASK, MASK)])
def test_inputs_that_make_no_task_are_refused(inputs: tuple[InputPicture, ...]) -> None:
    assert refused_field(inputs=inputs) == "inputs"


def test_a_task_that_the_model_does_not_do_is_refused_by_its_name() -> None:
    request = GenerationRequest(prompt="a cat", inputs=(IMAGE,))
    with pytest.raises(InvalidRequest, match="image-to-image"):
        settle(request, tasks=("text-to-image",), defaults=DEFAULTS, sizes=SIZES, schedulers=SCHEDULERS)


def test_more_references_than_four_are_refused() -> None:
    assert refused_field(references=tuple(StyleReference(style=str(one)) for one in range(5))) == "references"


@pytest.mark.parametrize("scale", [-0.1, 2.1, float("nan"), float("inf")])
def test_a_reference_applied_beyond_its_range_is_refused(scale: float) -> None:
    assert refused_field(references=(StyleReference(style="ink", scale=scale),)) == "references"


@pytest.mark.parametrize(
    ("inputs", "task"), [((), "text-to-image"), ((IMAGE,), "image-to-image"), ((MASK, IMAGE), "inpainting")]
)
def test_the_inputs_tell_the_task(inputs: tuple[InputPicture, ...], task: str) -> None:
    assert GenerationRequest(prompt="a cat", inputs=inputs).task == task


requests = st.builds(
    GenerationRequest,
    prompt=st.text(max_size=20) | st.just("a cat"),
    n=st.integers(-1, 10),
    seeds=st.lists(st.integers(-2, 2**63), max_size=9).map(tuple),
    width=st.none() | st.integers(-8, 300),
    height=st.none() | st.integers(0, 40).map(lambda part: part * 8),
    steps=st.none() | st.integers(-1, 200),
    guidance_scale=st.none() | st.floats(),
    strength=st.none() | st.floats(),
    scheduler=st.sampled_from(["", "DDIMScheduler", "X"]),
    inputs=st.sampled_from([(), (IMAGE,), (IMAGE, MASK)]),
)


@given(requests)
def test_every_request_is_refused_by_name_or_settles_within_the_limits(request: GenerationRequest) -> None:
    try:
        found = settle(request, tasks=TASKS, defaults=DEFAULTS, sizes=SIZES, schedulers=SCHEDULERS)
    except InvalidRequest as fault:
        assert fault.field in {field for field in vars(request)}
        return
    assert 1 <= len(found.seeds) <= 8 and len(set(found.seeds)) == len(found.seeds)
    assert all(0 <= seed < 2**63 for seed in found.seeds)
    assert all(32 <= side <= 256 and side % 8 == 0 for side in (found.width, found.height))
    assert 1 <= found.steps <= 150 and 0 <= found.guidance_scale <= 30
    assert (found.strength is None) == (request.task == "text-to-image")
    for field in ("width", "height", "steps", "guidance_scale"):
        asked = getattr(request, field)
        assert asked is None or getattr(found, field) == asked


@pytest.mark.parametrize("n", range(1, 9))
def test_a_request_without_seeds_gets_one_for_each_picture(n: int) -> None:
    assert len(set(settled(n=n).seeds)) == n


def test_a_size_that_is_not_the_models_only_one_is_refused_naming_that_one() -> None:
    request = GenerationRequest(prompt="a red cat", width=256)
    only = {"multiple": 8, "min": 128, "max": 128}
    own = {**DEFAULTS, "width": 128, "height": 128}
    with pytest.raises(InvalidRequest, match="taught at 128 pixels") as caught:
        settle(request, tasks=TASKS, defaults=own, sizes=only, schedulers=SCHEDULERS)
    assert caught.value.field == "width" and "128 像素" in caught.value.said("zh-Hans")
    left_out = GenerationRequest(prompt="a red cat")
    assert settle(left_out, tasks=TASKS, defaults=own, sizes=only, schedulers=SCHEDULERS).width == 128
