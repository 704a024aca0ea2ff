"""A second judge of drawn pictures: a small convolutional network that is taught on real ones alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generation.starter.gathering import Gathered
from generation.starter.loop import Training, fast_arithmetic
from generation.starter.matching import altered
from generation.starter.measuring import Pictures
from generation.starter.muon import muon_and_adamw

CHANNELS = (32, 64, 128, 192)


class Classifier(nn.Module):
    """Says subject and style of a picture."""

    def __init__(self, *, subjects: int, styles: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for after in CHANNELS:
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(8, after), nn.ReLU(), nn.MaxPool2d(2)]
            before = after
        self.inner = nn.Sequential(*layers)
        self.subject = nn.Linear(before * 16, subjects)
        self.style = nn.Linear(before * 16, styles)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores of every subject and of every style; pictures in [-1, 1], shape (n, 3, 64, 64)."""
        seen = self.inner(pictures).flatten(1)
        return self.subject(seen), self.style(seen)


class ClassifierTraining(Training):
    """Teaches the classifier on real pictures, moved, scaled, turned and blurred a little."""

    name = "classifier"
    batch = 64
    peak_rate = 1e-3

    def __init__(self, *, real: Sequence[Gathered], pictures: Pictures, seed: int) -> None:
        """Take real pictures and what they show."""
        super().__init__(seed=seed)
        self.pictures = torch.from_numpy(pictures).permute(0, 3, 1, 2)
        self.subjects = sorted({one.subject.slug for one in real})
        self.styles = sorted({one.entry.slug for one in real})
        self.subject = torch.tensor([self.subjects.index(one.subject.slug) for one in real])
        self.style = torch.tensor([self.styles.index(one.entry.slug) for one in real])
        self.model = Classifier(subjects=len(self.subjects), styles=len(self.styles))
        self.model = self.model.to(memory_format=torch.channels_last)
        self.optimizers = muon_and_adamw([self.model], lr=self.peak_rate)

    def rate_at(self, progress: float, *, step: int) -> float:
        """Return the learning rate: a warm-up, then a cosine to nothing."""
        return self.peak_rate * min(1.0, (step + 1) / 30) * 0.5 * (1 + math.cos(math.pi * progress))

    def loss(self) -> Tensor:
        """Return how wrong it is on one batch, in subject and in style."""
        chosen = torch.randint(len(self.pictures), (self.batch,), generator=self.random)
        pictures = F.avg_pool2d(altered(self.pictures[chosen], random=self.random), 2)
        with fast_arithmetic():
            subject, style = self.model(pictures.contiguous(memory_format=torch.channels_last))
        wrong_subject = F.cross_entropy(subject.float(), self.subject[chosen], label_smoothing=0.05)
        return wrong_subject + F.cross_entropy(style.float(), self.style[chosen], label_smoothing=0.05)

    def state(self) -> dict[str, Any]:
        """Return all that a later process needs to go on."""
        return {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from an earlier ``state()``."""
        self.model.load_state_dict(state["model"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)

    @torch.no_grad()
    def says(self, pictures: Pictures) -> list[tuple[str, str]]:
        """Return the subject and style that it sees in each picture."""
        seen: list[tuple[str, str]] = []
        for start in range(0, len(pictures), 64):
            part = torch.from_numpy(np.ascontiguousarray(pictures[start : start + 64])).permute(0, 3, 1, 2)
            subject, style = self.model(F.avg_pool2d(part.float() / 127.5 - 1, 2))
            answers = zip(subject.argmax(1).tolist(), style.argmax(1).tolist(), strict=True)
            seen += [(self.subjects[one], self.styles[other]) for one, other in answers]
        return seen
