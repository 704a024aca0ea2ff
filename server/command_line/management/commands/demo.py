"""Make one picture from nothing to verdict, and leave picture, record and verdict in a folder."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand

from server.command_line import demo, demo_log, errors


class Command(BaseCommand):
    """Start everything, ask for a picture over HTTP, verify it as an outsider would, stop everything."""

    help = "Make and verify one picture. 生成并核验一张图片。"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take where to leave things and what to draw."""
        parser.add_argument("--out", default=os.environ.get("OUT") or "demo")
        parser.add_argument("--prompt", default="a red apple")
        parser.add_argument("--style", default="noto")
        parser.add_argument("--seed", default="7")

    def handle(self, *args: Any, **options: Any) -> None:
        """Show the whole story; exit non-zero at the first thing that does not come out."""
        out = Path(options["out"]).absolute()
        out.mkdir(parents=True, exist_ok=True)
        given = os.environ.get("COLOPHON_HOME")
        home = Path(given).absolute() if given else out / "data"
        body = {
            "prompt": options["prompt"],
            "seeds": [options["seed"]],
            "references": [{"style": options["style"]}] if options["style"] else [],
        }
        try:
            self._tell(home=home, out=out, body=body)
        except errors.Fault as fault:
            errors.leave(fault)

    def _tell(self, *, home: Path, out: Path, body: dict[str, Any]) -> None:
        root = Path(settings.BASE_DIR)
        self.stdout.write(f"Colophon demo · 演示    {home}")
        with demo.served(home=home, root=root) as server:
            server.sign_in(account="artist", password=demo.first_password(home, account="artist"))
            record = demo.make_picture(server, body=body)
            picture = demo.keep(server, record=record, out=out)
            demo_log.keep_log(server, record=record, out=out)
        self.stdout.write("\n" + demo.story(record) + "\n")
        self.stdout.write(demo.verified(picture, root=root, out=out))
        self.stdout.write(demo_log.checked(out, root=root))
        self.stdout.write(f"  {out}: picture.png  record.json  verdict.json  trust.pem")
        self.stdout.write(f"  {out}: log/  log.vkey  picture.tlog-proof  picture.leaf")
