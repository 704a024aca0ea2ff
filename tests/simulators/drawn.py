"""A pipeline that gives back one picture, whatever is asked for: for what happens to pictures afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from generation.pipelines.contract import Rendered, RenderOrder, StepDone
from generation.pipelines.seeded_noise import SeededNoisePipeline


class DrawnPipeline(SeededNoisePipeline):
    """Renders as the stand-in does, and hands over its own pixels: uint8 of shape (height, width, 3)."""

    def __init__(self, pixels: Any) -> None:
        """Keep the picture."""
        super().__init__()
        self._pixels = pixels

    def render(self, order: RenderOrder, *, on_step: Callable[[StepDone], None]) -> Rendered:
        """Return the picture once for every seed."""
        rendered = super().render(order, on_step=on_step)
        return replace(rendered, images=tuple(self._pixels for _ in order.seeds))
