"""Verify every stored credential again at the command line."""

from __future__ import annotations

import json
from typing import Any

from django.core.management import BaseCommand, CommandError

from generation.actions import reverifying
from provenance.actor import COLOPHON


class Command(BaseCommand):
    """Verify every stored credential with today's library and trust lists; print each verdict that changed as JSON."""

    help = "Verify every stored credential again. 重新核验所有已存凭证。"

    def handle(self, *args: Any, **options: Any) -> None:
        """Run to the end in this process; exit 0 where no verdict changed, 1 where some did, 2 where the run failed."""
        run = reverifying.reverify(reverifying.begin_here(actor=COLOPHON))
        if run.state != "done":
            fault = run.fault or {"en": "Another process took the run over.", "zh-Hans": "另一进程已接管此次核验。"}
            raise CommandError(f"{fault['en']}\n{fault['zh-Hans']}", returncode=2)
        for change in run.changes.order_by("image_digest"):
            told = {"image": change.image_digest, "manifest": change.manifest_id, "before": change.before}
            self.stdout.write(json.dumps(told | {"after": change.after, "why": change.why}, ensure_ascii=False))
        counted = f"{run.done} verified, {run.changed} changed · 已核验 {run.done} 份，{run.changed} 份有变"
        self.stdout.write(f"{counted} · c2pa-rs {run.library_version} · {run.trust_version or '-'}")
        if run.changed:
            raise SystemExit(1)
