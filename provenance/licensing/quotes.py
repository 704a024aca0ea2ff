"""The quote of a whole request: what its price lines come to, in minor units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from provenance.licensing.money import Money
from provenance.licensing.prices import PriceLine


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
