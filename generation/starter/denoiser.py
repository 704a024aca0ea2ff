"""The starter model's denoiser and text encoder, trained together on the latents of the pictures."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from generation.starter.autoencoder import LATENT_CHANNELS
from generation.starter.loop import Average, AveragedTraining, fast_arithmetic
from generation.starter.muon import muon_and_adamw
from generation.starter.prompts import AS_IT_IS, Variant, Words, teach
from generation.starter.text import WIDTH, new_text_encoder

NOISE = {"beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction", "num_train_timesteps": 1000}
CHANNELS = (64, 160, 192)
COLOUR_SHARE, COUNT_SHARE = 0.15, 0.05
"""Share of the views of a picture that show it in another colour, or several of it."""


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


@dataclass(frozen=True)
class Taught:
    """One picture that is taught: where its latents stand, and those of its copies."""

    words: Words
    latents: int
    colours: dict[str, int] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def view(self, source: random.Random) -> tuple[int, Variant]:
        """Return the latents of one view of this picture, mostly the picture itself."""
        chance = source.random()
        if self.colours and chance < COLOUR_SHARE:
            colour = source.choice(list(self.colours))
            return self.colours[colour], Variant(colour=colour)
        if self.counts and COLOUR_SHARE <= chance < COLOUR_SHARE + COUNT_SHARE:
            count = source.choice(list(self.counts))
            return self.counts[count], Variant(count=count)
        return self.latents, AS_IT_IS


class DenoiserTraining(AveragedTraining):
    """Teaches denoiser and text encoder to find a picture's latents again from noise and words."""

    name = "denoiser"
    batch = 48
    peak_rate = 1.5e-3

    def __init__(
        self,
        *,
        latents: Tensor,
        taught: Sequence[Taught],
        tokenizer: CLIPTokenizer,
        seed: int,
        denoiser: UNet2DConditionModel | None = None,
        device: str = "cpu",
    ) -> None:
        """Take latents of unit variance, shape (n, 6, 16, 16), and which of them are taught with which words."""
        super().__init__(seed=seed, device=device)
        self.latents, self.taught, self.tokenizer = latents, taught, tokenizer
        self.denoiser = (denoiser or new_denoiser()).to(self.device, memory_format=torch.channels_last)
        # Half of the step goes into the backward pass of torch's fused attention on a CPU otherwise.
        self.denoiser.set_attn_processor(AttnProcessor())
        self.text = new_text_encoder(tokenizer).to(self.device)
        self.model = torch.nn.ModuleDict({"denoiser": self.denoiser, "text": self.text})
        self.average = Average(self.model, decay=0.998)
        self.optimizers = muon_and_adamw([self.model], lr=self.peak_rate)
        self.noise = DDPMScheduler(**NOISE)

    def rate_at(self, progress: float, *, step: int) -> float:
        """Return the learning rate: a warm-up, level for a third of the time, then a line to nothing."""
        return self.peak_rate * min(1.0, (step + 1) / 100) * min(1.0, (1 - progress) / 0.65)

    def loss(self) -> Tensor:
        """Return the v-prediction loss of one batch, its timesteps spread evenly over the schedule."""
        shown, tokens = self._batch()
        clean = self.latents[shown].contiguous(memory_format=torch.channels_last)
        noise = torch.randn(clean.shape, generator=self.random)
        spread = (torch.arange(self.batch) + torch.rand(self.batch, generator=self.random)) / self.batch
        timesteps = (spread * 1000).long().clamp_max(999)
        noisy = self.noise.add_noise(clean, noise, timesteps).to(self.device, memory_format=torch.channels_last)
        target = self.noise.get_velocity(clean, noise, timesteps).to(self.device)
        with fast_arithmetic(self.device):
            heard = self.text(tokens.to(self.device)).last_hidden_state
            guess = self.denoiser(noisy, timesteps.to(self.device), heard).sample
        return F.mse_loss(guess.float(), target)

    def finished(self) -> tuple[UNet2DConditionModel, CLIPTextModel]:
        """Return averaged copies of denoiser and text encoder, ready for use."""
        denoiser = UNet2DConditionModel.from_config(self.denoiser.config)
        text = CLIPTextModel(self.text.config)
        torch.nn.ModuleDict({"denoiser": denoiser, "text": text}).load_state_dict(self.average.values)
        return denoiser.eval(), text.eval()

    def _batch(self) -> tuple[Tensor, Tensor]:
        """Return which latents are shown, and the tokens of a prompt for each."""
        # One draw seeds the choices, so that the state of one generator is all there is to resume.
        source = random.Random(int(torch.randint(2**31, (), generator=self.random)))
        shown, prompts = [], []
        for taught in source.choices(self.taught, k=self.batch):
            latents, variant = taught.view(source)
            shown.append(latents)
            prompts.append(teach(taught.words, variant=variant, source=source))
        padded = self.tokenizer(prompts, padding="max_length", truncation=True, return_tensors="pt")
        ids: Tensor = padded.input_ids
        return torch.tensor(shown), ids
