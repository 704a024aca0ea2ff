"""The seam: what a trainer is asked for, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from generation.pipelines.contract import ModelSource, Pixels
from generation.training.recipe import Recipe
from provenance.canonical import Digest, canonical_json, sha256_digest


@dataclass(frozen=True)
class Lesson:
    """One listed work as it is shown while training."""

    digest: Digest
    pixels: Pixels = field(repr=False)
    title: str
    title_zh: str = ""


@dataclass(frozen=True)
class TrainingOrder:
    """Everything that decides one adapter."""

    model: ModelSource
    style: str
    """The style's name, which half of the captions say."""
    recipe: Recipe
    lessons: tuple[Lesson, ...]
    held_out: tuple[Lesson, ...] = ()
    checkpoint: bytes | None = field(default=None, repr=False)
    """What an earlier attempt left: the training goes on from there."""

    def fingerprint(self) -> Digest:
        """Return what a checkpoint must have been made from to be of use here."""
        works = [[lesson.digest for lesson in lessons] for lessons in (self.lessons, self.held_out)]
        return sha256_digest(canonical_json([self.model.digest, self.style, self.recipe.as_json(), *works]))


@dataclass(frozen=True)
class StepTrained:
    """One step of learning is done."""

    number: int
    of: int
    """How many there will be; an estimate where minutes were asked for."""
    loss: float
    seconds: float
    """Spent on learning so far, pauses and other work of the machine not counted."""
    seconds_left: float
    """On the wall, at the speed of the last steps."""
    losses: Sequence[Mapping[str, str]]
    """The curve so far: step, seconds, loss, and the loss on works kept back where there are some."""
    checkpoint: Callable[[], bytes]
    """Return all that a later attempt needs to go on from here."""
    samples: Callable[[], tuple[Pixels, ...]]
    """Return a few pictures drawn now, always from the same prompts and seeds."""


@dataclass(frozen=True)
class Trained:
    """What a training made."""

    adapter: bytes = field(repr=False)
    """A LoRA as diffusers writes it: safetensors."""
    samples: tuple[Pixels, ...] = field(repr=False)
    prompts: tuple[str, ...]
    """What the samples answer, one each."""
    steps: int
    seconds: float
    losses: Sequence[Mapping[str, str]]
    environment: Mapping[str, Any]
    settings: Mapping[str, Any]
    """What was in force: layers, parameters, noise schedule, format; JSON values, numbers as text."""


class Trainer(Protocol):
    """A way of training that one worker process owns; one order at a time."""

    def train(
        self, order: TrainingOrder, *, on_step: Callable[[StepTrained], None], between: Callable[[], None]
    ) -> Trained:
        """Train an adapter, calling ``on_step`` after each step, and ``between`` wherever else it can stand aside.

        Whatever they raise stops the work at once and passes through unchanged.
        Raises TrainingError or PipelineError; a checkpoint of other works is left aside.
        """
        ...
