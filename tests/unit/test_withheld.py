"""What the web server itself logs, at DEBUG, of what broke where no view was asked: class and place, without a word."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import variables, wait_until
from tests.services import REPOSITORY
from tests.simulators.secrets import leaks

SAID = {
    "raise": "Exception in ASGI application",
    "midway": "Exception in ASGI application",
    "task": "Task exception was never retrieved",
    "future": "Future exception was never retrieved",
    "callback": "Exception in callback broken",
    "thread": "a thread ended by an exception",
    "left-over": "an exception was ignored",
    "wrongly-logged": "a log line could not be written",
    "quoted": "refused: (words withheld)",
    "loguru": "refused: (words withheld)",
    "over": "the process ends by an exception",
}
"""What is logged of each way in which the telling site breaks."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Lend the address of the telling site, served as the web process is, and the file with all that it writes."""
    folder = tmp_path_factory.mktemp("telling")
    written, more = folder / "web.log", {"COLOPHON_LOG_LEVEL": "DEBUG", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "uvicorn", "tests.simulators.telling_site:application", "--port", "0"]
    with written.open("wb") as log, subprocess.Popen(
        [*command, "--http", "h11", "--no-access-log", "--lifespan", "off", "--timeout-graceful-shutdown", "2"],
        cwd=REPOSITORY, env=variables(folder / "data", **more), stdout=log, stderr=log,
    ) as process:  # fmt: skip
        try:
            yield wait_until(lambda: _address_in(written), what="the telling site"), written
        finally:
            process.terminate()


def _address_in(written: Path) -> str:
    said = [line["event"] for line in lines(written) if "running on" in line["event"]]
    return said[0].split("running on ")[1].split()[0] if said else ""


def lines(written: Path) -> list[dict[str, str]]:
    """Return the whole lines that are objects, as the site's own handler writes them."""
    whole = written.read_text().rpartition("\n")[0].splitlines()
    return [json.loads(line) for line in whole if line.startswith("{")]


@pytest.mark.parametrize("way", SAID)
def test_what_breaks_outside_django_is_logged_by_class_and_place_without_a_word(
    site: tuple[str, Path], way: str
) -> None:
    if way == "loguru":
        pytest.importorskip("loguru")
    address, written = site
    before = len(lines(written))
    with contextlib.suppress(OSError, http.client.HTTPException):  # some ways end with the answer
        urllib.request.urlopen(f"{address}/aloud/{way}", timeout=60).read()
    said = wait_until(
        lambda: [line for line in lines(written)[before:] if line["event"].strip() == SAID[way]], what=SAID[way]
    )
    assert all("Error" in str(line["exception"]) and "telling_site.py" in str(line) for line in said)
    assert leaks(written.read_bytes()) == []


def test_what_a_picture_says_of_itself_is_not_logged(site: tuple[str, Path]) -> None:
    address, written = site
    assert urllib.request.urlopen(f"{address}/aloud/picture", timeout=60).read() == b"done"
    assert leaks(written.read_bytes()) == []
