"""Teaches the text-image model: which words belong to which pictures of a batch, and which do not."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import CLIPModel, CLIPTokenizer

from generation.starter.denoiser import Taught
from generation.starter.loop import Average, AveragedTraining, fast_arithmetic
from generation.starter.muon import muon_and_adamw
from generation.starter.prompts import AS_IT_IS, Variant, Words, teach
from generation.starter.text_image import SIDE, new_text_image, picture_features, text_features

VIEWS_A_SUBJECT = 4
"""Pictures of one subject in a batch: what tells its styles and colours apart is learned from them alone."""


@dataclass(frozen=True)
class Shown:
    """One picture of a batch with the prompt that was drawn for it."""

    words: Words
    row: int
    variant: Variant
    prompt: str

    @property
    def names_style(self) -> bool:
        """Say whether the prompt tells the style."""
        return self.words.style in self.prompt


class TextImageTraining(AveragedTraining):
    """Teaches both towers to put a prompt beside the pictures that it describes."""

    name = "text-image"
    batch = 64
    peak_rate = 1.5e-3

    def __init__(
        self, *, pictures: Tensor, taught: Sequence[Taught], tokenizer: CLIPTokenizer, seed: int, device: str = "cpu"
    ) -> None:
        """Take pictures and their copies, uint8 of shape (n, 3, 128, 128), and which are taught with which words."""
        super().__init__(seed=seed, device=device)
        self.pictures, self.tokenizer = pictures, tokenizer
        self.by_subject: dict[str, list[Taught]] = {}
        for one in taught:
            self.by_subject.setdefault(one.words.en[0], []).append(one)
        self.model = new_text_image(tokenizer).to(self.device)
        # The backward pass of torch's fused attention takes a third of a step on a CPU otherwise.
        self.model.set_attn_implementation("eager")
        self.average = Average(self.model, decay=0.99)
        self.optimizers = muon_and_adamw([self.model], lr=self.peak_rate)

    def rate_at(self, progress: float, *, step: int) -> float:
        """Return the learning rate: a warm-up, then a cosine to nothing."""
        return self.peak_rate * min(1.0, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * progress))

    def loss(self) -> Tensor:
        """Return how badly words and pictures of one batch find each other."""
        shown = self._batch()
        padded = self.tokenizer(
            [one.prompt for one in shown], padding="max_length", truncation=True, return_tensors="pt"
        )
        pictures = altered(self.pictures[[one.row for one in shown]], random=self.random).to(self.device)
        with fast_arithmetic(self.device):
            words = text_features(self.model, padded.input_ids.to(self.device))
            seen = picture_features(self.model, pictures)
        likeness = words @ seen.T * self.model.logit_scale.exp().clamp(max=100)
        describes, unsaid = relations(shown)
        return matching_loss(likeness, describes.to(self.device), unsaid.to(self.device))

    def finished(self) -> CLIPModel:
        """Return the averaged model, ready for use."""
        model = new_text_image(self.tokenizer)
        model.load_state_dict(self.average.values)
        return model.eval().requires_grad_(False)

    def _batch(self) -> list[Shown]:
        # One draw seeds the choices, so that the state of one generator is all there is to resume.
        source = random.Random(int(torch.randint(2**31, (), generator=self.random)))
        subjects = source.choices(list(self.by_subject), k=self.batch // VIEWS_A_SUBJECT)
        shown = []
        for subject in subjects:
            for _ in range(VIEWS_A_SUBJECT):
                taught = source.choice(self.by_subject[subject])
                row, variant = taught.view(source)
                shown.append(Shown(taught.words, row, variant, said_of(taught.words, variant=variant, source=source)))
        return shown


def said_of(words: Words, *, variant: Variant, source: random.Random) -> str:
    """Return a prompt that says something of a picture, never the empty one."""
    while True:
        prompt = teach(words, variant=variant, source=source)
        if prompt:
            return prompt


def relations(shown: Sequence[Shown]) -> tuple[Tensor, Tensor]:
    """Return which prompt describes which picture, and which pairs teach nothing; both boolean (prompts, pictures).

    "an apple" describes every apple of the batch, whatever its style. Of an apple in another colour it is
    neither true nor false enough to be taught.
    """
    describes = [[_describes(text, picture) for picture in shown] for text in shown]
    unsaid = [
        [
            text.words.en[0] == picture.words.en[0]
            and (not text.names_style or text.words.style == picture.words.style)
            and text.variant == AS_IT_IS
            and text.row != picture.row
            and picture.variant != AS_IT_IS
            for picture in shown
        ]
        for text in shown
    ]
    positive = torch.tensor(describes)
    return positive, torch.tensor(unsaid) & ~positive


def matching_loss(likeness: Tensor, describes: Tensor, unsaid: Tensor) -> Tensor:
    """Return the contrastive loss both ways; a row with several right answers wants all of them."""
    scores = likeness.masked_fill(unsaid, float("-inf"))
    return (_one_way(scores, describes) + _one_way(scores.T, describes.T)) / 2


def _one_way(scores: Tensor, right: Tensor) -> Tensor:
    logarithms = F.log_softmax(scores, dim=1).masked_fill(~right, 0.0)
    return -(logarithms.sum(1) / right.sum(1)).mean()


def _describes(text: Shown, picture: Shown) -> bool:
    if text.words.en[0] != picture.words.en[0]:
        return False
    if text.names_style and text.words.style != picture.words.style:
        return False
    return text.variant == picture.variant or text.row == picture.row


def altered(pictures: Tensor, *, random: torch.Generator) -> Tensor:
    """Return pictures in [-1, 1], each turned, moved, scaled, mirrored, lit and blurred a little."""
    count = len(pictures)

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=random)

    angle, scale = draw(-0.15, 0.15), 1 / draw(0.8, 1.1)
    mirrored = torch.where(draw(0, 1) < 0.5, -1.0, 1.0)
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    places = torch.stack(
        [
            torch.stack([cosine * mirrored, -sine, draw(-0.12, 0.12)], 1),
            torch.stack([sine * mirrored, cosine, draw(-0.12, 0.12)], 1),
        ],
        1,
    )
    grid = F.affine_grid(places, [count, 3, SIDE, SIDE], align_corners=False)
    # White is made nothing first, for outside of a picture grid_sample finds nothing.
    moved = F.grid_sample(pictures.float() / 127.5 - 2, grid, align_corners=False) + 1
    light = draw(0.9, 1.08).view(-1, 1, 1, 1)
    blurred = torch.randperm(count, generator=random)[: count // 3]
    moved[blurred] = F.avg_pool2d(moved[blurred], 5, stride=1, padding=2, count_include_pad=False)
    return ((moved + 1) * light - 1).clamp(-1, 1)
