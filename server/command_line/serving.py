"""``manage.py up`` from its first check to its last process: the order of starting, watching and stopping."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from server.command_line import embedded_database, errors, supervision
from server.command_line.embedded_database import Cluster
from server.command_line.locks import Lock
from server.command_line.supervision import Process, Supervisor
from server.environment import Environment

SECONDS_TO_READY = 120
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BEFORE_ANOTHER_TRY = 20.0

Prepare = Callable[[], None]
Say = Callable[[str], None]


class Stopped(BaseException):
    """A signal asked for the end."""


def serve(settings: Environment, *, steps: dict[str, Prepare], say: Say, announce: Prepare) -> None:
    """Run Colophon on its data folder until a signal ends it; return with nothing of it left running.

    ``steps`` prepare the data once the database answers; ``announce`` tells the person that all is ready.
    """
    cluster = Cluster.of(settings)
    embedded_database.prepare_folders(cluster)
    with (
        contextlib.suppress(Stopped),
        _told_to_stop(),
        Lock(settings.run_folder / "up.lock") as up,
        cluster.in_use as database,
    ):
        _hold_alone(settings, up=up)
        if left := supervision.stop_orphans(settings):
            say(f"stopped {left} processes that a killed Colophon left · 已停止上次遗留的 {left} 个进程")
        check_address(settings.host, settings.port)
        if settings.is_database_embedded:
            _hold_database(cluster, lock=database)
        supervisor = Supervisor(settings)
        try:
            _start(supervisor, steps=steps, say=say)
            announce()
            _watch(supervisor, say=say)
        finally:
            _ignore_signals()
            say("stopping · 正在停止")
            supervisor.stop()
            say("stopped · 已停止")


def check_address(host: str, port: int) -> None:
    """Raise AddressTaken unless a server could listen there now."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except OSError as error:
        raise errors.AddressTaken(host=host, port=port, reason=error.strerror or str(error)) from error


def _hold_alone(settings: Environment, *, up: Lock) -> None:
    file = settings.run_folder / "up.pid"
    if not up.take_alone():
        raise errors.AlreadyUp(folder=settings.absolute_home, pid=file.read_text() if file.exists() else "?")
    file.write_text(str(os.getpid()))


def _hold_database(cluster: Cluster, *, lock: Lock) -> None:
    """Take the database from commands that borrow it now, as soon as they end."""
    patience = time.monotonic() + embedded_database.SECONDS_TO_START
    while not lock.take_alone():
        if time.monotonic() > patience:
            raise errors.DatabaseBusy(folder=cluster.folder)
        time.sleep(0.1)
    embedded_database.stop(cluster)
    embedded_database.initialise(cluster)


# ---- starting ------------------------------------------------------------------------------------------------


def _start(supervisor: Supervisor, *, steps: dict[str, Prepare], say: Say) -> None:
    settings = supervisor.settings
    with _timed("processes · 进程管理", say=say):
        supervisor.start()
    if not supervisor.is_alive:
        raise _failure(settings, "supervisor", "it ended at once")
    if settings.is_database_embedded:
        with _timed("database · 数据库", say=say):
            supervisor.launch("database")
            embedded_database.wait_until_it_answers(
                Cluster.of(settings), is_alive=lambda: _may_come(supervisor, "database")
            )
    for title, step in steps.items():
        with _timed(title, say=say):
            _prepare(settings, title=title, step=step)
    with _timed("site and workers · 网站与工作进程", say=say):
        for name in supervisor.processes():
            supervisor.launch(name)
        _wait_until_ready(supervisor)


def _prepare(settings: Environment, *, title: str, step: Prepare) -> None:
    try:
        step()
    except errors.Fault:
        raise
    except Exception as error:
        log = settings.logs_folder / "up.log"
        with open(log, "a") as file:
            traceback.print_exception(error, file=file)
        cause = error.__cause__ if isinstance(error.__cause__, errors.Fault) else None
        said = {language: cause.said(language) if cause else _one_line(error) for language in ("en", "zh-Hans")}
        raise errors.PreparationFailed(
            step=title, reason=said["en"], reason_zh=said["zh-Hans"], log=log
        ) from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _may_come(supervisor: Supervisor, name: str) -> bool:
    return supervisor.is_alive and supervisor.processes()[name].state not in {"FATAL", "STOPPED"}


def _wait_until_ready(supervisor: Supervisor) -> None:
    """Return when the site says that it is ready and every process runs."""
    settings, began = supervisor.settings, time.monotonic()
    while True:
        processes = supervisor.processes() if supervisor.is_alive else {}
        for process in processes.values():
            if process.state == "FATAL":
                raise _failure(settings, process.name, process.reason)
        reason = _unready(settings)
        if not reason and processes and all(process.is_running for process in processes.values()):
            return
        if time.monotonic() - began > SECONDS_TO_READY or not supervisor.is_alive:
            raise errors.NotReady(seconds=SECONDS_TO_READY, reason=reason, folder=settings.logs_folder)
        time.sleep(0.1)


def _unready(settings: Environment) -> str:
    """Return why the site is not ready, or nothing when it is."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    # No proxy of the environment may stand between us and our own site.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{host}:{settings.port}/health/ready", timeout=5) as answer:
            return "" if answer.status == 200 else f"status {answer.status}"
    except urllib.error.HTTPError as error:
        with error:
            return f"status {error.code}: {error.read(200).decode(errors='replace')}"
    except OSError as error:
        return str(error)


def _failure(settings: Environment, name: str, reason: str) -> errors.ProcessFailed:
    log = settings.logs_folder / f"{name}.log"
    return errors.ProcessFailed(process=name, reason=_last_words(log) or reason, log=log)


def _last_words(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = [line.strip() for line in log.read_text(errors="replace")[-4000:].splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""
    return ""


@contextlib.contextmanager
def _timed(title: str, *, say: Say) -> Iterator[None]:
    began = time.monotonic()
    yield
    say(f"✓ {title}  {time.monotonic() - began:.1f} s")


# ---- watching ------------------------------------------------------------------------------------------------


def _watch(supervisor: Supervisor, *, say: Say) -> None:
    """Tell what falls and rises again; return never, but raise when nobody is left to restart anything."""
    known = supervisor.processes()
    tried = 0.0
    while True:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        if not supervisor.is_alive:
            raise _failure(supervisor.settings, "supervisor", "it was killed")
        now = supervisor.processes()
        for name, process in now.items():
            _tell(known[name], process, say=say)
        known = now
        if time.monotonic() - tried > SECONDS_BEFORE_ANOTHER_TRY:
            tried = time.monotonic()
            for process in now.values():
                if process.state == "FATAL":
                    supervisor.launch(process.name)


def _tell(before: Process, after: Process, *, say: Say) -> None:
    name = after.name
    if after.state == "FATAL" and before.state != "FATAL":
        say(f"✗ {name} does not stay up, trying again · {name} 无法保持运行，将继续重试: {after.reason}")
    elif after.is_running and before.pid != after.pid:
        say(f"✓ {name} was started again (process {after.pid}) · {name} 已重新启动")


# ---- stopping ------------------------------------------------------------------------------------------------

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _stop_now(number: int, frame: FrameType | None) -> None:
    raise Stopped


@contextlib.contextmanager
def _told_to_stop() -> Iterator[None]:
    before = {number: signal.signal(number, _stop_now) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
