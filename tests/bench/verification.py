"""Verification's share: one whole report in process, and reports a second over HTTP; prints rows as JSON."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil

from provenance.credentials.development_ca import DevelopmentCA
from provenance.verification.trust import trust_in
from provenance.verification.verify import verify
from tests.running import Colophon
from tests.simulators.pictures import picture, signed
from tests.simulators.records import Ledger, record_of

ROOT = Path(__file__).resolve().parents[2]
SIDE = 590
"""Noise of this many pixels a side is a PNG of one megabyte."""
REPORTS, CALLERS = 60, 4


def main() -> None:
    """Measure in this process, then against a running Colophon, and leave nothing running."""
    with tempfile.TemporaryDirectory(prefix="colophon-bench-verification-") as folder:
        rows = in_process(Path(folder) / "keys")
        model = ROOT / "generation" / "starter" / "model"
        running = Colophon(
            Path(folder) / "data", COLOPHON_VERIFY_RATE="100000/min", COLOPHON_STARTER_MODEL=str(model)
        )  # fmt: skip
        try:
            running.start()
            rows.append(over_http(running))
        finally:
            running.sweep()
    print(json.dumps(rows))


def in_process(keys: Path) -> list[tuple[str, str, str]]:
    """Return how long one report takes for a megabyte with a manifest, known to the records and not."""
    key = DevelopmentCA(keys).signing_key(now=datetime.now(UTC))
    data = signed(key, data=picture(size=SIDE)).data
    trust, ledger = trust_in(key.root_pem), Ledger([record_of(data)])
    known = lambda: verify(data, trust=trust, evidence=ledger).as_json()  # noqa: E731  # two of one kind, side by side
    unknown = lambda: verify(data, trust=trust).as_json()  # noqa: E731  # likewise
    size = f"{len(data) / 1e6:.1f} MB PNG"
    return [
        (f"verify {size}, known byte for byte, p50 (CPU)", _milliseconds(known), "<= 15 ms"),
        (f"verify {size}, not in the records, p50 (CPU)", _milliseconds(unknown), "<= 15 ms"),
    ]


def _milliseconds(report: Callable[[], object]) -> str:
    spent, busy = [], []
    for _ in range(REPORTS):
        began, began_busy = time.perf_counter(), time.process_time()
        report()
        spent.append(1000 * (time.perf_counter() - began))
        busy.append(1000 * (time.process_time() - began_busy))
    return f"{statistics.median(spent):.1f} ms ({statistics.median(busy):.1f} ms)"


def over_http(running: Colophon) -> tuple[str, str, str]:
    """Return how many reports a second a running Colophon gives, four callers at a time."""
    key = DevelopmentCA(running.home / "keys").signing_key(now=datetime.now(UTC))
    data = signed(key, data=picture(size=SIDE)).data
    with httpx.Client(base_url=running.address, timeout=60, trust_env=False) as client:

        def report(_: int) -> str:
            return str(client.post("/api/v1/verifications", files={"file": ("x.png", data)}).json()["state"])

        if report(0) != "trusted":
            sys.exit("the report over HTTP is not what it should be")
        web = psutil.Process(running.pid("web"))
        began, began_busy = time.perf_counter(), sum(web.cpu_times()[:2])
        with ThreadPoolExecutor(CALLERS) as callers:
            done = len(list(callers.map(report, range(2 * REPORTS))))
        seconds, busy = time.perf_counter() - began, sum(web.cpu_times()[:2]) - began_busy
    figure = f"{done / seconds:.0f} (CPU {1000 * busy / done:.0f} ms each)"
    return ("verifications/s over HTTP, 1 MB PNG, not in the records", figure, ">= 100 on 2 cores")


def measured() -> list[tuple[str, str, str]]:
    """Return the rows, measured in a process of their own."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.bench.verification"], cwd=ROOT,
        capture_output=True, text=True, check=True, env=os.environ,
    )  # fmt: skip
    return [tuple(row) for row in json.loads(told.stdout.splitlines()[-1])]  # type: ignore[misc]  # JSON is untyped


if __name__ == "__main__":
    main()
