"""Replace the key that signs the audit log."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError

from provenance.actor import COLOPHON
from provenance.audit_log import sequencing
from provenance.errors import Fault


class Command(BaseCommand):
    """Make a new key, tell the log of it, and have both keys sign the next checkpoint; the old one is deleted then."""

    help = "Replace the key that signs the audit log. 更换审计日志的签名密钥。"

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate, and print the verifier key that people need from now on."""
        try:
            vkey = sequencing.rotate(actor=COLOPHON)
        except Fault as fault:
            raise CommandError(f"{fault.said('en')}\n{fault.said('zh-Hans')}") from fault
        self.stdout.write(f"{vkey}\n")
