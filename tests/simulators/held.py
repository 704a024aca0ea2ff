"""A pipeline that stands still in the middle of a picture for as long as a test needs it to."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from generation.pipelines.contract import Rendered, RenderOrder, StepDone
from generation.pipelines.seeded_noise import SeededNoisePipeline

HELD_AT = 6
"""The step after which a picture stands still; the fifth had a preview."""


def file_that_holds(home: Path) -> Path:
    """Return the file under a data folder that holds every picture while it is there."""
    return home / "held"


class HeldPipeline(SeededNoisePipeline):
    """Draws as the stand-in does; while it stands still it reports its step again, and so hears of a wish to stop."""

    def render(self, order: RenderOrder, *, on_step: Callable[[StepDone], None]) -> Rendered:
        """Render, with a stop at one step."""
        held = file_that_holds(Path(os.environ["COLOPHON_HOME"]))

        def step_done(step: StepDone) -> None:
            on_step(step)
            while step.number == HELD_AT and held.exists():
                time.sleep(0.05)
                on_step(step)

        return super().render(order, on_step=step_done)
