"""Trains every part of the starter model, each stage going on from its last checkpoint.

``generation.starter.make`` is the command: it fetches, draws, trains with what is here, and measures.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from transformers import CLIPTokenizer

from generation.starter.autoencoder import AutoencoderTraining, encode_all
from generation.starter.collection import write_collection
from generation.starter.denoiser import CHANNELS, DenoiserTraining, Taught, new_denoiser
from generation.starter.gathering import Gathered, Subject, gather, subjects
from generation.starter.loop import Training, train
from generation.starter.matching import TextImageTraining
from generation.starter.model_folder import new_pipeline, write_model
from generation.starter.pictures import draw, thumbnail
from generation.starter.prompts import Words, every_sentence, is_counted
from generation.starter.sources import SETS
from generation.starter.text import learn_vocabulary, read_vocabulary
from generation.starter.text_image import write_text_image
from generation.starter.variants import COLOURS, COUNTS, recoloured, repeated

GUIDANCE_SCALE = 3.0
"""The default until the evaluation has found a better one."""


@dataclass(frozen=True)
class Profile:
    """How long each part is trained, in minutes of its own time, on what, and from which seed."""

    name: str
    autoencoder_minutes: float
    text_image_minutes: float
    denoiser_minutes: float
    threads: int
    device: str = "cpu"
    batch: int | None = None
    """Pictures in a step of the denoiser, where not its own."""
    channels: tuple[int, int, int] = CHANNELS
    """Widths of the denoiser."""
    autoencoder_batch: int | None = None
    seed: int = 1


PROFILES = {
    "cpu": Profile("cpu", autoencoder_minutes=15, text_image_minutes=8, denoiser_minutes=55, threads=2),
    # Never run so far: it stands here so that a GPU can be tried, and has no numbers.
    "gpu": Profile(
        "gpu",
        autoencoder_minutes=5,
        text_image_minutes=2,
        denoiser_minutes=15,
        threads=4,
        device="cuda",
        batch=256,
        channels=(128, 256, 288),
        autoencoder_batch=64,
    ),
    # Seconds, for a test of the whole way: it teaches nothing.
    "quick": Profile(
        "quick",
        autoencoder_minutes=0.01,
        text_image_minutes=0.01,
        denoiser_minutes=0.01,
        threads=1,
        batch=4,
        channels=(32, 32, 32),
        autoencoder_batch=2,
    ),
}


@dataclass(frozen=True)
class Drawn:
    """The collection as it is trained on."""

    gathered: list[Gathered]
    pictures: Tensor
    """uint8, shape (n, 3, 128, 128)."""

    def of_split(self, split: str) -> tuple[list[Gathered], Tensor]:
        """Return the pictures of one split, in the collection's order."""
        rows = [number for number, one in enumerate(self.gathered) if one.split == split]
        return [self.gathered[number] for number in rows], self.pictures[rows]


def draw_collection(cache: Path) -> Drawn:
    """Return every picture of the packages in the cache, drawn."""
    gathered = list(gather(cache))
    pictures = np.stack([np.asarray(draw(one.svg)).transpose(2, 0, 1) for one in gathered])
    return Drawn(gathered, torch.from_numpy(pictures))


def ship_collection(drawn: Drawn, *, path: Path) -> None:
    """Write manifest and thumbnails of all pictures, trained on or not."""
    sets: list[dict[str, Any]] = [
        {"kind": "set", **{key: value for key, value in asdict(entry).items() if key != "icons"}}
        | {"package": entry.icons.package, "version": entry.icons.version, "digest": entry.icons.digest}
        for entry in SETS
    ]
    rows, thumbnails = [], {}
    for one, picture in zip(drawn.gathered, drawn.pictures, strict=True):
        identity = f"{one.entry.slug}/{one.subject.slug}"
        rows.append(
            {
                "kind": "work",
                "id": identity,
                "subject": one.subject.slug,
                "en": one.name_en,
                "zh": one.name_zh,
                "set": one.entry.slug,
                "owner": one.entry.owner,
                "licence": one.entry.licence,
                "digest": one.digest,
                "split": one.split,
            }
        )
        thumbnails[identity] = thumbnail(Image.fromarray(picture.permute(1, 2, 0).numpy()))
    write_collection(sets=sets, works=rows, thumbnails=thumbnails, path=path)


def data_fingerprint(gathered: Sequence[Gathered]) -> str:
    """Return a digest of pictures and words: a checkpoint of other ones is not gone on from."""
    trained = [[one.digest, *one.subject.en, *one.subject.zh] for one in gathered if one.split == "trained"]
    return hashlib.sha256(json.dumps(trained).encode()).hexdigest()


def words_of(gathered: Sequence[Gathered]) -> list[Words]:
    """Return what each picture is asked for by."""
    return [Words(one.subject.en, one.subject.zh, one.entry.style) for one in gathered]


def with_copies(gathered: Sequence[Gathered], pictures: Tensor) -> tuple[list[Taught], Tensor]:
    """Return what is taught of each picture, and the pictures together with their copies."""
    taught: list[Taught] = []
    copies: list[NDArray[np.uint8]] = []
    for number, (words, picture) in enumerate(zip(words_of(gathered), pictures, strict=True)):
        original = picture.permute(1, 2, 0).numpy()
        one = Taught(words, number)
        for colour in COLOURS:
            copy = recoloured(original, colour=colour)
            if copy is not None:
                one.colours[colour] = len(pictures) + len(copies)
                copies.append(copy)
        if is_counted(words.en[0]):
            for count in COUNTS:
                one.counts[count] = len(pictures) + len(copies)
                copies.append(repeated(original, count=count))
        taught.append(one)
    return taught, torch.cat([pictures, torch.from_numpy(np.stack(copies)).permute(0, 3, 1, 2)])


def vocabulary_of(taught: Sequence[Subject], *, folder: Path) -> CLIPTokenizer:
    """Return the tokenizer learned from every prompt there is, for held-out pairs as well."""
    words = [
        Words(subject.en, subject.zh, entry.style)
        for subject in taught
        if subject.is_trained
        for entry in SETS
        if entry.trained
    ]
    # Learning it again may break ties otherwise, and a text encoder half taught would be lost.
    if (folder / "vocab.json").is_file():
        return read_vocabulary(folder)
    return learn_vocabulary(every_sentence(words), folder=folder)


@dataclass(frozen=True)
class Lesson:
    """All that the stages share: what is taught, from which folder, and on what."""

    drawn: Drawn
    taught: list[Taught]
    shown: Tensor
    """The trained pictures with their copies, uint8, shape (n, 3, 128, 128)."""
    tokenizer: CLIPTokenizer
    profile: Profile
    work: Path

    @property
    def fingerprint(self) -> str:
        """Return the digest that checkpoints of this lesson carry."""
        return data_fingerprint(self.drawn.gathered)

    def teach(self, part: Training, *, minutes: float) -> None:
        """Train one part, going on from its checkpoint."""
        train(part, folder=self.work, seconds=60 * minutes, fingerprint=self.fingerprint)


def new_lesson(drawn: Drawn, *, profile: Profile, work: Path) -> Lesson:
    """Return what is taught: trained pictures, their copies, and the vocabulary."""
    taught, shown = with_copies(*drawn.of_split("trained"))
    tokenizer = vocabulary_of(subjects(), folder=work / "tokenizer")
    return Lesson(drawn, taught, shown, tokenizer, profile, work)


def train_autoencoder(lesson: Lesson) -> AutoencoderTiny:
    """Return the trained autoencoder, its scale such that latents have unit variance."""
    profile = lesson.profile
    _, pictures = lesson.drawn.of_split("trained")
    part = AutoencoderTraining(pictures=pictures, seed=profile.seed, device=profile.device)
    part.batch = profile.autoencoder_batch or part.batch
    lesson.teach(part, minutes=profile.autoencoder_minutes)
    autoencoder = part.finished()
    scale = float(1 / encode_all(autoencoder, pictures).std((0, 2, 3)).mean())
    autoencoder.register_to_config(scaling_factor=scale)
    return autoencoder


def train_text_image(lesson: Lesson, *, out: Path) -> None:
    """Train the text-image model and write its folder."""
    profile = lesson.profile
    part = TextImageTraining(
        pictures=lesson.shown,
        taught=lesson.taught,
        tokenizer=lesson.tokenizer,
        seed=profile.seed + 2,
        device=profile.device,
    )
    lesson.teach(part, minutes=profile.text_image_minutes)
    write_text_image(part.finished(), tokenizer=lesson.tokenizer, folder=out)


def train_denoiser(lesson: Lesson, *, autoencoder: AutoencoderTiny, out: Path) -> None:
    """Train denoiser and text encoder, and write the model folder."""
    profile = lesson.profile
    part = DenoiserTraining(
        latents=encode_all(autoencoder, lesson.shown) * autoencoder.config.scaling_factor,
        taught=lesson.taught,
        tokenizer=lesson.tokenizer,
        seed=profile.seed + 1,
        denoiser=new_denoiser(channels=profile.channels),
        device=profile.device,
    )
    part.batch = profile.batch or part.batch
    lesson.teach(part, minutes=profile.denoiser_minutes)
    denoiser, text = part.finished()
    pipeline = new_pipeline(autoencoder=autoencoder, denoiser=denoiser, text=text, tokenizer=lesson.tokenizer)
    write_model(pipeline, folder=out)
