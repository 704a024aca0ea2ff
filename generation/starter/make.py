"""Makes the starter model from end to end: ``python -m generation.starter.make --profile cpu``.

Fetches and draws the pictures; trains autoencoder, text-image model and denoiser; measures; writes card,
notice and contact sheet. Interrupted at any point, the same command goes on where it was. What is in the
repository stays as it is until ``--install``, and that refuses a model that measured worse.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from generation.starter.card import write_card
from generation.starter.collection import COLLECTION, manifest_digest
from generation.starter.errors import NotBetter
from generation.starter.evaluate import QUICK, Plan, evaluate, write_report
from generation.starter.gathering import hints, kin, subjects
from generation.starter.model_folder import MODEL, set_guidance_scale, write_colophon, write_vocabulary
from generation.starter.notice import write_notice
from generation.starter.sources import fetch_packages
from generation.starter.text_image import TEXT_IMAGE
from generation.starter.train import (
    GUIDANCE_SCALE,
    PROFILES,
    Profile,
    draw_collection,
    new_lesson,
    ship_collection,
    train_autoencoder,
    train_denoiser,
    train_text_image,
)

DOCS = Path(__file__).parents[2] / "docs" / "starter"


@dataclass(frozen=True)
class Made:
    """Where everything that is made goes, beside each other as in the repository."""

    folder: Path

    @property
    def model(self) -> Path:
        """Return the diffusers folder."""
        return self.folder / "model"

    @property
    def text_image(self) -> Path:
        """Return the text-image model's folder."""
        return self.folder / "text_image"

    @property
    def collection(self) -> Path:
        """Return the manifest file with its thumbnails."""
        return self.folder / "collection.zip"

    @property
    def docs(self) -> Path:
        """Return the folder of report, losses and contact sheet."""
        return self.folder / "docs"


def make(profile: Profile, *, cache: Path, work: Path, made: Made, plan: Plan, remarks: Path | None = None) -> None:
    """Make all of it; each stage goes on from what an earlier run left."""
    fetch_packages(cache)
    drawn = draw_collection(cache)
    made.folder.mkdir(parents=True, exist_ok=True)
    ship_collection(drawn, path=made.collection)
    write_notice(folder=made.model, collection=made.collection)
    lesson = new_lesson(drawn, profile=profile, work=work)
    autoencoder = train_autoencoder(lesson)
    train_text_image(lesson, out=made.text_image)
    train_denoiser(lesson, autoencoder=autoencoder, out=made.model)
    write_vocabulary(list(subjects()), pictures=drawn.gathered, folder=made.model, hints=hints(cache), kin=kin(cache))
    trained, _ = drawn.of_split("trained")
    write_colophon(
        works=len(trained),
        manifest_digest=manifest_digest(made.collection),
        guidance_scale=GUIDANCE_SCALE,
        folder=made.model,
    )
    measure(cache=cache, work=work, made=made, plan=plan, profile=profile.name)
    write_card(made.model, docs=made.docs, collection=made.collection, text_image=made.text_image, remarks=remarks)


def measure(*, cache: Path, work: Path, made: Made, plan: Plan, profile: str) -> None:
    """Write report, losses and contact sheet of a made model, and make its best guidance scale the default."""
    report = evaluate(
        made.model,
        cache=cache,
        text_image=made.text_image,
        collection=made.collection,
        work=work,
        plan=plan,
        sheet=made.docs / "contact-sheet.png",
    )
    write_report({"profile": profile, **report}, path=made.docs / "report.json")
    set_guidance_scale(report["guidance_scale"], folder=made.model)
    (made.docs / "losses.json").write_text(json.dumps(curves(work)) + "\n", encoding="utf-8")


def curves(work: Path, *, most: int = 400) -> dict[str, Any]:
    """Return every part's loss curve, thinned to some hundred points."""
    found = {}
    for name in ("autoencoder", "text-image", "denoiser"):
        curve = json.loads((work / f"{name}.losses.json").read_text(encoding="utf-8"))
        rows = curve["rows"]
        found[name] = {**curve, "rows": rows[:: max(1, len(rows) // most)] + rows[-1:]}
    return found


def install(made: Made, *, repository: Made | None = None, docs: Path = DOCS) -> None:
    """Put a made model in the place of the repository's; raise NotBetter where it measured worse."""
    standing = repository or Made(COLLECTION.parent)
    before, after = _right(docs / "report.json"), _right(made.docs / "report.json")
    if after < before:
        raise NotBetter(before=f"{before:.3f}", after=f"{after:.3f}")
    for name, source, target in (
        ("model", made.model, standing.folder / MODEL.name),
        ("text-image", made.text_image, standing.folder / TEXT_IMAGE.name),
    ):
        if not source.is_dir():
            raise FileNotFoundError(f"{name}: {source}")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        for file in target.rglob("*"):
            if file.is_file():
                file.chmod(0o644)  # safetensors leaves its files to their owner alone
    shutil.copy(made.collection, standing.collection)
    docs.mkdir(parents=True, exist_ok=True)
    for file in made.docs.iterdir():
        shutil.copy(file, docs / file.name)


def _right(report: Path) -> float:
    """Return the share of trained pairs with subject and style right by nearest neighbour; 0 without a report."""
    if not report.is_file():
        return 0.0
    measured = json.loads(report.read_text(encoding="utf-8"))["trained_pairs"]
    # The first weights' report had one judge, and no name for it.
    return float(measured.get("nearest", measured)["both"])


def main() -> None:
    """Read the command line, and make the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="cpu")
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes: shows that all of it runs")
    parser.add_argument("--cache", type=Path, default=Path("build/packages"), help="folder for the fetched packages")
    parser.add_argument("--work", type=Path, default=Path("build/starter"), help="folder for checkpoints and losses")
    parser.add_argument("--out", type=Path, default=Path("build/made"), help="folder for what is made")
    parser.add_argument("--threads", type=int, help="processor threads, where the machine has other work")
    parser.add_argument("--samples", type=int, default=Plan.samples, help="pictures of trained pairs to measure by")
    parser.add_argument("--remarks", type=Path, help="what a reader saw on the contact sheet, for the card (Markdown)")
    parser.add_argument("--install", action="store_true", help="put what was made into the repository, if it is better")
    given = parser.parse_args()
    profile = PROFILES["quick" if given.quick else given.profile]
    torch.set_num_threads(given.threads or profile.threads)
    plan = QUICK if given.quick else Plan(samples=given.samples)
    made = Made(given.out)
    make(profile, cache=given.cache, work=given.work, made=made, plan=plan, remarks=given.remarks)
    if given.install:
        install(made)


if __name__ == "__main__":
    main()
