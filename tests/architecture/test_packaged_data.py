"""What the code reads at run time is stated as package data, so that a wheel holds it."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("server", "generation", "provenance")
SOURCES = {".py", ".po"}
"""Code is packaged anyway; a catalogue is read as it was compiled."""


def test_every_data_file_of_the_packages_is_packaged() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packaged = {
        path
        for package, patterns in settings["package-data"].items()
        for pattern in patterns
        for path in (ROOT / package.replace(".", "/")).glob(pattern.replace("**", "**/*"))
    }
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True)
    data = {ROOT / name for name in listed.stdout.splitlines() if Path(name).suffix not in SOURCES}
    assert data and data - packaged == set()
