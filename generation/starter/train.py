"""Trains the starter model from nothing: ``python -m generation.starter.train --cache DIR --out DIR``.

Fetches the pictures, draws them, teaches autoencoder, denoiser and text encoder, and writes the model
folder. Interrupted at any point, the same command goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import CLIPTokenizer

from generation.starter.autoencoder import AutoencoderTraining, encode_all, peak_signal_to_noise
from generation.starter.collection import COLLECTION, manifest_digest, write_collection
from generation.starter.denoiser import DenoiserTraining
from generation.starter.gathering import Gathered, Subject, gather, subjects
from generation.starter.loop import train
from generation.starter.model_folder import new_pipeline, write_colophon, write_model, write_vocabulary
from generation.starter.notice import write_notice
from generation.starter.pictures import draw, thumbnail
from generation.starter.prompts import Words, every_sentence
from generation.starter.sources import SETS, fetch_packages
from generation.starter.text import learn_vocabulary, read_vocabulary

GUIDANCE_SCALE = 3.0


@dataclass(frozen=True)
class Profile:
    """How long each part is trained, in minutes of its own time, and from which seed."""

    autoencoder_minutes: float
    denoiser_minutes: float
    threads: int
    seed: int = 1


PROFILES = {"cpu": Profile(autoencoder_minutes=15, denoiser_minutes=55, threads=2)}


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
    trained = [
        [one.digest, *one.subject.en, *one.subject.zh] for one in gathered if one.split == "trained"
    ]
    return hashlib.sha256(json.dumps(trained).encode()).hexdigest()


def words_of(gathered: Sequence[Gathered]) -> list[Words]:
    """Return what each picture is asked for by."""
    return [Words(one.subject.en, one.subject.zh, one.entry.style) for one in gathered]


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


def train_model(drawn: Drawn, *, profile: Profile, work: Path, out: Path) -> dict[str, float]:
    """Train every part, write the model folder, and return the autoencoder's PSNR in dB."""
    gathered, pictures = drawn.of_split("trained")
    fingerprint = data_fingerprint(drawn.gathered)
    tokenizer = vocabulary_of(subjects(), folder=work / "tokenizer")
    first = AutoencoderTraining(pictures=pictures, seed=profile.seed)
    train(first, folder=work, seconds=60 * profile.autoencoder_minutes, fingerprint=fingerprint)
    autoencoder = first.finished()
    latents = encode_all(autoencoder, pictures)
    scale = float(1 / latents.std((0, 2, 3)).mean())
    autoencoder.register_to_config(scaling_factor=scale)
    second = DenoiserTraining(
        latents=latents * scale,
        words=words_of(gathered),
        tokenizer=tokenizer,
        seed=profile.seed + 1,
    )

    train(second, folder=work, seconds=60 * profile.denoiser_minutes, fingerprint=fingerprint)
    denoiser, text = second.finished()
    pipeline = new_pipeline(autoencoder=autoencoder, denoiser=denoiser, text=text, tokenizer=tokenizer)
    write_model(pipeline, folder=out)
    write_vocabulary(list(subjects()), pictures=drawn.gathered, folder=out)
    unseen = [n for n, one in enumerate(drawn.gathered) if one.split != "trained" and one.entry.trained]
    return {
        "trained": round(peak_signal_to_noise(autoencoder, pictures), 2),
        "other_pictures": round(peak_signal_to_noise(autoencoder, drawn.pictures[unseen]), 2),
    }


def main() -> None:
    """Read the command line, and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="cpu")
    parser.add_argument("--cache", type=Path, required=True, help="folder for the fetched packages")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints and losses")
    parser.add_argument("--out", type=Path, required=True, help="the model folder to write")
    parser.add_argument("--collection", type=Path, default=COLLECTION, help="the manifest file to write")
    given = parser.parse_args()
    profile = PROFILES[given.profile]
    torch.set_num_threads(profile.threads)
    fetch_packages(given.cache)
    drawn = draw_collection(given.cache)
    ship_collection(drawn, path=given.collection)
    write_notice(folder=given.out, collection=given.collection)
    decibels = train_model(drawn, profile=profile, work=given.work, out=given.out)
    trained, _ = drawn.of_split("trained")
    write_colophon(
        works=len(trained),
        manifest_digest=manifest_digest(given.collection),
        guidance_scale=GUIDANCE_SCALE,
        folder=given.out,
    )
    print(json.dumps({"autoencoder_psnr_db": decibels}, indent=1))


if __name__ == "__main__":
    main()
