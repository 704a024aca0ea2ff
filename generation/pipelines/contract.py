"""The seam: what every way of making an image is asked for, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from provenance.canonical import Digest

Task = Literal["text-to-image", "image-to-image", "inpainting"]
Pixels = NDArray[np.uint8]
"""RGB, shape (height, width, 3), uint8."""


@dataclass(frozen=True)
class WeightFile:
    """One weight file of a model: its path inside the model folder, sha256 digest and size."""

    path: str
    digest: Digest
    size_bytes: int


@dataclass(frozen=True)
class ModelSource:
    """Where a registered model's files are, and what they must hash to."""

    source: str
    """A folder, or a hub id."""
    revision: str
    """Commit of a hub model; empty for a folder."""
    digest: Digest
    """Of the canonical list of weight files: the model's identity."""
    weights: tuple[WeightFile, ...]


@dataclass(frozen=True)
class AdapterFile:
    """A LoRA adapter, and how strongly it is applied."""

    path: Path
    digest: Digest
    scale: float = 1.0


@dataclass(frozen=True)
class RenderOrder:
    """Everything that decides what the pictures of one batch look like."""

    model: ModelSource
    task: Task
    prompt: str
    negative_prompt: str
    seeds: tuple[int, ...]
    """One picture each; each seeds its own CPU generator."""
    width: int
    height: int
    steps: int
    guidance_scale: float
    scheduler: str | None = None
    """A name from ``SCHEDULERS``; None keeps the model's own."""
    strength: float | None = None
    image: Pixels | None = None
    mask: NDArray[np.uint8] | None = None
    """Shape (height, width), 255 where the picture is to be painted anew."""
    adapters: tuple[AdapterFile, ...] = ()
    tiled: bool = False
    """Decode in tiles and slices: slower, in less memory."""


@dataclass(frozen=True)
class StepDone:
    """One denoising step is done."""

    number: int
    of: int
    preview: bytes | None = None
    """A small JPEG of the first picture so far, at most 5,000 bytes, where decoding is cheap."""


@dataclass(frozen=True)
class Rendered:
    """The pictures of one order, in the order of its seeds, before any mark."""

    images: tuple[Pixels, ...]
    environment: Mapping[str, Any]
    """All that a replay must match: versions, device, dtype, threads, flags; JSON values, numbers as text."""
    settings: Mapping[str, Any]
    """What was in force: scheduler class and config, pipeline class, effective batch size, tiling, kwargs."""
    notes: tuple[Mapping[str, str], ...] = field(default=())
    """Sentences for the requester ({"code", "en", "zh-Hans"}), such as that a long prompt was cut."""


class Pipeline(Protocol):
    """A way of making images that one worker process owns; one order at a time."""

    def resident_models(self) -> tuple[Digest, ...]:
        """Return the digests of the models that are loaded now, least recently used first."""
        ...

    def render(self, order: RenderOrder, *, on_step: Callable[[StepDone], None]) -> Rendered:
        """Make the pictures of an order, calling ``on_step`` after each denoising step.

        Whatever ``on_step`` raises stops the work at once and passes through unchanged.
        Raises PipelineError: OutOfMemory, WeightsChanged, ModelUnreadable and their kin.
        """
        ...
