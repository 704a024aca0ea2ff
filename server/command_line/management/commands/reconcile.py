"""Compare rows, files, manifests and log at the command line."""

from __future__ import annotations

import json
from typing import Any

from django.core.management import BaseCommand, CommandError

from generation.actions import reconciling
from provenance.actor import COLOPHON


class Command(BaseCommand):
    """Compare everything now, print each difference as JSON, then the signed note; exit 1 for any difference."""

    help = "Compare rows, files, manifests and the audit log. 核对数据行、文件、清单与审计日志。"

    def handle(self, *args: Any, **options: Any) -> None:
        """Run to the end in this process; exit 0 without differences, 1 with some, 2 where the run failed."""
        run = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
        if run.state != "done":
            fault = run.fault or {"en": "Another process took the run over.", "zh-Hans": "另一进程已接管此次核对。"}
            raise CommandError(f"{fault['en']}\n{fault['zh-Hans']}", returncode=2)
        for line in reconciling.report_lines(run):
            self.stdout.write(json.dumps(json.loads(line), ensure_ascii=False))
        self.stdout.write(run.note)
        if run.differences:
            raise SystemExit(1)
