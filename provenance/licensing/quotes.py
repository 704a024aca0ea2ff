"""What a use costs: price lines of references, and the quote of a whole request, in minor units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from provenance.licensing.money import Money


@dataclass(frozen=True)
class PriceLine:
    """What one reference costs for each delivered picture, and to whom it goes in basis points."""

    money: Money
    splits: tuple[tuple[str, int], ...]
    is_self_dealing: bool = False
    """Whether the price is nothing because the licensee shares a party with those it would be paid to."""
    per: str = "image"

    def as_json(self) -> dict[str, Any]:
        """Return the line as decisions, grants and their entries record it."""
        return {
            **self.money.as_json(),
            "per": self.per,
            "splits": [{"party": party, "basis_points": points} for party, points in self.splits],
            "is_self_dealing": self.is_self_dealing,
        }


@dataclass(frozen=True)
class Quote:
    """What a request costs when every picture that it asks for is delivered."""

    currency: str
    per_image: int
    images: int

    @property
    def total(self) -> int:
        """Return the whole amount in minor units."""
        return self.per_image * self.images

    def written(self) -> str:
        """Return the total as people read it."""
        return Money(self.total, self.currency).written()

    def as_json(self) -> dict[str, str]:
        """Return the quote as decisions record it; what is flat was owed with its grant."""
        return {
            "currency": self.currency,
            "per_image": str(self.per_image),
            "flat": "0",
            "images": str(self.images),
            "total": str(self.total),
        }


def quote_for(lines: Sequence[PriceLine], *, images: int) -> Quote | None:
    """Return the quote over price lines of one currency; None where nothing costs anything.

    Raises AmountTooLarge where the sum goes beyond what is counted here.
    """
    if not lines:
        return None
    per_image = sum(line.money.minor_units for line in lines)
    quote = Quote(currency=lines[0].money.currency, per_image=per_image, images=images)
    Money(quote.total, quote.currency)
    return quote
