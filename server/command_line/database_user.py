"""Whom the embedded PostgreSQL runs as: this user, or an unprivileged one when root starts it."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from server.command_line.errors import DatabaseUserMissing

NAME = "colophon-db"
"""The system user that is made when root starts an embedded database on a new data folder."""
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class DatabaseUser:
    """The user and group that own the cluster and its socket."""

    uid: int
    gid: int

    @property
    def is_another(self) -> bool:
        """Say whether programs must change user before they touch the cluster."""
        return self.uid != os.geteuid()

    def command(self, words: list[str], *, reaching: tuple[Path, ...]) -> list[str]:
        """Return the command line that runs a program as this user.

        Root's own folders are often closed to others (``/root`` is 0700). Opening them for everybody
        would be worse than letting this one process pass: it gets CAP_DAC_READ_SEARCH where it needs it.
        """
        if not self.is_another:
            return words
        program = shutil.which("setpriv", path=SYSTEM_PATH)
        if program is None:
            raise DatabaseUserMissing(reason="setpriv (util-linux) is missing here")
        options = [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        if not all(self._passes(path) for path in reaching):
            options += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
            # Without it access(), by which initdb looks for its server, counts no capability of an ordinary user.
            options += ["--securebits=+no_setuid_fixup"]
        return [program, *options, *words]

    def _passes(self, path: Path) -> bool:
        return all(self._may_enter(folder) for folder in path.absolute().parents)

    def _may_enter(self, folder: Path) -> bool:
        found = folder.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


def database_user(cluster: Path) -> DatabaseUser:
    """Return whom to run PostgreSQL as for this cluster folder, making a system user when root needs one."""
    if os.geteuid() != 0:
        return DatabaseUser(uid=os.geteuid(), gid=os.getegid())
    if cluster.exists() and cluster.stat().st_uid != 0:
        return DatabaseUser(uid=cluster.stat().st_uid, gid=cluster.stat().st_gid)
    try:
        found = pwd.getpwnam(NAME)
    except KeyError:
        found = _made()
    return DatabaseUser(uid=found.pw_uid, gid=found.pw_gid)


def _made() -> pwd.struct_passwd:
    program = shutil.which("useradd", path=SYSTEM_PATH)
    if program is None:
        raise DatabaseUserMissing(reason=f"useradd is missing, so the user {NAME} cannot be made")
    command = [program, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    done = subprocess.run(
        [*command, "--shell", "/usr/sbin/nologin", NAME], capture_output=True, text=True, check=False
    )
    try:
        return pwd.getpwnam(NAME)  # two that start at once: one makes the user, both find it
    except KeyError:
        raise DatabaseUserMissing(
            reason=f"the user {NAME} could not be made ({done.stderr.strip()})"
        ) from None


def open_for_execution(folder: Path) -> None:
    """Let every user read and run the PostgreSQL programs of our own environment, as packages usually are."""
    if (folder / "bin" / "postgres").stat().st_mode & stat.S_IXOTH:
        return
    for path in [folder, *folder.rglob("*")]:
        mode = path.stat().st_mode
        may_run = stat.S_IXGRP | stat.S_IXOTH if mode & stat.S_IXUSR else 0
        path.chmod(mode | stat.S_IRGRP | stat.S_IROTH | may_run)
