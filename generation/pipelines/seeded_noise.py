"""A stand-in that draws coloured clouds: deterministic, fast, and able to fail on request.

It meets the same contract as the real pipelines, for tests and for trying the server without a model.
Faults are asked for by markers in the prompt, or in ``COLOPHON_NOISE_FAULT`` for every order:

=========================  ==============================================================
``[[out-of-memory]]``      OutOfMemory, always
``[[out-of-memory-once]]`` OutOfMemory unless the order is tiled, as a retry is
``[[fail]]``               RenderFailed before the first step
``[[fail at step 3]]``     RenderFailed once step 3 has been reported
``[[crash]]``              SIGKILL to the own process before the first step
``[[crash at step 3]]``    SIGKILL once step 3 has been reported
=========================  ==============================================================

``COLOPHON_NOISE_STEP_MS`` makes each step last that many milliseconds. Only this stand-in reads markers.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.pipelines.contract import Pixels, Rendered, RenderOrder, StepDone
from generation.pipelines.errors import OutOfMemory, RenderFailed
from generation.pipelines.orders import recorded_adapters, recorded_arguments, require_whole
from generation.pipelines.previews import jpeg_preview
from generation.pipelines.residency import Residency
from provenance.canonical import Digest, canonical_json

GRID = 9
"""Colours along each side that the clouds are interpolated from."""
GRAIN = 12
"""Grey levels of the finest texture."""


class SeededNoisePipeline:
    """Draws pictures that are a pure function of the order; owns no model and needs no weights.

    The constructor takes what the diffusers pipeline takes, so that settings can swap one for the other;
    ``device`` and ``dtype`` mean nothing here.
    """

    def __init__(
        self,
        *,
        memory_budget_bytes: int = 1 << 30,
        preview_every: int = 5,
        device: str | None = None,
        dtype: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._resident: Residency[None] = Residency(budget_bytes=memory_budget_bytes)
        self._preview_every = preview_every
        self._sleep = sleep

    def resident_models(self) -> tuple[Digest, ...]:
        """Return the digests of the models that a real pipeline of this budget would hold."""
        return self._resident.resident()

    def render(self, order: RenderOrder, *, on_step: Callable[[StepDone], None]) -> Rendered:
        """Draw one cloud for each seed, reporting every step."""
        require_whole(order)
        size_bytes = sum(file.size_bytes for file in order.model.weights)
        self._resident.fetch(order.model.digest, size_bytes=size_bytes, load=lambda: None)
        faults = order.prompt + os.environ.get("COLOPHON_NOISE_FAULT", "")
        _fail_where_asked(order, faults)
        images = tuple(_picture(order, seed) for seed in order.seeds)
        step_seconds = int(os.environ.get("COLOPHON_NOISE_STEP_MS", "0")) / 1000
        for number in range(1, order.steps + 1):
            if step_seconds:
                self._sleep(step_seconds)
            on_step(StepDone(number=number, of=order.steps, preview=self._preview(images[0], number)))
            _fail_where_asked(order, faults, after_step=number)
        return Rendered(images=images, environment=_environment(), settings=_settings(order))

    def _preview(self, picture: Pixels, number: int) -> bytes | None:
        if not self._preview_every or number % self._preview_every:
            return None
        return jpeg_preview(picture)


def _fail_where_asked(order: RenderOrder, faults: str, *, after_step: int = 0) -> None:
    where = re.escape(f" at step {after_step}") if after_step else ""
    if re.search(rf"\[\[crash{where}\]\]", faults):
        os.kill(os.getpid(), signal.SIGKILL)
    if re.search(rf"\[\[fail{where}\]\]", faults):
        raise RenderFailed(reason="the prompt asked for it")
    if after_step:
        return
    if "[[out-of-memory]]" in faults or ("[[out-of-memory-once]]" in faults and not order.tiled):
        size = {"width": order.width, "height": order.height, "count": len(order.seeds)}
        raise OutOfMemory(device="noise", **size)


def _picture(order: RenderOrder, seed: int) -> Pixels:
    """Return the picture of one seed, around or over the input picture where there is one."""
    drawn = _clouds(_key(order, seed), width=order.width, height=order.height)
    if order.image is None:
        return drawn
    given = _resized(order.image, width=order.width, height=order.height).astype(np.float64)
    share: NDArray[np.float64] = np.full((1, 1, 1), 0.6 if order.strength is None else order.strength)
    if order.mask is not None:
        share = _resized(order.mask[..., None], width=order.width, height=order.height) / 255.0
    mixed: Pixels = np.rint(given + share * (drawn - given)).astype(np.uint8)
    return mixed


def _key(order: RenderOrder, seed: int) -> bytes:
    """Return the bytes that decide a picture: what the order says, in canonical form."""
    return canonical_json(
        {
            "prompt": hashlib.sha256(order.prompt.encode("utf-8", "surrogatepass")).hexdigest(),
            "negative": hashlib.sha256(order.negative_prompt.encode("utf-8", "surrogatepass")).hexdigest(),
            "seed": str(seed),
            "size": f"{order.width}x{order.height}",
            "model": order.model.digest,
            "adapters": [[adapter.digest, repr(adapter.scale)] for adapter in order.adapters],
        }
    )


def _clouds(key: bytes, *, width: int, height: int) -> Pixels:
    stream = hashlib.shake_256(key).digest(GRID * GRID * 3 + width * height)
    grid = np.frombuffer(stream, np.uint8, GRID * GRID * 3).reshape(GRID, GRID, 3).astype(np.float64)
    grain = np.frombuffer(stream, np.uint8, width * height, GRID * GRID * 3).reshape(height, width, 1)
    smooth = _stretched(_stretched(grid, height).transpose(1, 0, 2), width).transpose(1, 0, 2)
    picture: Pixels = np.rint(np.clip(smooth + grain % GRAIN, 0, 255)).astype(np.uint8)
    return picture


def _stretched(grid: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Return a grid interpolated linearly to ``length`` rows."""
    places = np.linspace(0, grid.shape[0] - 1, length)
    below = np.minimum(places.astype(np.intp), grid.shape[0] - 2)
    share = (places - below)[:, None, None]
    mixed: NDArray[np.float64] = grid[below] * (1 - share) + grid[below + 1] * share
    return mixed


def _resized(picture: NDArray[np.uint8], *, width: int, height: int) -> NDArray[np.uint8]:
    """Return a picture of another size by its nearest pixels."""
    rows = np.arange(height) * picture.shape[0] // height
    columns = np.arange(width) * picture.shape[1] // width
    resized: NDArray[np.uint8] = picture[rows][:, columns]
    return resized


def _environment() -> Mapping[str, Any]:
    return {"backend": "seeded-noise", "numpy": np.__version__, "python": platform.python_version()}


def _settings(order: RenderOrder) -> Mapping[str, Any]:
    return {
        "pipeline_class": "SeededNoisePipeline",
        "scheduler": {"class": order.scheduler or "none", "config": {}},
        "batch_size": str(len(order.seeds)),
        "generator_device": "none",
        "kwargs": recorded_arguments(order),
        "tiled": order.tiled,
        "adapters": recorded_adapters(order),
    }
