"""Measures the starter model against the pictures it learned from: ``python -m generation.starter.evaluate``."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from generation.starter.gathering import Gathered, gather
from generation.starter.model_folder import MODEL, STEPS, load_model
from generation.starter.pictures import draw
from generation.starter.prompts import ask

BATCH = 16
Pictures = NDArray[np.uint8]
"""RGB, shape (n, 128, 128, 3)."""
Features = NDArray[np.float32]
"""Shape (n, 3072 or so), one row a picture."""


@dataclass(frozen=True)
class Asked:
    """One prompt of the measurement, and what it should show."""

    prompt: str
    subject: str
    style: str
    """Slug of the style."""


@dataclass(frozen=True)
class Score:
    """Shares of samples whose nearest real picture has the asked subject, style, and both."""

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


def score(asked: Sequence[Asked], samples: Features, *, real: Sequence[Gathered], references: Features) -> Score:
    """Return how often the nearest real picture is what was asked for."""
    index, _ = nearest(samples, references)
    found = [real[i] for i in index]
    subject = np.array([one.subject.slug == want.subject for one, want in zip(found, asked, strict=True)])
    style = np.array([one.entry.slug == want.style for one, want in zip(found, asked, strict=True)])
    return Score(len(asked), float(subject.mean()), float(style.mean()), float((subject & style).mean()))


def sample(
    pipeline: Any, prompts: Sequence[str], *, guidance_scale: float, first_seed: int = 0, steps: int = STEPS
) -> Pictures:
    """Draw one picture a prompt, each with its own seed, counted up from ``first_seed``."""
    drawn: list[Pictures] = []
    for start in range(0, len(prompts), BATCH):
        part = list(prompts[start : start + BATCH])
        seeds = [torch.Generator().manual_seed(first_seed + start + n) for n in range(len(part))]
        answer = pipeline(
            part,
            num_inference_steps=steps,
            guidance_scale=guidance_scale,
            width=128,
            height=128,
            generator=seeds,
            output_type="np",
        )
        drawn.append((answer.images * 255).round().astype(np.uint8))
    return np.concatenate(drawn)


def asked_of(pictures: Sequence[Gathered]) -> list[Asked]:
    """Return the plain prompt for each of some pictures."""
    return [Asked(ask(one.subject.en[0], style=one.entry.style), one.subject.slug, one.entry.slug) for one in pictures]


def memorisation(samples: Features, references: Features) -> dict[str, Any]:
    """Return how near each sample is to its nearest training picture, beside how near those are to each other."""
    _, distances = nearest(samples, references)
    between = np.array(
        [nearest(references[[i]], np.delete(references, i, axis=0))[1][0] for i in range(len(references))]
    )
    spread = (5, 25, 50, 75, 95)
    return {
        "distance": "root mean square over 32 x 32 RGB in [0, 1]",
        "percentiles": list(spread),
        "sample_to_nearest_trained": [round(float(v), 4) for v in np.percentile(distances, spread)],
        "trained_to_nearest_other_trained": [round(float(v), 4) for v in np.percentile(between, spread)],
        "samples_nearer_than_half_the_median_gap": round(float((distances < np.median(between) / 2).mean()), 3),
    }


def diversity(pipeline: Any, asked: Sequence[Asked], *, guidance_scale: float, seeds: int = 4) -> float:
    """Return the median distance between two pictures of one prompt that differ in their seeds."""
    distances = []
    for want in asked:
        drawn = features(sample(pipeline, [want.prompt] * seeds, guidance_scale=guidance_scale, first_seed=900))
        distances += [float(np.sqrt(((drawn[a] - drawn[b]) ** 2).mean())) for a in range(seeds) for b in range(a)]
    return round(float(np.median(distances)), 4)


def sweep(
    pipeline: Any,
    asked: Sequence[Asked],
    *,
    real: Sequence[Gathered],
    references: Features,
    scales: Sequence[float],
) -> dict[str, dict[str, float | int]]:
    """Return the score at each guidance scale, on the same prompts and seeds."""
    return {
        str(scale): score(
            asked,
            features(sample(pipeline, [one.prompt for one in asked], guidance_scale=scale, first_seed=500)),
            real=real,
            references=references,
        ).as_json()
        for scale in scales
    }


def best_scale(swept: dict[str, dict[str, float | int]]) -> float:
    """Return the guidance scale that is right most often in both, the lower of equals."""
    return float(max(swept, key=lambda scale: (swept[scale]["both"], swept[scale]["subject"], -float(scale))))


def timing(pipeline: Any, *, guidance_scale: float, batches: Sequence[int] = (1, 4)) -> dict[str, float]:
    """Return seconds an image by batch size, the best of three, at the default steps."""
    measured = {}
    for batch in batches:
        best = float("inf")
        for _ in range(3):
            started = time.perf_counter()
            sample(pipeline, ["a red apple, Noto style"] * batch, guidance_scale=guidance_scale)
            best = min(best, time.perf_counter() - started)
        measured[str(batch)] = round(best / batch, 3)
    return measured


def contact_sheet(prompts: Sequence[str], pictures: Pictures, *, columns: int = 8, side: int = 128) -> Image.Image:
    """Return pictures in rows, each over the prompt that it answers."""
    rows = -(-len(prompts) // columns)
    page = Image.new("RGB", (columns * (side + 8), rows * (side + 24)), "white")
    pen = ImageDraw.Draw(page)
    for number, (prompt, picture) in enumerate(zip(prompts, pictures, strict=True)):
        left, top = (number % columns) * (side + 8) + 4, (number // columns) * (side + 24) + 4
        page.paste(Image.fromarray(picture).resize((side, side)), (left, top))
        pen.text((left, top + side + 2), prompt[:24], fill="black")
    return page


def real_pictures(cache: Path) -> tuple[list[Gathered], Pictures]:
    """Return every picture of the sets that may be trained on, drawn as the model sees them."""
    gathered = [one for one in gather(cache) if one.entry.trained]
    return gathered, np.stack([np.asarray(draw(one.svg)) for one in gathered])


def evaluate(pipeline: Any, *, cache: Path, samples: int, scales: Sequence[float]) -> dict[str, Any]:
    """Return every number of the report; references are all real pictures of the taught subjects."""
    gathered, pictures = real_pictures(cache)
    taught = [n for n, one in enumerate(gathered) if one.subject.is_trained]
    real, references = [gathered[n] for n in taught], features(pictures[taught])
    trained_rows = [n for n, one in enumerate(real) if one.split == "trained"]
    order = np.random.default_rng(7).permutation(trained_rows)
    # More samples than pairs: the pairs again, with other seeds.
    trained = asked_of([real[n] for n in np.resize(order, samples)])
    left_out = asked_of([one for one in real if one.split == "held-out"])
    swept = sweep(pipeline, trained[:48], real=real, references=references, scales=scales)
    scale = best_scale(swept)
    drawn = features(sample(pipeline, [one.prompt for one in trained], guidance_scale=scale))
    held = features(sample(pipeline, [one.prompt for one in left_out], guidance_scale=scale, first_seed=300))
    return {
        "guidance_scale": scale,
        "guidance_sweep": swept,
        "trained_pairs": score(trained, drawn, real=real, references=references).as_json(),
        "held_out_pairs": score(left_out, held, real=real, references=references).as_json(),
        "memorisation": memorisation(drawn, references[trained_rows]),
        "diversity_over_seeds": diversity(pipeline, trained[:6], guidance_scale=scale),
        "seconds_an_image_by_batch": timing(pipeline, guidance_scale=scale),
    }


def main() -> None:
    """Measure a model folder and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--cache", type=Path, required=True, help="folder that holds the fetched packages")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--scales", type=float, nargs="+", default=[1.5, 2.0, 2.5, 3.0, 4.0])
    parser.add_argument("--report", type=Path, help="where to write the numbers as JSON")
    given = parser.parse_args()
    started = time.perf_counter()
    pipeline = load_model(given.model)
    loaded = round(time.perf_counter() - started, 2)
    report = evaluate(pipeline, cache=given.cache, samples=given.samples, scales=given.scales)
    text = json.dumps({**report, "seconds_to_load": loaded}, indent=1)
    print(text)
    if given.report:
        given.report.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
