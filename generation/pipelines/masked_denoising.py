"""Inpainting for models whose own inpainting pipeline refuses them: the kept part is put back each step."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image

from generation.pipelines.contract import RenderOrder
from generation.pipelines.diffusers_calls import resized
from generation.pipelines.diffusers_models import LoadedModel


def needs_masking(order: RenderOrder, *, model: LoadedModel) -> bool:
    """Say whether diffusers would refuse to inpaint with this model.

    Its pipelines for UNets take 4 latent channels, or 9 of a model trained to inpaint, and no others.
    """
    unet = model.components.get("unet")
    return order.task == "inpainting" and unet is not None and unet.config.in_channels not in (4, 9)


class KeptPart:
    """Puts the unmasked part of the input back after each step, as noisy as that step leaves the rest.

    The method of RePaint (Lugmayr et al., 2022) without resampling.
    """

    def __init__(self, order: RenderOrder, *, model: LoadedModel, pipeline: Any) -> None:
        vae = model.components["vae"]
        picture = pipeline.image_processor.preprocess(resized(order.image, order=order))
        with torch.inference_mode():
            encoded = vae.encode(picture.to(model.device, vae.dtype))
            kept = encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mode()
        self._kept = kept * vae.config.scaling_factor
        self._mask = _latent_mask(order, like=self._kept)
        generators = [torch.Generator("cpu").manual_seed(seed) for seed in order.seeds]
        shape = (len(order.seeds), *self._kept.shape[1:])
        self._noise = randn_tensor(shape, generator=generators, device=model.device, dtype=self._kept.dtype)

    def __call__(self, pipeline: Any, index: int, latents: torch.Tensor) -> torch.Tensor:
        """Return the latents of a step with the kept part put back."""
        left = int(pipeline.num_timesteps) - index - 1
        kept = self._kept.expand(latents.shape)
        if left > 0:
            scheduler = pipeline.scheduler
            at = scheduler.timesteps[-left].expand(len(latents))
            kept = scheduler.add_noise(kept, self._noise, at)
        mixed: torch.Tensor = (self._mask * latents + (1 - self._mask) * kept).to(latents.dtype)
        return mixed


def _latent_mask(order: RenderOrder, *, like: torch.Tensor) -> torch.Tensor:
    rows, columns = like.shape[-2:]
    mask = resized(order.mask, order=order).resize((columns, rows), Image.Resampling.BOX)
    values = torch.frombuffer(bytearray(mask.tobytes()), dtype=torch.uint8).reshape(1, 1, rows, columns)
    return (values.to(like.device, like.dtype) / 255).ceil()
