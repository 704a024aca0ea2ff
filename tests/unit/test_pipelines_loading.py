"""Reading a model folder for registration, and seeing that it is still the same."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from generation.pipelines.errors import (
    CustomCodeRefused,
    HubUnreachable,
    ModelUnreadable,
    PickleRefused,
    WeightsChanged,
)
from generation.pipelines.loading import check_weights, config_digest, inspect_model
from provenance.canonical import canonical_json, sha256_digest

INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.42.1",
    "safety_checker": [None, None],
    "requires_safety_checker": False,
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
}
UNET, TEXT = "unet/diffusion_pytorch_model", "text_encoder/model"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder laid out as diffusers saves Stable Diffusion, with weights of a few bytes."""
    _write_json(tmp_path / "model_index.json", INDEX)
    _write_json(tmp_path / "unet/config.json", {"in_channels": 4, "out_channels": 4, "sample_size": 64})
    _write_json(tmp_path / "tokenizer/vocab.json", {"a": 0})
    _write_weights(tmp_path / f"{UNET}.safetensors", value=1)
    _write_weights(tmp_path / f"{TEXT}.safetensors", value=2)
    return tmp_path


def test_a_model_is_known_by_the_digests_of_its_weight_files(folder):
    facts = inspect_model(folder)
    files = sorted(folder.glob("*/*.safetensors"))
    listed = [
        {
            "path": file.relative_to(folder).as_posix(),
            "digest": sha256_digest(file.read_bytes()),
            "size_bytes": str(file.stat().st_size),
        }
        for file in files
    ]
    assert facts.source.digest == sha256_digest(canonical_json(listed))
    assert [file.path for file in facts.source.weights] == [entry["path"] for entry in listed]
    assert facts.source.source == str(folder) and facts.source.revision == ""


def test_facts_say_what_the_family_can_do(folder):
    facts = inspect_model(folder)
    assert (facts.family, facts.width, facts.height, facts.size_multiple) == ("stable-diffusion", 512, 512, 8)
    assert facts.tasks == ("text-to-image", "image-to-image", "inpainting")
    assert facts.scheduler == "DDIMScheduler" and "EulerDiscreteScheduler" in facts.schedulers


def test_a_unet_trained_to_inpaint_does_nothing_else(folder):
    _write_json(folder / "unet/config.json", {"in_channels": 9, "out_channels": 4, "sample_size": 64})
    assert inspect_model(folder).tasks == ("inpainting",)


def test_a_flow_matching_scheduler_is_kept(folder):
    _change_index(folder, scheduler=["diffusers", "FlowMatchEulerDiscreteScheduler"])
    assert inspect_model(folder).schedulers == ()


def test_our_own_description_of_a_model_wins(folder):
    defaults = {"width": 128, "height": 96, "steps": 20, "guidance_scale": 2.5, "scheduler": "DDIMScheduler"}
    _write_json(
        folder / "colophon.json",
        {"name": "Starter", "licence_spdx": "Apache-2.0", "defaults": defaults, "sizes": {"multiple": 32}},
    )
    _write_json(folder / "vocabulary.json", {"subjects": ["cat"]})
    facts = inspect_model(folder)
    assert (facts.name, facts.licence_spdx, facts.size_multiple) == ("Starter", "Apache-2.0", 32)
    assert (facts.width, facts.height, facts.steps, facts.guidance_scale) == (128, 96, 20, 2.5)
    assert facts.vocabulary == {"subjects": ["cat"]}


def test_a_default_that_is_no_number_is_named(folder):
    _write_json(folder / "colophon.json", {"defaults": {"width": "wide"}})
    with pytest.raises(ModelUnreadable, match=r"colophon\.json"):
        inspect_model(folder)


@pytest.mark.parametrize(
    ("front", "licence"),
    [
        ("license: apache-2.0", "Apache-2.0"),
        ("tags:\n- x\nlicense: openrail++", "LicenseRef-openrail++"),
        ("license: other\nlicense_name: flux-1-dev", "LicenseRef-flux-1-dev"),
        ("tags: []", ""),
    ],
)
def test_the_licence_is_what_the_model_card_says(folder, front, licence):
    (folder / "README.md").write_text(f"---\n{front}\n---\n# Card\nlicense: mit\n", encoding="utf-8")
    assert inspect_model(folder).licence_spdx == licence


def test_a_model_that_is_only_a_pickle_is_refused_unread(folder):
    (folder / f"{UNET}.safetensors").unlink()
    (folder / f"{UNET}.bin").write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(PickleRefused) as refused:
        inspect_model(folder)
    assert refused.value.values["file"] == f"{UNET}.bin"
    assert "safe_serialization=True" in refused.value.said("en")
    assert "safetensors" in refused.value.said("zh-Hans")


def test_a_pickle_beside_safetensors_is_passed_over(folder):
    (folder / f"{UNET}.bin").write_bytes(pickle.dumps(_Bomb()))
    assert all(file.path.endswith(".safetensors") for file in inspect_model(folder).source.weights)


def test_an_index_that_lists_pickle_shards_is_refused(folder):
    _write_json(folder / f"{UNET}.safetensors.index.json", {"weight_map": {"w": "part-1.bin"}})
    with pytest.raises(PickleRefused):
        inspect_model(folder)


def test_a_single_checkpoint_file_is_refused_by_its_kind(folder):
    file = folder / "model.ckpt"
    file.write_bytes(b"\x80\x04")
    with pytest.raises(PickleRefused):
        inspect_model(file)


def test_only_a_half_precision_variant_is_taken_as_such(folder):
    for stem in (UNET, TEXT):
        (folder / f"{stem}.safetensors").rename(folder / f"{stem}.fp16.safetensors")
    facts = inspect_model(folder)
    assert facts.variant == "fp16"
    assert [file.path for file in facts.source.weights] == [
        f"{TEXT}.fp16.safetensors",
        f"{UNET}.fp16.safetensors",
    ]


def test_full_files_win_over_a_variant_and_the_variant_is_not_loaded(folder):
    _write_weights(folder / f"{UNET}.fp16.safetensors", value=3)
    facts = inspect_model(folder)
    assert facts.variant is None and f"{UNET}.fp16.safetensors" not in {w.path for w in facts.source.weights}


def test_every_shard_of_a_sharded_component_is_hashed(folder):
    (folder / f"{UNET}.safetensors").unlink()
    shards = [f"diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    for number, shard in enumerate(shards):
        _write_weights(folder / "unet" / shard, value=number)
    weight_map = {f"w{number}": shard for number, shard in enumerate(shards)}
    _write_json(folder / f"{UNET}.safetensors.index.json", {"weight_map": weight_map})
    assert {f"unet/{shard}" for shard in shards} < {
        file.path for file in inspect_model(folder).source.weights
    }


def test_a_shard_outside_its_folder_is_refused(folder, tmp_path_factory):
    _write_weights(tmp_path_factory.mktemp("elsewhere") / "x.safetensors", value=1)
    _write_json(
        folder / f"{UNET}.safetensors.index.json", {"weight_map": {"w": "../../elsewhere/x.safetensors"}}
    )
    with pytest.raises(ModelUnreadable):
        inspect_model(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"_class_name": ["pipeline", "MyPipeline"]},
        {"unet": ["my_module.code", "UNet"]},
    ],
)
def test_a_model_that_brings_code_is_refused(folder, change):
    _change_index(folder, **change)
    with pytest.raises(CustomCodeRefused):
        inspect_model(folder)


def test_a_component_with_code_beside_its_weights_is_refused(folder):
    _change_index(folder, unet=["modeling", "UNet"])
    (folder / "unet/modeling.py").write_text("raise SystemExit('it ran')", encoding="utf-8")
    with pytest.raises(CustomCodeRefused, match=r"unet/modeling\.py"):
        inspect_model(folder)


@pytest.mark.parametrize("keep", [0, 7, 40, -1])
def test_a_weight_file_cut_short_is_named(folder, keep):
    file = folder / f"{UNET}.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(ModelUnreadable) as refused:
        inspect_model(folder)
    assert refused.value.values["file"] == f"{UNET}.safetensors"


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, '{"_class_name": 3}'])
def test_a_broken_model_index_is_refused_with_a_sentence(folder, text):
    (folder / "model_index.json").write_text(text, encoding="utf-8")
    with pytest.raises((ModelUnreadable, CustomCodeRefused), match=r"model_index\.json"):
        inspect_model(folder)


def test_a_missing_weight_file_names_its_component(folder):
    (folder / f"{UNET}.safetensors").unlink()
    with pytest.raises(ModelUnreadable, match="unet/"):
        inspect_model(folder)


def test_a_hub_model_that_cannot_be_had_says_so_in_one_sentence():
    with pytest.raises(HubUnreachable) as refused:
        inspect_model("colophon-tests/no-such-model", revision="0" * 40)
    assert "colophon-tests/no-such-model" in refused.value.said("en")


def test_a_path_to_nothing_is_refused(tmp_path):
    with pytest.raises(ModelUnreadable):
        inspect_model(tmp_path / "nothing")


def test_unchanged_weights_pass(folder):
    assert check_weights(inspect_model(folder).source) == folder


def test_a_changed_weight_file_is_refused_and_named(folder):
    source = inspect_model(folder).source
    check_weights(source)
    _write_weights(folder / f"{UNET}.safetensors", value=9)
    with pytest.raises(WeightsChanged) as refused:
        check_weights(source)
    assert refused.value.values["file"] == f"{UNET}.safetensors"


def test_a_change_that_keeps_size_and_time_is_seen(folder):
    file = folder / f"{UNET}.safetensors"
    long_ago = 1_600_000_000_000_000_000
    os.utime(file, ns=(long_ago, long_ago))
    source = inspect_model(folder).source
    _write_weights(file, value=9)
    os.utime(file, ns=(long_ago, long_ago))
    with pytest.raises(WeightsChanged):
        check_weights(source)


def test_a_weight_file_that_is_gone_is_named(folder):
    source = inspect_model(folder).source
    (folder / f"{TEXT}.safetensors").unlink()
    with pytest.raises(WeightsChanged, match=TEXT):
        check_weights(source)


def test_a_changed_tokenizer_changes_the_digest_of_the_configuration(folder):
    before = config_digest(folder)
    _write_json(folder / "tokenizer/vocab.json", {"a": 0, "b": 1})
    assert config_digest(folder) != before


class _Bomb:
    """Fails the test run if anything ever unpickles it."""

    def __reduce__(self) -> Any:
        return os._exit, (86,)


def _write_weights(path: Path, *, value: float) -> None:
    path.parent.mkdir(exist_ok=True)
    save_file({"w": np.full((4, 4), value, np.float32)}, path)


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def _change_index(folder: Path, **changes: Any) -> None:
    _write_json(folder / "model_index.json", {**INDEX, **changes})
