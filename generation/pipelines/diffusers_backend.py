"""The real way of making images: diffusers pipelines on the device that is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import diffusers
import numpy as np
import torch
import transformers

from generation.pipelines.contract import ModelSource, Pixels, Rendered, RenderOrder, StepDone
from generation.pipelines.diffusers_adapters import applied
from generation.pipelines.diffusers_calls import call_arguments, notes_on, resized, settings_of
from generation.pipelines.diffusers_models import FOREIGN_ERRORS, LoadedModel, checked_facts, memory_needed
from generation.pipelines.diffusers_steps import Reporter, Steps
from generation.pipelines.errors import OutOfMemory, RenderFailed, TaskUnsupported
from generation.pipelines.loading import check_weights, config_digest
from generation.pipelines.masked_denoising import KeptPart, needs_masking
from generation.pipelines.orders import require_whole
from generation.pipelines.residency import Residency
from generation.pipelines.torch_devices import choose_device, choose_dtype, free_memory, is_out_of_memory
from provenance.canonical import Digest

DEFAULT_BUDGET_BYTES = 8 << 30


class DiffusersPipeline:
    """Draws with any diffusers folder or stored hub model, keeping recent models in memory.

    One order at a time: diffusers pipelines are not thread-safe.
    """

    def __init__(
        self,
        *,
        memory_budget_bytes: int = DEFAULT_BUDGET_BYTES,
        preview_every: int = 5,
        device: str | None = None,
        dtype: str | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._device = choose_device(device)
        self._dtype = choose_dtype(self._device, dtype)
        self._preview_every, self._clock = preview_every, clock
        self._models: Residency[LoadedModel] = Residency(
            budget_bytes=memory_budget_bytes, release=self._release
        )
        # Their warnings quote the prompt (what was truncated), and a private prompt must reach no log.
        diffusers.utils.logging.set_verbosity_error()
        transformers.utils.logging.set_verbosity_error()
        diffusers.utils.logging.disable_progress_bar()
        transformers.utils.logging.disable_progress_bar()
        if self._device.type == "cuda":
            torch.backends.cudnn.benchmark = False
            torch.backends.cudnn.deterministic = True

    def resident_models(self) -> tuple[Digest, ...]:
        """Return the digests of the models in memory, least recently used first."""
        return tuple(dict.fromkeys(key.split(" ", 1)[0] for key in self._models.resident()))

    def render(self, order: RenderOrder, *, on_step: Callable[[StepDone], None]) -> Rendered:
        """Make the pictures of an order in one batch, calling ``on_step`` after each denoising step.

        The same order in the same environment gives the same bits. Whatever ``on_step`` raises stops
        the work at once and passes through unchanged.
        """
        report = Reporter(on_step)
        try:
            return self._drawn(order, model=self._loaded(order), report=report)
        except (RuntimeError, MemoryError) as error:
            if error is report.stopped or not is_out_of_memory(error):
                raise
            free_memory(self._device, after=error)
        self._keep_only(_key(order.model))
        size = {"width": order.width, "height": order.height}
        raise OutOfMemory(device=self._device.type, count=len(order.seeds), **size)

    def _loaded(self, order: RenderOrder) -> LoadedModel:
        """Return the order's model; a change of its files is seen even while it is in memory."""
        key = _key(order.model)
        if key in self._models.resident():
            folder = check_weights(order.model)
            model = self._models.touch(key)
            if model.config_digest == config_digest(folder):
                return model
            self._models.drop(key)
        facts = checked_facts(order.model)
        return self._models.fetch(
            key,
            size_bytes=memory_needed(facts, dtype=self._dtype),
            load=lambda: LoadedModel(facts, device=self._device, dtype=self._dtype),
        )

    def _drawn(self, order: RenderOrder, *, model: LoadedModel, report: Reporter) -> Rendered:
        if order.task not in model.facts.tasks:
            raise TaskUnsupported(task=order.task, tasks=", ".join(model.facts.tasks))
        require_whole(order, size_multiple=model.facts.size_multiple)
        masked = needs_masking(order, model=model)
        pipeline = model.pipeline_for("image-to-image" if masked else order.task, scheduler=order.scheduler)
        steps = Steps(
            order,
            model=model,
            report=report,
            preview_every=self._preview_every,
            clock=self._clock,
            amend=KeptPart(order, model=model, pipeline=pipeline) if masked else None,
        )
        arguments = call_arguments(order, model=model, pipeline=pipeline)
        model.set_tiling(order.tiled)
        with _model_errors_named(report), applied(order.adapters, pipeline=pipeline), torch.inference_mode():
            answer = pipeline(
                **arguments, callback_on_step_end=steps, callback_on_step_end_tensor_inputs=["latents"]
            )
        pictures = _pixels(answer.images)
        steps.learn_colours(pictures[0])
        return Rendered(
            images=tuple(_with_kept_pixels(picture, order=order) for picture in pictures),
            environment=model.environment,
            settings=settings_of(order, model=model, pipeline=pipeline),
            notes=tuple([*notes_on(order, model=model), *_blanked_notes(answer)]),
        )

    def _keep_only(self, key: str) -> None:
        """Let go of every other model, so that a second try finds more room."""
        for other in self._models.resident():
            if other != key:
                self._models.drop(other)
        free_memory(self._device)

    def _release(self, model: LoadedModel) -> None:
        model.release()
        free_memory(self._device)


def _key(model: ModelSource) -> str:
    """Return what a loaded model is kept under: equal weights in another folder may be configured otherwise."""
    return f"{model.digest} {model.source} {model.revision}"


@contextmanager
def _model_errors_named(report: Reporter) -> Iterator[None]:
    """Let the caller's own exception and lack of memory pass, and name all other failures RenderFailed."""
    try:
        yield
    except FOREIGN_ERRORS as error:
        if error is report.stopped or is_out_of_memory(error):
            raise
        raise RenderFailed(reason=type(error).__name__) from error


def _pixels(images: Any) -> list[Pixels]:
    """Return uint8 pictures of floats in 0..1, shape (batch, height, width, 3)."""
    values = np.asarray(images)
    if values.ndim != 4 or values.shape[-1] != 3 or not np.isfinite(values).all():
        raise RenderFailed(reason="no picture came out, or one that is not made of numbers")
    return list(np.ascontiguousarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)))


def _with_kept_pixels(picture: Pixels, *, order: RenderOrder) -> Pixels:
    """Return an inpainted picture in which what the mask keeps is the input, to the bit."""
    if order.task != "inpainting" or order.image is None or order.mask is None:
        return picture
    given = np.asarray(resized(order.image, order=order), dtype=np.float32)
    share = np.asarray(resized(order.mask, order=order), dtype=np.float32)[..., None] / 255
    mixed: Pixels = np.rint(given + share * (picture - given)).astype(np.uint8)
    return mixed


def _blanked_notes(answer: Any) -> list[dict[str, str]]:
    flagged = getattr(answer, "nsfw_content_detected", None)
    if not flagged or not any(flagged):
        return []
    return [
        {
            "code": "blanked-by-model",
            "en": "The model's own safety checker blanked one or more pictures. Try another prompt or seed.",
            "zh-Hans": "模型自带的安全检查将一张或多张图片置为空白。请更换提示词或种子。",
        }
    ]
