"""The starter model's denoiser and text encoder, trained together on the latents of the pictures."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from generation.starter.autoencoder import LATENT_CHANNELS
from generation.starter.loop import Average, Training, fast_arithmetic
from generation.starter.muon import muon_and_adamw
from generation.starter.prompts import Words, teach
from generation.starter.text import WIDTH, new_text_encoder

NOISE = {"beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction", "num_train_timesteps": 1000}
CHANNELS = (64, 160, 192)


def new_denoiser(*, channels: tuple[int, int, int] = CHANNELS) -> UNet2DConditionModel:
    """Return an untrained denoiser: attention at 8 x 8 and 4 x 4, the pooled text in every block."""
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=channels,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=32,
        addition_embed_type="text",
        addition_embed_type_num_heads=6,
        resnet_time_scale_shift="scale_shift",
    )


class DenoiserTraining(Training):
    """Teaches denoiser and text encoder to find a picture's latents again from noise and words."""

    name = "denoiser"
    batch = 32
    peak_rate = 1.5e-3

    def __init__(
        self,
        *,
        latents: Tensor,
        words: Sequence[Words],
        tokenizer: CLIPTokenizer,
        seed: int,
        denoiser: UNet2DConditionModel | None = None,
    ) -> None:
        """Take latents of unit variance, shape (n, 6, 16, 16), and the words of each."""
        super().__init__(seed=seed)
        self.latents, self.words, self.tokenizer = latents, words, tokenizer
        self.denoiser = (denoiser or new_denoiser()).to(memory_format=torch.channels_last)
        # Half of the step goes into the backward pass of torch's fused attention on a CPU otherwise.
        self.denoiser.set_attn_processor(AttnProcessor())
        self.text = new_text_encoder(tokenizer)
        self.model = torch.nn.ModuleDict({"denoiser": self.denoiser, "text": self.text})
        self.average = Average(self.model, decay=0.998)
        self.optimizers = muon_and_adamw([self.model], lr=self.peak_rate)
        self.noise = DDPMScheduler(**NOISE)

    def rate_at(self, progress: float, *, step: int) -> float:
        """Return the learning rate: a warm-up, level for a third of the time, then a line to nothing."""
        return self.peak_rate * min(1.0, (step + 1) / 100) * min(1.0, (1 - progress) / 0.65)

    def loss(self) -> Tensor:
        """Return the v-prediction loss of one batch, its timesteps spread evenly over the schedule."""
        chosen = torch.randint(len(self.latents), (self.batch,), generator=self.random)
        clean = self.latents[chosen].contiguous(memory_format=torch.channels_last)
        noise = torch.randn(clean.shape, generator=self.random)
        spread = (torch.arange(self.batch) + torch.rand(self.batch, generator=self.random)) / self.batch
        timesteps = (spread * 1000).long().clamp_max(999)
        noisy = self.noise.add_noise(clean, noise, timesteps)
        target = self.noise.get_velocity(clean, noise, timesteps)
        with fast_arithmetic():
            heard = self.text(self._tokens(chosen.tolist())).last_hidden_state
            guess = self.denoiser(noisy, timesteps, heard).sample
        return F.mse_loss(guess.float(), target)

    def after_step(self) -> None:
        """Keep the running average that becomes the model."""
        self.average.update()

    def state(self) -> dict[str, Any]:
        """Return all that a later process needs to go on."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.state(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from an earlier ``state()``."""
        self.model.load_state_dict(state["model"])
        self.average.restore(state["average"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)

    def finished(self) -> tuple[UNet2DConditionModel, CLIPTextModel]:
        """Return averaged copies of denoiser and text encoder, ready for use."""
        denoiser = UNet2DConditionModel.from_config(self.denoiser.config)
        text = CLIPTextModel(self.text.config)
        torch.nn.ModuleDict({"denoiser": denoiser, "text": text}).load_state_dict(self.average.values)
        return denoiser.eval(), text.eval()

    def _tokens(self, chosen: Sequence[int]) -> Tensor:
        # One draw seeds the prompts, so that the state of one generator is all there is to resume.
        source = random.Random(int(torch.randint(2**31, (), generator=self.random)))
        prompts = [teach(self.words[index], source=source) for index in chosen]
        padded = self.tokenizer(prompts, padding="max_length", truncation=True, return_tensors="pt")
        ids: Tensor = padded.input_ids
        return ids
