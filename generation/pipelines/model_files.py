"""Which files of a diffusers folder are loaded as weights, and what they hash to."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from generation.pipelines.contract import WeightFile
from generation.pipelines.errors import CustomCodeRefused, ModelUnreadable, PickleRefused
from provenance.canonical import Digest, canonical_json, sha256_digest

PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
CONFIG_SUFFIXES = (".json", ".txt", ".model", ".jinja")
_WEIGHTLESS = ("Scheduler", "Tokenizer", "TokenizerFast", "Processor", "ProcessorFast", "FeatureExtractor")
_LONGEST_HEADER = 100_000_000
_SETTLED_SECONDS = 2.0

ReadJson = Callable[[str], Mapping[str, Any]]


def components(index: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the components that a model_index.json names, each with its library and class."""
    if not isinstance(index.get("_class_name"), str):
        raise CustomCodeRefused(file="model_index.json: _class_name")
    named: dict[str, tuple[str, str]] = {}
    for name, value in index.items():
        if name.startswith("_") or not isinstance(value, list) or len(value) != 2 or not value[0]:
            continue
        if not name.isidentifier():
            raise ModelUnreadable(file="model_index.json", reason=f"{name!r} is no component name")
        named[name] = (str(value[0]), str(value[1]))
    return named


def weight_names(
    index: Mapping[str, Any], *, names: frozenset[str], read_json: ReadJson
) -> tuple[tuple[str, ...], str | None]:
    """Return the paths of the weight files that loading reads, and the variant to load ("fp16", ...).

    Full files win over a variant's where every component has them. Raises PickleRefused for a component
    that has only a pickle, CustomCodeRefused for one that brings code, ModelUnreadable for an incomplete one.
    """
    wanted = components(index)
    for name, (library, class_name) in wanted.items():
        _refuse_strange_parts(name, library=library, names=names)
        if not class_name.endswith(_WEIGHTLESS):
            _require_safetensors(name, names=names)
    models = [name for name, (_, class_name) in wanted.items() if not class_name.endswith(_WEIGHTLESS)]
    if not models:
        raise ModelUnreadable(file="model_index.json", reason="it names no component with weights")
    variant = _variant_needed(models, names=names)
    found: list[str] = []
    for name in models:
        found += _files_of(name, variant=variant, names=names, read_json=read_json)
    return tuple(sorted(set(found))), variant


def _refuse_strange_parts(component: str, *, library: str, names: frozenset[str]) -> None:
    if f"{component}/{library}.py" in names or "." in library:
        raise CustomCodeRefused(file=f"{component}/{library}.py")
    if f"{component}/adapter_config.json" in names:
        reason = "an adapter lies among the weights; merge it, or load it as an adapter"
        raise ModelUnreadable(file=f"{component}/adapter_config.json", reason=reason)


def _require_safetensors(component: str, *, names: frozenset[str]) -> None:
    inside = sorted(name for name in names if str(PurePosixPath(name).parent) == component)
    if any(name.endswith(".safetensors") for name in inside):
        return
    for name in inside:
        if name.endswith(PICKLE_SUFFIXES):
            raise PickleRefused(file=name)
    raise ModelUnreadable(file=f"{component}/", reason="its weight file is missing")


def _variants_of(component: str, *, names: frozenset[str]) -> set[str | None]:
    """Return the variants that a component has weights in; None is the full one."""
    found: set[str | None] = set()
    for name in names:
        path = PurePosixPath(name)
        if str(path.parent) != component or not path.name.startswith(("diffusion_pytorch_model.", "model.")):
            continue
        parts = path.name.split(".")[1:]
        if parts[-1] == "safetensors":
            found.add(_unsharded(parts[0]) if len(parts) == 2 else None)
        elif parts[:2] == ["safetensors", "index"] and parts[-1] == "json":
            found.add(parts[2] if len(parts) == 4 else None)
    return found


def _unsharded(variant: str) -> str:
    return variant.split("-", 1)[0]


def _variant_needed(models: Iterable[str], *, names: frozenset[str]) -> str | None:
    """Return the variant without which some component has no weights; None where full files suffice."""
    lacking = [(name, found) for name in models if None not in (found := _variants_of(name, names=names))]
    if not lacking:
        return None
    shared = set.intersection(*(found for _, found in lacking))
    if not shared:
        reason = "its weight file is missing, or is of another variant than the other components'"
        raise ModelUnreadable(file=f"{lacking[0][0]}/", reason=reason)
    return sorted(str(variant) for variant in shared)[0]


def _files_of(
    component: str, *, variant: str | None, names: frozenset[str], read_json: ReadJson
) -> list[str]:
    for chosen in (variant, None):
        dot = f".{chosen}" if chosen else ""
        found: list[str] = []
        for stem in ("diffusion_pytorch_model", "model"):
            if (single := f"{component}/{stem}{dot}.safetensors") in names:
                found.append(single)
            if (index := f"{component}/{stem}.safetensors.index{dot}.json") in names:
                found += _shards(component, index=index, names=names, listed=read_json(index))
        if found:
            return found
    raise ModelUnreadable(file=f"{component}/", reason="its weight file is missing")


def _shards(component: str, *, index: str, names: frozenset[str], listed: Mapping[str, Any]) -> list[str]:
    weight_map = listed.get("weight_map")
    if not isinstance(weight_map, dict):
        raise ModelUnreadable(file=index, reason="it has no weight_map")
    shards = sorted({f"{component}/{shard}" for shard in weight_map.values()})
    for shard in shards:
        if shard.endswith(PICKLE_SUFFIXES):
            raise PickleRefused(file=shard)
        if shard not in names or not shard.endswith(".safetensors"):
            raise ModelUnreadable(file=shard, reason=f"{index} names it, and it is missing")
    return shards


def names_under(folder: Path) -> frozenset[str]:
    """Return the relative POSIX paths of all files under a folder."""
    found = set()
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found |= {(Path(root) / name).relative_to(folder).as_posix() for name in files}
    return frozenset(found)


def read_json(path: Path, *, name: str) -> Mapping[str, Any]:
    """Return the JSON object in a file; raises ModelUnreadable, calling the file ``name``."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelUnreadable(file=name, reason="it is missing") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelUnreadable(file=name, reason=f"it is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise ModelUnreadable(file=name, reason="it is not a JSON object")
    return value


def tensor_table(path: Path, *, name: str) -> dict[str, dict[str, Any]]:
    """Return the header of a safetensors file: dtype, shape and data_offsets of each tensor.

    Format: uint64 little-endian length of the header, the header as JSON, then the data. Raises
    ModelUnreadable for a file that is none or was cut short.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(_LONGEST_HEADER, size - 8):
                raise ModelUnreadable(file=name, reason="it is not a safetensors file, or was cut short")
            header = json.loads(file.read(length))
        tensors = {key: value for key, value in header.items() if key != "__metadata__"}
        end = max((entry["data_offsets"][1] for entry in tensors.values()), default=0)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelUnreadable(file=name, reason=f"it is not a safetensors file ({error})") from error
    if 8 + length + end != size:
        raise ModelUnreadable(
            file=name, reason=f"it has {size} bytes where its header says {8 + length + end}"
        )
    return tensors


def digest_of_files(files: Iterable[WeightFile]) -> Digest:
    """Return the digest of the canonical list of some files: a model's identity."""
    listed = [
        {"path": file.path, "digest": file.digest, "size_bytes": str(file.size_bytes)}
        for file in sorted(files, key=lambda file: file.path)
    ]
    return sha256_digest(canonical_json(listed))


class DigestMemory:
    """Remembers file digests until the file's path, inode, size or times change."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int, int, int, int], Digest] = {}
        self._lock = threading.Lock()

    def digest_of(self, path: Path) -> Digest:
        """Return the sha256 digest of a file's bytes, reading it only when it may have changed.

        A file touched within the last seconds is read every time: a second write could leave it the
        same stamp.
        """
        key = self._stamp(path)
        with self._lock:
            known = self._known.get(key)
        if known is not None:
            return known
        with path.open("rb") as file:
            digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        touched_at = max(key[4], key[5]) / 1e9
        if time.time() - touched_at > _SETTLED_SECONDS and self._stamp(path) == key:
            with self._lock:
                self._known[key] = digest
        return digest

    @staticmethod
    def _stamp(path: Path) -> tuple[str, int, int, int, int, int]:
        stat = path.stat()
        return (str(path), stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
