"""The real services that tests run against: which are here, where they answer, and how one is started for a run."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import ipaddress
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
import pytest

from server.command_line import embedded_database
from server.command_line.embedded_database import Cluster

REPOSITORY = Path(__file__).resolve().parent.parent
RUN_VARIABLE = "COLOPHON_TEST_RUN"
GO_SOURCES = "/usr/share/gocode"
SERVER_POSTGRESQL = "postgresql://postgres@127.0.0.1:5432"
RABBITMQ = "amqp://guest:guest@127.0.0.1:5672//"


def worker_name() -> str:
    """Return this xdist worker's name, or ``alone``."""
    return os.environ.get("PYTEST_XDIST_WORKER", "alone")


def is_controller() -> bool:
    """Say whether this process leads the run; xdist's workers follow."""
    return "PYTEST_XDIST_WORKER" not in os.environ


# ---- one run, one folder -------------------------------------------------------------------------------------


def open_run() -> Path:
    """Return the folder that this run's processes share, made by the controller; sweep what killed runs left."""
    if is_controller():
        _sweep_killed_runs()
        # Short, because a unix socket's path may have 107 bytes at most.
        os.environ[RUN_VARIABLE] = tempfile.mkdtemp(prefix=f"colophon-tests-{os.getpid()}-")
        Path(os.environ[RUN_VARIABLE]).chmod(0o711)
    return Path(os.environ[RUN_VARIABLE])


def close_run(folder: Path) -> None:
    """Stop the run's database and remove the folder; only the controller may."""
    embedded_database.stop(run_cluster(folder))
    shutil.rmtree(folder, ignore_errors=True)


def _sweep_killed_runs() -> None:
    for folder in Path(tempfile.gettempdir()).glob("colophon-tests-*-*"):
        process = folder.name.split("-")[2]
        if process.isdigit() and not psutil.pid_exists(int(process)) and folder.stat().st_uid == os.geteuid():
            close_run(folder)


def run_cluster(folder: Path) -> Cluster:
    """Return the embedded cluster that all workers of a run share."""
    run = folder / "run"
    return Cluster(
        folder=folder / "postgres", socket_folder=run, run_folder=run, log=folder / "logs" / "db.log", is_lasting=False
    )


def start_cluster(folder: Path) -> Cluster:
    """Start the run's embedded PostgreSQL, or find it started by another worker."""
    cluster = run_cluster(folder)
    embedded_database.prepare_folders(cluster)
    with cluster.starting.held():
        embedded_database.start(cluster)
    return cluster


def choose_settings(folder: Path) -> None:
    """Point Colophon's settings at this worker's own folder and database, before Django reads them."""
    for name in [name for name in os.environ if name.startswith("COLOPHON_") and not _is_for_tests(name)]:
        del os.environ[name]  # a developer's own settings must not decide what the tests see
    os.environ.pop("CELERY_BROKER_URL", None)
    os.environ["COLOPHON_HOME"] = str(folder / "homes" / worker_name())
    os.environ["DJANGO_SETTINGS_MODULE"] = "server.settings"
    if os.environ.get("COLOPHON_TEST_DATABASE") == "server":
        run = hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]
        os.environ["DATABASE_URL"] = f"{SERVER_POSTGRESQL}/colophon_{run}_{worker_name()}"
    else:
        socket_folder = quote(str(run_cluster(folder).socket_folder), safe="")
        os.environ["DATABASE_URL"] = f"postgresql://postgres@/colophon_{worker_name()}?host={socket_folder}"


def _is_for_tests(name: str) -> bool:
    return name.startswith("COLOPHON_TEST_") or name in {"COLOPHON_CORPUS", "COLOPHON_REQUIRE"}


# ---- what is installed, what answers -------------------------------------------------------------------------


def answers_on(port: int) -> bool:
    """Say whether something listens on a port of this machine."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
        return True
    return False


def _server_postgresql() -> str | None:
    try:
        with psycopg.connect(f"{SERVER_POSTGRESQL}/postgres", connect_timeout=2):
            return SERVER_POSTGRESQL
    except psycopg.Error:
        return None


def _program(*names: str) -> Callable[[], str | None]:
    return lambda: next(filter(None, map(shutil.which, names)), None)


def _softhsm() -> str | None:
    patterns = ["usr/lib/**/libsofthsm2.so", "usr/local/lib/**/libsofthsm2.so", "opt/homebrew/lib/**/libsofthsm2.so"]
    found = (path for pattern in patterns for path in Path("/").glob(pattern))
    return str(library) if shutil.which("softhsm2-util") and (library := next(found, None)) else None


def _go() -> str | None:
    packages = Path(GO_SOURCES, "src", "golang.org", "x", "mod", "sumdb", "tlog")
    return shutil.which("go") if packages.is_dir() else None


def _corpus() -> str | None:
    folder = os.environ.get("COLOPHON_CORPUS", "")
    return folder if folder and (Path(folder) / "EXPECTED.md").is_file() else None


@dataclass(frozen=True)
class Tool:
    """Something that tests can use and that a machine may lack."""

    find: Callable[[], str | None]
    remedy: str


TOOLS = {
    "chromium": Tool(_program("chromium", "chromium-browser", "google-chrome"), "install Debian's chromium"),
    "exiftool": Tool(_program("exiftool"), "install Debian's libimage-exiftool-perl"),
    "softhsm": Tool(_softhsm, "install Debian's softhsm2"),
    "node": Tool(_program("node", "nodejs"), "install Debian's nodejs"),
    "go": Tool(_go, "install Debian's golang-go and golang-golang-x-mod-dev"),
    "npm": Tool(_program("npm"), "install Debian's npm"),
    "encypher": Tool(
        lambda: "encypher_c2pa" if importlib.util.find_spec("encypher_c2pa") else None, "pip install encypher-c2pa"
    ),
    "postgresql": Tool(_server_postgresql, "start PostgreSQL on 127.0.0.1:5432, user postgres, trusted"),
    "rabbitmq": Tool(lambda: RABBITMQ if answers_on(5672) else None, "start RabbitMQ on 127.0.0.1:5672"),
    "corpus": Tool(_corpus, "set COLOPHON_CORPUS to a folder of foreign images with its EXPECTED.md"),
}


def require_tool(name: str) -> str:
    """Return where a tool is; skip the test in one line where it is absent.

    Names in COLOPHON_REQUIRE (separated by commas) must be there: their absence fails the test.
    """
    tool = TOOLS[name]
    found = tool.find()
    if found is not None:
        return found
    sentence = f"{name} is not here: {tool.remedy}"
    if name in os.environ.get("COLOPHON_REQUIRE", "").split(","):
        pytest.fail(f"{sentence} (COLOPHON_REQUIRE names it)", pytrace=False)
    pytest.skip(sentence)


@contextlib.contextmanager
def server_database(name: str) -> Iterator[str]:
    """Lend a new, empty database on the server PostgreSQL; its address."""
    with psycopg.connect(f"{require_tool('postgresql')}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{SERVER_POSTGRESQL}/{name}"
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


# ---- the network ends at this machine ------------------------------------------------------------------------


class BeyondLoopback(RuntimeError):
    """A test tried to reach another machine."""


def close_the_network() -> None:
    """Refuse every connection and name look-up beyond this machine, for the rest of this process."""
    sys.addaudithook(_refuse_beyond_loopback)


def _refuse_beyond_loopback(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else ""
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    text = host.decode() if isinstance(host, bytes) else str(host or "")
    if not _is_this_machine(text):
        raise BeyondLoopback(f"tests may not reach {text}")


def _is_this_machine(host: str) -> bool:
    if host in {"", "localhost", "0.0.0.0", "::", socket.gethostname()}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.endswith(".localhost")
