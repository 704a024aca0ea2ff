"""The price lines of a decision: what a use costs, and who shares in it.

``{"amount": "250", "currency": "EUR", "per": "image" | "flat", "splits": [{"party", "basis_points"}],
"is_self_dealing": false}``; amounts are decimal strings of minor units, and the splits are 10,000 together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from provenance.licensing.errors import PriceMalformed
from provenance.licensing.money import Money, minor_units_from, require_whole, split

PER_IMAGE: Literal["image"] = "image"
FLAT: Literal["flat"] = "flat"


@dataclass(frozen=True)
class PriceLine:
    """What one right costs a request, and who shares in it."""

    money: Money
    per: Literal["image", "flat"]
    splits: Mapping[str, int]
    """Basis points by party id, 10,000 together."""
    is_self_dealing: bool = False
    """Whether the price is nothing because the licensee shares a party with those it would be paid to."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> PriceLine:
        """Return the line that a decision holds; raise PriceMalformed or the fault of its money or splits."""
        splits = {str(share["party"]): share["basis_points"] for share in value.get("splits", ())}
        if value.get("per") not in (PER_IMAGE, FLAT) or len(splits) != len(value.get("splits", ())):
            raise PriceMalformed(per=str(value.get("per"))[:20])
        line = cls(
            money=Money(minor_units_from(value["amount"]), value["currency"]),
            per=value["per"],
            splits=splits,
            is_self_dealing=bool(value.get("is_self_dealing", False)),
        )
        if line.money:
            require_whole(splits)
        return line

    def as_json(self) -> dict[str, Any]:
        """Return the line as decisions and entries hold it."""
        return {
            **self.money.as_json(),
            "per": self.per,
            "splits": [{"party": party, "basis_points": points} for party, points in sorted(self.splits.items())],
            "is_self_dealing": self.is_self_dealing,
        }

    @property
    def is_owed(self) -> bool:
        """Say whether anybody earns by it: a licensee who shares in the price pays nothing."""
        return bool(self.money) and not self.is_self_dealing

    def parts(self) -> dict[str, Money]:
        """Return what each party earns by one image or prepayment, without those to whom no whole unit falls."""
        return {party: part for party, part in split(self.money, self.splits).items() if part}
