"""Erase a person's data."""

from __future__ import annotations

import dataclasses
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from provenance.actor import COLOPHON
from provenance.errors import Fault
from server.accounts.erasing import erase_account, erasure_told
from server.accounts.models import Account


class Command(BaseCommand):
    """Tell what would go and what would stay; with --yes, erase it."""

    help = "Erase an account and the person's data. 删除账户及其个人数据。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the account's name, and the word that means it."""
        parser.add_argument("account", help="name of the account")
        parser.add_argument("--yes", action="store_true", help="erase; without it, only tell what would be erased")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what goes and stays in both languages, and what was erased."""
        account = Account.objects.filter(name=options["account"]).first()
        if account is None:
            raise CommandError(f"There is no account {options['account']!r}.\n没有名为 {options['account']!r} 的账户。")
        try:
            if not options["yes"]:
                return self._tell(account)
            extent = dataclasses.asdict(erase_account(actor=COLOPHON, account=account))
        except Fault as fault:
            raise CommandError(f"{fault.said('en')}\n{fault.said('zh-Hans')}") from fault
        self.stdout.write(f"Erased 已删除: {_counted(extent)}\n")

    def _tell(self, account: Account) -> None:
        told = erasure_told(account)
        for title, sentences in (("Goes 删除:", told["goes"]), ("Stays 保留:", told["stays"])):
            lines = [f"- {one[language]}" for language in ("en", "zh-Hans") for one in sentences]
            self.stdout.write("\n".join([title, *lines]) + "\n")
        self.stdout.write(f"{_counted(told['reaches'])}\nRun again with --yes to erase. 确认删除请加 --yes。\n")


def _counted(extent: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in extent.items())
