"""The starter model's autoencoder: pictures of 128 px to latents of 16 x 16 x 6 and back."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from torch import Tensor

from generation.starter.loop import Average, AveragedTraining, fast_arithmetic
from generation.starter.muon import muon_and_adamw

LATENT_CHANNELS = 6
CROP = 64


def new_autoencoder() -> AutoencoderTiny:
    """Return an untrained autoencoder.

    Few blocks at full size: there a block costs sixty times what it costs on the latents.
    """
    return AutoencoderTiny(
        latent_channels=LATENT_CHANNELS,
        encoder_block_out_channels=(32, 32, 32, 32),
        decoder_block_out_channels=(64, 64, 64, 64),
        num_encoder_blocks=(0, 1, 2, 3),
        num_decoder_blocks=(4, 3, 1, 0),
    )


class AutoencoderTraining(AveragedTraining):
    """Teaches an autoencoder to give back crops of the training pictures."""

    name = "autoencoder"
    batch = 8
    peak_rate = 2e-3

    def __init__(self, *, pictures: Tensor, seed: int, device: str = "cpu") -> None:
        """Take the pictures: uint8, shape (n, 3, 128, 128)."""
        super().__init__(seed=seed, device=device)
        self.pictures = pictures
        self.model = new_autoencoder().to(self.device, memory_format=torch.channels_last)
        self.average = Average(self.model, decay=0.995)
        self.optimizers = muon_and_adamw([self.model], lr=self.peak_rate)

    def rate_at(self, progress: float, *, step: int) -> float:
        """Return the learning rate: a warm-up, then a cosine to nothing."""
        return self.peak_rate * min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * progress))

    def loss(self) -> Tensor:
        """Return the loss of one batch of crops."""
        original = self._crops().to(self.device, memory_format=torch.channels_last)
        with fast_arithmetic(self.device):
            latents = self.model.encode(original).latents
            noise = 0.15 * torch.rand(len(latents), 1, 1, 1, generator=self.random)
            noisy = latents + (noise * torch.randn(latents.shape, generator=self.random)).to(self.device)
            guess = self.model.decode(noisy).sample
        return reconstruction_loss(guess.float(), original) + moment_penalty(latents.float())

    def finished(self) -> AutoencoderTiny:
        """Return the averaged model, ready for use."""
        model = new_autoencoder()
        model.load_state_dict(self.average.values)
        return model.eval().requires_grad_(False)

    def _crops(self) -> Tensor:
        """Return crops in [-1, 1], mirrored half of the time, colours exchanged in three of ten."""
        chosen = torch.randint(len(self.pictures), (self.batch,), generator=self.random)
        # Offsets in whole latent cells would never show the encoder a shifted edge.
        tops = torch.randint(0, 129 - CROP, (self.batch, 2), generator=self.random).tolist()
        crops = []
        for index, (top, left) in zip(chosen.tolist(), tops, strict=True):
            crop = self.pictures[index, :, top : top + CROP, left : left + CROP]
            if torch.rand((), generator=self.random) < 0.5:
                crop = crop.flip(-1)
            if torch.rand((), generator=self.random) < 0.3:
                crop = crop[torch.randperm(3, generator=self.random)]
            crops.append(crop)
        return torch.stack(crops).float() / 127.5 - 1


def reconstruction_loss(drawn: Tensor, original: Tensor) -> Tensor:
    """Return how far a picture is from its original: pixels, edges, and the colour of 8 x 8 blocks."""
    difference = drawn - original
    edges = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    edges = edges + (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
    blocks = F.avg_pool2d(difference, 8).square().mean()
    return difference.abs().mean() + 0.5 * edges + 0.7 * difference.square().mean() + 3.0 * blocks


def moment_penalty(latents: Tensor) -> Tensor:
    """Return how far the latents' channels are from mean zero and unit variance."""
    mean, variance = latents.mean((0, 2, 3)), latents.var((0, 2, 3))
    return 0.02 * (mean.square().mean() + (variance - 1).square().mean())


@torch.no_grad()
def peak_signal_to_noise(autoencoder: AutoencoderTiny, pictures: Tensor) -> float:
    """Return the mean PSNR in dB over pictures, uint8 of shape (n, 3, 128, 128)."""
    values = []
    for part in pictures.split(16):
        original = part.float() / 127.5 - 1
        drawn = autoencoder.decode(autoencoder.encode(original).latents).sample.clamp(-1, 1)
        error = ((drawn - original) / 2).square().mean((1, 2, 3)).clamp_min(1e-10)
        values.append(-10 * error.log10())
    return float(torch.cat(values).mean())


@torch.no_grad()
def encode_all(autoencoder: AutoencoderTiny, pictures: Tensor) -> Tensor:
    """Return the latents of pictures, uint8 of shape (n, 3, 128, 128)."""
    return torch.cat([autoencoder.encode(part.float() / 127.5 - 1).latents for part in pictures.split(16)])
