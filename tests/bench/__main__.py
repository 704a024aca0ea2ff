"""``make bench``: throughput beside the bare pipeline, latency, start, memory; one run, one table."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from server.command_line.demo import Server, first_password
from tests.bench import decision, fingerprints, log, marks, proofs, statements, training, verification
from tests.running import Colophon

ROOT = Path(__file__).resolve().parents[2]
REQUESTS, SEEDS, STEPS = int(os.environ.get("BENCH_REQUESTS", "20")), 4, 20
DIFFUSERS = "generation.pipelines.diffusers_backend.DiffusersPipeline"
SYSTEM = "system"
PARTS = {
    "log": log, "proofs": proofs, "fingerprints": fingerprints, "marks": marks, "verification": verification,
    "statements": statements, "decision": decision, "training": training,
}  # fmt: skip
ENDED = {"done", "refused", "failed", "cancelled"}


def main() -> None:
    """Measure what the arguments name, or everything; print, and leave everything stopped."""
    asked = sys.argv[1:] or [SYSTEM, *PARTS]
    if unknown := sorted(set(asked) - {SYSTEM, *PARTS}):
        sys.exit(f"unknown: {', '.join(unknown)}; choose from {', '.join([SYSTEM, *PARTS])}")
    rows = whole_system() if SYSTEM in asked else []
    for name, part in PARTS.items():
        rows += part.measured() if name in asked else []
    print_table(rows)


def whole_system() -> list[tuple[str, str, str]]:
    """Return the rows of a Colophon that is started, asked for pictures, and stopped."""
    rows: list[tuple[str, str, str]] = []
    with tempfile.TemporaryDirectory(prefix="colophon-bench-") as folder:
        running = Colophon(
            Path(folder) / "data", COLOPHON_PIPELINE=DIFFUSERS, COLOPHON_REQUEST_RATE="100000/min",
            COLOPHON_LEASE_SECONDS="15", COLOPHON_STARTER_MODEL=str(ROOT / "generation" / "starter" / "model"),
        )  # fmt: skip
        running.start()
        running.stop()
        began = time.perf_counter()
        running.start()
        rows.append(("up, ready (second start)", f"{time.perf_counter() - began:.1f} s", "<= 20 s"))
        try:
            rows += measured(running)
        finally:
            running.sweep()
    return rows


def measured(running: Colophon) -> list[tuple[str, str, str]]:
    """Return the rows of everything that needs a running server."""
    server = Server(running.address)
    server.sign_in(account="artist", password=first_password(running.home, account="artist"))
    warm = draw_and_wait(server, count=1)[0]
    before = bare(warm)
    system = throughput(server)
    after = bare(warm)
    theirs = (before + after) / 2
    images = REQUESTS * SEEDS
    rows = [
        ("images/s, bare pipeline", f"{images / theirs:.2f}", f"two runs: {before:.1f} s, {after:.1f} s"),
        ("images/s, whole system", f"{images / system:.2f}", ""),
        ("ratio", f"{theirs / system:.3f}", ">= 0.90"),
        ("overhead an image", f"{1000 * (system - theirs) / images:.1f} ms", "<= 25 ms"),
        ("overhead a step (if all were there)", f"{1000 * (system - theirs) / REQUESTS / STEPS:.2f} ms", "<= 1 ms"),
    ]
    posts, starts = latencies(server)
    rows += [
        ("an answer without work, p50 / p95", _quantiles(bare_answers(server)), "the bare minimum of HTTP here"),
        ("POST to 202, p50 / p95", _quantiles(posts), "p50 <= 25 ms"),
        ("request to worker start, p50 / p95", _quantiles(starts), "p50 <= 50 ms"),
        ("web process, resident", f"{psutil.Process(running.pid('web')).memory_info().rss / 2**20:.0f} MB", "< 200 MB"),
    ]
    return rows


def body(first_seed: int, *, count: int) -> dict[str, Any]:
    """Return a request for some pictures."""
    return {
        "prompt": "a red apple", "references": [{"style": "noto"}], "steps": STEPS,
        "seeds": [str(first_seed + index) for index in range(count)],
    }  # fmt: skip


def draw_and_wait(server: Server, *, count: int) -> list[dict[str, Any]]:
    """Make one request and return its record when it has ended."""
    record = json.loads(server.call("/api/v1/generations", body=body(1, count=count)))
    return [wait(server, record["id"])]


def wait(server: Server, generation: str, *, every: float = 0.25) -> dict[str, Any]:
    """Return a generation's record once it has ended; anything but done ends the measurement."""
    while True:
        record: dict[str, Any] = json.loads(server.call(f"/api/v1/generations/{generation}"))
        if record["state"] in ENDED:
            if record["state"] != "done":
                sys.exit(f"a request ended {record['state']}: {record['fault']}")
            return record
        time.sleep(every)


def throughput(server: Server) -> float:
    """Return the seconds from the first claim to the last delivery of all requests."""
    ids = [
        json.loads(server.call("/api/v1/generations", body=body(1000 * number, count=SEEDS)))["id"]
        for number in range(REQUESTS)
    ]
    # Seldom, for the answers take their share of the two cores; the times are the records' own.
    records = [wait(server, one, every=2.0) for one in ids]
    began = min(moment(record["claimed_at"]) for record in records)
    ended = max(moment(record["ended_at"]) for record in records)
    return (ended - began).total_seconds()


def latencies(server: Server) -> tuple[list[float], list[float]]:
    """Return milliseconds from POST to 202, and from the request to the worker's claim on an idle server."""
    posts, starts = [], []
    for number in range(20):
        began = time.perf_counter()
        record = json.loads(
            server.call("/api/v1/generations", body=body(number, count=1) | {"steps": 1})
        )
        posts.append(1000 * (time.perf_counter() - began))
        record = wait(server, record["id"])
        waited = moment(record["claimed_at"]) - moment(record["requested_at"])
        starts.append(1000 * waited.total_seconds())
    return posts, starts


def bare_answers(server: Server) -> list[float]:
    """Return milliseconds from asking to an answer that takes no work."""
    found = []
    for _ in range(20):
        began = time.perf_counter()
        server.call("/health/live")
        found.append(1000 * (time.perf_counter() - began))
    return found


def bare(record: dict[str, Any]) -> float:
    """Return the seconds that the bare pipeline takes for the same batches, in a process of its own."""
    chosen = {
        "folder": str(ROOT / "generation" / "starter" / "model"),
        "dtype": record["environment"]["dtypes"]["unet"],
        "requests": REQUESTS, "seeds": SEEDS, "steps": STEPS,
        "guidance": record["guidance_scale"], "side": record["width"],
    }  # fmt: skip
    told = subprocess.run(
        [sys.executable, "-m", "tests.bench.bare", json.dumps(chosen)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(json.loads(told.stdout.splitlines()[-1])["seconds"])


def moment(text: str) -> datetime:
    """Return a time of the API."""
    return datetime.fromisoformat(text)


def _quantiles(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} / {sorted(values)[int(0.95 * len(values))]:.1f} ms"


def print_table(rows: list[tuple[str, str, str]]) -> None:
    """Print what was measured beside what was aimed at."""
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for name, figure, aim in rows:
        print(f"{name:{widths[0]}}  {figure:>{widths[1]}}  {aim}")


if __name__ == "__main__":
    main()
