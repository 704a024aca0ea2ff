"""Pictures drawn while a style is learned: the same few prompts and seeds each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from generation.pipelines.contract import Pixels
from generation.pipelines.diffusers_models import LoadedModel
from generation.training.captions import plain_caption
from generation.training.contract import TrainingOrder

MOST_SAMPLES = 8
MOST_STEPS = 20
FIRST_SEED = 900


class Sampler:
    """Draws with the model and the adapter as it is now, a work that was kept back last."""

    def __init__(
        self, order: TrainingOrder, *, model: LoadedModel, dtype: torch.dtype, between: Callable[[], None]
    ) -> None:
        back = order.held_out[: MOST_SAMPLES // 2]
        shown = (*order.lessons[: MOST_SAMPLES - len(back)], *back)
        self.prompts = tuple(plain_caption(lesson) for lesson in shown)
        self._model, self._dtype, self._between = model, dtype, between

    def _stand_aside(self, pipeline: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        self._between()
        return values

    @torch.no_grad()
    def draw(self, *, most: int = MOST_SAMPLES) -> tuple[Pixels, ...]:
        """Return one picture for each of the first prompts."""
        model, facts = self._model, self._model.facts
        pipeline: Any = model.pipeline_for("text-to-image", scheduler=None)
        prompts = list(self.prompts[:most])
        seeds = [torch.Generator().manual_seed(FIRST_SEED + n) for n in range(len(prompts))]
        unet = model.components["unet"]
        unet.eval()
        with torch.autocast(model.device.type, torch.bfloat16, enabled=self._dtype == torch.bfloat16):
            answer = pipeline(
                prompts, num_inference_steps=min(facts.steps, MOST_STEPS), width=facts.width,
                height=facts.height, guidance_scale=facts.guidance_scale, generator=seeds, output_type="np",
                callback_on_step_end=self._stand_aside,
            )  # fmt: skip
        unet.train()
        return tuple((np.nan_to_num(image).clip(0, 1) * 255).round().astype(np.uint8) for image in answer.images)
