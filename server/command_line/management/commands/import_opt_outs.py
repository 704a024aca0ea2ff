"""Take over a list of opt-outs that others keep."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management import BaseCommand, CommandError

from generation.actions.opting_out import other_forms
from provenance.actor import COLOPHON
from provenance.disputes.actions.claiming import contest
from provenance.errors import Fault
from provenance.licensing.actions.importing_opt_outs import import_opt_outs
from provenance.works.queries import party_of_any


class Command(BaseCommand):
    """Record what a CSV, TDMRep or RSL file says, and report on each line."""

    help = "Import opt-outs from a CSV, TDMRep or RSL file. 从 CSV、TDMRep 或 RSL 文件导入选择退出记录。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file, and what it does not say of itself."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", default="", help="where the list is from · 列表来源")
        parser.add_argument("--site", default="", help="site that a TDMRep file speaks for · TDMRep 文件所属网站")
        parser.add_argument("--party", type=UUID, help="who says no to unlisted pictures · 未登记图片的主张方")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each that was refused, and how many were recorded and known."""
        counts = {"recorded": 0, "known": 0, "refused": 0}
        try:
            party = party_of_any(options["party"]) if options["party"] else None
            told = {"source": options["source"] or options["file"].name, "site": options["site"], "party": party}
            data = options["file"].read_bytes()
            for line in import_opt_outs(actor=COLOPHON, data=data, other_forms=other_forms, contest=contest, **told):
                counts[line.result] += 1
                if line.result == "refused":
                    self.stdout.write(f"{line.number}: {line.en} · {line.zh}")
        except Fault as fault:
            raise CommandError(f"{fault.said('en')}\n{fault.said('zh-Hans')}") from fault
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from error
        self.stdout.write("recorded 已记录 {recorded}, known 已有 {known}, refused 未采纳 {refused}".format(**counts))
