"""The diffusers pipeline on a CUDA device."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from generation.pipelines.contract import StepDone
from generation.pipelines.errors import OutOfMemory
from generation.pipelines.families import FAMILIES
from generation.pipelines.registry import load_pipeline
from provenance.canonical import pixel_digest

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:torch"),
]
BACKEND = "generation.pipelines.diffusers_backend.DiffusersPipeline"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from tests.factories.tiny_orders import TinyModels

    return TinyModels(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Any]:
    import torch

    flags = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    yield load_pipeline(BACKEND, preview_every=1)
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = flags


@pytest.mark.parametrize("task", ["text-to-image", "image-to-image", "inpainting"])
@pytest.mark.parametrize("family", [family.name for family in FAMILIES])
def test_a_cuda_device_is_chosen_and_repeats_itself_bit_for_bit(tiny, pipeline, family, task):
    order = tiny.order(family, task=task)
    first, again = (pipeline.render(order, on_step=_ignore) for _ in range(2))
    assert first.environment["device"]["type"] == "cuda" and first.environment["device"]["driver"]
    assert [pixel_digest(picture) for picture in first.images] == [pixel_digest(p) for p in again.images]


def test_the_device_draws_nearly_what_the_cpu_draws(tiny):
    order = tiny.order("stable-diffusion")
    here = load_pipeline(BACKEND, device="cuda", dtype="float32").render(order, on_step=_ignore)
    there = load_pipeline(BACKEND, device="cpu", dtype="float32").render(order, on_step=_ignore)
    assert np.abs(here.images[0].astype(int) - there.images[0]).mean() < 2


def test_a_device_that_is_full_fails_that_order_alone(tiny, pipeline):
    import torch

    order = tiny.order("stable-diffusion")
    expected = pipeline.render(order, on_step=_ignore)
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_allocated() + (1 << 28)) / total)
    try:
        with pytest.raises(OutOfMemory):
            pipeline.render(dataclasses.replace(order, width=4096, height=4096), on_step=_ignore)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    again = pipeline.render(order, on_step=_ignore)
    assert [pixel_digest(p) for p in again.images] == [pixel_digest(p) for p in expected.images]


def _ignore(step: StepDone) -> None:
    """Take a step as it comes."""
