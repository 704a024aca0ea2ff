"""LoRA adapters, on for the order that names them and gone afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer

from generation.pipelines.contract import AdapterFile
from generation.pipelines.diffusers_models import FOREIGN_ERRORS
from generation.pipelines.errors import AdapterUnfit, ModelUnreadable, PickleRefused
from generation.pipelines.loading import file_digest
from generation.pipelines.model_files import tensor_table
from generation.pipelines.torch_devices import is_out_of_memory

_PEFT_PAIR = re.compile(r"(?:unet|transformer|text_encoder(?:_\d)?)\.(.+)\.lora_A\.weight")


@contextmanager
def applied(adapters: tuple[AdapterFile, ...], *, pipeline: Any) -> Iterator[None]:
    """Apply adapters to a pipeline for as long as the block runs, then restore it bit for bit.

    Adapters sit beside the weights and are never merged into them. Raises AdapterUnfit, PickleRefused.
    """
    if not adapters:
        yield
        return
    if not hasattr(pipeline, "load_lora_weights"):
        raise AdapterUnfit(adapter=_name(adapters[0]), reason="this model takes no LoRA adapters")
    try:
        names = [_load(adapter, pipeline=pipeline, name=f"order{n}") for n, adapter in enumerate(adapters)]
        pipeline.set_adapters(names, [adapter.scale for adapter in adapters])
        yield
    finally:
        pipeline.unload_lora_weights()


def _load(adapter: AdapterFile, *, pipeline: Any, name: str) -> str:
    pairs = _checked_pairs(adapter)
    try:
        pipeline.load_lora_weights(
            str(adapter.path),
            weight_name="adapter.safetensors",  # of a file given by its path, only the ending is looked at
            adapter_name=name,
            use_safetensors=True,
            local_files_only=True,
        )
    except FOREIGN_ERRORS as error:
        if is_out_of_memory(error):
            raise
        raise AdapterUnfit(adapter=_name(adapter), reason=_first_line(error)) from error
    placed = sum(_layers_with(name, component) for component in pipeline.components.values())
    if placed == 0 or (pairs and placed != pairs):
        reason = f"only {placed} of its {pairs or 'many'} layers have a place in this model"
        raise AdapterUnfit(adapter=_name(adapter), reason=reason)
    if file_digest(adapter.path) != adapter.digest:
        raise AdapterUnfit(adapter=_name(adapter), reason="its file changed while it was read")
    return name


def _checked_pairs(adapter: AdapterFile) -> int:
    """Return how many layers a file adapts, where it spells them as diffusers does; 0 for other spellings."""
    try:
        if file_digest(adapter.path) != adapter.digest:
            raise AdapterUnfit(adapter=_name(adapter), reason="its file is not the one that was registered")
        with adapter.path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise AdapterUnfit(adapter=_name(adapter), reason=error.strerror or "unreadable") from error
    if start == b"PK\x03\x04" or start[:1] == b"\x80":
        raise PickleRefused(file=_name(adapter))
    try:
        tensors = tensor_table(adapter.path, name=_name(adapter))
    except ModelUnreadable as error:
        raise AdapterUnfit(adapter=_name(adapter), reason=error.values["reason"]) from error
    matched = [key for key in tensors if _PEFT_PAIR.fullmatch(key)]
    return len(matched) if 2 * len(matched) == len(tensors) else 0


def _layers_with(name: str, component: Any) -> int:
    if not isinstance(component, torch.nn.Module):
        return 0
    return sum(
        isinstance(part, BaseTunerLayer) and name in part._all_available_adapter_names()
        for part in component.modules()
    )


def _name(adapter: AdapterFile) -> str:
    return adapter.path.name


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
