"""Loaded diffusers models: their components, shared by the pipelines of every task they do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import diffusers
import torch
import transformers
from diffusers.models.attention_dispatch import _AttentionBackendRegistry
from safetensors import SafetensorError

from generation.pipelines.contract import ModelSource, Task
from generation.pipelines.errors import (
    ModelUnreadable,
    SchedulerUnfit,
    UnknownScheduler,
    WeightsChanged,
)
from generation.pipelines.families import family_of
from generation.pipelines.latent_colours import LatentColours
from generation.pipelines.loading import ModelFacts, check_weights, config_digest, inspect_model
from generation.pipelines.model_files import tensor_table
from generation.pipelines.schedulers import SCHEDULERS
from generation.pipelines.torch_devices import torch_environment

FOREIGN_ERRORS = (
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    OSError,
    ImportError,
    SafetensorError,
)
"""What diffusers and its kin raise. A worker's time limit or Ctrl-C is none of these and passes through."""

_AUTO = {
    "text-to-image": diffusers.AutoPipelineForText2Image,
    "image-to-image": diffusers.AutoPipelineForImage2Image,
    "inpainting": diffusers.AutoPipelineForInpainting,
}


def checked_facts(source: ModelSource) -> ModelFacts:
    """Return the facts of a registered model whose files, and the choice of them, are what they were."""
    folder = check_weights(source)
    facts = inspect_model(folder)
    if facts.source.digest != source.digest:
        known = {file.path for file in source.weights}
        strange = sorted({file.path for file in facts.source.weights} ^ known)
        raise WeightsChanged(file=strange[0] if strange else "weights", found="it was not registered")
    return facts


def memory_needed(facts: ModelFacts, *, dtype: torch.dtype) -> int:
    """Return the bytes that a model's weights take once loaded."""
    tensors = [
        entry
        for file in facts.source.weights
        for entry in tensor_table(facts.folder / file.path, name=file.path).values()
    ]
    return sum(math.prod(entry["shape"]) for entry in tensors) * dtype.itemsize


class LoadedModel:
    """One model in memory; its task pipelines share all weights and are used for one order at a time."""

    def __init__(self, facts: ModelFacts, *, device: torch.device, dtype: torch.dtype) -> None:
        self.facts = facts
        self.device = device
        self.colours = LatentColours()
        self.preview_seconds: dict[tuple[str, int, int], float] = {}
        base = _loaded_pipeline(facts, dtype=dtype)
        self.components: dict[str, Any] = dict(base.components)
        if device.type == "cpu":
            _own_memory(self.components.values())
        base.to(device)
        self._pipelines: dict[Task, Any] = {}
        self._base = base
        self._scheduler = base.scheduler
        self.config_digest = config_digest(facts.folder)
        self.environment = self._environment()

    def pipeline_for(self, task: Task, *, scheduler: str | None) -> Any:
        """Return the pipeline of a task with a scheduler of its own for one order.

        Raises UnknownScheduler, SchedulerUnfit.
        """
        fresh = self._fresh_scheduler(scheduler)
        if task not in self._pipelines:
            self._pipelines[task] = self._task_pipeline(task)
        pipeline = self._pipelines[task]
        pipeline.scheduler = fresh
        return pipeline

    def _task_pipeline(self, task: Task) -> Any:
        if type(self._base).__name__ == family_of(self.facts.pipeline_class).classes.get(task):
            return self._base
        pipeline = _AUTO[task].from_pipe(self._base)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def _fresh_scheduler(self, name: str | None) -> Any:
        own = type(self._scheduler)
        if name is None or name == own.__name__:
            return own.from_config(self._scheduler.config)
        if name not in SCHEDULERS:
            raise UnknownScheduler(name=name, known=", ".join(self.facts.schedulers or (own.__name__,)))
        if name not in self.facts.schedulers:
            raise SchedulerUnfit(name=name, known=own.__name__)
        return getattr(diffusers, name).from_config(self._scheduler.config)

    def set_tiling(self, on: bool) -> None:
        """Have the autoencoder work in tiles and slices, or at once."""
        vae = self.components.get("vae")
        for verb in ("tiling", "slicing"):
            switch = getattr(vae, f"{'enable' if on else 'disable'}_{verb}", None)
            if switch is not None:
                switch()

    def release(self) -> None:
        """Drop every reference to the weights."""
        self.components.clear()
        self._pipelines.clear()
        self._base = None

    def _environment(self) -> Mapping[str, Any]:
        backend = _AttentionBackendRegistry.get_active_backend()[0]
        modules = {name: part for name, part in self.components.items() if isinstance(part, torch.nn.Module)}
        return {
            **torch_environment(self.device),
            "dtypes": {name: _dtype_name(module) for name, module in modules.items()},
            "attention": {
                "backend": str(getattr(backend, "value", backend)),
                "processors": sorted(
                    {kind for module in modules.values() for kind in _attention_kinds(module)}
                ),
            },
            "compiled": False,
            "offloaded": False,
        }


def _loaded_pipeline(facts: ModelFacts, *, dtype: torch.dtype) -> Any:
    try:
        pipeline = diffusers.DiffusionPipeline.from_pretrained(
            facts.folder,
            dtype=dtype,
            variant=facts.variant,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
    except MemoryError:
        raise
    except FOREIGN_ERRORS as error:
        if isinstance(error, RuntimeError) and "memory" in str(error).lower():
            raise
        reason = f"{type(error).__name__}: {error}".replace(str(facts.folder), "")[:300]
        raise ModelUnreadable(file=facts.pipeline_class, reason=reason) from error
    for name, part in pipeline.components.items():
        if isinstance(part, torch.nn.Module):
            part.eval().requires_grad_(False)
            if any(parameter.is_meta for parameter in part.parameters()):
                raise ModelUnreadable(file=f"{name}/", reason="its weight file lacks some of its weights")
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _own_memory(parts: Any) -> None:
    """Copy weights out of mapped files: writing to such a file would change them, or kill the process."""
    for part in parts:
        if isinstance(part, torch.nn.Module):
            for tensor in (*part.parameters(), *part.buffers()):
                tensor.data = tensor.data.clone()


def _dtype_name(module: torch.nn.Module) -> str:
    return str(next((parameter.dtype for parameter in module.parameters()), "none")).removeprefix("torch.")


def _attention_kinds(module: torch.nn.Module) -> set[str]:
    if isinstance(module, transformers.PreTrainedModel):
        return {f"transformers:{module.config._attn_implementation}"}
    parts = (getattr(part, "processor", None) for part in module.modules())
    return {type(processor).__name__ for processor in parts if processor is not None}
