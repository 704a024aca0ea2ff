"""Where the pictures come from: six npm packages at exact versions, known by digest."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.starter.errors import PackageChanged, PackageMissing


@dataclass(frozen=True)
class Package:
    """One file of one npm package: what the pictures or the names are read from."""

    package: str
    version: str
    file: str
    digest: str
    """sha256 of that file, with the prefix ``sha256:``."""


@dataclass(frozen=True)
class PictureSet:
    """A set of pictures with one owner and one licence."""

    slug: str
    style: str
    """The word for this style in prompts."""
    owner: str
    owner_url: str
    licence: str
    """SPDX identifier."""
    licence_url: str
    trained: bool
    """False: registered, and kept out of training."""
    icons: Package


def _icons(name: str, version: str, digest: str) -> Package:
    return Package(f"@iconify-json/{name}", version, "icons.json", f"sha256:{digest}")


SETS: tuple[PictureSet, ...] = (
    PictureSet(
        "noto",
        "Noto",
        "Google",
        "https://github.com/googlefonts/noto-emoji",
        "Apache-2.0",
        "https://www.apache.org/licenses/LICENSE-2.0",
        True,
        _icons("noto", "1.2.9", "9eac6ef4e7ec122b6f0e7ac281d61008afdbc720d0ce861e398b939daaa347c6"),
    ),
    PictureSet(
        "twemoji",
        "Twemoji",
        "Twitter (jdecked)",
        "https://github.com/jdecked/twemoji",
        "CC-BY-4.0",
        "https://creativecommons.org/licenses/by/4.0/",
        True,
        _icons("twemoji", "1.2.5", "5d5d820790565b764f2728675d487c9ee4c1fc83916d8567d5aca8ba7527c242"),
    ),
    PictureSet(
        "fluent",
        "Fluent",
        "Microsoft",
        "https://github.com/microsoft/fluentui-emoji",
        "MIT",
        "https://github.com/microsoft/fluentui-emoji/blob/main/LICENSE",
        True,
        _icons("fluent-emoji-flat", "1.2.6", "f5f4cf457c0db2ad5a2e42e033e02e0c87d10e43d0164cfffb3bb84914970a63"),
    ),
    PictureSet(
        "fxemoji",
        "FxEmoji",
        "Mozilla",
        "https://github.com/mozilla/fxemoji",
        "Apache-2.0",
        "https://www.apache.org/licenses/LICENSE-2.0",
        True,
        _icons("fxemoji", "1.2.2", "d8ef67b94a32d0abcd314d1c35db56178eaa8fa8ad71130e312f3460e307c2bf"),
    ),
    PictureSet(
        "emojione",
        "EmojiOne",
        "EmojiTwo",
        "https://github.com/EmojiTwo/emojitwo",
        "CC-BY-4.0",
        "https://creativecommons.org/licenses/by/4.0/",
        True,
        _icons("emojione", "1.2.3", "e9a865faed523a7c3535b5319ae533d09fac1a62b4e96920eb178bb60e707e80"),
    ),
    PictureSet(
        "openmoji",
        "OpenMoji",
        "OpenMoji",
        "https://openmoji.org",
        "CC-BY-SA-4.0",
        "https://creativecommons.org/licenses/by-sa/4.0/",
        False,
        _icons("openmoji", "1.2.29", "7075331faab544067dbff4236471dd378bb5410aa05799a8a343c9ebf5c5984c"),
    ),
)

NAMES: dict[str, Package] = {
    "en": Package(
        "emojibase-data",
        "17.0.0",
        "en/compact.json",
        "sha256:1c7cf539328563743c2b2adff7117ccff0ae6852d591366f4363f50503d5e398",
    ),
    "zh": Package(
        "emojibase-data",
        "17.0.0",
        "zh/compact.json",
        "sha256:f2eac1880c74d7c5ececc24672aac23f951df00f0966c98cf39081fe0a395515",
    ),
}
"""CLDR names of the subjects, as emojibase publishes them."""


def fetch_packages(cache: Path) -> None:
    """Fill the cache with every package at its exact version, through the npm client."""
    wanted = [*(entry.icons for entry in SETS), *NAMES.values()]
    missing = sorted({f"{p.package}@{p.version}" for p in wanted if not _path(cache, p).is_file()})
    if not missing:
        return
    cache.mkdir(parents=True, exist_ok=True)
    npm = shutil.which("npm")
    if npm is None:
        raise _missing(wanted[0], "npm is not installed")
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(cache), *missing]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise _missing(wanted[0], done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "npm failed")


def read_package(cache: Path, package: Package) -> Any:
    """Return the JSON of a package's file, once its digest is the expected one."""
    path = _path(cache, package)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _missing(package, type(error).__name__) from error
    found = "sha256:" + hashlib.sha256(data).hexdigest()
    if found != package.digest:
        raise PackageChanged(package=package.package, version=package.version, digest=package.digest, found=found)
    return json.loads(data)


def _path(cache: Path, package: Package) -> Path:
    return cache / "node_modules" / package.package / package.file


def _missing(package: Package, reason: str) -> PackageMissing:
    return PackageMissing(package=package.package, version=package.version, digest=package.digest, reason=reason)
