"""Serve Colophon until Ctrl-C: database, site, workers and clock, each restarted when it falls."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, call_command
from django.db import connections

from server.command_line import serving
from server.environment import Environment, environment

ACCOUNTS = "accounts.txt"


class Command(BaseCommand):
    """Start everything on the data folder, say where it is, and stop everything at the end."""

    help = "Serve Colophon until Ctrl-C. 启动 Colophon，按 Ctrl-C 停止。"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the address; ``manage.py`` has put it into the environment already, for every process."""
        parser.add_argument("--host", help="address to listen on · 监听地址 (COLOPHON_HOST, 127.0.0.1)")
        parser.add_argument("--port", type=int, help="port to listen on · 监听端口 (COLOPHON_PORT, 8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until a signal ends it."""
        settings = environment()
        self._say(f"Colophon  {settings.absolute_home}")
        serving.serve(
            settings,
            steps={"tables · 数据表": _migrate, "first use · 首次准备": _first_use},
            say=lambda line: self._say(f"  {line}"),
            announce=lambda: self._say(_announcement(settings)),
        )

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()  # whoever reads a file or a pipe waits for these lines


def _migrate() -> None:
    try:
        call_command("migrate", interactive=False, verbosity=0)
    finally:
        connections.close_all()


def _first_use() -> None:
    try:
        call_command("first_use")
    finally:
        connections.close_all()


def _announcement(settings: Environment) -> str:
    accounts = settings.absolute_home / ACCOUNTS
    kept = [f"  accounts · 首批账户   {accounts}"] if accounts.exists() else []
    if kept and sys.stdout.isatty():  # a person reads this; a log must not keep passwords
        kept += [f"    {line}" for line in accounts.read_text().splitlines()[2:]]
    return "\n".join(
        [
            "",
            f"  Colophon is ready · 已就绪   {settings.address}",
            "",
            *kept,
            f"  logs · 日志           {settings.logs_folder}",
            "  Ctrl-C stops everything · 按 Ctrl-C 全部停止",
            "",
        ]
    )
