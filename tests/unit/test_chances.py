"""Bounds on how often a stranger is taken for a copy."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.attribution.chances import chance_of_a_stranger, measured, upper_bound
from provenance.credentials.watermark import chances as watermark_chances
from provenance.credentials.watermark.contract import WatermarkRead
from provenance.credentials.watermark.spread import ALGORITHM


def test_the_bound_is_clopper_s_and_pearson_s() -> None:
    # One-sided at 95 %: two that have a closed form, and 1 of 10 as tables give it.
    assert upper_bound(0, 10) == pytest.approx(1 - 0.05 ** (1 / 10))
    assert upper_bound(1, 10) == pytest.approx(0.39416, abs=1e-5)
    assert upper_bound(9, 10) == pytest.approx(0.95 ** (1 / 10))


def test_of_none_found_the_bound_is_the_rule_of_three() -> None:
    assert upper_bound(0, 10_000) == pytest.approx(3 / 10_000, rel=0.01)


@given(st.integers(1, 3000), st.data())
@settings(deadline=None)
def test_the_bound_lies_above_what_was_found_and_is_met_with_five_percent(asked: int, data: st.DataObject) -> None:
    found = data.draw(st.integers(0, asked))
    bound = upper_bound(found, asked)
    assert found / asked <= bound <= 1
    if found < min(asked, 20):
        at_most = sum(math.comb(asked, k) * bound**k * (1 - bound) ** (asked - k) for k in range(found + 1))
        assert at_most == pytest.approx(0.05, abs=1e-6)


def test_the_chance_grows_with_the_pictures_and_tells_what_was_counted() -> None:
    few, many = (chance_of_a_stranger("within_31", pictures=number) for number in (5, 10**6))
    assert few["measured"] == many["measured"]
    assert few["measured"]["queries"] == measured()["varied"]["with_codes"] >= 1000
    assert float(few["rate_at_most"]) < float(many["rate_at_most"]) <= 1
    assert few["confidence"] == "0.95" and few["pictures"] == 5


def test_what_was_measured_holds_every_change_and_every_grade() -> None:
    for table in measured().values():
        assert set(table["strangers"]) == {"within_31", "confirmed", "within_64"}
        assert {"JPEG q50", "WebP q50", "resize 0.5", "label box"} <= set(table["copies"])
        for counted in table["copies"].values():
            assert counted["within_31"] <= counted["confirmed"] <= counted["within_64"] <= counted["of"]


def test_the_bound_is_said_in_both_languages_and_never_smaller_than_it_is() -> None:
    told = chance_of_a_stranger("within_64", pictures=9_999)
    assert told["said"]["en"] == (
        "Of unrelated pictures that are checked, at most 1 in 200 comes this close to one of the 9,999 pictures held "
        "here."
    )
    assert "9,999" in told["said"]["zh-Hans"] and "200" in told["said"]["zh-Hans"]
    of_one = chance_of_a_stranger("within_64", pictures=1)["said"]
    assert "the one picture" in of_one["en"] and "唯一一张" in of_one["zh-Hans"] and "之一" not in of_one["zh-Hans"]
    for number in (1, 20_000, 10**6, 10**9):
        told = chance_of_a_stranger("confirmed", pictures=number)
        often = int(told["said"]["en"].split("1 in ")[1].split()[0].replace(",", ""))
        assert 1 / often >= 0.99 * float(told["rate_at_most"])


@pytest.mark.parametrize("was_searched", [False, True])
def test_a_watermark_s_chance_counts_the_kept_ids_and_what_was_read_in_unmarked_pictures(was_searched: bool) -> None:
    read = WatermarkRead(bytes(8), 0, 128, was_searched=was_searched, algorithm=ALGORITHM)
    counted = watermark_chances.measured()[ALGORITHM]["searched" if was_searched else "at_once"]
    told = watermark_chances.chance_of_a_stranger(read, kept=1_000)
    assert told["measured"] == {"queries": counted["pictures"], "found": counted["found"]}
    assert counted["pictures"] >= 1_000
    bound = upper_bound(counted["found"], counted["pictures"])
    assert float(told["rate_at_most"]) == pytest.approx(bound * 1_000 / 2**64, rel=0.05)
    for language in ("en", "zh-Hans"):
        assert "1,000" in told["said"][language] and f"{counted['pictures']:,}" in told["said"][language]
    assert "on purpose" in told["said"]["en"] and "有意" in told["said"]["zh-Hans"]


def test_of_a_watermark_that_was_not_measured_only_the_number_of_ids_is_told() -> None:
    told = watermark_chances.chance_of_a_stranger(WatermarkRead(bytes(8), 0, 100), kept=1)
    assert "measured" not in told and float(told["rate_at_most"]) == pytest.approx(2**-64, rel=0.05)
    assert "was not measured" in told["said"]["en"] and "the one kept here" in told["said"]["en"]
