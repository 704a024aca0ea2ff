"""Writes the starter model's card from what was measured: no figure in it is typed by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open

from generation.starter.collection import parties, styles, works
from generation.starter.gathering import subjects

PARTS = {
    "vae": ("autoencoder", "AutoencoderTiny, {latent_channels} latent channels, 1/8 of the side"),
    "text_encoder": (
        "text encoder",
        "CLIPTextModel, {num_hidden_layers} layers of {hidden_size}, byte-level vocabulary of {vocab_size} pieces,"
        " {max_position_embeddings} tokens",
    ),
    "unet": (
        "denoiser",
        "UNet2DConditionModel {block_out_channels}, attention at 8 x 8 and 4 x 4, pooled text in every block",
    ),
}
CHANCE_OF_STYLE = 0.2


@dataclass(frozen=True)
class Facts:
    """What the card is written from."""

    folder: Path
    collection: Path
    text_image: Path
    report: dict[str, Any]
    losses: dict[str, Any]
    colophon: dict[str, Any]


def write_card(folder: Path, *, docs: Path, collection: Path, text_image: Path, remarks: Path | None = None) -> None:
    """Write README.md into a model folder, from report and losses; with a reader's remarks where there are any."""
    facts = Facts(
        folder=folder,
        collection=collection,
        text_image=text_image,
        report=_read(docs / "report.json"),
        losses=_read(docs / "losses.json"),
        colophon=_read(folder / "colophon.json"),
    )
    parts = [opening(facts), contents(facts), data(facts), recipe(facts), numbers(facts), copying(facts), limits(facts)]
    seen = remarks.read_text(encoding="utf-8").strip() if remarks else NOT_LOOKED_AT
    text = "\n\n".join([*parts, f"## What a reader saw on the contact sheet\n\n{seen}"]) + "\n"
    (folder / "README.md").write_text(text, encoding="utf-8")


NOT_LOOKED_AT = "Nobody has written down what they saw yet: `docs/starter/contact-sheet.png` is there to be looked at."


def opening(facts: Facts) -> str:
    """Return what the model is."""
    return f"""# Colophon starter: model card

A small text-to-image diffusion model, trained from nothing on {facts.colophon["training"]["works"]} openly licensed
pictures, every one of them listed with owner and licence in `../collection.zip`. It exists so that Colophon draws on a
fresh machine without a download, with a model whose training set is known to the last picture. It remembers more than
it understands: expect soft copies of the emoji that it learned. This card is written by `generation.starter.card` from
`docs/starter/report.json`; no figure in it is typed by hand."""


def contents(facts: Facts) -> str:
    """Return what the folder holds and how it is loaded."""
    scale = facts.colophon["defaults"]["guidance_scale"]
    rows = []
    for part, (name, words) in PARTS.items():
        config = _read(facts.folder / part / "config.json")
        config["block_out_channels"] = tuple(config.get("block_out_channels", ()))
        rows.append(f"| {name} | {words.format(**config)}, {millions(facts.folder / part)} million parameters |")
    size = sum(file.stat().st_size for file in facts.folder.rglob("*") if file.is_file()) / 1e6
    beside = sum(file.stat().st_size for file in facts.text_image.rglob("*") if file.is_file()) / 1e6
    return f"""## What is in the folder

A plain diffusers `StableDiffusionPipeline` (safetensors, half precision, {size:.1f} MB, no custom code):

```python
pipeline = DiffusionPipeline.from_pretrained("generation/starter/model", dtype=torch.float32)
pipeline("a rocket, Noto style", width=128, height=128, num_inference_steps=20, guidance_scale={scale})
```

| part | is |
|---|---|
{chr(10).join(rows)}
| scheduler | DPM-Solver++ (2M), 20 steps, v-prediction |

Beside it, in `../text_image`, a CLIPModel of {millions(facts.text_image)} million parameters ({beside:.1f} MB), taught
on the same pictures: it ranks pictures by words and finds works.

Load it in float32 on a processor without bfloat16 instructions: emulated, a matrix product takes a hundred times as
long."""


def data(facts: Facts) -> str:
    """Return whose pictures were taught, on which terms."""
    owners = {party.slug: party for party in parties(facts.collection)}
    rows = [
        f"| {style.name_en} | {len(style.works)} | [{owners[style.party].name}]({owners[style.party].url}) |"
        f" {style.licence} |"
        for style in styles(facts.collection)
        if style.is_trained
    ]
    listed = list(works(facts.collection))
    taught = {work.subject for work in listed if work.split == "trained"}
    held = sum(work.split == "held-out" for work in listed)
    outside = {work.subject for work in listed} - taught
    return f"""## Data

| style | pictures | owner | licence |
|---|---|---|---|
{chr(10).join(rows)}

{len(taught)} subjects were taught; `vocabulary.json` lists them with every word for them. {held} pairs of subject and
style were held out, and {len(outside)} subjects left out altogether. OpenMoji (CC-BY-SA-4.0) is registered beside them
and kept out of training. Copies of the pictures in other colours, and two or three of them on a page, were taught with
the words for that. No owner made, reviewed or endorsed this model; the credits are in `NOTICE`."""


def recipe(facts: Facts) -> str:
    """Return how long each part was taught, from the loss curves."""
    rows = []
    for name, curve in facts.losses.items():
        if curve["rows"]:
            step, seconds, loss = curve["rows"][-1]
            seen = f"{step * curve['batch']:,}"
            rows.append(f"| {name} | {seconds / 60:.1f} | {step:,} | {curve['batch']} | {seen} | {loss} |")
    return f"""## How it was trained

| part | minutes of its own time | steps | batch | samples | last loss |
|---|---|---|---|---|---|
{chr(10).join(rows)}

Own time is what the processor worked, shared out among its threads. Muon on matrices and kernels, AdamW on the rest;
bfloat16 where the processor has it; the running average of the weights is what is kept. One run, fixed seeds; the
number of steps depends on the machine. The profile was `{facts.report["profile"]}`; `docs/starter/losses.json` has the
curves."""


def numbers(facts: Facts) -> str:
    """Return what was measured."""
    report = facts.report
    rows = [
        _row(words, report[name])
        for name, words in (
            ("trained_pairs", "pairs it was trained on"),
            ("chinese_prompts", "the same in Chinese"),
            ("synonyms", "the same by another word"),
            ("held_out_pairs", "pairs left out of training"),
            ("left_out_subjects", "subjects it was never told of"),
        )
        if report.get(name)
    ]
    taught = sum(subject.is_trained for subject in subjects())
    return f"""## What was measured

Guidance {report["guidance_scale"]}, 20 steps, {report["drawn_in"]}, seeds counted up from fixed numbers, nothing
chosen. Two judges: the nearest of all real pictures by colour at 32 x 32, and a small network taught on the real
trained pictures alone. Chance is {1 / max(taught, 1):.3f} for the subject and {CHANCE_OF_STYLE:.2f} for the style.

| | samples | subject: nearest / network | style: nearest / network | both: nearest / network |
|---|---|---|---|---|
{chr(10).join(rows)}

{_judges(report)}

{_words(report)}

{_variants(report)}

Guidance: {_sweep(report)}. The default is {report["guidance_scale"]}.

Two pictures of one prompt with different seeds are {report["diversity_over_seeds"]} apart at the median.

Autoencoder: {report["autoencoder_psnr_db"]["trained"]} dB on pictures it was trained on{_others(report)}.

{_speed(report["speed"])}"""


def _row(words: str, scores: dict[str, Any]) -> str:
    near, net = scores["nearest"], scores["classifier"]
    shares = " | ".join(f"{near[key]:.2f} / {net[key]:.2f}" for key in ("subject", "style", "both"))
    return f"| {words} | {near['samples']} | {shares} |"


def _judges(report: dict[str, Any]) -> str:
    judged = report["judges"]
    said = []
    if pairs := judged.get("real_held_out_pairs"):
        near, net = pairs["nearest"], pairs["classifier"]
        said.append(
            f"On {near['samples']} real pictures that they were not taught on, the judges themselves are right about"
            f" the subject in {near['subject']:.2f} / {net['subject']:.2f} and the style in {near['style']:.2f} /"
            f" {net['style']:.2f}: what they say of held-out pairs weighs no more than that."
        )
    if left := judged.get("real_left_out_subjects"):
        said.append(
            f"Of {left['samples']} real pictures of subjects left out the network tells the style in"
            f" {left['classifier_style']:.2f}."
        )
    return " ".join(said) or "No real picture was held out to judge the judges by."


def _words(report: dict[str, Any]) -> str:
    agreed = report["prompt_agreement"]
    return (
        f"Prompt agreement, by the text-image model among {agreed['prompts']} prompts: a sample's own prompt is the"
        f" likest in {agreed['top_1']:.2f} and among five in {agreed['top_5']:.2f} (of the real pictures:"
        f" {agreed['top_1_of_real_pictures']:.2f}). That model is taught on the same pictures: no outside view."
    )


def _variants(report: dict[str, Any]) -> str:
    said = []
    if colours := report.get("colour_words"):
        each = ", ".join(f"{name} {share:.2f}" for name, share in colours["by_colour"].items())
        said.append(
            f"Colour words that are not the subject's own colour: right in {colours['right']:.2f} of"
            f" {colours['samples']} ({each}), with the subject right in {colours['subject_by_classifier']:.2f}; the"
            f" same measure says {colours['real_copies']:.2f} of recoloured real pictures."
        )
    if counts := report.get("counts"):
        said.append(
            f"Two and three: the number is right in {counts['count']:.2f}, number and subject in {counts['both']:.2f}"
            f" of {counts['samples']}."
        )
    return " ".join(said) or "Colours and counts were not measured."


def _sweep(report: dict[str, Any]) -> str:
    swept = report["guidance_sweep"].items()
    return "; ".join(f"{scale}: subject {one['subject']:.2f}, style {one['style']:.2f}" for scale, one in swept)


def _others(report: dict[str, Any]) -> str:
    other = report["autoencoder_psnr_db"].get("other_pictures")
    return f", {other} dB on others of the same sets" if other else ""


def _speed(speed: dict[str, Any]) -> str:
    each = "; ".join(
        f"{precision}: " + ", ".join(f"{seconds} at batch {batch}" for batch, seconds in batches.items())
        for precision, batches in speed["seconds_an_image"].items()
    )
    return (
        f"Seconds an image, {speed['steps']} steps, {speed['threads']} threads, the best of some tries on the machine"
        f" that measured, whatever else it did: {each}. Loading takes {speed['seconds_to_load']} s once the libraries"
        " are in."
    )


def copying(facts: Facts) -> str:
    """Return what the memorisation report says."""
    copies = facts.report["memorisation"]
    drawn, real = copies["sample_to_nearest_trained"], copies["trained_to_nearest_other_trained"]
    share = copies["samples_nearer_than_half_the_median_gap"]
    return f"""## What it copies

A sample is {drawn[2]:.3f} from the nearest training picture at the median, 5 to 95 %: {drawn[0]:.3f} to {drawn[4]:.3f}
({copies["distance"]}). Training pictures are {real[2]:.3f} from the nearest other one, {real[0]:.3f} to {real[4]:.3f}.
{share:.0%} of samples lie within half of that median gap: near copies of one licensed picture. Treat a picture of this
model as a copy of what it was trained on; the report lists the nearest training picture of every sample."""


def limits(facts: Facts) -> str:
    """Return what it cannot do, each sentence only where the numbers say so."""
    report = facts.report
    said = ["Nothing but 128 x 128 was taught or measured, and prompts beyond 32 tokens are cut."]
    weakest = report["trained_pairs"]["weakest_subjects"]
    if weakest:
        listed = ", ".join(f"{name} {share:.2f}" for name, share in list(weakest.items())[:12])
        said.append(f"Weakest subjects, by the nearest picture: {listed}.")
    held = report.get("held_out_pairs")
    if held and held["nearest"]["style"] < 0.6:
        said.append(
            f"Style is not yet a concept: for pairs that it was not taught it is right in"
            f" {held['nearest']['style']:.2f} / {held['classifier']['style']:.2f}."
        )
    colours = report.get("colour_words")
    if colours and colours["right"] < 0.8:
        said.append(f"Colour words are followed in {colours['right']:.2f} only.")
    counts = report.get("counts")
    if counts and counts["both"] < 0.8:
        said.append(f"Two or three of something come out in {counts['both']:.2f} only.")
    if left := report.get("left_out_subjects"):
        instead = ", ".join(f"{name}: {likest}" for name, likest in left["drawn_instead"].items())
        said.append(f"A word that it does not know gives something that it does know ({instead}).")
    said.append("It was taught no two subjects together: “a cat with a hat” is a cat, a hat, or neither.")
    said.append("One training was measured, not several.")
    return "## What it cannot do\n\n" + "\n".join(f"- {sentence}" for sentence in said)


def millions(folder: Path) -> str:
    """Return how many million parameters a folder's weights hold."""
    count = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, framework="np") as weights:
            for key in weights.keys():  # noqa: SIM118 (a safetensors file is no mapping)
                size = 1
                for side in weights.get_slice(key).get_shape():
                    size *= side
                count += size
    return f"{count / 1e6:.1f}"


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
