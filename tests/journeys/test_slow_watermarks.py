"""A picture left for its watermark to be read is read by the real render worker, and the web process has no torch."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.running import Colophon, manage, wait_until

pytestmark = [pytest.mark.journey, pytest.mark.torch]
LEAVE_A_PICTURE = """
from generation.actions.reading_watermarks import ask
from tests.bench.marks import varied
print("left", ask(varied(3, 300)).pk)
"""

READ_ONE_SOON = """
from generation.actions.reading_watermarks import read_soon
from tests.bench.marks import varied
print("read", read_soon(varied(3, 300)).hex())
"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Colophon]:
    """Lend a Colophon whose watermark is a small TrustMark that reads one id in every picture."""
    from tests.factories.trustmarks import placed_weights

    folder = tmp_path_factory.mktemp("studio")
    folder.chmod(0o711)
    running = Colophon(
        folder / "data", COLOPHON_WATERMARK="trustmark",
        COLOPHON_TRUSTMARK_WEIGHTS=str(placed_weights(folder / "weights")),
    )  # fmt: skip
    try:
        running.start()
        yield running
    finally:
        running.sweep()


def test_the_render_worker_reads_what_the_web_process_never_could(studio: Colophon) -> None:
    done = manage(studio.home, "shell", "-c", LEAVE_A_PICTURE, **studio.more)
    assert done.returncode == 0, done.stderr
    (reading,) = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("left ")]
    address = f"{studio.address}/api/v1/watermark-readings/{reading}"

    def read() -> dict[str, object]:
        with urllib.request.urlopen(address, timeout=20) as answer:
            told: dict[str, object] = json.loads(answer.read())
        return told if told["state"] != "waiting" else {}

    told = wait_until(read, what=f"the reading\n{studio.logs()}")
    assert (told["state"], told["records"]) == ("done", []), "the id is no record's"
    of_web = _libraries(psutil.Process(studio.pid("web")))
    assert any("python" in name for name in of_web) and not any("libtorch" in name for name in of_web)
    assert any(_has_torch(one) for one in studio.family())


def test_a_request_that_waits_for_a_reading_gets_it_in_time(studio: Colophon) -> None:
    done = manage(studio.home, "shell", "-c", READ_ONE_SOON, **studio.more)
    assert "read 0123456789abcdef" in done.stdout, f"{done.stdout}{done.stderr}\n{studio.logs()}"


def _has_torch(process: psutil.Process) -> bool:
    """Say whether a process has torch loaded; no for one that has just ended or is not ours to look at."""
    try:
        return any("libtorch" in name for name in _libraries(process))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _libraries(process: psutil.Process) -> set[str]:
    """Return the names of the files that a process has mapped."""
    return {Path(one.path).name for one in process.memory_maps()}
