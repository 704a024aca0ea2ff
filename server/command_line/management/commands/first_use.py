"""Prepare the data folder once: message tables, keys, first accounts, the starter model and its works."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connection, transaction
from pgmq.install import get_embedded_install_sql

from generation.actions.registering import model_slug
from generation.pipelines.loading import inspect_model
from generation.queries import models_listed
from provenance.audit_log.actions import state_settings
from provenance.audit_log.sequencing import key_in_force
from provenance.credentials.actions import signing_key
from provenance.errors import Fault
from server.accounts.models import Account

ACCOUNTS = "accounts.txt"
FIRST_ACCOUNTS = {
    "artist": {"is_artist": True},
    "auditor": {"is_artist": False, "is_auditor": True},
    "operator": {"is_artist": False, "is_operator": True},
}
ONE_AT_A_TIME = 7_166_273_001
"""Key of the lock under which a data folder is prepared."""


class Command(BaseCommand):
    """Make whatever a first start needs and a later one finds; safe to run at any time."""

    help = "Prepare database, keys, accounts and the starter model. 准备数据库、密钥、账户与入门模型。"

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare each part that is not there yet."""
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
            if settings.CELERY_BROKER_URL.startswith("pgmq"):
                _install_message_tables()
            _make_accounts(settings.ENVIRONMENT.absolute_home / ACCOUNTS)
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        signing_key()
        key_in_force()
        state_settings(settings.ENVIRONMENT.stated)
        model = settings.ENVIRONMENT.starter_model
        if model and self._is_due(str(model)):
            call_command("register_model", str(model), stdout=self.stdout)
        call_command("load_starter_collection", stdout=self.stdout)

    def _is_due(self, model: str) -> bool:
        """Say whether the starter model is to be registered: where there is none, or its files are others now.

        Every weight file is hashed. A model that the operator withdrew, or never had beside others, stays away.
        """
        is_first = not models_listed().exists()
        try:
            facts = inspect_model(model)
        except Fault as fault:
            if is_first:
                raise CommandError(f"{fault.said('en')}\n{fault.said('zh-Hans')}") from fault
            self.stdout.write(f"{fault.said('en')}\n{fault.said('zh-Hans')}")
            return False
        standing = models_listed().filter(slug=model_slug(facts.name, facts=facts)).first()
        if standing is None:
            return is_first
        return (standing.digest, standing.source) != (facts.source.digest, facts.source.source)


def _install_message_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace('pgmq') IS NOT NULL")
        if not cursor.fetchone()[0]:
            cursor.execute(get_embedded_install_sql())


def _make_accounts(path: Path) -> None:
    """Make one account a role, and leave their passwords in a file for the operator's eyes."""
    if Account.objects.exists():
        return
    lines = ["Colophon: first accounts · 首批账户", ""]
    for name, roles in FIRST_ACCOUNTS.items():
        password = secrets.token_urlsafe(12)
        Account.objects.create_user(name, password, **roles)
        lines.append(f"{name:10} {password}")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join([*lines, ""]))
