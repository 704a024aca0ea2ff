"""Measures the text-image model: how often it finds the right picture for words, and the right words for a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from generation.starter.asking import asked_of
from generation.starter.gathering import Gathered
from generation.starter.measuring import Asked, Pictures
from generation.starter.text_image import TextImage


def retrieval(judge: TextImage, gathered: Sequence[Gathered], pictures: Pictures) -> dict[str, Any]:
    """Return its shares of right answers among all real pictures, by split; ``chance`` is that of top-1."""
    asked = asked_of(gathered)
    likeness = judge.of_words([one.prompt for one in asked]) @ judge.of_pictures(as_images(pictures)).T
    report: dict[str, Any] = {"pictures": len(gathered), "chance": round(1 / max(len(gathered), 1), 4)}
    for name, rows in splits(gathered).items():
        report[name] = {
            "samples": len(rows),
            "picture_by_words": hits(likeness[rows], np.array(rows)),
            "words_by_picture": hits(likeness.T[rows], np.array(rows)),
        }
    left_out = splits(gathered).get("left_out_subjects", [])
    if left_out:
        report["left_out_subjects"]["among_themselves"] = among_themselves(likeness, gathered, left_out)
    report["same_subject_by_descriptor"] = same_subject(judge, gathered, pictures)
    return report


def splits(gathered: Sequence[Gathered]) -> dict[str, list[int]]:
    """Return the rows that were trained on, held out, and of subjects left out altogether; no empty ones."""
    rows: dict[str, list[int]] = {}
    for number, one in enumerate(gathered):
        name = {"trained": "trained_pairs", "held-out": "held_out_pairs"}.get(one.split, "left_out_subjects")
        rows.setdefault(name, []).append(number)
    return rows


def hits(likeness: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> dict[str, float]:
    """Return how often the right column is the likest, and one of the five likest."""
    order = np.argsort(-likeness, axis=1, kind="stable")[:, :5]
    found = order == right[:, None]
    return {"top_1": round(float(found[:, 0].mean()), 3), "top_5": round(float(found.any(1).mean()), 3)}


def among_themselves(likeness: np.ndarray[Any, Any], gathered: Sequence[Gathered], rows: list[int]) -> dict[str, Any]:
    """Return how often words that were never taught find a picture of their subject among untaught subjects alone."""
    subjects = [gathered[row].subject.slug for row in rows]
    found = likeness[np.ix_(rows, rows)].argmax(1)
    right = np.mean([subjects[n] == subjects[row] for row, n in enumerate(found)])
    return {"subject_top_1": round(float(right), 3), "chance": round(1 / len(set(subjects)), 3)}


def same_subject(judge: TextImage, gathered: Sequence[Gathered], pictures: Pictures) -> dict[str, float]:
    """Return how often the likest picture of any other style shows the same subject, words left aside."""
    placed = judge.of_pictures(as_images(pictures))
    likeness = placed @ placed.T
    styles = np.array([one.entry.slug for one in gathered])
    likeness[styles[:, None] == styles[None]] = -2
    found = likeness.argmax(1)
    right = np.array([gathered[n].subject.slug == one.subject.slug for n, one in zip(found, gathered, strict=True)])
    return {name: round(float(right[rows].mean()), 3) for name, rows in splits(gathered).items()}


def agreement(
    judge: TextImage, asked: Sequence[Asked], drawn: Pictures, *, prompts: Sequence[str], beside: Pictures
) -> dict[str, Any]:
    """Return how often a sample's own prompt is the likest of all prompts, and its likeness beside a real picture's."""
    words = judge.of_words(prompts)
    places = {prompt: number for number, prompt in enumerate(prompts)}
    right = np.array([places[want.prompt] for want in asked])
    seen = judge.of_pictures(as_images(drawn)) @ words.T
    real = judge.of_pictures(as_images(beside)) @ words.T
    rows = np.arange(len(asked))
    return {
        "prompts": len(prompts),
        **hits(seen, right),
        "likeness": round(float(seen[rows, right].mean()), 3),
        "likeness_of_real_pictures": round(float(real[rows, right].mean()), 3),
        "top_1_of_real_pictures": hits(real, right)["top_1"],
    }


def as_images(pictures: Pictures) -> list[Image.Image]:
    """Return pictures as Pillow has them."""
    return [Image.fromarray(picture) for picture in pictures]
