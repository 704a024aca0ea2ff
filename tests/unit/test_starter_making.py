"""The starter model is made from end to end by one command, and goes on wherever it was interrupted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: making the starter model is not tested")
pytest.importorskip("resvg_py", reason="resvg-py is not installed: making the starter model is not tested")
pytest.importorskip("inflect", reason="inflect is not installed: making the starter model is not tested")

import torch
from PIL import Image

from generation.starter import make, sources
from generation.starter.errors import NotBetter, PackageChanged, PackageMissing, TextImageDamaged
from generation.starter.evaluate import QUICK
from generation.starter.make import Made, install
from generation.starter.text_image import load_text_image
from generation.starter.train import PROFILES
from tests.factories.starter_packages import SHAPES, small_packages

pytestmark = [
    pytest.mark.torch,
    # diffusers 0.42 hands tensors to numpy in a way that numpy 2 warns of, and warns of its own configurations.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:diffusers.*"),
]
STAGES = ("train_autoencoder", "train_text_image", "train_denoiser", "evaluate", "write_card")


def made_in(folder: Path, *, cache: Path) -> Made:
    """Make everything in seconds, or go on making it."""
    made = Made(folder / "made")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        make.make(PROFILES["quick"], cache=cache, work=folder / "work", made=made, plan=QUICK)
    finally:
        torch.set_num_threads(threads)
    return made


def steps_of(folder: Path, part: str) -> int:
    return int(torch.load(folder / "work" / f"{part}.pt", weights_only=True)["step"])


def stop(*given: Any, **named: Any) -> None:
    raise KeyboardInterrupt


def test_one_command_makes_all_of_it_however_often_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = small_packages(tmp_path / "cache", patch=monkeypatch)
    for stage in STAGES:
        with monkeypatch.context() as interrupted:
            interrupted.setattr(make, stage, stop)
            with pytest.raises(KeyboardInterrupt):
                made_in(tmp_path, cache=cache)
    before = {part: steps_of(tmp_path, part) for part in ("autoencoder", "text-image", "denoiser")}
    made = made_in(tmp_path, cache=cache)
    assert {part: steps_of(tmp_path, part) for part in before} == before, "what was trained is not trained again"
    assert all(before.values())

    report = json.loads((made.docs / "report.json").read_text())
    assert report["trained_pairs"]["nearest"]["samples"] == QUICK.samples
    assert report["held_out_pairs"]["nearest"]["samples"] == 2
    assert set(report["left_out_subjects"]["drawn_instead"]) == {"black-cross"}
    assert len(report["memorisation"]["nearest_of_every_sample"]) == QUICK.samples
    assert report["colour_words"]["samples"] and report["counts"]["samples"] and report["chinese_prompts"]
    assert report["text_image"]["held_out_pairs"]["samples"] == 1

    colophon = json.loads((made.model / "colophon.json").read_text())
    assert colophon["defaults"]["guidance_scale"] == report["guidance_scale"]
    assert colophon["training"]["works"] == 29, "six shapes in five styles, less the pair that is held out"
    card = (made.model / "README.md").read_text(encoding="utf-8")
    for words in ("Google", "CC-BY-4.0", "black-cross:", "| autoencoder |", "kept out of training", "`quick`"):
        assert words in card
    assert "{" not in card.replace("```python", "")
    vocabulary = json.loads((made.model / "vocabulary.json").read_text(encoding="utf-8"))
    assert [row["en"] for row in vocabulary["subjects"]] == [words[0] for words in SHAPES.values() if words[0]]
    assert ["blue", "蓝色"] in vocabulary["colours"] and vocabulary["kin"]["zh"] == {"名6": ["屋顶", "风筝"]}
    with Image.open(made.docs / "contact-sheet.png") as sheet:
        assert sheet.width >= 900

    judge = load_text_image(made.text_image, collection=made.collection)
    found = judge.works_by_words("a disc, Noto style", most=100)
    assert len(found) == 7 * 6 and [score for _, score in found] == sorted((s for _, s in found), reverse=True)
    picture = Image.new("RGB", (40, 90), "red")
    assert judge.descriptor(picture) @ judge.descriptor(picture) == pytest.approx(1, abs=1e-4)
    assert [number for number, _ in judge.rank([picture, Image.new("L", (9, 9))], "a disc")] in ([0, 1], [1, 0])
    assert judge.rank([], "a disc") == []
    weights = sum(file.stat().st_size for file in made.text_image.rglob("*.safetensors"))
    assert weights <= 10_000_000

    install(made, repository=Made(tmp_path / "repository"), docs=tmp_path / "docs")
    assert (tmp_path / "repository" / "text_image" / "model.safetensors").is_file()
    standing = json.loads((tmp_path / "docs" / "report.json").read_text())
    standing["trained_pairs"]["nearest"]["both"] = 1.1
    (tmp_path / "docs" / "report.json").write_text(json.dumps(standing))
    (tmp_path / "repository" / "model" / "README.md").write_text("stands")
    with pytest.raises(NotBetter):
        install(made, repository=Made(tmp_path / "repository"), docs=tmp_path / "docs")
    assert (tmp_path / "repository" / "model" / "README.md").read_text() == "stands"


def test_a_changed_or_missing_package_is_named_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = small_packages(tmp_path / "cache", patch=monkeypatch)
    icons = sources.SETS[2].icons
    file = cache / "node_modules" / icons.package / icons.file
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(PackageChanged) as changed:
        made_in(tmp_path, cache=cache)
    assert icons.package in str(changed.value) and icons.digest in str(changed.value)
    file.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageMissing, match="npm is not installed"):
        made_in(tmp_path, cache=cache)
    assert not (tmp_path / "made").exists() and not (tmp_path / "work").exists()


def test_a_folder_without_a_text_image_model_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TextImageDamaged) as refused:
        load_text_image(tmp_path)
    assert str(tmp_path) in str(refused.value) and str(tmp_path) in refused.value.said("zh-Hans")
