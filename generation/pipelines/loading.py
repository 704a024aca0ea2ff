"""What a model folder is, read for registration without loading it, and whether it is still the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generation.pipelines.contract import ModelSource, Task, WeightFile
from generation.pipelines.errors import ModelUnreadable, PickleRefused, WeightsChanged
from generation.pipelines.families import Family, family_of
from generation.pipelines.hub import fetched_snapshot, is_hub_id, stored_snapshot
from generation.pipelines.model_files import (
    CONFIG_SUFFIXES,
    PICKLE_SUFFIXES,
    DigestMemory,
    components,
    digest_of_files,
    names_under,
    read_json,
    tensor_table,
    weight_names,
)
from provenance.canonical import Digest

_DIGESTS = DigestMemory()
_SPDX = {"apache-2.0": "Apache-2.0", "mit": "MIT", "cc0-1.0": "CC0-1.0"}
_SPDX |= {
    f"cc-by{kind}-4.0": f"CC-BY{kind.upper()}-4.0" for kind in ("", "-sa", "-nc", "-nd", "-nc-sa", "-nc-nd")
}
_SPDX |= {"bsd-3-clause": "BSD-3-Clause", "bigscience-bloom-rail-1.0": "BigScience-BLOOM-RAIL-1.0"}


@dataclass(frozen=True)
class ModelFacts:
    """What registration records of a model."""

    source: ModelSource
    folder: Path
    name: str
    pipeline_class: str
    family: str
    tasks: tuple[Task, ...]
    width: int
    height: int
    size_multiple: int
    steps: int
    guidance_scale: float
    scheduler: str
    """The class of the model's own scheduler; empty where it has none."""
    schedulers: tuple[str, ...]
    """What an order may choose instead."""
    licence_spdx: str
    """SPDX id, or LicenseRef-<name as its card spells it>; empty where nothing says."""
    variant: str | None
    """The weight variant that is loaded, such as "fp16"; None for full files."""
    colophon: Mapping[str, Any] = field(default_factory=dict)
    """Our own colophon.json, where the folder has one."""
    vocabulary: Mapping[str, Any] = field(default_factory=dict)
    """Our own vocabulary.json: what the model can draw, where the folder says."""


def inspect_model(path_or_id: str | Path, revision: str | None = None) -> ModelFacts:
    """Return the facts of a diffusers folder or hub model, hashing every weight file that loading reads.

    Raises PickleRefused, CustomCodeRefused, ModelUnreadable, HubUnreachable. Nothing of it is executed.
    """
    folder, source, commit = _located(str(path_or_id), revision=revision)
    index = read_json(folder / "model_index.json", name="model_index.json")
    names = names_under(folder)
    paths, variant = weight_names(
        index, names=names, read_json=lambda name: read_json(folder / name, name=name)
    )
    weights = tuple(_weight_file(folder, path) for path in paths)
    model = ModelSource(source=source, revision=commit, digest=digest_of_files(weights), weights=weights)
    try:
        return _facts(model, folder=folder, index=index, variant=variant)
    except (TypeError, ValueError) as error:
        raise ModelUnreadable(
            file="colophon.json", reason=f"a default or size is no number ({error})"
        ) from error


def check_weights(source: ModelSource) -> Path:
    """Return the folder of a registered model after checking that every weight file is what it was.

    Files are read again only when their stamps changed. Raises WeightsChanged naming the file.
    """
    folder = folder_of(source)
    for file in source.weights:
        path = folder / file.path
        try:
            size, found = path.stat().st_size, ""
            if size != file.size_bytes:
                found = f"{size} bytes instead of {file.size_bytes}"
            elif (digest := _DIGESTS.digest_of(path)) != file.digest:
                found = digest
        except OSError as error:
            found = error.strerror or "unreadable"
        if found:
            raise WeightsChanged(file=file.path, found=found)
    if digest_of_files(source.weights) != source.digest:
        raise WeightsChanged(file="weights", found="the registered list does not match its own digest")
    return folder


def folder_of(source: ModelSource) -> Path:
    """Return where a registered model's files are; never goes to the network."""
    return (
        stored_snapshot(source.source, revision=source.revision) if source.revision else Path(source.source)
    )


def config_digest(folder: Path) -> Digest:
    """Return the digest of a model's configuration and tokenizer files, which decide pictures too."""
    index = read_json(folder / "model_index.json", name="model_index.json")
    parts = components(index)
    names = [
        name
        for name in names_under(folder)
        if name == "model_index.json" or (name.split("/")[0] in parts and name.endswith(CONFIG_SUFFIXES))
    ]
    return digest_of_files(_hashed(folder, name) for name in names)


def file_digest(path: Path) -> Digest:
    """Return the sha256 digest of a file, remembered until the file changes."""
    return _DIGESTS.digest_of(path)


def _located(path_or_id: str, *, revision: str | None) -> tuple[Path, str, str]:
    """Return folder, source and commit (empty for a folder)."""
    if is_hub_id(path_or_id):
        folder, commit = fetched_snapshot(path_or_id, revision=revision)
        return folder, path_or_id, commit
    folder = Path(path_or_id).expanduser().resolve()
    if folder.is_file():
        if folder.suffix in PICKLE_SUFFIXES:
            raise PickleRefused(file=folder.name)
        raise ModelUnreadable(
            file=folder.name, reason="it is one file; name the folder that model_index.json is in"
        )
    if not folder.is_dir():
        raise ModelUnreadable(file=path_or_id, reason="there is no such folder")
    return folder, str(folder), ""


def _weight_file(folder: Path, name: str) -> WeightFile:
    tensor_table(folder / name, name=name)
    return _hashed(folder, name)


def _hashed(folder: Path, name: str) -> WeightFile:
    path = folder / name
    try:
        return WeightFile(path=name, digest=_DIGESTS.digest_of(path), size_bytes=path.stat().st_size)
    except OSError as error:
        raise ModelUnreadable(file=name, reason=error.strerror or "unreadable") from error


def _facts(model: ModelSource, *, folder: Path, index: Mapping[str, Any], variant: str | None) -> ModelFacts:
    own = _optional(folder, "colophon.json")
    defaults, sizes = _mapping(own, "defaults"), _mapping(own, "sizes")
    family = family_of(index["_class_name"])
    parts = components(index)
    width, height = _native_size(folder, family=family)
    scheduler = parts.get("scheduler", ("", ""))[1]
    return ModelFacts(
        source=model,
        folder=folder,
        name=str(own.get("name") or Path(model.source).name),
        pipeline_class=index["_class_name"],
        family=family.name,
        tasks=_tasks(folder, family=family, parts=parts),
        width=int(defaults.get("width", width)),
        height=int(defaults.get("height", height)),
        size_multiple=int(sizes.get("multiple", max(family.size_multiple, _vae_scale(folder)))),
        steps=int(defaults.get("steps", family.steps)),
        guidance_scale=float(defaults.get("guidance_scale", family.guidance_scale)),
        scheduler=str(defaults.get("scheduler", scheduler)),
        schedulers=() if scheduler.startswith("FlowMatch") else family.schedulers,
        licence_spdx=str(own.get("licence_spdx") or _card_licence(folder)),
        variant=variant,
        colophon=own,
        vocabulary=_optional(folder, "vocabulary.json"),
    )


def _tasks(folder: Path, *, family: Family, parts: Mapping[str, tuple[str, str]]) -> tuple[Task, ...]:
    """Return what the model can do: what its family can, or inpainting alone if trained for that."""
    if family.denoiser not in parts:
        return tuple(family.classes)
    config = _optional(folder, f"{family.denoiser}/config.json")
    taken, given = config.get("in_channels"), config.get("out_channels")
    if (
        family.denoiser == "unet"
        and isinstance(taken, int)
        and isinstance(given, int)
        and taken == 2 * given + 1
    ):
        return ("inpainting",)
    return tuple(family.classes)


def _native_size(folder: Path, *, family: Family) -> tuple[int, int]:
    sample = _optional(folder, f"{family.denoiser}/config.json").get("sample_size")
    if family.denoiser != "unet" and family.name != "stable-diffusion-3":
        return family.native_side, family.native_side
    if isinstance(sample, int):
        sample = [sample, sample]
    if isinstance(sample, list) and len(sample) == 2:
        height, width = (int(side) * _vae_scale(folder) for side in sample)
        return width, height
    return family.native_side, family.native_side


def _vae_scale(folder: Path) -> int:
    """Return how many pixels one latent spans along a side."""
    widths = _optional(folder, "vae/config.json").get("block_out_channels")
    return 2 ** (len(widths) - 1) if isinstance(widths, list) and widths else 8


def _optional(folder: Path, name: str) -> Mapping[str, Any]:
    return read_json(folder / name, name=name) if (folder / name).is_file() else {}


def _mapping(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = values.get(key)
    return value if isinstance(value, Mapping) else {}


def _card_licence(folder: Path) -> str:
    """Return what the front matter of a model card says of the licence."""
    try:
        card = (folder / "README.md").read_text(encoding="utf-8", errors="replace")[:20_000]
    except OSError:
        return ""
    front = re.match(r"---\s*\n(.*?)\n---", card, re.DOTALL)
    if front is None:
        return ""
    said = dict(re.findall(r"^(license|license_name):\s*[\"']?([\w.+-]+)", front[1], re.MULTILINE))
    name = said.get("license", "")
    if name in ("", "other", "unknown"):
        name = said.get("license_name", "")
    return _SPDX.get(name.lower(), f"LicenseRef-{name}" if name else "")
