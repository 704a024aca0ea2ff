"""The measurement measures what it says, and the shipped model draws what it is asked for."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: the starter model is not tested")


from PIL import Image

from generation.starter.collection import manifest_digest, works
from generation.starter.measuring import best_scale, features, memorisation, nearest
from generation.starter.model_folder import MODEL
from generation.starter.sampling import sample

# diffusers 0.42 hands tensors to numpy in a way that numpy 2 warns of.
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]

ASKED = {
    "an apple, Noto style": "red-apple",
    "a rocket, Fluent style": "rocket",
    "向日葵，Twemoji 风格": "sunflower",
}


def flat(*values: int) -> np.ndarray[Any, Any]:
    return np.stack([np.full((128, 128, 3), value, np.uint8) for value in values])


def test_the_nearest_picture_is_the_nearest_and_its_distance_is_root_mean_square() -> None:
    index, distance = nearest(features(flat(100, 200)), features(flat(0, 110, 255)))
    assert index.tolist() == [1, 2]
    assert distance == pytest.approx([10 / 255, 55 / 255], abs=1e-4)


def test_a_copied_picture_is_reported_as_one() -> None:
    references = features(flat(0, 100, 255))
    report = memorisation(references, references)
    assert report["samples_nearer_than_half_the_median_gap"] == 1.0
    assert max(report["sample_to_nearest_trained"]) < 0.001


def test_the_guidance_scale_that_is_right_most_often_becomes_the_default() -> None:
    swept: dict[str, dict[str, float | int]] = {
        "2.0": {"both": 0.5, "subject": 0.9},
        "3.0": {"both": 0.7, "subject": 0.8},
        "4.0": {"both": 0.7, "subject": 0.8},
    }
    assert best_scale(swept) == 3.0


@cache
def drawn_as_shipped() -> Mapping[str, Any]:
    """Return what the shipped model draws for each prompt of ASKED, loaded as any diffusers folder is."""
    import torch
    from diffusers import DiffusionPipeline

    scale = json.loads((MODEL / "colophon.json").read_text(encoding="utf-8"))["defaults"]["guidance_scale"]
    pipeline = DiffusionPipeline.from_pretrained(MODEL, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    threads = torch.get_num_threads()
    # One thread waits for no other: on a busy machine two take far longer than one.
    torch.set_num_threads(1)
    pictures = sample(pipeline, list(ASKED), guidance_scale=scale, first_seed=11)
    torch.set_num_threads(threads)
    return dict(zip(ASKED, pictures, strict=True))


@cache
def references() -> tuple[tuple[str, ...], np.ndarray[Any, Any]]:
    """Return subjects and features of the pictures that the model can draw."""
    listed = json.loads((MODEL / "vocabulary.json").read_text(encoding="utf-8"))["subjects"]
    drawn = {row["subject"] for row in listed}
    kept = [work for work in works() if work.subject in drawn and work.style != "openmoji"]
    pictures = [Image.open(io.BytesIO(work.thumbnail)).convert("RGB").resize((128, 128)) for work in kept]
    return tuple(work.subject for work in kept), features(np.stack([np.asarray(one) for one in pictures]))


@pytest.mark.parametrize(("prompt", "subject"), ASKED.items())
def test_the_shipped_model_draws_the_subject_that_it_is_asked_for(prompt: str, subject: str) -> None:
    subjects, known = references()
    index, _ = nearest(features(drawn_as_shipped()[prompt][None]), known)
    assert subjects[index[0]] == subject


def test_the_model_folder_names_its_training_set_and_stays_small() -> None:
    colophon = json.loads((MODEL / "colophon.json").read_text())
    trained = [work for work in works() if work.split == "trained"]
    assert colophon["training"] == {
        "statement": "known",
        "works": len(trained),
        "manifest_sha256": manifest_digest(),
    }
    assert sum(file.stat().st_size for file in MODEL.rglob("*") if file.is_file()) <= 40_000_000
    assert not list(MODEL.rglob("*.bin")) and not list(MODEL.rglob("*.pt"))


def test_the_notice_credits_every_owner_whose_pictures_were_trained_on() -> None:
    notice = (MODEL / "NOTICE").read_text(encoding="utf-8")
    for work in works():
        if work.split == "trained":
            assert work.owner in notice and work.licence in notice
