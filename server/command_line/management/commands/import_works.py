"""List many works from a folder."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management import BaseCommand, CommandError
from tqdm import tqdm

from generation.actions.listing_works import list_work
from provenance.actor import COLOPHON
from provenance.errors import Fault
from provenance.licensing.actions.importing_works import import_works
from provenance.works.import_lists import TABLE, folder_reader, import_lines
from provenance.works.queries import party_of_any

NOTHING_LISTED = (
    "Nothing was listed: mend the lines above, or pass --keep-good.\n"
    "未登记任何作品：请修正上述各行，或使用 --keep-good。"
)


class Command(BaseCommand):
    """Register the pictures of a folder as a party's works, and report on each line of its table."""

    help = "Register a folder of pictures and its CSV as works. 将图片文件夹及其 CSV 登记为作品。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the folder, its table and its owner."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--party", type=UUID, required=True, help="id of the owner · 所有者编号")
        parser.add_argument("--csv", type=Path, help=f"table; {TABLE} in the folder unless named · 表格文件")
        parser.add_argument("--keep-good", action="store_true", help="list good lines beside bad ones · 保留正确的行")

    def handle(self, *args: Any, **options: Any) -> None:
        """Show a bar while listing, a line for whatever was refused or flagged, and the sums."""
        counts: dict[str, int] = {}
        try:
            party = party_of_any(options["party"])
            lines = import_lines((options["csv"] or options["folder"] / TABLE).read_bytes())
            done = import_works(
                actor=COLOPHON,
                party=party,
                lines=lines,
                read=folder_reader(options["folder"]),
                keeps_good=options["keep_good"],
                list_one=list_work,
            )
            for one in tqdm(done, total=len(lines), unit="work", file=self.stderr, leave=False):
                counts[one.result] = counts.get(one.result, 0) + 1
                if one.result in {"refused", "flagged"}:
                    self.stdout.write(f"{one.number} {one.file}: {one.result} {one.en} {one.zh}".rstrip())
        except Fault as fault:
            raise CommandError(f"{fault.said('en')}\n{fault.said('zh-Hans')}") from fault
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        self.stdout.write(", ".join(f"{result} {number}" for result, number in sorted(counts.items())))
        if "good" in counts:
            raise CommandError(NOTHING_LISTED)
