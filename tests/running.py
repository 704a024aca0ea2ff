"""A whole Colophon as a person starts it: ``manage.py up`` on a data folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil
from safetensors.numpy import save_file

from server.command_line.supervision import Process, Supervisor
from server.environment import Environment
from tests.services import REPOSITORY, RUN_VARIABLE
from tests.simulators.held import file_that_holds

STAND_IN = "generation.pipelines.seeded_noise.SeededNoisePipeline"
HELD = "tests.simulators.held.HeldPipeline"
PATIENCE = 150.0
T = TypeVar("T")


def free_port() -> int:
    """Return a port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def variables(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a Colophon that knows nothing of this test run's own settings."""
    kept = {
        name: value for name, value in os.environ.items()
        if not name.startswith(("COLOPHON_", "DJANGO_", "CELERY_")) and name != "DATABASE_URL"
    }  # fmt: skip
    ours = {
        "COLOPHON_HOME": str(home),
        "COLOPHON_PIPELINE": STAND_IN,
        "COLOPHON_STARTER_MODEL": more.get("COLOPHON_STARTER_MODEL") or str(stand_in_model()),
        "COLOPHON_LEASE_SECONDS": "3",
    }
    return {**kept, **ours, **more}


def stand_in_model() -> Path:
    """Return a folder that is registered as a model and that the stand-in pipeline never reads: 16 weights."""
    folder = Path(os.environ[RUN_VARIABLE]) / "stand-in-model"
    with contextlib.suppress(FileExistsError):
        (folder / "unet").mkdir(parents=True)
        save_file({"conv_in.weight": np.zeros(16, np.float32)}, folder / "unet" / "diffusion_pytorch_model.safetensors")
        parts = {"unet": ["diffusers", "UNet2DConditionModel"]}
        (folder / "unet" / "config.json").write_text(json.dumps({"_class_name": "UNet2DConditionModel"}))
        (folder / "colophon.json").write_text(json.dumps({"licence_spdx": "CC0-1.0"}))
        (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline", **parts}))
    return folder


def manage(home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one ``manage.py`` command to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=REPOSITORY, env=variables(home, **more), text=True,
        capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


class Colophon:
    """A running Colophon: its address, its processes, and the ways in which it can be hurt."""

    def __init__(self, home: Path, *, port: int | None = None, **more: str) -> None:
        self.home = home
        self.port = port or free_port()
        self.more = more
        self.lines: list[str] = []
        self._up: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        """Return where the site answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Environment:
        """Return the environment that the processes read."""
        return Environment(home=self.home, port=self.port, database_url=self.more.get("DATABASE_URL"))

    @property
    def up(self) -> subprocess.Popen[str]:
        """Return the ``manage.py up`` process."""
        assert self._up is not None, "start it first"
        return self._up

    def start(self) -> Colophon:
        """Start it and return when it says that it is ready; fail with what it said and logged otherwise."""
        self.lines = []
        self._up = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(self.port)],
            cwd=REPOSITORY, env=variables(self.home, **self.more), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(self._up, ready), daemon=True)
        self._reader.start()
        if not ready.wait(PATIENCE) or self._up.poll() is not None or not self.answers():
            self.stop()
            raise AssertionError("Colophon did not come up:\n" + self.said() + self.logs())
        return self

    def _read(self, up: subprocess.Popen[str], ready: threading.Event) -> None:
        assert up.stdout is not None
        for line in up.stdout:
            self.lines.append(line)
            if "已就绪" in line:
                ready.set()
        ready.set()

    def said(self) -> str:
        """Return what ``up`` printed so far."""
        return "".join(self.lines)

    def logs(self) -> str:
        """Return the end of every log, for the message of a failed test."""
        files = sorted((self.home / "logs").glob("*.log"))
        return "".join(f"\n== {file.name}\n{file.read_text(errors='replace')[-1500:]}" for file in files)

    def answers(self, path: str = "/health/ready") -> bool:
        """Say whether the site answers 200 there now."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=10) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass
        return False

    @contextlib.contextmanager
    def holding(self) -> Iterator[Callable[[], None]]:
        """Have every picture stand still in the middle until what this yields is called; its pipeline must be HELD."""
        file = file_that_holds(self.home)
        file.touch()
        try:
            yield lambda: file.unlink(missing_ok=True)
        finally:
            file.unlink(missing_ok=True)

    def processes(self) -> dict[str, Process]:
        """Return the supervised processes by name: database, web, render, housekeeping, beat."""
        return Supervisor(self.settings).processes()

    def pid(self, name: str) -> int:
        """Return the process number of one of them."""
        return self.processes()[name].pid

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to one process and nobody else; return the number it had."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def wait_for_another(self, name: str, *, than: int) -> int:
        """Return the number of the process that took a killed one's place."""
        return wait_until(lambda: self._other_pid(name, than), what=f"another {name}")

    def _other_pid(self, name: str, than: int) -> int:
        found = self.pid(name)
        return 0 if found == than else found

    def family(self) -> list[psutil.Process]:
        """Return every process of this Colophon: up, supervisor, database, site, workers and their children."""
        top = psutil.Process(self.up.pid)
        return [top, *top.children(recursive=True)]

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask it to end as Ctrl-C does; return its exit status when it is gone."""
        if self._up is None:
            return 0
        if self._up.poll() is None:
            self._up.send_signal(number)
        try:
            status = self._up.wait(60)
        except subprocess.TimeoutExpired:
            self._up.kill()
            status = self._up.wait()
        self._close()
        return status

    def kill_up(self) -> None:
        """Kill ``manage.py up`` itself, without a chance to stop anything."""
        self.up.kill()
        self.up.wait()
        self._close()

    def _close(self) -> None:
        self._reader.join(30)
        with contextlib.suppress(OSError):
            if self.up.stdout is not None:
                self.up.stdout.close()

    def sweep(self) -> None:
        """Leave nothing running, whatever a test did."""
        self.stop()
        Supervisor(self.settings).stop()


def wait_until(look: Callable[[], T], *, what: str) -> T:
    """Return the first true answer of ``look``; fail, naming what was waited for, when none comes."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if answer := look():
                return answer
        time.sleep(0.1)
    raise AssertionError(f"waited in vain for {what}")
