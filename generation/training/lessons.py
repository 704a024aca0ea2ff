"""What is learned from: the works as latents, with the captions and noise that each step draws for them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import diffusers
import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import AttnProcessor
from PIL import Image

from generation.pipelines.contract import Pixels
from generation.pipelines.diffusers_models import LoadedModel
from generation.training.captions import caption, plain_caption
from generation.training.contract import Lesson, TrainingOrder

HELD_OUT_SEED = 77
ENCODED_AT_ONCE = 8


class Lessons:
    """The works of one order, encoded once; every batch is drawn from one generator, so it can be gone on with."""

    def __init__(
        self, order: TrainingOrder, *, model: LoadedModel, dtype: torch.dtype, between: Callable[[], None]
    ) -> None:
        self._order, self._model, self._dtype, self._between = order, model, dtype, between
        self.random = torch.Generator().manual_seed(order.recipe.seed)
        parts = model.components
        self._unet, self._text, self._tokenizer = parts["unet"], parts["text_encoder"], parts["tokenizer"]
        # The backward pass of torch's fused attention takes a third of a step on a CPU otherwise.
        self._unet.set_attn_processor(AttnProcessor())
        self._noise = diffusers.DDPMScheduler.from_config(parts["scheduler"].config)
        self._latents = self._encoded(order.lessons)
        self._kept_back = self._encoded(order.held_out) if order.held_out else None

    def loss(self) -> torch.Tensor:
        """Return the loss of one batch, its timesteps spread evenly over the schedule."""
        batch = self._order.recipe.batch
        # One draw seeds the choices, so that the state of one generator is all there is to go on from.
        source = random.Random(int(torch.randint(2**31, (), generator=self.random)))
        shown = _dealt(len(self._order.lessons), batch=batch, source=source)
        captions = [caption(self._order.lessons[n], style=self._order.style, source=source) for n in shown]
        return self._denoising_loss(self._latents[shown], captions, self.random)

    @torch.no_grad()
    def held_out_loss(self, unet: Any) -> float | None:
        """Return the loss on the works that are kept back, always at the same noise; None without any."""
        if self._kept_back is None:
            return None
        fixed = torch.Generator().manual_seed(HELD_OUT_SEED)
        captions = [plain_caption(lesson) for lesson in self._order.held_out]
        return float(self._denoising_loss(self._kept_back, captions, fixed))

    def settings(self) -> Mapping[str, str]:
        """Return what was in force, as it is recorded."""
        config = self._noise.config
        return {
            "prediction": str(config.prediction_type),
            "noise_schedule": str(config.beta_schedule),
            "side": f"{self._model.facts.width}x{self._model.facts.height}",
        }

    def _denoising_loss(self, clean: torch.Tensor, captions: Sequence[str], source: torch.Generator) -> torch.Tensor:
        device, count = self._model.device, len(captions)
        noise = torch.randn(clean.shape, generator=source)
        spread = (torch.arange(count) + torch.rand(count, generator=source)) / count
        steps = int(self._noise.config.num_train_timesteps)
        timesteps = (spread * steps).long().clamp_max(steps - 1)
        noisy = self._noise.add_noise(clean, noise, timesteps).to(device, memory_format=torch.channels_last)
        target = self._target(clean, noise, timesteps).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self._dtype == torch.bfloat16):
            with torch.no_grad():
                heard = self._text(self._tokens(captions).to(device))[0]
            guess = self._unet(noisy, timesteps.to(device), encoder_hidden_states=heard).sample
        return F.mse_loss(guess.float(), target.float())

    def _target(self, clean: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        kind = self._noise.config.prediction_type
        if kind == "v_prediction":
            velocity: torch.Tensor = self._noise.get_velocity(clean, noise, timesteps)
            return velocity
        return clean if kind == "sample" else noise

    def _tokens(self, captions: Sequence[str]) -> torch.Tensor:
        padded = self._tokenizer(
            list(captions), padding="max_length", truncation=True, return_tensors="pt",
            max_length=self._tokenizer.model_max_length,
        )  # fmt: skip
        ids: torch.Tensor = padded.input_ids
        return ids

    @torch.no_grad()
    def _encoded(self, lessons: Sequence[Lesson]) -> torch.Tensor:
        """Return latents, shape (n, channels, height, width), as the pipeline decodes them."""
        facts, vae = self._model.facts, self._model.components["vae"]
        found = []
        for start in range(0, len(lessons), ENCODED_AT_ONCE):
            self._between()
            part = lessons[start : start + ENCODED_AT_ONCE]
            pictures = np.stack([on_page(one.pixels, width=facts.width, height=facts.height) for one in part])
            values = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
            answer = vae.encode(values.to(self._model.device))
            latents = answer.latents if hasattr(answer, "latents") else answer.latent_dist.mean
            shift = getattr(vae.config, "shift_factor", None) or 0.0
            found.append(((latents - shift) * vae.config.scaling_factor).float().cpu())
        return torch.cat(found)


def _dealt(works: int, *, batch: int, source: random.Random) -> list[int]:
    """Return which works a batch shows: each as often as any other, as far as that goes."""
    dealt: list[int] = []
    while len(dealt) < batch:
        dealt += source.sample(range(works), k=min(works, batch - len(dealt)))
    return dealt


def on_page(pixels: Pixels, *, width: int, height: int) -> Pixels:
    """Return a picture of a size that shows all of a work, the rest filled with the colour of its corner."""
    picture = Image.fromarray(pixels)
    scale = min(width / picture.width, height / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    page = Image.new("RGB", (width, height), tuple(int(value) for value in pixels[0, 0]))
    page.paste(picture.resize(size, Image.Resampling.LANCZOS), ((width - size[0]) // 2, (height - size[1]) // 2))
    return np.asarray(page, dtype=np.uint8)
