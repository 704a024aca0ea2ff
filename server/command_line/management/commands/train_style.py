"""Train a style's adapter from the command line, with a progress bar."""

from __future__ import annotations

import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import close_old_connections
from tqdm import tqdm

from generation import jobs, queries
from generation.actions.training import running
from generation.actions.training.requesting import request_training
from generation.training.recipe import Recipe
from provenance.actor import COLOPHON, Actor
from provenance.errors import Fault
from provenance.licensing.declared import BROADER_PURPOSES
from provenance.works import queries as works
from server.accounts.models import Account

RECIPE = {
    "rank": int, "learning_rate": float, "batch": int, "steps": int, "minutes": float, "seed": int, "held_out": float
}  # fmt: skip
ENDED = {"done", "failed", "cancelled"}
SECONDS_FOR_A_WORKER = 5.0
SECONDS_BETWEEN_LOOKS = 0.5


class Command(BaseCommand):
    """Ask for one style to be trained and follow it to its end; where no training process runs, train here."""

    help = "Train a style's adapter on its listed works. 用风格所列的作品训练适配器。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take which style, for whom, and whatever of the recipe is to differ."""
        parser.add_argument("slug", help="slug or id of the style · 风格的名称或编号")
        parser.add_argument(
            "--account",
            help="name of the account that asks, a member of the owning party; without it only openly licensed works "
            "are trained on · 提出训练的账户名（须为所有者一方成员）；不填则只用开放许可的作品",
        )
        parser.add_argument("--model", default="", help="slug of the model · 模型名称")
        parser.add_argument("--purpose", default="", choices=["", *BROADER_PURPOSES])
        for name, kind in RECIPE.items():
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind)

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, follow, and print what came of it; exit 1 where there is no adapter."""
        asked = {name: options[name] for name in RECIPE if options[name] is not None}
        try:
            run = request_training(
                actor=_actor(options["account"]),
                style=works.style_named(options["slug"]),
                recipe=Recipe(**asked),
                model=options["model"],
                purpose=options["purpose"],
            )
        except Fault as fault:
            raise CommandError(f"{fault.said('en')}\n{fault.said('zh-Hans')}") from fault
        for row in run.works:
            if row["use"] == "left-out":
                said = " ".join(f"{reason['en']} {reason['zh-Hans']}" for reason in row["reasons"])
                self.stdout.write(f"  left out · 未采用  {row['digest']}  {said}")
        self._follow(run.pk, title=options["slug"])
        run = queries.training_recorded(run.pk)
        if run.state != "done":
            fault_said = run.fault or {"en": f"The training was {run.state}.", "zh-Hans": "该训练已取消。"}
            raise CommandError(f"{fault_said['en']}\n{fault_said['zh-Hans']}")
        self.stdout.write(f"  adapter · 适配器  {run.adapter_digest}\n  manifest · 清单  {run.manifest_id}")

    def _follow(self, training: Any, *, title: str) -> None:
        """Show how far a training is until it has ended; begin it here where nobody else does."""
        began, here = time.monotonic(), None
        with tqdm(desc=title, unit="step", file=self.stderr, dynamic_ncols=True) as bar:
            while (now := queries.training_state_of(training))["state"] not in ENDED:
                waited = time.monotonic() - began
                if here is None and now["state"] == "queued" and waited > SECONDS_FOR_A_WORKER:
                    here = threading.Thread(target=_train_here, daemon=True)
                    here.start()
                bar.total, bar.n = now["of"] or None, now["step"]
                bar.set_postfix_str("waits for a picture · 等待生成" if now["is_paused"] else "")
                bar.refresh()
                time.sleep(SECONDS_BETWEEN_LOOKS)
            bar.n = bar.total = now["step"]
        if here is not None:
            here.join()


def _actor(name: str | None) -> Actor:
    if not name:
        return COLOPHON
    account = Account.objects.filter(name=name).first()
    if account is None:
        raise CommandError(f"There is no account {name}.\n没有名为 {name} 的账户。")
    return account.actor()


def _train_here() -> None:
    try:
        running.train_next(worker=jobs.this_training_worker())
    finally:
        close_old_connections()
