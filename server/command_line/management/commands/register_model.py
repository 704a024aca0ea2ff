"""Register a model: its files' digests, its licence, and what its maker states of its training."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management import BaseCommand, CommandError, call_command

from generation.actions.registering import leave_styles_behind, register_model
from generation.pipelines.loading import inspect_model
from provenance.actor import COLOPHON
from provenance.errors import Fault
from server.command_line.management.commands.load_starter_collection import STARTER


class Command(BaseCommand):
    """Hash a diffusers folder or hub model and record it with its licence."""

    help = "Register a diffusers folder or hub id. 登记一个 diffusers 模型文件夹或模型库编号。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take where the model is and what is known of it."""
        parser.add_argument("path_or_id", help="folder, or hub id such as owner/name · 文件夹或编号")
        parser.add_argument("--revision", help="commit of a hub model · 模型库提交号")
        parser.add_argument("--name", help="name that people see · 显示名称")
        parser.add_argument("--licence", default="", help="SPDX id or LicenseRef-... · SPDX 编号")
        parser.add_argument(
            "--training",
            default="",
            choices=["", "known", "licensed-by-statement", "undisclosed"],
            help="what is known of the training set · 训练集的公开程度",
        )
        parser.add_argument("--training-statement", default="", help="in the maker's words · 制作者的说明")

    def handle(self, *args: Any, **options: Any) -> None:
        """Inspect, record, and say what was recorded."""
        try:
            facts = inspect_model(options["path_or_id"], revision=options["revision"])
        except Fault as fault:
            raise CommandError(f"{fault.said('en')}\n{fault.said('zh-Hans')}") from fault
        training = facts.colophon.get("training", {})
        model = register_model(
            actor=COLOPHON,
            facts=facts,
            name=options["name"] or facts.name,
            licence=options["licence"] or facts.licence_spdx or "LicenseRef-unknown",
            training=options["training"] or training.get("statement", "undisclosed"),
            training_statement=options["training_statement"] or _statement(training),
        )
        size = sum(file.size_bytes for file in facts.source.weights)
        self.stdout.write(f"{model.name}  ({model.slug})  {model.digest}")
        self.stdout.write(
            f"  {len(facts.source.weights)} weight files, {size / 2**20:.1f} MB, "
            f"{model.licence}, training {model.training}"
        )
        self.stdout.write(f"  tasks: {', '.join(model.tasks)}")
        if model.slug == STARTER:
            call_command("load_starter_collection", stdout=self.stdout)
        elif left := leave_styles_behind(actor=COLOPHON, model=model):
            self.stdout.write(f"  styles left behind · 未能延续的风格: {', '.join(left)}")


def _statement(training: Mapping[str, Any]) -> str:
    """Return what a model folder of ours says of its training set; empty for others'."""
    if "works" not in training:
        return ""
    return f"{training['works']} listed works; manifest {training['manifest_sha256']}"
