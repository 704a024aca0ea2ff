"""Revoke a signing key from a moment on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from provenance.actor import COLOPHON
from provenance.canonical import parse_timestamp
from provenance.credentials.actions import revoke_key, signing_key
from provenance.errors import Fault


class Command(BaseCommand):
    """Record the revocation: verdicts tell it from then on, and nothing new is signed with the key."""

    help = "Revoke a signing key; without an id, the one in force. 吊销签名密钥；不指定标识时吊销当前密钥。"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the key, the moment and the reason."""
        parser.add_argument("--key", default="", help="sha256: of its public key, as records and verdicts name it")
        parser.add_argument("--since", default="", help="RFC 3339, UTC: 2026-11-25T12:00:00.000000Z; now without it")
        parser.add_argument("--reason", required=True, help="why; becomes a log entry")

    def handle(self, *args: Any, **options: Any) -> None:
        """Revoke, and print what was revoked."""
        try:
            key = options["key"] or signing_key().key_id
            revoked = revoke_key(actor=COLOPHON, key_id=key, since=_moment(options["since"]), reason=options["reason"])
        except Fault as fault:
            raise CommandError(f"{fault.said('en')}\n{fault.said('zh-Hans')}") from fault
        self.stdout.write(f"{revoked.key_id}\n")


def _moment(text: str) -> datetime:
    if not text:
        return timezone.now()
    try:
        return parse_timestamp(text)
    except ValueError as error:
        raise CommandError("--since is RFC 3339 in UTC, with microseconds and Z.") from error
