"""From an order to the arguments of one diffusers call, and what has to be said about it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

import torch
from PIL import Image

from generation.pipelines.contract import RenderOrder
from generation.pipelines.diffusers_models import LoadedModel
from generation.pipelines.orders import recorded_adapters, recorded_arguments, strength_of

_LONGEST_QUOTE = 300


def call_arguments(order: RenderOrder, *, model: LoadedModel, pipeline: Any) -> dict[str, Any]:
    """Return the keyword arguments that this pipeline takes, of all that the order says.

    Every picture has a CPU generator of its own, so neither its place in the batch nor the device
    decides its noise. An input picture is repeated for each seed, as each generator samples its encoding.
    """
    count = len(order.seeds)
    said: dict[str, Any] = {
        "prompt": order.prompt,
        "negative_prompt": order.negative_prompt or None,
        "width": order.width,
        "height": order.height,
        "num_inference_steps": order.steps,
        "num_images_per_prompt": count,
        "generator": [torch.Generator("cpu").manual_seed(seed) for seed in order.seeds],
        "output_type": "np",
        **_guidance(order, model=model),
    }
    if order.image is not None and order.task != "text-to-image":
        said["image"] = [resized(order.image, order=order)] * count
        said["strength"] = strength_of(order)
        said["num_images_per_prompt"] = 1
        for name in ("prompt", "negative_prompt"):
            said[name] = None if said[name] is None else [said[name]] * count
    if order.mask is not None and order.task == "inpainting":
        said["mask_image"] = [resized(order.mask, order=order)] * count
    taken = inspect.signature(type(pipeline).__call__).parameters
    return {name: value for name, value in said.items() if name in taken}


def resized(picture: Any, *, order: RenderOrder) -> Image.Image:
    """Return an input picture or mask in the size of the order."""
    image = Image.fromarray(picture)
    size = (order.width, order.height)
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def _guidance(order: RenderOrder, *, model: LoadedModel) -> dict[str, Any]:
    """Return the guidance as the family spells it: Qwen-Image guides by a second, negative prompt."""
    if model.facts.family == "qwen-image":
        return {"true_cfg_scale": order.guidance_scale, "negative_prompt": order.negative_prompt or " "}
    return {"guidance_scale": order.guidance_scale}


def settings_of(order: RenderOrder, *, model: LoadedModel, pipeline: Any) -> Mapping[str, Any]:
    """Return what was in force for an order, as JSON values with every number as text."""
    return {
        "pipeline_class": type(pipeline).__name__,
        "scheduler": {
            "class": type(pipeline.scheduler).__name__,
            "config": as_json(dict(pipeline.scheduler.config)),
        },
        "batch_size": str(len(order.seeds)),
        "generator_device": "cpu",
        "kwargs": recorded_arguments(order),
        "tiled": order.tiled,
        "adapters": recorded_adapters(order),
        "variant": model.facts.variant or "",
        "model_config_digest": model.config_digest,
    }


def as_json(value: Any) -> Any:
    """Return a configuration as JSON values, numbers as text: some of them are infinite."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(inner) for inner in value]
    if hasattr(value, "tolist"):
        return as_json(value.tolist())
    return repr(value) if isinstance(value, int | float) else str(value)


def notes_on(order: RenderOrder, *, model: LoadedModel) -> list[dict[str, str]]:
    """Return what the requester should know: words that the model never read, settings it ignores."""
    notes = []
    for prompt, which, which_zh in (
        (order.prompt, "prompt", "提示词"),
        (order.negative_prompt, "negative prompt", "反向提示词"),
    ):
        cut = words_cut(prompt, model=model)
        if cut:
            notes.append(_cut_note(cut, which=which, which_zh=which_zh))
    if order.negative_prompt and (model.facts.family == "flux" or order.guidance_scale <= 1):
        notes.append(
            {
                "code": "negative-prompt-unused",
                "en": "The negative prompt had no effect: this model or guidance scale does not use one.",
                "zh-Hans": "反向提示词未起作用：该模型或该引导强度不使用反向提示词。",
            }
        )
    return notes


def _cut_note(cut: str, *, which: str, which_zh: str) -> dict[str, str]:
    quoted = cut if len(cut) <= _LONGEST_QUOTE else cut[:_LONGEST_QUOTE] + "…"
    return {
        "code": f"{which.replace(' ', '-')}-cut",
        "en": f"The {which} is longer than this model reads; it did not read: “{quoted}”.",
        "zh-Hans": f"{which_zh}超出该模型的长度上限，以下内容未被读取：“{quoted}”。",
    }


def words_cut(prompt: str, *, model: LoadedModel) -> str:
    """Return the end of a prompt that none of the model's text encoders reads; empty where all is read."""
    readers = [
        (tokenizer, room)
        for name, tokenizer in model.components.items()
        if name.startswith("tokenizer") and tokenizer is not None
        if (room := _room(name, tokenizer=tokenizer, model=model)) > 0
    ]
    if not readers or len(prompt.encode("utf-8", "replace")) <= min(room for _, room in readers):
        return ""
    shortest: str | None = None
    for tokenizer, room in readers:
        rest = _rest(prompt, tokenizer=tokenizer, room=room)
        shortest = rest if shortest is None or len(rest) < len(shortest) else shortest
    return shortest or ""


def _rest(prompt: str, *, tokenizer: Any, room: int) -> str:
    ids = tokenizer(prompt, add_special_tokens=False, truncation=False, verbose=False).input_ids
    return str(tokenizer.decode(ids[room:], skip_special_tokens=True)).strip() if len(ids) > room else ""


def _room(name: str, *, tokenizer: Any, model: LoadedModel) -> int:
    """Return how many tokens of a prompt a text encoder reads, besides those that frame it."""
    limit = int(min(tokenizer.model_max_length, 1_000_000))
    family = model.facts.family
    if family == "stable-diffusion-3" and name == "tokenizer_3":
        limit = min(limit, 256)
    elif family == "flux" and name == "tokenizer_2":
        limit = min(limit, 512)
    elif family == "qwen-image":
        return 512
    elif family == "z-image":
        return 512 - _frame_length(tokenizer)
    return limit - int(tokenizer.num_special_tokens_to_add())


def _frame_length(tokenizer: Any) -> int:
    """Return how many tokens the chat template puts around a prompt."""
    framed = tokenizer.apply_chat_template(
        [{"role": "user", "content": ""}], tokenize=False, add_generation_prompt=True, enable_thinking=True
    )
    return len(tokenizer(framed, add_special_tokens=False).input_ids)


def grid_of(latents: torch.Tensor, *, width: int, height: int) -> torch.Tensor | None:
    """Return the first picture's latents as (rows, columns, channels); None for a shape unknown here.

    Convolutional models keep (batch, channels, rows, columns); transformers may keep a row of patches,
    (batch, patches, channels).
    """
    first = latents[0]
    if first.ndim == 4 and 1 in first.shape[:2]:
        first = first.squeeze(0 if first.shape[0] == 1 else 1)
    if first.ndim == 3:
        grid = first.permute(1, 2, 0)
    elif first.ndim == 2:
        span = math.isqrt(max(width * height // max(first.shape[0], 1), 1))
        if first.shape[0] != (height // span) * (width // span):
            return None
        grid = first.reshape(height // span, width // span, -1)
    else:
        return None
    return grid if height % grid.shape[0] == 0 and width % grid.shape[1] == 0 else None
