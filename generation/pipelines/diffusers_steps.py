"""What happens between denoising steps: the report to the caller, now and then with a preview."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import diffusers
import numpy as np
import torch

from generation.pipelines.contract import Pixels, RenderOrder, StepDone
from generation.pipelines.diffusers_calls import grid_of
from generation.pipelines.diffusers_models import LoadedModel
from generation.pipelines.previews import jpeg_preview
from generation.pipelines.torch_devices import wait_for

PREVIEW_SHARE = 0.03
"""The most of an order's time that previews may take."""
FIRST_PREVIEW_AFTER = 1.0
"""Seconds of work before the first preview: what is finished sooner needs none."""


class Reporter:
    """Hands steps to ``on_step`` and keeps what that raised, to tell it from the model's own failures."""

    def __init__(self, on_step: Callable[[StepDone], None]) -> None:
        self.stopped: BaseException | None = None
        self._on_step = on_step

    def __call__(self, step: StepDone) -> None:
        """Report one step."""
        try:
            self._on_step(step)
        except BaseException as error:
            self.stopped = error
            raise


class Steps:
    """The callback that diffusers calls after each step of one order."""

    def __init__(
        self,
        order: RenderOrder,
        *,
        model: LoadedModel,
        report: Reporter,
        preview_every: int,
        clock: Callable[[], float],
        amend: Callable[[Any, int, torch.Tensor], torch.Tensor] | None = None,
    ) -> None:
        self.last_latents: torch.Tensor | None = None
        self._order, self._model, self._report = order, model, report
        self._preview_every = preview_every
        self._amend = amend
        self._clock = clock
        self._started_at = clock()
        self._preview_seconds = 0.0

    def __call__(self, pipeline: Any, index: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        """Report one step; what the caller raises ends the denoising at once."""
        number, of = index + 1, int(pipeline.num_timesteps)
        if self._amend is not None:
            values["latents"] = self._amend(pipeline, index, values["latents"])
        latents = values["latents"]
        if number == of:
            self.last_latents = latents
        self._report(StepDone(number=number, of=of, preview=self._preview(latents, number, of)))
        return values

    def learn_colours(self, picture: Pixels) -> None:
        """Let the model's previews learn from a finished first picture."""
        colours = self._model.colours
        if self.last_latents is None or not self._preview_every or not colours.wants_more():
            return
        grid = self._grid(self.last_latents)
        if grid is not None:
            colours.learn(grid, picture)

    def _preview(self, latents: torch.Tensor, number: int, of: int) -> bytes | None:
        if not self._preview_every or number % self._preview_every or number == of:
            return None
        worked = self._clock() - self._started_at
        key = (type(self._model.components.get("vae")).__name__, self._order.width, self._order.height)
        spent = self._preview_seconds + self._model.preview_seconds.get(key, 0.0)
        if worked < FIRST_PREVIEW_AFTER or spent > PREVIEW_SHARE * worked:
            return None
        wait_for(self._model.device)
        began_at = self._clock()
        picture = self._decoded(latents)
        if picture is None:
            return None
        preview = jpeg_preview(picture)
        took = self._clock() - began_at
        self._preview_seconds += took
        self._model.preview_seconds[key] = took
        return preview

    def _decoded(self, latents: torch.Tensor) -> Pixels | None:
        vae = self._model.components.get("vae")
        if isinstance(vae, diffusers.AutoencoderTiny) and latents.ndim == 4:
            with torch.inference_mode():
                decoded = vae.decode(latents[:1] / vae.config.scaling_factor).sample[0]
                scaled = ((decoded.float() + 1) * 127.5).clamp(0, 255).round().to(torch.uint8)
                return np.ascontiguousarray(scaled.permute(1, 2, 0).cpu().numpy())
        grid = self._grid(latents)
        return None if grid is None else self._model.colours.picture(grid)

    def _grid(self, latents: torch.Tensor) -> Any:
        grid = grid_of(latents, width=self._order.width, height=self._order.height)
        return None if grid is None else grid.detach().float().cpu().numpy()
