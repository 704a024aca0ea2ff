"""Verification's share: one whole report in process, and reports a second over HTTP; prints rows as JSON."""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import c2pa  # type: ignore[import-untyped]  # it ships no types
import psutil

from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.reading import settings
from provenance.verification.trust import trust_in
from provenance.verification.verify import verify
from server.command_line.demo import Server, first_password
from tests.running import Colophon
from tests.services import RUN_VARIABLE
from tests.simulators.pictures import picture, signed
from tests.simulators.records import Ledger, record_of

ROOT = Path(__file__).resolve().parents[2]
SIDE = 590
"""Noise of this many pixels a side is a PNG of one megabyte."""
REPORTS, CALLERS, STRANGERS = 60, 4, 24
DRAWN_SIDE = 768
"""A picture of the stand-in pipeline of this many pixels a side is a PNG of about a megabyte."""
SECONDS_TO_A_CHECKPOINT = 4


def main() -> None:
    """Measure in this process, then against a running Colophon, and leave nothing running."""
    with tempfile.TemporaryDirectory(prefix="colophon-bench-verification-") as folder:
        rows = in_process(Path(folder) / "keys")
        os.environ.setdefault(RUN_VARIABLE, folder)
        for processes in ("1", "2"):
            running = Colophon(
                Path(folder) / processes, COLOPHON_VERIFY_RATE="100000/min", COLOPHON_WEB_PROCESSES=processes
            )
            try:
                running.start()
                told = f"verifications/s over HTTP, web processes: {processes}"
                rows += [(f"{told}, {name}", *more) for name, *more in over_http(running)]
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
    bare = lambda: _bare(data, root_pem=key.root_pem)  # noqa: E731  # likewise
    return [
        (f"C2PA library alone, {size}, p50 (CPU)", _milliseconds(bare), "the bare minimum"),
        (f"verify {size}, known byte for byte, p50 (CPU)", _milliseconds(known), "<= 15 ms"),
        (f"verify {size}, not in the records, p50 (CPU)", _milliseconds(unknown), "<= 15 ms"),
    ]


def _bare(data: bytes, *, root_pem: str) -> str:
    with (
        c2pa.Context.from_dict(settings(trust_pem=root_pem)) as context,
        c2pa.Reader("image/png", io.BytesIO(data), context=context) as reader,
    ):
        return str(reader.json())


def _milliseconds(report: Callable[[], object]) -> str:
    spent, busy = [], []
    for _ in range(REPORTS):
        began, began_busy = time.perf_counter(), time.process_time()
        report()
        spent.append(1000 * (time.perf_counter() - began))
        busy.append(1000 * (time.process_time() - began_busy))
    return f"{statistics.median(spent):.1f} ms ({statistics.median(busy):.1f} ms)"


def over_http(running: Colophon) -> Iterator[tuple[str, str, str]]:
    """Yield how many reports a second a running Colophon gives, four callers at a time, and what each costs.

    The strangers' pictures are another one each time, and a watermark could be in any of them.
    """
    server = Server(running.address)
    server.sign_in(account="artist", password=first_password(running.home, account="artist"))
    image, known = _delivered(server)
    time.sleep(SECONDS_TO_A_CHECKPOINT)
    key = DevelopmentCA(running.home / "keys").signing_key(now=datetime.now(UTC))
    strangers = [signed(key, data=picture(size=SIDE, seed=seed)).data for seed in range(STRANGERS)]
    size = f"{len(known) / 1e6:.1f} MB PNG"
    yield _reports(running, [known], layer="file", name=f"{size}, known byte for byte")
    work = json.loads(server.call("/api/v1/works", body={"image": image, "title": "Clouds"}))["id"]
    _, nested = _delivered(server, inputs=[{"role": "image", "work": work}])
    time.sleep(SECONDS_TO_A_CHECKPOINT)
    yield _reports(running, [nested], layer="file", name="the same made from a listed work")
    yield _reports(running, strangers, layer="", name="1.1 MB PNG, not in the records")


def _delivered(server: Server, **more: object) -> tuple[str, bytes]:
    """Return the digest and the file of a picture that this Colophon made."""
    asked = {"prompt": "clouds", "steps": 2, "seeds": ["1"], "width": DRAWN_SIDE, "height": DRAWN_SIDE, **more}
    generation = json.loads(server.call("/api/v1/generations", body=asked))["id"]
    while True:
        record = json.loads(server.call(f"/api/v1/generations/{generation}"))
        if record["state"] == "done":
            digest = record["outputs"][0]["digest"]
            return digest, server.call(f"/api/v1/images/{digest}/file")
        if record["state"] in {"failed", "refused"}:
            sys.exit(f"no picture to verify: {record}")
        time.sleep(0.2)


def _reports(running: Colophon, files: Sequence[bytes], *, layer: str, name: str) -> tuple[str, str, str]:
    bodies = [_form(data) for data in files]

    def report(number: int) -> None:
        connection = HTTPConnection("127.0.0.1", running.port, timeout=60)
        connection.request("POST", "/api/v1/verifications", bodies[number % len(bodies)], FORM)
        told = json.loads(connection.getresponse().read())
        connection.close()
        found = told["records"][0]["layer"] if told["records"] else ""
        if (told["state"], found) != ("trusted", layer):
            sys.exit(f"the report over HTTP is not what it should be: {told}")

    for number in range(CALLERS + len(bodies)):
        report(number)
    top = (psutil.Process(running.pid(one)) for one in ("web", "database"))
    web, database = ([one, *one.children(recursive=True)] for one in top)
    began, before = time.perf_counter(), [_busy(web), _busy(database)]
    with ThreadPoolExecutor(CALLERS) as callers:
        done = len(list(callers.map(report, range(4 * REPORTS))))
    seconds, after = time.perf_counter() - began, [_busy(web), _busy(database)]
    costs = [1000 * (then - now) / done for now, then in zip(before, after, strict=True)]
    figure = f"{done / seconds:.0f} (CPU web {costs[0]:.0f} ms, database {costs[1]:.0f} ms each)"
    return (name, figure, ">= 100 on 2 cores")


def _busy(processes: Sequence[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in processes if one.is_running())


FORM = {"Content-Type": "multipart/form-data; boundary=picture"}


def _form(data: bytes) -> bytes:
    head = b'--picture\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\n'
    return head + data + b"\r\n--picture--\r\n"


def measured() -> list[tuple[str, str, str]]:
    """Return the rows, measured in a process of their own."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.bench.verification"], cwd=ROOT,
        capture_output=True, text=True, check=True, env=os.environ,
    )  # fmt: skip
    return [tuple(row) for row in json.loads(told.stdout.splitlines()[-1])]  # type: ignore[misc]  # JSON is untyped


if __name__ == "__main__":
    main()
