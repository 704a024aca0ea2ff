"""Measures of drawn pictures against real ones: nearest neighbours, colours, counts, copies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.starter.gathering import Gathered
from generation.starter.variants import COLOURS, colour_of

Pictures = NDArray[np.uint8]
"""RGB, shape (n, 128, 128, 3)."""
Features = NDArray[np.float32]
"""Shape (n, 3072 or so), one row a picture."""
SPREAD = (5, 25, 50, 75, 95)
"""Percentiles that a distribution of distances is told by."""


@dataclass(frozen=True)
class Asked:
    """One prompt of the measurement, and what it should show."""

    prompt: str
    subject: str
    style: str
    """Slug of the style."""
    colour: str = ""
    count: int = 1


@dataclass(frozen=True)
class Score:
    """Shares of samples in which the asked subject, style, and both were found."""

    samples: int
    subject: float
    style: float
    both: float

    def as_json(self) -> dict[str, float | int]:
        """Return the numbers as they are reported."""
        return {
            "samples": self.samples,
            "subject": round(self.subject, 3),
            "style": round(self.style, 3),
            "both": round(self.both, 3),
        }


def features(pictures: Pictures) -> Features:
    """Return the colours of pictures at 32 x 32: coarse enough to forgive soft edges."""
    small = pictures.reshape(len(pictures), 32, 4, 32, 4, 3).mean((2, 4), dtype=np.float32)
    scaled: Features = (small.reshape(len(pictures), -1) / 255).astype(np.float32)
    return scaled


def nearest(samples: Features, references: Features) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the index of each sample's nearest reference, and the root mean square distance to it."""
    squares = ((samples**2).sum(1)[:, None] - 2 * samples @ references.T + (references**2).sum(1)[None]).clip(0)
    index = squares.argmin(1)
    return index, np.sqrt(squares[np.arange(len(samples)), index] / samples.shape[1]).astype(np.float32)


def share_found(asked: Sequence[Asked], found: Sequence[tuple[str, str]]) -> Score:
    """Return how often what was found, as (subject, style), is what was asked for."""
    subject = np.array([one[0] == want.subject for one, want in zip(found, asked, strict=True)])
    style = np.array([one[1] == want.style for one, want in zip(found, asked, strict=True)])
    return Score(len(asked), float(subject.mean()), float(style.mean()), float((subject & style).mean()))


def neighbours(samples: Features, *, real: Sequence[Gathered], references: Features) -> list[tuple[str, str]]:
    """Return subject and style of the real picture that is nearest to each sample."""
    index, _ = nearest(samples, references)
    return [(real[i].subject.slug, real[i].entry.slug) for i in index]


def score(asked: Sequence[Asked], samples: Features, *, real: Sequence[Gathered], references: Features) -> Score:
    """Return how often the nearest real picture is what was asked for."""
    return share_found(asked, neighbours(samples, real=real, references=references))


def best_scale(swept: dict[str, dict[str, float | int]]) -> float:
    """Return the guidance scale that is right most often in both, the lower of equals."""
    return float(max(swept, key=lambda scale: (swept[scale]["both"], swept[scale]["subject"], -float(scale))))


def memorisation(samples: Features, references: Features) -> dict[str, Any]:
    """Return how near each sample is to its nearest training picture, beside how near those are to each other."""
    _, distances = nearest(samples, references)
    between = gaps(references)
    return {
        "distance": "root mean square over 32 x 32 RGB in [0, 1]",
        "percentiles": list(SPREAD),
        "sample_to_nearest_trained": percentiles(distances),
        "trained_to_nearest_other_trained": percentiles(between),
        "samples_nearer_than_half_the_median_gap": round(float((distances < np.median(between) / 2).mean()), 3),
    }


def gaps(references: Features) -> NDArray[np.float32]:
    """Return the distance of each real picture to the real one nearest to it."""
    powers = (references**2).sum(1)
    squares = powers[:, None] - 2 * references @ references.T + powers[None]
    np.fill_diagonal(squares, np.inf)
    distances: NDArray[np.float32] = np.sqrt(squares.min(1).clip(0) / references.shape[1]).astype(np.float32)
    return distances


def copies_of(
    asked: Sequence[Asked], samples: Features, *, real: Sequence[Gathered], references: Features
) -> list[list[Any]]:
    """Return for every sample its prompt, the nearest training picture, and the distance to that."""
    index, distances = nearest(samples, references)
    return [
        [want.prompt, f"{real[i].entry.slug}/{real[i].subject.slug}", round(float(distance), 4)]
        for want, i, distance in zip(asked, index, distances, strict=True)
    ]


def percentiles(values: NDArray[np.float32]) -> list[float]:
    """Return the percentiles of SPREAD."""
    return [round(float(value), 4) for value in np.percentile(values, SPREAD)]


def colours_right(asked: Sequence[Asked], pictures: Pictures) -> dict[str, Any]:
    """Return how often the main hue of a picture is called by the colour word that was asked for."""
    found = [colour_of(picture) for picture in pictures]
    right = [one == want.colour for one, want in zip(found, asked, strict=True)]
    by_colour = {
        colour: round(float(np.mean([r for r, want in zip(right, asked, strict=True) if want.colour == colour])), 3)
        for colour in COLOURS
        if any(want.colour == colour for want in asked)
    }
    return {"samples": len(asked), "right": round(float(np.mean(right)), 3), "by_colour": by_colour}


def counts_right(
    asked: Sequence[Asked], samples: Features, *, references: Features, counts: Sequence[int], subjects: Sequence[str]
) -> dict[str, Any]:
    """Return how often the nearest of single, double and triple real pictures has the asked count."""
    index, _ = nearest(samples, references)
    right = np.array([counts[i] == want.count for i, want in zip(index, asked, strict=True)])
    kind = np.array([subjects[i] == want.subject for i, want in zip(index, asked, strict=True)])
    return {
        "samples": len(asked),
        "count": round(float(right.mean()), 3),
        "subject": round(float(kind.mean()), 3),
        "both": round(float((right & kind).mean()), 3),
    }


def drawn_instead(asked: Sequence[Asked], found: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return for each subject that was never taught what its samples look most like, and how many of them."""
    said = {}
    for subject in dict.fromkeys(want.subject for want in asked):
        seen = Counter(one[0] for one, want in zip(found, asked, strict=True) if want.subject == subject)
        (likest, times), of = seen.most_common(1)[0], seen.total()
        said[subject] = f"{likest} ({times} of {of})"
    return said
