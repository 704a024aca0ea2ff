"""A statement recomputed from what the log's entries state, and every disagreement among them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from provenance.errors import Fault
from provenance.licensing.prices import PriceLine
from provenance.licensing.statement.document import REVERSED, Line, Movement, Statement

Tell = Callable[..., None]
"""Takes the code of a finding and the values that its sentence names."""
MOVES: Mapping[str, tuple[str, frozenset[str], str]] = {
    "LinesHeld": ("held", frozenset({"accrued", "payable"}), "held"),
    "LinesFreed": ("freed", frozenset({"held"}), "accrued"),
    "LinesDue": ("due", frozenset({"accrued", "held"}), "payable"),
    "LinesReversed": (REVERSED, frozenset({"accrued", "held", "payable", "paid"}), REVERSED),
}
"""By kind of entry: what the movement is called, where its lines come from, and where they go."""
KINDS = frozenset({"RoyaltyAccrued", "PayoutRecorded", "UsesReserved", "GrantGiven", "OfferPublished", *MOVES})
"""The kinds of entries that a statement rests on."""
MONEY = frozenset({"RoyaltyAccrued", "PayoutRecorded", *MOVES})
"""Those that move money: a statement may lack something while one of them is not opened."""


@dataclass(frozen=True)
class Opened:
    """An entry with its place, its time as the leaf has it, and the details that open it."""

    index: int
    kind: str
    at: str
    details: Mapping[str, Any]


@dataclass
class _Standing:
    line: Line
    party: str
    is_repayable: bool = False


@dataclass
class Books:
    """Everything that the entries of a log state of money, as they are read in their order."""

    party: str
    since: str
    until: str
    tell: Tell
    lines: dict[str, _Standing] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    reserved: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    terms: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _last_price: tuple[Any, PriceLine, Mapping[str, tuple[int, int]]] | None = None

    def enter(self, entries: Iterable[Opened]) -> None:
        """Take entries in, oldest first; those at or after the statement's end are left out."""
        for entry in entries:
            if entry.at >= self.until:
                continue
            try:
                self._enter(entry)
            except (Fault, KeyError, TypeError, ValueError):
                self.tell("entry-unreadable", index=entry.index, kind=entry.kind)

    def statement(self) -> Statement:
        """Return the party's statement; lines whose numbers leave a gap are told as missing."""
        own = [one for one in self.lines.values() if one.party == self.party]
        numbers = self.numbers[self.party]
        for number in sorted(set(range(1, max(numbers, default=0) + 1)) - numbers):
            self.tell("line-missing", number=number)
        at_end: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for one in own:
            for account, amount in _left(one):
                at_end[one.line.currency][account] += amount
        lines = sorted((one.line for one in own if one.line.at >= self.since), key=lambda line: line.number)
        return Statement(self.party, self.since, self.until, lines, self.movements, at_end)

    def _enter(self, entry: Opened) -> None:
        details = entry.details
        if entry.kind == "RoyaltyAccrued":
            self._accrue(entry)
        elif entry.kind in MOVES:
            self._move(entry)
        elif entry.kind == "PayoutRecorded":
            self._pay(entry)
        elif entry.kind == "UsesReserved":
            self.reserved[details["use"]] = details
        else:
            self.terms[details.get("grant") or details["offer"]] = details["terms_digest"]

    def _accrue(self, entry: Opened) -> None:
        details = entry.details
        price = self._compare_parts(entry)
        self._compare_basis(entry)
        for one in details["lines"]:
            line = Line(
                number=int(one["number"]), line=one["line"], index=entry.index, at=entry.at,
                kind="flat" if details["generation"] is None else "royalty", generation=details["generation"],
                image=details["image"], subject_kind=details["subject_kind"], subject=details["subject"],
                right=details["right"], terms_digest=details["terms_digest"], price=price.money.minor_units,
                basis_points=one["basis_points"], amount=int(one["amount"]), currency=price.money.currency,
                state="accrued", replaces=details["replaces"],
            )  # fmt: skip
            if line.line in self.lines or line.number in self.numbers[one["party"]]:
                self.tell("line-twice", index=entry.index, line=line.line)
            self.lines[line.line] = _Standing(line, one["party"])
            self.numbers[one["party"]].add(line.number)

    def _compare_parts(self, entry: Opened) -> PriceLine:
        """Return an entry's price, and tell where its lines are not that price divided by its splits."""
        price, expected = self._divided(entry.details["price"])
        found = {one["party"]: (int(one["amount"]), one["basis_points"]) for one in entry.details["lines"]}
        if found == expected:
            return price
        for party in sorted(expected.keys() | found.keys()):
            if expected.get(party) != found.get(party):
                due, stated = expected.get(party, (0, 0))[0], found.get(party, (0, 0))[0]
                self.tell("amount-differs", index=entry.index, party=party, due=due, stated=stated)
        return price

    def _divided(self, price: Any) -> tuple[PriceLine, Mapping[str, tuple[int, int]]]:
        """Return a price line, and amount and basis points of each party by it; images of one grant share one price."""
        if self._last_price is None or self._last_price[0] != price:
            line = PriceLine.from_json(price)
            shares = {party: (part.minor_units, line.splits[party]) for party, part in line.parts().items()}
            self._last_price = (price, line, shares)
        return self._last_price[1:]

    def _compare_basis(self, entry: Opened) -> None:
        """Tell where a royalty is not at the reserved price, or not on the terms of its grant or offer."""
        details = entry.details
        reserved = self.reserved.get(details["use"] or "")
        if reserved and not details["replaces"] and reserved["price"] != details["price"]:
            self.tell("price-differs", index=entry.index)
        if self.terms.get(details["right"], details["terms_digest"]) != details["terms_digest"]:
            self.tell("terms-differ", index=entry.index)

    def _move(self, entry: Opened) -> None:
        kind, sources, target = MOVES[entry.kind]
        own: dict[str, list[Line]] = defaultdict(list)
        for one in entry.details["lines"]:
            standing = self._standing(one, entry=entry, amount=int(one["amount"]))
            if standing is None:
                continue
            if standing.line.state not in sources:
                self.tell("move-impossible", index=entry.index, line=one["line"], state=standing.line.state)
            standing.is_repayable = target == REVERSED and standing.line.state == "paid"
            standing.line = replace(standing.line, state=target)
            if standing.party == self.party:
                own[standing.line.currency].append(standing.line)
        for currency, lines in sorted(own.items()):
            self._moved(entry, kind=kind, reason=entry.details["reason"], currency=currency, lines=lines)

    def _moved(
        self, entry: Opened, *, kind: str, reason: str, currency: str, lines: list[Line], amount: int | None = None
    ) -> None:
        if entry.at >= self.since:
            total = sum(line.amount for line in lines) if amount is None else amount
            numbers = tuple(sorted(line.number for line in lines))
            self.movements.append(Movement(entry.index, entry.at, kind, reason, total, currency, numbers))

    def _pay(self, entry: Opened) -> None:
        details, moved = entry.details, []
        if sum(int(one["amount"]) for one in details["lines"]) != int(details["amount"]):
            self.tell("payout-differs", index=entry.index)
        for one in details["lines"]:
            amount = int(one["amount"])
            standing = self._standing(one, entry=entry, amount=abs(amount))
            if standing is None:
                continue
            if (standing.line.state, standing.is_repayable) not in {("payable", False), (REVERSED, True)}:
                self.tell("move-impossible", index=entry.index, line=one["line"], state=standing.line.state)
            standing.is_repayable = False
            standing.line = replace(standing.line, state="paid" if amount > 0 else REVERSED)
            if standing.party == self.party:
                moved.append(standing.line)
        if moved:
            self._moved(
                entry, kind="paid", reason=details["reference"], currency=details["currency"], lines=moved,
                amount=int(details["amount"]),
            )  # fmt: skip

    def _standing(self, one: Mapping[str, Any], *, entry: Opened, amount: int) -> _Standing | None:
        standing = self.lines.get(one["line"])
        if standing is None:
            self.tell("line-unknown", index=entry.index, line=one["line"])
        elif (standing.line.amount, standing.party) != (amount, one["party"]):
            stated, due = amount, standing.line.amount
            self.tell("amount-differs", index=entry.index, party=one["party"], due=due, stated=stated)
        return standing


def _left(one: _Standing) -> list[tuple[str, int]]:
    """Return what of a line is left in which account; of one that is to be paid back, both sides."""
    if one.is_repayable:
        return [("paid", one.line.amount), ("repayable", -one.line.amount)]
    return [] if one.line.state == REVERSED else [(one.line.state, one.line.amount)]


def compare(found: Statement, given: Mapping[str, Any], *, tell: Tell) -> None:
    """Tell line by line where a statement that somebody was given is not the one that the entries give."""
    mine = {line.line: line.as_json() for line in found.lines}
    theirs = {str(line.get("line")): line for line in given.get("lines", ())}
    for line in sorted(mine.keys() - theirs.keys()):
        tell("line-left-out", line=line, number=mine[line]["number"], index=mine[line]["index"])
    for line in sorted(theirs.keys() - mine.keys()):
        tell("line-unfounded", line=line, index=theirs[line].get("index"))
    for line in sorted(mine.keys() & theirs.keys()):
        for name, value in mine[line].items():
            if theirs[line].get(name) != value:
                tell("line-differs", line=line, field=name, due=value, stated=theirs[line].get(name))
    head = found.head()
    for name in ("party", "from", "to", "totals", "movements_digest"):
        if given.get(name) != head[name]:
            tell("statement-differs", field=name)
    if given.get("digest") != found.digest():
        tell("digest-differs", due=found.digest(), stated=given.get("digest"))
