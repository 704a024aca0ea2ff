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
    assert "torch" not in _loaded_by(studio.pid("web"))
    assert any("torch" in _loaded_by(one.pid) for one in studio.family() if Path(f"/proc/{one.pid}").exists())


def _loaded_by(pid: int) -> str:
    """Return the names of the library files that a process has open, in one line."""
    try:
        return " ".join(Path(one.path).name for one in psutil.Process(pid).memory_maps() if "libtorch" in one.path)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""
