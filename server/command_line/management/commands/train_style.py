"""Train a style's adapter from the command line, with a progress bar."""

from __future__ import annotations

import threading
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import connections
from tqdm import tqdm

from generation import jobs, queries
from generation.actions.training import running
from generation.actions.training.requesting import cancel_training, request_training
from generation.actions.training.upkeep import reap, request_release
from generation.training.errors import TrainingUnderWay, UnknownTraining
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
STOPPED = (
    "Stopped; the same command goes on from here, --cancel calls it off.\n"
    "已停止；再次运行同一命令即可继续，--cancel 可取消。"
)
BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"


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
        parser.add_argument("--cancel", action="store_true", help="call off what is being trained · 取消正在进行的训练")
        for name, kind in RECIPE.items():
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind)

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, follow, and print what came of it; exit 1 where there is no adapter."""
        try:
            run = self._asked(options)
            if options["cancel"]:
                cancel_training(actor=_actor(options["account"]), training_id=run.pk)
        except Fault as fault:
            raise CommandError(f"{fault.said('en')}\n{fault.said('zh-Hans')}") from fault
        for row in run.works:
            if row["use"] == "left-out":
                said = " ".join(f"{reason['en']} {reason['zh-Hans']}" for reason in row["reasons"])
                self.stdout.write(f"  left out · 未采用  {row['digest']}  {said}")
        self._follow(run.pk, title=options["slug"])
        run = queries.training_recorded(run.pk)
        if run.state == "cancelled" and options["cancel"]:
            self.stdout.write("  called off · 已取消")
            return
        if run.state != "done":
            fault_said = run.fault or {"en": f"The training was {run.state}.", "zh-Hans": "该训练已取消。"}
            raise CommandError(f"{fault_said['en']}\n{fault_said['zh-Hans']}")
        self.stdout.write(f"  adapter · 适配器  {run.adapter_digest}\n  manifest · 清单  {run.manifest_id}")

    def _asked(self, options: dict[str, Any]) -> Any:
        """Return the training that is asked for, or the one of the style that has not ended yet."""
        style = works.style_named(options["slug"])
        asked = {name: options[name] for name in RECIPE if options[name] is not None}
        try:
            if options["cancel"]:
                return _under_way(style)
            return request_training(
                actor=_actor(options["account"]),
                style=style,
                recipe=Recipe(**asked),
                model=options["model"],
                purpose=options["purpose"],
            )
        except TrainingUnderWay as fault:
            self.stdout.write("  goes on with the training that was begun · 继续已开始的训练")
            return queries.training_recorded(fault.training)

    def _follow(self, training: Any, *, title: str) -> None:
        """Show how far a training is until it has ended; carry it out here where nobody else does.

        Ctrl-C keeps what was learned here; a training process elsewhere goes on by itself.
        """
        began, here = time.monotonic(), None
        with tqdm(desc=title, unit="step", file=self.stderr, dynamic_ncols=True, bar_format=BAR) as bar:
            try:
                while (now := queries.training_state_of(training))["state"] not in ENDED:
                    waited = time.monotonic() - began
                    if here is None and waited > SECONDS_FOR_A_WORKER and _is_nobodys(now):
                        here = threading.Thread(target=_train_here, daemon=True)
                        here.start()
                    bar.total, bar.n = now["of"] or None, now["step"]
                    bar.set_postfix_str(_said(now))
                    time.sleep(SECONDS_BETWEEN_LOOKS)
            except KeyboardInterrupt as stop:
                raise CommandError(_left(here)) from stop
            bar.n = bar.total = now["step"]
            bar.set_postfix_str("")
        if here is not None:
            here.join()


def _under_way(style: Any) -> Any:
    """Return the training of a style that has not ended; raise UnknownTraining where there is none."""
    if found := queries.training_under_way(style.pk):
        return found
    raise UnknownTraining(training=style.slug)


def _is_nobodys(now: Mapping[str, Any]) -> bool:
    """Say whether no process holds a training, having given back one whose process is gone."""
    return now["state"] == "queued" or reap() > 0


def _said(now: Mapping[str, Any]) -> str:
    """Return what a training does now, or how long it takes yet, in both languages."""
    if now["is_paused"]:
        return "waits for a picture · 等待生成"
    if now["state"] == "queued":
        return "waits for a process · 等待训练进程"
    if now["seconds_left"] is None:
        return "getting ready · 准备中"
    minutes = -(-now["seconds_left"] // 60)
    return f"about {minutes} min left · 约剩 {minutes} 分钟"


def _left(here: threading.Thread | None) -> str:
    """Return how a training stands that is no longer followed; what was begun here is kept for the next time."""
    if here is None:
        return "The training goes on by itself; --cancel calls it off.\n训练在后台继续；可用 --cancel 取消。"
    request_release([jobs.this_training_worker().name])
    here.join()
    return STOPPED


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
        connections.close_all()
