"""Keeping Colophon's processes running: what they are, and the supervisor that restarts them.

The supervisor is ``supervisord`` as a child of ``manage.py up``, driven over its unix socket
(docs/decisions: process supervision). Nothing here is asked of the person who runs Colophon.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from server.command_line import embedded_database
from server.command_line.embedded_database import Cluster
from server.environment import Environment

MARK = "COLOPHON_SUPERVISED"
"""An environment variable that every supervised process carries, so that orphans are known as ours."""
REPOSITORY = Path(__file__).resolve().parent.parent.parent
SERVICE = "service"
SECONDS_TO_STOP = 6
"""How long a worker may finish what it does; a render cut off after that is taken up again by its lease."""


@dataclass(frozen=True)
class Program:
    """One process that the supervisor keeps running."""

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    stop_seconds: int = SECONDS_TO_STOP


@dataclass(frozen=True)
class Process:
    """What the supervisor knows of one program now."""

    name: str
    state: str
    pid: int
    reason: str
    """Why it does not run, where it does not."""

    @property
    def is_running(self) -> bool:
        """Say whether the process is there; ready is another question."""
        return self.pid > 0


MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(4 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(16 * 2**20)}
"""What glibc keeps for each thread: not the memory of large pictures, but what every usual one needs again."""


def programs(settings: Environment) -> list[Program]:
    """Return what runs for this environment, in the order of starting."""
    python = sys.executable
    celery = [python, "-m", "celery", "-A", "server.celery"]
    worker = [*celery, "worker", "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=INFO"]
    web = [python, "-m", "uvicorn", "server.asgi:application", "--host", settings.host, "--port", str(settings.port)]
    # Not httptools: it takes a header without end and keeps all of it; h11 hangs up after 64 KB.
    web += ["--http", "h11", "--no-access-log", "--timeout-graceful-shutdown", "2"]
    web += ["--workers", str(settings.web_processes)]
    found = [
        Program("web", web, environment={"COLOPHON_DATABASE_POOL": "true", **MALLOC}),
        Program("render", [*worker, "-Q", "render", "-P", "prefork", "-c", "1", "-n", "render@%h"]),
        Program(
            "training",
            [*worker, "-Q", "training", "-P", "prefork", "-c", "1", "--max-tasks-per-child", "1", "-n", "training@%h"],
            environment={"OMP_WAIT_POLICY": "PASSIVE"},  # its threads do not spin while they wait for each other
        ),
        Program("housekeeping", [*worker, "-Q", "housekeeping", "-P", "threads", "-c", "2", "-n", "housekeeping@%h"]),
        Program("beat", [*celery, "beat", "--pidfile=", "--loglevel=WARNING"]),
    ]
    if settings.is_database_embedded:
        module = "server.command_line.embedded_database"
        found.insert(0, Program("database", [python, "-m", module], stop_signal="INT", stop_seconds=20))
    return found


def configuration(settings: Environment) -> str:
    """Return supervisord's configuration: the database first and last, the rest as one group."""
    home, wanted = settings.absolute_home, programs(settings)
    sections: dict[str, Mapping[str, object]] = {
        "supervisord": {
            "nodaemon": "true", "silent": "true", "loglevel": "info", "directory": REPOSITORY,
            "logfile": settings.logs_folder / "supervisor.log", "logfile_maxbytes": "2MB", "logfile_backups": "2",
            "pidfile": settings.run_folder / "supervisor.pid", "childlogdir": settings.logs_folder,
            **({"user": "root"} if os.geteuid() == 0 else {}),
        },
        "unix_http_server": {"file": _socket(settings), "chmod": "0700"},
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
        f"group:{SERVICE}": {
            "programs": ",".join(each.name for each in wanted if each.name != "database"), "priority": "20"
        },
        **{f"program:{each.name}": _program_section(each, logs=settings.logs_folder) for each in wanted},
    }  # fmt: skip
    lines = [f"; made by manage.py up for {home}; changes are lost"]
    for title, values in sections.items():
        lines.append(f"\n[{title}]")
        lines += [f"{name} = {str(value).replace('%', '%%')}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def _program_section(program: Program, *, logs: Path) -> dict[str, object]:
    variables = ",".join(f'{name}="{value}"' for name, value in program.environment.items())
    return {
        "command": shlex.join(program.command),
        "directory": REPOSITORY,
        "autostart": "false",
        "autorestart": "true",
        "startsecs": "2",
        "startretries": "6",
        "priority": "1" if program.name == "database" else "20",
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_seconds),
        "killasgroup": "false" if program.name == "database" else "true",
        "redirect_stderr": "true",
        "stdout_logfile": logs / f"{program.name}.log",
        "stdout_logfile_maxbytes": "5MB",
        "stdout_logfile_backups": "3",
        **({"environment": variables} if variables else {}),
    }


def _socket(settings: Environment) -> Path:
    return settings.socket_folder / "supervisor.sock"


class Supervisor:
    """The supervisor of one data folder, running or not."""

    def __init__(self, settings: Environment) -> None:
        self.settings = settings
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start supervisord with nothing running under it yet; it ends with this process, however that ends."""
        file = self.settings.run_folder / "supervisor.conf"
        file.write_text(configuration(self.settings))
        variables = {
            "COLOPHON_HOME": str(self.settings.absolute_home),
            "COLOPHON_HOST": self.settings.host,
            "COLOPHON_PORT": str(self.settings.port),
            "PYTHONUNBUFFERED": "1",
            MARK: str(self.settings.absolute_home),
        }
        with open(self.settings.logs_folder / "supervisor.out", "wb") as out:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "server.command_line.supervision", str(file), str(os.getpid())],
                cwd=REPOSITORY, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True,  # Ctrl-C in the terminal reaches `up` alone, which then stops in order
            )  # fmt: skip
        while self._child.poll() is None and not self.answers():
            time.sleep(0.05)

    @property
    def is_alive(self) -> bool:
        """Say whether the supervisord that this object started still runs."""
        return self._child is not None and self._child.poll() is None

    def answers(self) -> bool:
        """Say whether a supervisor of this data folder takes commands."""
        with contextlib.suppress(OSError, xmlrpc.client.Error):
            return bool(self._call("getState"))
        return False

    def launch(self, name: str) -> None:
        """Start one program and return at once."""
        with contextlib.suppress(xmlrpc.client.Fault):  # it runs already
            self._call("startProcess", _full_name(name), False)

    def end(self, name: str) -> None:
        """Stop one program, not to be restarted, and return when it is gone."""
        self._call("stopProcess", _full_name(name), True)

    def processes(self) -> dict[str, Process]:
        """Return every program by its name, as it stands now."""
        return {found["name"]: _process(found) for found in self._call("getAllProcessInfo")}

    def stop(self) -> None:
        """Stop every process, the database last, and return when all are gone."""
        if self.is_alive and self._child is not None:
            self._child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(SECONDS_TO_STOP + 30)
        stop_orphans(self.settings)
        if self.settings.is_database_embedded:
            embedded_database.stop(Cluster.of(self.settings))
        if self._child is not None:
            self._child.wait()

    def _call(self, method: str, *arguments: object) -> Any:
        from supervisor.xmlrpc import SupervisorTransport

        # The address is only a form: the transport talks to the socket.
        transport = SupervisorTransport(None, None, f"unix://{_socket(self.settings)}")
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)


def _full_name(name: str) -> str:
    return name if name == "database" else f"{SERVICE}:{name}"


def _process(found: Mapping[str, Any]) -> Process:
    reason = found["spawnerr"] or ("" if found["pid"] else found["description"])
    return Process(name=found["name"], state=found["statename"], pid=found["pid"], reason=reason)


def orphans(settings: Environment) -> list[psutil.Process]:
    """Return the supervised processes of this data folder that are still there, supervisord included."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == str(settings.absolute_home) and process.pid != os.getpid():
                found.append(process)
    return found


def stop_orphans(settings: Environment) -> int:
    """Stop what a killed ``up`` left behind, but for the database; return how many processes that were."""
    left = orphans(settings)
    # A supervisord that is left stops its own children in order, and must not restart those that we stop.
    overseers = [process for process in left if _is_supervisord(process)]
    for group, seconds in ((overseers, SECONDS_TO_STOP + 25), (left, SECONDS_TO_STOP)):
        for process in group:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        psutil.wait_procs(group, timeout=seconds)
    for process in (stubborn := orphans(settings)):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=SECONDS_TO_STOP)
    return len(left)


def _is_supervisord(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return "server.command_line.supervision" in process.cmdline()
    return False


def main() -> None:
    """Be supervisord on the named configuration until the process that wanted it is gone."""
    from supervisor import supervisord

    file, parent = sys.argv[1], int(sys.argv[2])
    embedded_database.die_with_parent(signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(1)
    supervisord.main(["-n", "-c", file])


if __name__ == "__main__":
    main()
