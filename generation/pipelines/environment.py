"""What the machine and the software are that pictures are made with, as far as any pipeline can tell."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from provenance.canonical import Digest, canonical_json, sha256_digest

_ISA = ("avx2", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16", "asimd", "bf16", "sve", "i8mm")


def environment_fingerprint(environment: Mapping[str, Any]) -> Digest:
    """Return the digest of an environment: replays promise exact pixels only where it is equal."""
    return sha256_digest(canonical_json(dict(environment)))


@cache
def host() -> Mapping[str, str]:
    """Return operating system, Python and CPU."""
    cpu = _cpu()
    return {
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "cpu": cpu["model"],
        "isa": cpu["isa"],
        "machine": platform.machine(),
    }


def versions(*packages: str) -> dict[str, str]:
    """Return the installed version of each package; empty where it is absent."""
    return {package: _version(package) for package in packages}


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _cpu() -> dict[str, str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
    except OSError:
        return {"model": platform.processor() or platform.machine(), "isa": ""}
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    named = {key.strip().lower(): value.strip() for key, value in fields.items()}
    flags = (named.get("flags") or named.get("features") or "").split()
    return {
        "model": named.get("model name") or platform.machine(),
        "isa": " ".join(name for name in _ISA if name in flags),
    }
