"""Measures the starter model against the pictures it learned from: ``python -m generation.starter.evaluate``."""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from generation.starter.asking import (
    asked_by_synonym,
    asked_in_colour,
    asked_in_number,
    asked_of,
    in_every_number,
    some_of,
)
from generation.starter.autoencoder import peak_signal_to_noise
from generation.starter.classifier import ClassifierTraining
from generation.starter.contact_sheet import draw_sheet
from generation.starter.gathering import Gathered, gather
from generation.starter.loop import train
from generation.starter.measuring import (
    Asked,
    Features,
    Pictures,
    best_scale,
    colours_right,
    copies_of,
    counts_right,
    drawn_instead,
    features,
    gaps,
    memorisation,
    nearest,
    neighbours,
    percentiles,
    score,
    share_found,
)
from generation.starter.model_folder import MODEL, STEPS, load_model, set_guidance_scale
from generation.starter.pictures import draw
from generation.starter.retrieval import agreement, retrieval
from generation.starter.sampling import diversity, quickest_precision, sample, timing
from generation.starter.text_image import TEXT_IMAGE, TextImage, load_text_image


@dataclass(frozen=True)
class Plan:
    """How much is drawn and how long the classifier is taught."""

    samples: int = 200
    scales: Sequence[float] = (1.5, 2.0, 2.5, 3.0, 4.0)
    sweep: int = 48
    classifier_seconds: float = 75
    a_style: int = 8
    a_colour: int = 16
    a_count: int = 16
    prompts_of_diversity: int = 6
    batches: Sequence[int] = (1, 4, 8)
    times: int = 3
    steps: int = STEPS
    sheet: int | None = None
    """Pictures of the contact sheet; None for all."""


QUICK = Plan(8, (3.0,), 4, 0.5, 1, 1, 1, 1, (1,), 1, 2, 3)
"""Seconds instead of minutes: shows that all of it runs, and measures nothing."""


@dataclass(frozen=True)
class Judges:
    """The real pictures of the trained sets, and the three that say what a drawn one shows."""

    gathered: list[Gathered]
    pictures: Pictures
    references: Features
    classifier: ClassifierTraining
    text_image: TextImage

    def of_split(self, *, split: str | None = None) -> tuple[list[Gathered], Pictures]:
        """Return the pictures of one split; of the subjects left out altogether where none is named."""
        wanted = split or "not-in-training"
        rows = [n for n, one in enumerate(self.gathered) if one.split == wanted]
        return [self.gathered[n] for n in rows], self.pictures[rows]

    def judge(self, asked: Sequence[Asked], drawn: Pictures) -> dict[str, Any]:
        """Return the scores of samples by nearest neighbour and by the classifier."""
        by_nearest = score(asked, features(drawn), real=self.gathered, references=self.references)
        by_classifier = share_found(asked, self.classifier.says(drawn))
        return {"nearest": by_nearest.as_json(), "classifier": by_classifier.as_json()}


def real_pictures(cache: Path) -> tuple[list[Gathered], Pictures]:
    """Return every picture of the sets that may be trained on, drawn as the model sees them."""
    gathered = [one for one in gather(cache) if one.entry.trained]
    return gathered, np.stack([np.asarray(draw(one.svg)) for one in gathered])


def appoint(gathered: list[Gathered], pictures: Pictures, *, plan: Plan, text_image: TextImage, work: Path) -> Judges:
    """Return the judges, the classifier taught on trained pictures alone; kept in ``work`` for a second time."""
    rows = [n for n, one in enumerate(gathered) if one.split == "trained"]
    shown = [gathered[n] for n in rows]
    part = ClassifierTraining(real=shown, pictures=pictures[rows], seed=9)
    fingerprint = hashlib.sha256(json.dumps([one.digest for one in shown]).encode()).hexdigest()
    train(part, folder=work, seconds=plan.classifier_seconds, fingerprint=fingerprint)
    part.model.eval()
    return Judges(gathered, pictures, features(pictures), part, text_image)


def judges_judged(judges: Judges) -> dict[str, Any]:
    """Return how right the judges are on real pictures that they were not taught on."""
    report: dict[str, Any] = {}
    held, held_pictures = judges.of_split(split="held-out")
    untaught, untaught_pictures = judges.of_split()
    if held:
        rows = [n for n, one in enumerate(judges.gathered) if one.split == "trained"]
        others = [judges.gathered[n] for n in rows]
        report["real_held_out_pairs"] = {
            "nearest": score(
                asked_of(held), features(held_pictures), real=others, references=judges.references[rows]
            ).as_json(),
            "classifier": share_found(asked_of(held), judges.classifier.says(held_pictures)).as_json(),
        }
    if untaught:
        style = share_found(asked_of(untaught), judges.classifier.says(untaught_pictures)).style
        report["real_left_out_subjects"] = {"samples": len(untaught), "classifier_style": round(style, 3)}
    return report


def sweep(pipeline: Any, asked: Sequence[Asked], *, judges: Judges, plan: Plan) -> dict[str, Any]:
    """Return the score at each guidance scale, on the same prompts and seeds."""
    prompts = [one.prompt for one in asked]
    report = {}
    for scale in plan.scales:
        drawn = features(sample(pipeline, prompts, guidance_scale=scale, first_seed=500, steps=plan.steps))
        report[str(scale)] = score(asked, drawn, real=judges.gathered, references=judges.references).as_json()
    return report


class Evaluation:
    """Draws with one pipeline at its best guidance scale, and has the judges look at it."""

    def __init__(self, pipeline: Any, *, judges: Judges, plan: Plan) -> None:
        self.pipeline, self.judges, self.plan = pipeline, judges, plan
        self.trained, self.trained_pictures = judges.of_split(split="trained")
        rows = [n for n, one in enumerate(judges.gathered) if one.split == "trained"]
        self.trained_references = judges.references[rows]
        order = np.random.default_rng(7).permutation(len(self.trained))
        # More samples than pairs: the pairs again, with other seeds.
        self.chosen = np.resize(order, plan.samples)
        self.asked = asked_of([self.trained[n] for n in self.chosen])
        self.swept = sweep(pipeline, self.asked[: plan.sweep], judges=judges, plan=plan)
        self.scale = best_scale(self.swept)

    def report(self) -> dict[str, Any]:
        """Return every number that drawing gives."""
        drawn = self._draw(self.asked, first_seed=0)
        return {
            "guidance_scale": self.scale,
            "guidance_sweep": self.swept,
            "trained_pairs": self.judges.judge(self.asked, drawn) | {"weakest_subjects": self._weakest(drawn)},
            "prompt_agreement": agreement(
                self.judges.text_image,
                self.asked,
                drawn,
                prompts=[one.prompt for one in asked_of(self.trained)],
                beside=self.trained_pictures[self.chosen],
            ),
            **self._other_words(),
            **self._not_taught(),
            **self._variants(),
            "memorisation": self._memorisation(drawn),
            "diversity_over_seeds": diversity(
                self.pipeline,
                self.asked[: self.plan.prompts_of_diversity],
                guidance_scale=self.scale,
                steps=self.plan.steps,
            ),
        }

    def _draw(self, asked: Sequence[Asked], *, first_seed: int) -> Pictures:
        prompts = [one.prompt for one in asked]
        steps = self.plan.steps
        return sample(self.pipeline, prompts, guidance_scale=self.scale, first_seed=first_seed, steps=steps)

    def _judged(self, asked: Sequence[Asked], *, first_seed: int) -> dict[str, Any]:
        return self.judges.judge(asked, self._draw(asked, first_seed=first_seed)) if asked else {}

    def _weakest(self, drawn: Pictures) -> dict[str, float]:
        """Return the share of right subjects for those that were wrong at least once, the weakest first."""
        found = neighbours(features(drawn), real=self.judges.gathered, references=self.judges.references)
        right: dict[str, list[bool]] = {}
        for one, want in zip(found, self.asked, strict=True):
            right.setdefault(want.subject, []).append(one[0] == want.subject)
        shares = {subject: round(float(np.mean(each)), 2) for subject, each in right.items() if not all(each)}
        return dict(sorted(shares.items(), key=lambda item: item[1]))

    def _other_words(self) -> dict[str, Any]:
        some = some_of(self.trained, a_style=self.plan.a_style, seed=3)
        return {
            "chinese_prompts": self._judged(asked_of(some, language="zh"), first_seed=3000),
            "synonyms": self._judged(
                asked_by_synonym(some_of(self.trained, a_style=2 * self.plan.a_style, seed=4)), first_seed=3500
            ),
        }

    def _not_taught(self) -> dict[str, Any]:
        """Return what is drawn for pairs that were held out, twice each, and for subjects without a word."""
        held, _ = self.judges.of_split(split="held-out")
        report: dict[str, Any] = {"held_out_pairs": self._judged(asked_of(held) * 2, first_seed=300)}
        untaught, _ = self.judges.of_split()
        if untaught:
            asked = asked_of(untaught)
            drawn = self._draw(asked, first_seed=400)
            found = neighbours(features(drawn), real=self.judges.gathered, references=self.judges.references)
            _, distances = nearest(features(drawn), self.trained_references)
            report["left_out_subjects"] = {
                **self.judges.judge(asked, drawn),
                "drawn_instead": drawn_instead(asked, found),
                "distance_to_nearest_trained": percentiles(distances),
            }
        return report

    def _variants(self) -> dict[str, Any]:
        """Return how often colour and count are right, with what the measure says of real copies beside it."""
        report: dict[str, Any] = {}
        asked, copies = asked_in_colour(self.trained, self.trained_pictures, a_colour=self.plan.a_colour)
        if asked:
            drawn = self._draw(asked, first_seed=600)
            report["colour_words"] = {
                **colours_right(asked, drawn),
                "subject_by_classifier": share_found(asked, self.judges.classifier.says(drawn)).as_json()["subject"],
                "real_copies": colours_right(asked, copies)["right"],
            }
        asked = asked_in_number(self.trained, a_count=self.plan.a_count)
        if asked:
            pages, counts, subjects = in_every_number(self.trained, self.trained_pictures)
            drawn = features(self._draw(asked, first_seed=700))
            report["counts"] = counts_right(asked, drawn, references=features(pages), counts=counts, subjects=subjects)
        return report

    def _memorisation(self, drawn: Pictures) -> dict[str, Any]:
        samples = features(drawn)
        held, _ = self.judges.of_split(split="held-out")
        rows = [n for n, one in enumerate(self.judges.gathered) if one.split == "held-out"]
        real_beside = nearest(self.judges.references[rows], self.trained_references)[1] if held else None
        return {
            **memorisation(samples, self.trained_references),
            "median_gap_between_real_pictures": round(float(np.median(gaps(self.judges.references))), 4),
            **({"real_held_out_to_nearest_trained": percentiles(real_beside)} if real_beside is not None else {}),
            "nearest_of_every_sample": copies_of(
                self.asked, samples, real=self.trained, references=self.trained_references
            ),
        }


def decibels(folder: Path, judges: Judges) -> dict[str, float]:
    """Return the autoencoder's PSNR on pictures that it was taught and on others of the same sets."""
    autoencoder = load_model(folder).vae
    taught = np.array([one.split == "trained" for one in judges.gathered])
    shown = torch.from_numpy(judges.pictures).permute(0, 3, 1, 2)
    report = {"trained": round(peak_signal_to_noise(autoencoder, shown[taught]), 2)}
    if not taught.all():
        report["other_pictures"] = round(peak_signal_to_noise(autoencoder, shown[~taught]), 2)
    return report


def evaluate(
    folder: Path, *, cache: Path, text_image: Path, collection: Path, work: Path, plan: Plan, sheet: Path | None
) -> dict[str, Any]:
    """Return every number of the report on a model folder, and draw its contact sheet."""
    started = time.perf_counter()
    judge = load_text_image(text_image, collection=collection)
    gathered, pictures = real_pictures(cache)
    judges = appoint(gathered, pictures, plan=plan, text_image=judge, work=work)
    pipeline = load_model(folder, dtype=quickest_precision())
    evaluation = Evaluation(pipeline, judges=judges, plan=plan)
    report = evaluation.report()
    if sheet is not None:
        draw_sheet(pipeline, guidance_scale=evaluation.scale, path=sheet, most=plan.sheet, steps=plan.steps)
    report |= {
        "judges": judges_judged(judges),
        "text_image": retrieval(judge, gathered, pictures),
        "autoencoder_psnr_db": decibels(folder, judges),
        "speed": timing(
            folder, guidance_scale=evaluation.scale, batches=plan.batches, times=plan.times, steps=plan.steps
        ),
        "drawn_in": str(quickest_precision()).removeprefix("torch."),
    }
    return report | {"seconds_of_evaluation": round(time.perf_counter() - started)}


def write_report(report: dict[str, Any], *, path: Path) -> None:
    """Write the numbers, each short list on one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{json.dumps(key)}: {_laid_out(value)}" for key, value in report.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _laid_out(value: Any) -> str:
    if isinstance(value, dict):
        inner = [f" {json.dumps(key, ensure_ascii=False)}: {_laid_out_flat(one)}" for key, one in value.items()]
        return "{\n" + ",\n".join(inner) + "\n}"
    return json.dumps(value, ensure_ascii=False)


def _laid_out_flat(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], list):
        return "[\n" + ",\n".join("  " + json.dumps(one, ensure_ascii=False) for one in value) + "\n ]"
    return json.dumps(value, ensure_ascii=False)


def main() -> None:
    """Measure a model folder and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--text-image", type=Path, default=TEXT_IMAGE)
    parser.add_argument("--collection", type=Path, help="the manifest file; the model folder's neighbour by default")
    parser.add_argument("--cache", type=Path, required=True, help="folder that holds the fetched packages")
    parser.add_argument("--work", type=Path, required=True, help="folder for the classifier's checkpoint")
    parser.add_argument("--samples", type=int, default=Plan.samples)
    parser.add_argument("--quick", action="store_true", help="draw next to nothing, to see that it runs")
    parser.add_argument("--threads", type=int, help="processor threads, where the machine has other work")
    parser.add_argument("--report", type=Path, help="where to write the numbers as JSON")
    parser.add_argument("--sheet", type=Path, help="where to write the contact sheet")
    parser.add_argument("--set-default", action="store_true", help="make the best guidance scale the model's default")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    report = evaluate(
        given.model,
        cache=given.cache,
        text_image=given.text_image,
        collection=given.collection or given.model.parent / "collection.zip",
        work=given.work,
        plan=QUICK if given.quick else Plan(samples=given.samples),
        sheet=given.sheet,
    )
    shown = {key: value for key, value in report.items() if key != "memorisation"}
    print(json.dumps(shown, ensure_ascii=False, indent=1))
    if given.report:
        write_report(report, path=given.report)
    if given.set_default:
        set_guidance_scale(report["guidance_scale"], folder=given.model)


if __name__ == "__main__":
    main()
