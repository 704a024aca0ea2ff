"""Writes the trained parts as a plain diffusers folder, with all that must travel with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from generation.starter.denoiser import NOISE
from generation.starter.gathering import Gathered, Subject
from generation.starter.sources import SETS
from generation.starter.variants import COLOURS, COUNTS

MODEL = Path(__file__).with_name("model")
STEPS = 20


def new_pipeline(
    *,
    autoencoder: AutoencoderTiny,
    denoiser: UNet2DConditionModel,
    text: CLIPTextModel,
    tokenizer: CLIPTokenizer,
) -> StableDiffusionPipeline:
    """Return the parts as the standard pipeline, with DPM-Solver++ (2M) for its scheduler."""
    scheduler = DPMSolverMultistepScheduler(**NOISE, solver_order=2, algorithm_type="dpmsolver++")
    pipeline = StableDiffusionPipeline(
        vae=autoencoder,
        text_encoder=text,
        tokenizer=tokenizer,
        unet=denoiser,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def write_model(pipeline: StableDiffusionPipeline, *, folder: Path) -> None:
    """Write the parts in half precision as safetensors; the pipeline itself stays as it was."""
    for name in ("vae", "unet", "text_encoder"):
        module = getattr(pipeline, name)
        kept = {key: value.clone() for key, value in module.state_dict().items()}
        module.half().save_pretrained(folder / name, safe_serialization=True)
        module.float().load_state_dict(kept)
    pipeline.tokenizer.save_pretrained(folder / "tokenizer")
    pipeline.scheduler.save_pretrained(folder / "scheduler")
    pipeline.save_config(folder)


def write_vocabulary(
    subjects: list[Subject],
    *,
    pictures: list[Gathered],
    folder: Path,
    hints: Mapping[str, Mapping[str, Sequence[str]]],
    kin: Mapping[str, Mapping[str, Sequence[str]]],
) -> None:
    """Write the list of what the model can draw, in which styles, colours and numbers, and what is near to that."""
    styles_of: dict[str, list[str]] = {}
    for picture in pictures:
        if picture.split == "trained":
            styles_of.setdefault(picture.subject.slug, []).append(picture.entry.style)
    names = {picture.subject.slug: picture for picture in pictures}
    _write(
        folder / "vocabulary.json",
        {
            "styles": [entry.style for entry in SETS if entry.trained],
            "colours": [[en, zh] for _, en, zh in COLOURS.values()],
            "counts": [list(words) for words in COUNTS.values()],
            "kin": kin,
            "subjects": [
                {
                    "subject": subject.slug,
                    "en": subject.en[0],
                    "zh": subject.zh[0],
                    "synonyms": [*subject.en[1:], *subject.zh[1:]],
                    "names": {"en": names[subject.slug].name_en, "zh": names[subject.slug].name_zh},
                    "styles": styles_of[subject.slug],
                    "hints": hints.get(subject.slug, {}),
                }
                for subject in subjects
                if subject.is_trained
            ],
        },
    )


def write_colophon(*, works: int, manifest_digest: str, guidance_scale: float, folder: Path) -> None:
    """Write what a server needs to register the model: licence, training statement, defaults, sizes."""
    _write(
        folder / "colophon.json",
        {
            "name": "Colophon starter",
            "licence_spdx": "Apache-2.0",
            "training": {"statement": "known", "works": works, "manifest_sha256": manifest_digest},
            "defaults": {
                "width": 128,
                "height": 128,
                "steps": STEPS,
                "guidance_scale": guidance_scale,
                "scheduler": "DPMSolverMultistepScheduler",
            },
            "sizes": {"multiple": 8, "min": 128, "max": 128},
        },
    )


def set_guidance_scale(scale: float, *, folder: Path) -> None:
    """Make a guidance scale the default of a model folder."""
    path = folder / "colophon.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["defaults"]["guidance_scale"] = scale
    _write(path, content)


def load_model(folder: Path = MODEL, *, dtype: torch.dtype = torch.float32) -> StableDiffusionPipeline:
    """Return the model of a folder, ready to draw."""
    pipeline: Any = StableDiffusionPipeline.from_pretrained(folder, dtype=dtype)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
