"""Whether an adapter file is one, and was made for a model: read from the files' headers, without loading either."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generation.pipelines.contract import ModelSource
from generation.pipelines.errors import AdapterUnfit, ModelUnreadable, PickleRefused
from generation.pipelines.loading import folder_of
from generation.pipelines.model_files import tensor_table

ADAPTED = ("unet", "transformer", "text_encoder", "text_encoder_2")
PAIR = re.compile(rf"({'|'.join(ADAPTED)})\.(.+)\.lora_(A|B)\.weight")
"""How diffusers and peft spell one half of an adapted layer; ``save_lora_weights`` writes no other spelling."""
SCALES = re.compile(r".+\.alpha")

Table = Mapping[str, Mapping[str, Any]]


def require_fitting(path: Path, *, name: str, model: ModelSource) -> None:
    """Raise a fault unless a file is a whole LoRA adapter every layer of which has its place in a model.

    Raises PickleRefused, AdapterUnfit with the reason: cut short, another architecture, another spelling.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PK\x03\x04" or start[:1] == b"\x80":
        raise PickleRefused(file=name)
    try:
        tensors = tensor_table(path, name=name)
    except ModelUnreadable as error:
        raise AdapterUnfit(adapter=name, reason=error.values["reason"]) from error
    halves = _halves(tensors, name=name)
    layers = _layers(model)
    for (component, layer), shapes in halves.items():
        _require_place(component, layer, shapes=shapes, layers=layers, name=name)


def _halves(tensors: Table, *, name: str) -> dict[tuple[str, str], dict[str, list[int]]]:
    """Return the shapes of both halves of every adapted layer, by component and layer."""
    found: dict[tuple[str, str], dict[str, list[int]]] = {}
    for key, tensor in tensors.items():
        match = PAIR.fullmatch(key)
        if match is None:
            if SCALES.fullmatch(key):
                continue
            reason = f"{key[:80]!r} is not spelt as diffusers' save_lora_weights spells a layer"
            raise AdapterUnfit(adapter=name, reason=reason)
        found.setdefault((match[1], match[2]), {})[match[3]] = list(tensor["shape"])
    if not found:
        raise AdapterUnfit(adapter=name, reason="it adapts no layer")
    return found


def _layers(model: ModelSource) -> dict[str, dict[str, list[int]]]:
    """Return the shape of every weight of a model's adaptable components, by component and layer."""
    folder = folder_of(model)
    layers: dict[str, dict[str, list[int]]] = {}
    for file in model.weights:
        component = file.path.split("/")[0]
        if component in ADAPTED:
            table = tensor_table(folder / file.path, name=file.path)
            shapes = {key.removesuffix(".weight"): list(tensor["shape"]) for key, tensor in table.items()}
            layers.setdefault(component, {}).update(shapes)
    return layers


def _require_place(
    component: str,
    layer: str,
    *,
    shapes: Mapping[str, list[int]],
    layers: Mapping[str, Mapping[str, list[int]]],
    name: str,
) -> None:
    place = layers.get(component, {}).get(layer)
    if place is None:
        raise AdapterUnfit(adapter=name, reason=f"this model has no layer {component}.{layer[:120]}")
    down, up = shapes.get("A"), shapes.get("B")
    if not down or not up or len(down) < 2 or len(up) < 2 or down[0] != up[1]:
        raise AdapterUnfit(adapter=name, reason=f"the two halves of {component}.{layer[:120]} do not belong together")
    if (up[0], down[1]) != (place[0], place[1] if len(place) > 1 else 1):
        made_for = [up[0], down[1]]
        reason = f"{component}.{layer[:120]} has {place} weights here, and the adapter was made for {made_for}"
        raise AdapterUnfit(adapter=name, reason=reason)
