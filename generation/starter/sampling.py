"""Draws the samples that the starter model is measured by, and takes the time of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from generation.starter.measuring import Asked, Pictures, features
from generation.starter.model_folder import STEPS, load_model

BATCH = 16


def sample(
    pipeline: Any, prompts: Sequence[str], *, guidance_scale: float, first_seed: int = 0, steps: int = STEPS
) -> Pictures:
    """Draw one picture a prompt, each with its own seed, counted up from ``first_seed``."""
    drawn: list[Pictures] = []
    for start in range(0, len(prompts), BATCH):
        part = list(prompts[start : start + BATCH])
        seeds = [torch.Generator().manual_seed(first_seed + start + n) for n in range(len(part))]
        answer = pipeline(
            part,
            num_inference_steps=steps,
            guidance_scale=guidance_scale,
            width=128,
            height=128,
            generator=seeds,
            output_type="np",
        )
        drawn.append((answer.images * 255).round().astype(np.uint8))
    return np.concatenate(drawn)


def diversity(
    pipeline: Any, asked: Sequence[Asked], *, guidance_scale: float, seeds: int = 4, steps: int = STEPS
) -> float:
    """Return the median distance between two pictures of one prompt that differ in their seeds."""
    prompts = [want.prompt for want in asked for _ in range(seeds)]
    drawn = features(sample(pipeline, prompts, guidance_scale=guidance_scale, first_seed=900, steps=steps))
    groups = drawn.reshape(len(asked), seeds, -1)
    distances = [
        float(np.sqrt(((one[a] - one[b]) ** 2).mean())) for one in groups for a in range(seeds) for b in range(a)
    ]
    return round(float(np.median(distances)), 4)


def quickest_precision() -> torch.dtype:
    """Return bfloat16 where the processor has instructions for it, else float32."""
    has_them = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if has_them else torch.float32


def timing(
    folder: Path, *, guidance_scale: float, batches: Sequence[int] = (1, 4, 8), times: int = 3, steps: int = STEPS
) -> dict[str, Any]:
    """Return seconds to load, and seconds an image by precision and batch, the best of some."""
    precisions = dict.fromkeys([quickest_precision(), torch.float32])
    measured: dict[str, Any] = {"threads": torch.get_num_threads(), "steps": steps, "seconds_an_image": {}}
    for precision in precisions:
        started = time.perf_counter()
        pipeline = load_model(folder, dtype=precision)
        measured.setdefault("seconds_to_load", round(time.perf_counter() - started, 2))
        measured["seconds_an_image"][str(precision).removeprefix("torch.")] = {
            str(batch): _quickest(pipeline, batch=batch, times=times, steps=steps, guidance_scale=guidance_scale)
            for batch in batches
        }
    return measured


def _quickest(pipeline: Any, *, batch: int, times: int, steps: int, guidance_scale: float) -> float:
    prompts = ["a red apple, Noto style"] * batch
    best = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        sample(pipeline, prompts, guidance_scale=guidance_scale, steps=steps)
        best = min(best, time.perf_counter() - started)
    return round(best / batch, 3)
