"""Money in whole minor units of an ISO 4217 currency, and its division among parties."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from provenance.licensing.errors import (
    AmountNegative,
    AmountNotWhole,
    AmountTooLarge,
    CurrenciesDiffer,
    SplitsDoNotAddUp,
    UnknownCurrency,
)

MOST_MINOR_UNITS = 10**15
"""No single amount is larger; sums stay within PostgreSQL's bigint and JSON readers' doubles."""
WHOLE = 10_000
"""Basis points of all shares together."""

Payee = TypeVar("Payee")

_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP "
    "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR "
    "IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN "
    "NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
    "STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
}
EXPONENTS: Mapping[str, int] = {code: exponent for exponent, codes in _BY_EXPONENT.items() for code in codes.split()}
"""Decimal places of each currency that people pay in (ISO 4217 list one of 2026, without funds and metals)."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of at least nothing, in minor units (cents, yen) of one currency."""

    minor_units: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in EXPONENTS:
            raise UnknownCurrency(currency=str(self.currency)[:12])
        if isinstance(self.minor_units, bool) or not isinstance(self.minor_units, int):
            raise AmountNotWhole(amount=str(self.minor_units)[:40])
        if self.minor_units < 0:
            raise AmountNegative(amount=self.minor_units)
        if self.minor_units > MOST_MINOR_UNITS:
            raise AmountTooLarge(most=MOST_MINOR_UNITS)

    def as_json(self) -> dict[str, str]:
        """Return ``{"amount": "250", "currency": "EUR"}``: minor units as a decimal string."""
        return {"amount": str(self.minor_units), "currency": self.currency}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Money:
        """Return the money that ``as_json`` wrote; raise the fault of what it is not."""
        return cls(minor_units_from(value.get("amount")), str(value.get("currency", "")))

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise CurrenciesDiffer(one=self.currency, other=other.currency)
        return Money(self.minor_units + other.minor_units, self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.minor_units * times, self.currency)

    def __bool__(self) -> bool:
        return self.minor_units > 0

    def written(self) -> str:
        """Return the amount as people read it: ``2.50 EUR``, ``250 JPY``."""
        places = EXPONENTS[self.currency]
        digits = str(self.minor_units).rjust(places + 1, "0")
        return f"{digits[:-places]}.{digits[-places:]} {self.currency}" if places else f"{digits} {self.currency}"


def minor_units_from(text: object) -> int:
    """Return the whole number that a decimal string of minor units writes; raise AmountNotWhole, AmountNegative."""
    written = str(text)
    if isinstance(text, bool) or not re.fullmatch(r"-?(0|[1-9][0-9]{0,18})", written, re.ASCII):
        raise AmountNotWhole(amount=written[:40])
    if written.startswith("-"):
        raise AmountNegative(amount=written)
    return int(written)


def require_whole(shares: Mapping[Payee, int]) -> None:
    """Raise SplitsDoNotAddUp unless every share is at least one basis point and all are 10,000 together."""
    are_whole = all(isinstance(points, int) and not isinstance(points, bool) for points in shares.values())
    if not are_whole or any(points < 1 for points in shares.values()) or sum(shares.values()) != WHOLE:
        total = sum(points for points in shares.values() if isinstance(points, int))
        raise SplitsDoNotAddUp(total=total, whole=WHOLE)


def split(amount: Money, shares: Mapping[Payee, int]) -> dict[Payee, Money]:
    """Divide an amount among parties in proportion to their shares in basis points, which add up to 10,000.

    Leftover minor units go to the largest remainders, so every split adds up; of equal remainders the one whose
    party sorts first as text is served first, so that anyone who divides again gets the same. Nobody is more
    than one minor unit away from the exact share.
    """
    require_whole(shares)
    parts = {payee: divmod(amount.minor_units * points, WHOLE) for payee, points in shares.items()}
    left = amount.minor_units - sum(whole for whole, _ in parts.values())
    by_remainder = sorted(parts, key=lambda payee: (-parts[payee][1], str(payee)))
    served = set(by_remainder[:left])
    return {payee: Money(whole + (payee in served), amount.currency) for payee, (whole, _) in parts.items()}
