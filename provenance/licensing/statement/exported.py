"""The entries of an export bundle that tell of money, each checked against the log's leaves and signed root."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from provenance.audit_log.offline.command import check_bundle
from provenance.audit_log.offline.files import Files
from provenance.audit_log.offline.findings import Findings
from provenance.audit_log.offline.openings import Watch
from provenance.licensing.statement.recomputing import KINDS, MONEY, Opened

_KINDS = {kind.encode(): kind for kind in KINDS}


class MoneyWatch(Watch):
    """Keeps what a log's check reads of money: kinds and times from the leaves, details from their openings."""

    def __init__(self) -> None:
        self.details: dict[int, Any] = {}
        self.leaves: dict[int, tuple[str, str]] = {}

    def opening(self, index: int, details: Any) -> None:
        """Keep details that may be of money; only a leaf says which kind they are of."""
        if isinstance(details, dict) and ("lines" in details or "terms_digest" in details):
            self.details[index] = details

    def leaf(self, index: int, *, at: bytes, kind: bytes) -> None:
        """Keep kind and time of an entry that is of money."""
        if known := _KINDS.get(kind):
            self.leaves[index] = (known, at.decode())

    def entries(self) -> Iterator[Opened]:
        """Yield the entries that are opened, in the order of the log."""
        for index, (kind, at) in sorted(self.leaves.items()):
            if index in self.details:
                yield Opened(index, kind, at, self.details[index])

    def closed(self) -> list[int]:
        """Return the places of entries about money that this export does not open."""
        return sorted(index for index, (kind, _) in self.leaves.items() if kind in MONEY and index not in self.details)


def checked(files: Files, *, keys: Sequence[str], findings: Findings) -> tuple[MoneyWatch, dict[str, Any]]:
    """Check a whole bundle as its own verifier does, and return what it tells of money with the report."""
    watch = MoneyWatch()
    report = check_bundle(files, keys=keys, witnesses=(), since=(), findings=findings, watch=watch)
    return watch, report
