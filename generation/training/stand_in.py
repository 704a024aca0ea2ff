"""A stand-in that learns nothing: deterministic, fast, and able to fail on request.

It meets the same contract as the real trainer, for tests and for trying the server without a model. Faults are
asked for by markers in the style's name: ``[[out-of-memory]]``, ``[[diverge at step 3]]``, ``[[crash at step 3]]``
(SIGKILL to the own process). ``COLOPHON_TRAINING_STEP_MS`` makes each step last that many milliseconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import struct
import time
from collections.abc import Callable

import numpy as np

from generation.pipelines.contract import Pixels
from generation.training.captions import plain_caption
from generation.training.contract import StepTrained, Trained, TrainingOrder
from generation.training.errors import TrainingDiverged, TrainingOutOfMemory

SECONDS_A_STEP = 0.5
SIDE = 64


class StandInTrainer:
    """Makes an adapter that is a pure function of the order: a safetensors file without tensors."""

    def __init__(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    def train(
        self, order: TrainingOrder, *, on_step: Callable[[StepTrained], None], between: Callable[[], None]
    ) -> Trained:
        """Count the steps, telling each; a checkpoint is gone on from."""
        if "[[out-of-memory]]" in order.style:
            raise TrainingOutOfMemory(device="paper", rank=order.recipe.rank, batch=order.recipe.batch)
        between()
        steps, losses = order.recipe.steps or 10, []
        prompts = tuple(plain_caption(lesson) for lesson in order.lessons[:4])

        def samples() -> tuple[Pixels, ...]:
            return tuple(np.full((SIDE, SIDE, 3), 40 * n + 20, np.uint8) for n in range(len(prompts)))

        for number in range(_left_off(order) + 1, steps + 1):
            self._sleep(int(os.environ.get("COLOPHON_TRAINING_STEP_MS", "0")) / 1000)
            _fail_where_asked(order.style, step=number)
            seconds = f"{number * SECONDS_A_STEP:.1f}"
            losses.append({"step": str(number), "seconds": seconds, "loss": f"{1 / number:.5f}"})
            on_step(
                StepTrained(
                    number=number, of=steps, loss=1 / number, seconds=number * SECONDS_A_STEP,
                    seconds_left=(steps - number) * SECONDS_A_STEP, losses=losses, samples=samples,
                    checkpoint=lambda step=number: json.dumps([order.fingerprint(), step]).encode(),
                )
            )  # fmt: skip
        return Trained(
            adapter=_adapter(order), samples=samples(), prompts=prompts, steps=steps, seconds=steps * SECONDS_A_STEP,
            losses=losses, environment={"backend": "stand-in"}, settings={"layers": "0"},
        )  # fmt: skip


def _left_off(order: TrainingOrder) -> int:
    if order.checkpoint is None:
        return 0
    fingerprint, step = json.loads(order.checkpoint)
    return int(step) if fingerprint == order.fingerprint() else 0


def _fail_where_asked(style: str, *, step: int) -> None:
    if re.search(rf"\[\[crash at step {step}\]\]", style):
        os.kill(os.getpid(), signal.SIGKILL)
    if re.search(rf"\[\[diverge at step {step}\]\]", style):
        raise TrainingDiverged(step=step)


def _adapter(order: TrainingOrder) -> bytes:
    said = {"__metadata__": {"made": hashlib.sha256(order.fingerprint().encode()).hexdigest()}}
    header = json.dumps(said).encode()
    return struct.pack("<Q", len(header)) + header
