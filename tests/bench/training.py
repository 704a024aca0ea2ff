"""Training's share: pictures a second learned from the starter model, beside the bare model's own two passes."""

from __future__ import annotations

import io
import itertools
import time
from typing import Any

import numpy as np
from PIL import Image

BATCH, STEPS = 32, 6


def measured() -> list[tuple[str, str, str]]:
    """Return how fast an adapter learns here, and how fast the model goes forward and back without one."""
    import torch

    from generation.starter.model_folder import MODEL
    from generation.training.diffusers_lora import LoraTrainer

    order = _order(MODEL)
    times: list[float] = []
    LoraTrainer().train(order, on_step=lambda step: times.append(time.perf_counter()))
    ours = BATCH * (STEPS - 1) / (times[-1] - times[0])
    bare = _bare(torch, MODEL)
    return [("training: pictures/s of the starter model", f"{ours:.1f}", f"bare passes {bare:.1f}")]


def _order(folder: Any) -> Any:
    from generation.pipelines.loading import inspect_model
    from generation.training.contract import Lesson, TrainingOrder
    from generation.training.cut_paper import drawings
    from generation.training.recipe import Recipe
    from provenance.canonical import sha256_digest

    lessons = tuple(
        Lesson(sha256_digest(drawn.png), np.asarray(Image.open(io.BytesIO(drawn.png)).convert("RGB")), drawn.name)
        for drawn in itertools.islice(drawings(), 8)
    )
    recipe = Recipe(steps=STEPS, batch=BATCH)
    return TrainingOrder(model=inspect_model(folder).source, style="Cut Paper", recipe=recipe, lessons=lessons)


def _bare(torch: Any, folder: Any) -> float:
    """Return the pictures a second of the denoiser alone, forward and back, all of its weights learning."""
    from diffusers import UNet2DConditionModel
    from diffusers.models.attention_processor import AttnProcessor

    from generation.pipelines.torch_devices import choose_device, choose_dtype

    device = choose_device()
    denoiser = UNet2DConditionModel.from_pretrained(folder / "unet").to(device, memory_format=torch.channels_last)
    denoiser.set_attn_processor(AttnProcessor())
    width = denoiser.config.cross_attention_dim
    noisy = torch.randn(BATCH, denoiser.config.in_channels, 16, 16, device=device)
    heard, steps = torch.randn(BATCH, 32, width, device=device), torch.arange(BATCH, device=device)
    is_fast = choose_dtype(device) == torch.bfloat16
    times = []
    for _ in range(STEPS):
        with torch.autocast(device.type, torch.bfloat16, enabled=is_fast):
            guess = denoiser(noisy, steps, heard).sample
        guess.float().square().mean().backward()
        times.append(time.perf_counter())
    return BATCH * (STEPS - 1) / (times[-1] - times[0])
