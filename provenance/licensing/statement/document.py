"""A statement: a party's lines of a period, where each stood at its end, what moved, and the sums.

``digest`` = SHA-256 of the canonical JSON of ``{v, party, from, to, totals, lines, lines_digest, movements,
movements_digest}``, where ``lines`` and ``movements`` are numbers and the two digests are SHA-256 over one line of
canonical JSON for each, in the order given, every one ended by a line feed. Amounts are decimal strings of minor units.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

VERSION = 1
ACCOUNTS = ("accrued", "held", "payable", "paid", "repayable")
REVERSED = "reversed"
_SORTED = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would run."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one image or prepayment earned the party."""

    number: int
    line: str
    index: int | None
    """Place of its entry in the log; None while the entry waits for it."""
    at: str
    kind: str
    generation: str | None
    image: str
    subject_kind: str
    subject: str
    right: str
    terms_digest: str
    price: int
    basis_points: int
    amount: int
    currency: str
    state: str
    replaces: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the line as statements hold it."""
        return {
            "number": str(self.number),
            "line": self.line,
            "index": self.index,
            "at": self.at,
            "kind": self.kind,
            "generation": self.generation,
            "image": self.image,
            "subject_kind": self.subject_kind,
            "subject": self.subject,
            "right": self.right,
            "terms_digest": self.terms_digest,
            "price": str(self.price),
            "basis_points": self.basis_points,
            "amount": str(self.amount),
            "currency": self.currency,
            "state": self.state,
            "replaces": self.replaces,
        }


@dataclass(frozen=True, slots=True)
class Movement:
    """Lines of the party that moved together: held, freed, made payable, reversed or paid."""

    index: int | None
    at: str
    kind: str
    reason: str
    amount: int
    currency: str
    numbers: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the movement as statements hold it."""
        return {
            "index": self.index,
            "at": self.at,
            "kind": self.kind,
            "reason": self.reason,
            "amount": str(self.amount),
            "currency": self.currency,
            "numbers": ranges(self.numbers),
        }


@dataclass(frozen=True)
class Statement:
    """What a party earned from ``since`` until just before ``until`` (RFC 3339, UTC)."""

    party: str
    since: str
    until: str
    lines: Sequence[Line]
    movements: Sequence[Movement]
    at_end: Mapping[str, Mapping[str, int]]
    """By currency, what of all its lines ever stood in each account at the end."""

    def totals(self) -> list[dict[str, Any]]:
        """Return the sums of each currency, by its code."""
        currencies = {line.currency for line in self.lines} | {move.currency for move in self.movements}
        return [self._total(currency) for currency in sorted(currencies | set(self.at_end))]

    def _total(self, currency: str) -> dict[str, Any]:
        left = self.at_end.get(currency, {})
        return {
            "currency": currency,
            "accrued": str(sum(line.amount for line in self.lines if line.currency == currency)),
            **{kind: str(self._moved(kind, currency)) for kind in (REVERSED, "paid")},
            "at_end": {account: str(left.get(account, 0)) for account in ACCOUNTS},
        }

    def _moved(self, kind: str, currency: str) -> int:
        return sum(move.amount for move in self.movements if (move.kind, move.currency) == (kind, currency))

    def head(self) -> dict[str, Any]:
        """Return everything but lines and movements, for which their digests stand."""
        return {
            "v": VERSION,
            "party": self.party,
            "from": self.since,
            "to": self.until,
            "totals": self.totals(),
            "lines": len(self.lines),
            "lines_digest": digest_of(self.lines),
            "movements": len(self.movements),
            "movements_digest": digest_of(self.movements),
        }

    def digest(self) -> str:
        """Return the digest that is signed."""
        return digest_of_head(self.head())

    def as_json(self) -> dict[str, Any]:
        """Return the whole statement without its signature."""
        head = self.head()
        return {
            **head,
            "digest": digest_of_head(head),
            "lines": [line.as_json() for line in self.lines],
            "movements": [move.as_json() for move in self.movements],
        }


def digest_of_head(head: Mapping[str, Any]) -> str:
    """Return the digest of a statement by its head."""
    return f"sha256:{hashlib.sha256(_canonical(head)).hexdigest()}"


def digest_of(rows: Iterable[Line | Movement]) -> str:
    """Return the digest of lines or movements in their order."""
    code = hashlib.sha256()
    for row in rows:
        code.update(_canonical(row.as_json()) + b"\n")
    return f"sha256:{code.hexdigest()}"


def _canonical(value: Mapping[str, Any]) -> bytes:
    # Names and values here are ASCII or text without surrogates, and every number is a small whole one: for such,
    # sorted JSON is the canonical JSON of RFC 8785.
    return _SORTED.encode(value).encode()


def ranges(numbers: Iterable[int]) -> str:
    """Return numbers as ``1-40,42``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def as_csv(rows: Iterable[Mapping[str, Any]], *, columns: Sequence[str]) -> Iterator[bytes]:
    """Yield rows as CSV (RFC 4180, UTF-8); a cell that a spreadsheet would run as a formula begins with a quote."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
        if buffer.tell() > 65_536:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    data = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return data


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    is_number = text.lstrip("-").isdigit()
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not is_number else text
