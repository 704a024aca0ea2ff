"""The real trainer: low-rank matrices beside the weights of a diffusers UNet, everything else as it was.

LoRA: Hu et al., 2021; on convolutions as well as on linear layers, as LyCORIS has it (Yeh et al., 2023).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import diffusers
import torch
import transformers

from generation.pipelines.diffusers_models import LoadedModel, checked_facts
from generation.pipelines.torch_devices import choose_device, choose_dtype, free_memory, is_out_of_memory
from generation.training.adapting import Adapted
from generation.training.contract import StepTrained, Trained, TrainingOrder
from generation.training.errors import ModelNotTrainable, TrainingDiverged, TrainingOutOfMemory
from generation.training.lessons import Lessons
from generation.training.sampling import Sampler

PIPELINE_CLASS = "StableDiffusionPipeline"
AS_IT_LEARNS = 4
"""Pictures drawn each time that samples are asked for; all of them at the end."""
HEARD_EVERY = 10
"""Steps between two points of the loss curve."""


class LoraTrainer:
    """Trains adapters on the device that is there; one order at a time, with nothing kept in between."""

    def __init__(
        self,
        *,
        device: str | None = None,
        dtype: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device = choose_device(device)
        self._dtype = choose_dtype(self._device, dtype)
        self._clock = clock
        # Their warnings quote captions, and titles of private works must reach no log.
        for library in (diffusers, transformers):
            library.utils.logging.set_verbosity_error()
            library.utils.logging.disable_progress_bar()

    def train(
        self,
        order: TrainingOrder,
        *,
        on_step: Callable[[StepTrained], None],
        between: Callable[[], None] = lambda: None,
    ) -> Trained:
        """Train an adapter, calling ``on_step`` after each step; a checkpoint of this very order is gone on from.

        The same order on the same machine gives the same bytes, interrupted or not, where steps are asked for.
        Raises ModelNotTrainable, TrainingOutOfMemory, TrainingDiverged.
        """
        facts = checked_facts(order.model)
        if facts.pipeline_class != PIPELINE_CLASS:
            raise ModelNotTrainable(model=facts.name, kind=facts.pipeline_class)
        told = _Told(on_step, between)
        told.stand_aside()
        try:
            model = LoadedModel(facts, device=self._device, dtype=torch.float32)
            return self._trained(order, model=model, told=told)
        except (RuntimeError, MemoryError) as error:
            if error is told.raised or not is_out_of_memory(error):
                raise
            free_memory(self._device, after=error)
            recipe = order.recipe
            device = self._device.type
            raise TrainingOutOfMemory(device=device, rank=recipe.rank, batch=recipe.batch) from error

    def _trained(self, order: TrainingOrder, *, model: LoadedModel, told: _Told) -> Trained:
        told.stand_aside()
        lessons = Lessons(order, model=model, dtype=self._dtype, between=told.stand_aside)
        adapted = Adapted(order, model=model)
        sampler = Sampler(order, model=model, dtype=self._dtype, between=told.stand_aside)
        pace = _Pace(order, device=self._device, clock=self._clock)
        if order.checkpoint is not None and (left := adapted.restored(order.checkpoint, random=lessons.random)):
            pace.step, pace.seconds, pace.losses = left.step, left.seconds, list(left.losses)
        while not pace.is_over:
            loss = pace.timed(lambda: adapted.step(lessons.loss, rate=pace.rate))
            if not math.isfinite(loss):
                raise TrainingDiverged(step=pace.step)
            if pace.step % HEARD_EVERY == 0 or pace.is_over:
                pace.losses.append(pace.heard(loss, held_out=lessons.held_out_loss(adapted.unet)))
            told.step(
                pace, loss=loss, checkpoint=lambda: _kept(adapted, lessons, pace),
                samples=lambda: sampler.draw(most=AS_IT_LEARNS),
            )  # fmt: skip
        return Trained(
            adapter=adapted.as_file(),
            samples=sampler.draw(),
            prompts=sampler.prompts,
            steps=pace.step,
            seconds=pace.seconds,
            losses=pace.losses,
            environment=model.environment,
            settings={**adapted.settings(), **lessons.settings(), "dtype": str(self._dtype).removeprefix("torch.")},
        )


def _kept(adapted: Adapted, lessons: Lessons, pace: _Pace) -> bytes:
    return adapted.checkpoint(random=lessons.random, step=pace.step, seconds=pace.seconds, losses=pace.losses)


@dataclass
class _Told:
    """Whom steps are told to, and what they raised."""

    on_step: Callable[[StepTrained], None]
    between: Callable[[], None]
    raised: BaseException | None = None

    def stand_aside(self) -> None:
        self._do(self.between)

    def step(self, pace: _Pace, *, loss: float, **more: Any) -> None:
        step = StepTrained(
            number=pace.step, of=pace.of, loss=loss, seconds=pace.seconds, seconds_left=pace.seconds_left,
            losses=pace.losses, **more,
        )  # fmt: skip
        self._do(lambda: self.on_step(step))

    def _do(self, what: Callable[[], None]) -> None:
        try:
            what()
        except BaseException as error:
            self.raised = error
            raise


@dataclass
class _Pace:
    """How far a training has come: by steps, or by the time that was worked for it."""

    order: TrainingOrder
    device: torch.device
    clock: Callable[[], float]
    step: int = 0
    seconds: float = 0.0
    losses: list[Mapping[str, str]] = field(default_factory=list)
    _wall: float = 0.0

    @property
    def progress(self) -> float:
        recipe = self.order.recipe
        if recipe.steps is not None:
            return self.step / recipe.steps
        return self.seconds / (60 * (recipe.minutes or 0)) if recipe.minutes else 1.0

    @property
    def is_over(self) -> bool:
        return self.progress >= 1

    @property
    def of(self) -> int:
        """Return how many steps there will be."""
        if self.order.recipe.steps is not None:
            return self.order.recipe.steps
        return max(self.step, round(self.step / self.progress)) if self.progress else 1

    @property
    def rate(self) -> float:
        """Return the learning rate of the next step: a warm-up, then a line to nothing."""
        recipe = self.order.recipe
        warm = min(1.0, (self.step + 1) / recipe.warm_up) if recipe.warm_up else 1.0
        return recipe.learning_rate * warm * max(0.0, 1 - self.progress)

    @property
    def seconds_left(self) -> float:
        return self._wall * max(0, self.of - self.step)

    def timed(self, do: Callable[[], float]) -> float:
        """Do one step and count the time that was worked for it.

        On a processor that is the time of this process: what else the machine does costs the style no steps.
        """
        began, wall = self._now(), self.clock()
        value = do()
        self.step += 1
        self.seconds += self._now() - began
        spent = self.clock() - wall
        self._wall = spent if self.step == 1 or not self._wall else 0.9 * self._wall + 0.1 * spent
        return value

    def _now(self) -> float:
        return time.process_time() / torch.get_num_threads() if self.device.type == "cpu" else self.clock()

    def heard(self, loss: float, *, held_out: float | None) -> Mapping[str, str]:
        said = {"step": str(self.step), "seconds": f"{self.seconds:.1f}", "loss": f"{loss:.5f}"}
        return said if held_out is None else {**said, "held_out_loss": f"{held_out:.5f}"}

