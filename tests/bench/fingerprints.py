"""Fingerprinting a picture, and finding its copies among a million windows; prints rows as JSON.

``BENCH_WINDOWS=10000000`` looks among ten million, which are the windows of a million pictures (4 GB of memory while
it fills the table). Codes are random, with copies planted at known distances: brute force says whom to find.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

WINDOWS = int(os.environ.get("BENCH_WINDOWS", "1000000"))
PICTURES, ASKED, AT_ONCE = WINDOWS // 10, 100, 20_000
AIMS = {31: "<= 35 ms" if WINDOWS <= 1_000_000 else "<= 150 ms", 64: "<= 1 s"}
COPY = "COPY attribution_keptfingerprint (kind, subject_id, stage, digest, codes, quality, iscc, kept_at) FROM STDIN"


def main() -> None:
    """Measure on an embedded database of its own, and leave nothing running."""
    with tempfile.TemporaryDirectory(prefix="colophon-bench-prints-") as home:
        os.environ.update(COLOPHON_HOME=home, DJANGO_SETTINGS_MODULE="server.settings")
        import django
        from django.core.management import call_command

        from server.command_line import embedded_database
        from server.environment import environment

        with embedded_database.running(environment()):
            django.setup()
            call_command("migrate", verbosity=0)
            codes = filled()
            rows = [*made(), *found(codes)]
    print(json.dumps(rows))


def made() -> Iterator[tuple[str, str, str]]:
    """Yield how long fingerprinting a picture takes, beside scaling it alone."""
    from PIL import Image

    from provenance.fingerprint import fingerprint_of

    patches = np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    pixels = np.asarray(Image.fromarray(patches).resize((1024, 1024), Image.Resampling.BICUBIC))
    picture = Image.fromarray(pixels)
    ours, theirs = timed(lambda: fingerprint_of(pixels)), timed(lambda: picture.resize((256, 256)))
    yield ("fingerprint of 1024 px (ten PDQ codes, ISCC), p50", f"{statistics.median(ours):.1f} ms", "<= 60 ms")
    yield ("  scaling it to 256 px alone, p50", f"{statistics.median(theirs):.1f} ms", "the bare minimum")


def timed(action: Any, *, times: int = 20) -> list[float]:
    """Return the milliseconds that each of some runs took, after one to warm up."""
    action()
    found = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        found.append(1000 * (time.perf_counter() - began))
    return found


def filled() -> Any:
    """Keep random fingerprints, past the entries that each would have; return their codes as words."""
    from django.db import connection, transaction

    rng = np.random.default_rng(7)
    codes = rng.integers(0, 2**64, (PICTURES, 10, 4), dtype=np.uint64)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        with cursor.copy(COPY) as copy:
            for start in range(0, PICTURES, AT_ONCE):
                copy.write("".join(_rows(codes[start : start + AT_ONCE], start)))
    return codes


def _rows(codes: Any, first: int) -> Iterator[str]:
    for place, ten in enumerate(codes, start=first):
        subject = f"00000000-0000-4000-8000-{place:012x}"
        yield f"image\t{subject}\t\tsha256:{place:064x}\t\\\\x{ten.tobytes().hex()}\t100\t\t2026-01-01Z\n"


def found(codes: Any) -> Iterator[tuple[str, str, str]]:
    """Yield how long the first search and those after it take, whether they find all, and what is held for it."""
    from provenance.attribution import queries
    from provenance.attribution.held_codes import held_codes

    flat = codes.reshape(-1, 4)
    name = f"copies among {WINDOWS:,} windows"
    began = time.perf_counter()
    held = held_codes()
    yield (f"{name}: first search of a process", f"{time.perf_counter() - began:.1f} s", "reads all codes")
    yield (f"{name}: memory", f"{held.size_bytes / 2**20:.0f} MB", f"{codes.nbytes / 2**20:.0f} MB of codes")
    for within, aim in AIMS.items():
        asked = list(_copies(codes, within=within))
        seconds, missed = [], 0
        for wanted, place in asked:
            began = time.perf_counter()
            matches = queries.near(wanted, kinds=["image"], within=within)
            seconds.append(1000 * (time.perf_counter() - began))
            missed += f"sha256:{place:064x}" not in {one.digest for one in matches}
        yield (f"{name}, within {within}: p50 / p95", _quantiles(seconds), f"p95 {aim}")
        yield (f"{name}, within {within}: found", f"{len(asked) - missed} of {len(asked)}", "all")
    moved = []
    for number in range(ASKED // 4):
        stranger = _stranger(number)
        began = time.perf_counter()
        queries.near(stranger, kinds=["image"], within=64, loosely=True)
        moved.append(1000 * (time.perf_counter() - began))
    yield (f"{name}, a stranger, moved in eight directions too: p50 / p95", _quantiles(moved), "p95 <= 1 s")
    plain = timed(lambda: _by_hand(flat, asked[0][0].pdq[0]), times=5)
    yield (f"{name}: one plain numpy comparison", f"{statistics.median(plain):.0f} ms", "brute force")


def _by_hand(flat: Any, code: bytes) -> int:
    apart = np.bitwise_count(flat ^ np.frombuffer(code, np.uint64)).sum(axis=1, dtype=np.uint16)
    return int(np.count_nonzero(apart <= 64))


def _copies(codes: Any, *, within: int) -> Iterator[tuple[Any, int]]:
    """Yield fingerprints of copies at every distance up to a limit, and of which picture each is one."""
    from provenance.fingerprint import Fingerprint

    rng = np.random.default_rng(within)
    for number in range(ASKED):
        place, window = int(rng.integers(PICTURES)), int(rng.integers(10))
        code = int.from_bytes(codes[place, window].tobytes(), "big")
        for bit in rng.permutation(256)[: within * (number + 1) // ASKED]:
            code ^= 1 << int(bit)
        yield Fingerprint(pdq=(code.to_bytes(32, "big"), *[bytes(32)] * 9), quality=100, iscc=""), place


def _stranger(number: int) -> Any:
    """Return what a search asks of a picture that is nowhere: its fingerprint, and its codes when it is moved."""
    rng = np.random.default_rng([5, number])
    codes = tuple(rng.bytes(32) for _ in range(18))
    return SimpleNamespace(pdq=codes[:10], shifted=codes[10:], quality=100, is_plain=False, iscc="")


def _quantiles(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} / {sorted(values)[int(0.95 * len(values))]:.0f} ms"


def measured() -> list[tuple[str, str, str]]:
    """Return the rows, measured in a process of their own."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.bench.fingerprints"], cwd=Path(__file__).resolve().parents[2],
        capture_output=True, text=True, check=True, env={**os.environ, "COLOPHON_STARTER_MODEL": ""},
    )  # fmt: skip
    return [tuple(row) for row in json.loads(told.stdout.splitlines()[-1])]  # type: ignore[misc]  # JSON is untyped


if __name__ == "__main__":
    main()
