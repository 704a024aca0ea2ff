"""Tiny packages of pictures and names, in the shape of the real ones: seven shapes in six sets."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from generation.starter import gathering, model_folder, sources, train

SHAPES = {
    "red-disc": ("disc", "圆盘", '<circle cx="16" cy="16" r="{size}" fill="#e02020"/>'),
    "blue-square": ("square", "方块", '<rect x="2" y="2" width="{size}" height="{size}" fill="#2040e0"/>'),
    "green-bar": ("bar", "横条", '<rect x="1" y="12" width="30" height="{size}" fill="#20a030"/>'),
    "yellow-post": ("post", "柱子", '<rect x="12" y="1" width="{size}" height="30" fill="#e0c020"/>'),
    "purple-kite": ("kite", "风筝", '<path d="M16 1 L31 16 L16 {size} L1 16 Z" fill="#8020c0"/>'),
    "orange-roof": ("roof", "屋顶", '<path d="M16 2 L30 {size} L2 {size} Z" fill="#f08020"/>'),
    "black-cross": ("", "", '<path d="M2 2 L30 {size} M30 2 L2 {size}" stroke="black" stroke-width="4"/>'),
}
"""English word, Chinese word, drawing; the last is left out of training, so it has no words."""


def small_packages(cache: Path, *, patch: pytest.MonkeyPatch) -> Path:
    """Fill a cache with tiny packages, have the collection read from them, and return the cache."""
    sets = tuple(_with_icons(entry, cache=cache, number=number) for number, entry in enumerate(sources.SETS))
    names = {language: _written(cache, package, _names(language)) for language, package in sources.NAMES.items()}
    listed = cache / "subjects.toml"
    listed.write_text("\n".join(_listed(slug, *words[:2]) for slug, words in SHAPES.items()), encoding="utf-8")
    for module in (sources, gathering, model_folder, train):
        patch.setattr(module, "SETS", sets)
    for module in (sources, gathering):
        patch.setattr(module, "NAMES", names)
    patch.setattr(gathering, "SUBJECTS", listed)
    return cache


def _with_icons(entry: sources.PictureSet, *, cache: Path, number: int) -> sources.PictureSet:
    icons = {slug: {"body": drawing.format(size=10 + 3 * number)} for slug, (_, _, drawing) in SHAPES.items()}
    content = {"icons": icons, "width": 32, "height": 32}
    return dataclasses.replace(entry, icons=_written(cache, entry.icons, content))


def _names(language: str) -> list[dict[str, Any]]:
    return [
        {
            "label": slug.replace("-", " ") if language == "en" else f"名{number}",
            "hexcode": f"1F{number:03}",
            "group": 3,
            "order": number,
            "tags": ["thing"],
        }
        for number, slug in enumerate(SHAPES)
    ]


def _written(cache: Path, package: sources.Package, content: Any) -> sources.Package:
    data = json.dumps(content, ensure_ascii=False).encode()
    path = cache / "node_modules" / package.package / package.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return dataclasses.replace(package, digest="sha256:" + hashlib.sha256(data).hexdigest())


def _listed(slug: str, en: str, zh: str) -> str:
    return f'[{slug}]\nen = ["{en}", "{slug.replace("-", " ")}"]\nzh = ["{zh}"]\n' if en else f"[{slug}]\n"
