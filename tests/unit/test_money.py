"""Money: whole minor units of a currency that exists, and splits that always add up."""

from __future__ import annotations

import itertools
from random import Random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.licensing.errors import (
    AmountNegative,
    AmountNotWhole,
    AmountTooLarge,
    CurrenciesDiffer,
    MoneyError,
    SplitsDoNotAddUp,
    UnknownCurrency,
)
from provenance.licensing.money import EXPONENTS, MOST_MINOR_UNITS, WHOLE, Money, split

CURRENCIES = st.sampled_from(sorted(EXPONENTS))
AMOUNTS = st.builds(Money, st.integers(0, MOST_MINOR_UNITS), CURRENCIES)


@st.composite
def share_tables(draw: st.DrawFn) -> dict[UUID, int]:
    """Draw parties whose shares are 10,000 basis points together."""
    parties = draw(st.lists(st.uuids(), min_size=1, max_size=12, unique=True))
    cuts = st.lists(st.integers(1, WHOLE - 1), min_size=len(parties) - 1, max_size=len(parties) - 1, unique=True)
    edges = [0, *sorted(draw(cuts)), WHOLE]
    return {party: after - before for party, before, after in zip(parties, edges, edges[1:], strict=False)}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(amount=AMOUNTS, shares=share_tables())
def test_every_split_adds_up_and_is_fair_to_within_one_minor_unit(amount: Money, shares: dict[UUID, int]) -> None:
    parts = split(amount, shares)
    assert parts.keys() == shares.keys()
    assert sum(part.minor_units for part in parts.values()) == amount.minor_units
    for party, part in parts.items():
        assert abs(part.minor_units * WHOLE - amount.minor_units * shares[party]) < WHOLE
        assert part.currency == amount.currency


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(amount=AMOUNTS, shares=share_tables(), order=st.randoms(use_true_random=False))
def test_a_split_does_not_depend_on_the_order_of_the_parties(
    amount: Money, shares: dict[UUID, int], order: Random
) -> None:
    parties = list(shares)
    order.shuffle(parties)
    assert split(amount, {party: shares[party] for party in parties}) == split(amount, shares)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(amount=AMOUNTS, shares=share_tables())
def test_a_larger_share_never_gets_less(amount: Money, shares: dict[UUID, int]) -> None:
    parts = split(amount, shares)
    ordered = sorted(shares, key=lambda party: shares[party])
    for smaller, larger in itertools.pairwise(ordered):
        if shares[smaller] < shares[larger]:
            assert parts[smaller].minor_units <= parts[larger].minor_units


@pytest.mark.parametrize(
    ("minor_units", "shares", "parts"),
    [
        (1, {"a": 5_000, "b": 5_000}, {"a": 1, "b": 0}),
        (100, {"a": 3_333, "b": 3_333, "c": 3_334}, {"a": 33, "b": 33, "c": 34}),
        (250, {"a": 7_000, "b": 3_000}, {"a": 175, "b": 75}),
        (10, {"b": 3_333, "a": 3_333, "c": 3_334}, {"a": 3, "b": 3, "c": 4}),
        (0, {"a": 1, "b": 9_999}, {"a": 0, "b": 0}),
    ],
)
def test_known_splits(minor_units: int, shares: dict[str, int], parts: dict[str, int]) -> None:
    done = split(Money(minor_units, "EUR"), shares)
    assert {party: part.minor_units for party, part in done.items()} == parts


@pytest.mark.parametrize(
    "shares",
    [{}, {"a": 9_999}, {"a": 10_001}, {"a": 10_000, "b": 0}, {"a": 10_001, "b": -1}, {"a": True, "b": 9_999}],
)
def test_shares_that_are_not_the_whole_are_refused(shares: dict[str, int]) -> None:
    with pytest.raises(SplitsDoNotAddUp):
        split(Money(100, "EUR"), shares)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(amount=AMOUNTS)
def test_money_is_read_back_as_it_was_written(amount: Money) -> None:
    assert Money.from_json(amount.as_json()) == amount
    assert amount.as_json()["amount"] == str(amount.minor_units)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"amount": "250", "currency": "EURO"}, UnknownCurrency),
        ({"amount": "250", "currency": "eur"}, UnknownCurrency),
        ({"amount": "250", "currency": "XXX"}, UnknownCurrency),
        ({"amount": "250"}, UnknownCurrency),
        ({"currency": "EUR"}, AmountNotWhole),
        ({"amount": "2.50", "currency": "EUR"}, AmountNotWhole),
        ({"amount": "2e3", "currency": "EUR"}, AmountNotWhole),
        ({"amount": " 25", "currency": "EUR"}, AmountNotWhole),
        ({"amount": "٣", "currency": "EUR"}, AmountNotWhole),
        ({"amount": "007", "currency": "EUR"}, AmountNotWhole),
        ({"amount": True, "currency": "EUR"}, AmountNotWhole),
        ({"amount": 2.5, "currency": "EUR"}, AmountNotWhole),
        ({"amount": "-1", "currency": "EUR"}, AmountNegative),
        ({"amount": str(MOST_MINOR_UNITS + 1), "currency": "EUR"}, AmountTooLarge),
        ({"amount": "9" * 19, "currency": "EUR"}, AmountTooLarge),
        ({"amount": "9" * 400, "currency": "EUR"}, AmountNotWhole),
    ],
)
def test_what_is_no_money_is_refused_by_its_name(value: dict[str, object], fault: type[MoneyError]) -> None:
    with pytest.raises(fault) as told:
        Money.from_json(value)
    assert told.value.said("en") != told.value.said("zh-Hans")


def test_two_currencies_are_never_added() -> None:
    with pytest.raises(CurrenciesDiffer):
        Money(1, "EUR") + Money(1, "USD")


def test_a_sum_beyond_the_most_is_refused() -> None:
    with pytest.raises(AmountTooLarge):
        Money(MOST_MINOR_UNITS, "EUR") + Money(1, "EUR")
    with pytest.raises(AmountTooLarge):
        Money(MOST_MINOR_UNITS, "EUR") * 2


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (Money(250, "EUR"), "2.50 EUR"),
        (Money(5, "EUR"), "0.05 EUR"),
        (Money(250, "JPY"), "250 JPY"),
        (Money(1_234, "KWD"), "1.234 KWD"),
    ],
)
def test_amounts_read_with_the_decimal_places_of_their_currency(amount: Money, written: str) -> None:
    assert amount.written() == written
