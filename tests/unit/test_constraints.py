"""ODRL constraints: each operator against a plain reading of it, and what is left open counts as the worst."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.licensing.constraints import (
    CONTENT_RATING,
    COUNT,
    DATE_TIME,
    MAX_SIMILARITY,
    PURPOSE,
    RECIPIENT,
    SPATIAL,
    Constraint,
    constraints_for_later,
    implies,
    leaves_room,
    outcome,
    unmet,
)
from provenance.licensing.declared import BROADER_PURPOSES, COUNTRIES, RATINGS, REGIONS, Asked

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
purposes = st.sampled_from(sorted(BROADER_PURPOSES))
countries = st.sampled_from(sorted(COUNTRIES))
places = st.sampled_from([*sorted(REGIONS), "DE", "FR", "NO", "JP", "US"])
names = st.text(min_size=1, max_size=8).filter(str.strip)
ratings = st.sampled_from(RATINGS)
counts = st.integers(1, 10_000)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
one_of_many = st.sampled_from(["eq", "neq", "isAnyOf", "isNoneOf", "isPartOf", "isAllOf"])
hierarchy = st.sampled_from(["isA", "hasPart"])
in_order = st.sampled_from(["eq", "neq", "lt", "lteq", "gt", "gteq"])


def asked(**more: object) -> Asked:
    return Asked(**{"at": NOW, **more})  # type: ignore[arg-type]  # each test names what it declares


def is_met(left: str, operator: str, *right: str, used: int = 0, **declared: object) -> bool:
    return outcome(Constraint(left, operator, right), asked(**declared), used=used) == "met"


# ---- sets: purpose, place, recipient --------------------------------------------------------------------------


def is_kind_of(purpose: str, other: str) -> bool:
    return purpose == other or (bool(BROADER_PURPOSES[purpose]) and is_kind_of(BROADER_PURPOSES[purpose], other))


@given(purposes, st.lists(purposes, min_size=1, max_size=3))
def test_a_purpose_is_any_of_those_that_it_is_a_kind_of(purpose: str, wanted: list[str]) -> None:
    expected = any(is_kind_of(purpose, one) for one in wanted)
    assert is_met(PURPOSE, "isAnyOf", *wanted, purpose=purpose) is expected


@given(purposes, st.lists(purposes, min_size=1, max_size=3))
def test_a_purpose_is_none_of_those_that_neither_hold_it_nor_may_turn_out_to_be_it(purpose: str, no: list[str]) -> None:
    expected = not any(is_kind_of(purpose, one) or is_kind_of(one, purpose) for one in no)
    assert is_met(PURPOSE, "isNoneOf", *no, purpose=purpose) is expected


@given(purposes, st.lists(purposes, min_size=1, max_size=3))
def test_a_purpose_is_all_of_what_it_is_a_kind_of(purpose: str, wanted: list[str]) -> None:
    assert is_met(PURPOSE, "isAllOf", *wanted, purpose=purpose) is all(is_kind_of(purpose, one) for one in wanted)


@given(purposes, purposes)
def test_a_purpose_is_a_kind_of_those_above_it_and_has_those_below_it_as_parts(purpose: str, other: str) -> None:
    assert is_met(PURPOSE, "isA", other, purpose=purpose) is is_kind_of(purpose, other)
    assert is_met(PURPOSE, "hasPart", other, purpose=purpose) is is_kind_of(other, purpose)
    assert is_met(PURPOSE, "isA", other, purpose=purpose) is is_met(PURPOSE, "hasPart", purpose, purpose=other)


@given(purposes, purposes)
def test_what_is_a_kind_of_another_and_has_it_as_part_is_the_same(purpose: str, other: str) -> None:
    both = all(is_met(PURPOSE, operator, other, purpose=purpose) for operator in ("isA", "hasPart"))
    assert both is (purpose == other)


@given(purposes, places)
def test_what_is_left_open_has_nothing_as_a_part(purpose: str, place: str) -> None:
    assert outcome(Constraint(PURPOSE, "hasPart", (purpose,)), asked()) == "unmet"
    assert outcome(Constraint(SPATIAL, "hasPart", (place,)), asked()) == "unmet"


@given(countries, places)
def test_a_country_has_no_part_but_itself(country: str, place: str) -> None:
    assert is_met(SPATIAL, "hasPart", place, territory=country) is (country == place)


@given(countries, st.lists(places, min_size=1, max_size=3))
def test_a_place_is_all_of_the_regions_that_hold_it(country: str, wanted: list[str]) -> None:
    inside = all(country == place or country in REGIONS.get(place, ()) for place in wanted)
    assert is_met(SPATIAL, "isAllOf", *wanted, territory=country) is inside


@given(countries, st.lists(places, min_size=1, max_size=3))
def test_a_place_counts_as_the_regions_that_hold_it(country: str, wanted: list[str]) -> None:
    inside = any(country == place or country in REGIONS.get(place, ()) for place in wanted)
    assert is_met(SPATIAL, "isAnyOf", *wanted, territory=country) is inside
    assert is_met(SPATIAL, "isNoneOf", *wanted, territory=country) is not inside


@given(one_of_many, countries, places)
def test_operators_on_one_place_agree_with_each_other(operator: str, country: str, place: str) -> None:
    inside = is_met(SPATIAL, "isPartOf", place, territory=country)
    assert is_met(SPATIAL, operator, place, territory=country) is (inside == (operator not in {"neq", "isNoneOf"}))


@given(one_of_many, names, names)
def test_a_recipient_is_compared_without_case_and_space_around(operator: str, who: str, named: str) -> None:
    same = who.strip().casefold() == named.strip().casefold()
    assert is_met(RECIPIENT, operator, named, recipient=f" {who} ") is (same == (operator not in {"neq", "isNoneOf"}))


@given(one_of_many, places, names)
def test_a_place_or_recipient_left_open_meets_nothing(operator: str, place: str, name: str) -> None:
    assert not is_met(SPATIAL, operator, place) and not is_met(RECIPIENT, operator, name)


@given(one_of_many, purposes)
def test_a_purpose_left_open_is_read_as_commercial(operator: str, wanted: str) -> None:
    assert is_met(PURPOSE, operator, wanted) is is_met(PURPOSE, operator, wanted, purpose="commercial")


# ---- order: dates, counts, ratings ----------------------------------------------------------------------------

PLAIN = {
    "eq": lambda one, other: not (one < other or other < one), "neq": lambda one, other: one < other or other < one,
    "lt": lambda one, other: one < other, "lteq": lambda one, other: not other < one,
    "gt": lambda one, other: other < one, "gteq": lambda one, other: not one < other,
}  # fmt: skip


@given(in_order, moments, st.sampled_from([-1, 0, 1]))
def test_dates_are_compared_to_the_microsecond(operator: str, limit: datetime, ticks: int) -> None:
    at = limit + timedelta(microseconds=ticks)
    assert is_met(DATE_TIME, operator, limit.isoformat(), at=at) is PLAIN[operator](at, limit)


@given(in_order, counts, counts, st.integers(0, 10_000))
def test_counts_hold_for_what_was_used_and_what_is_asked_for(operator: str, limit: int, images: int, used: int) -> None:
    expected = PLAIN[operator](used + images, limit)
    assert is_met(COUNT, operator, str(limit), images=images, used=used) is expected


@given(in_order, ratings, ratings)
def test_ratings_stand_in_their_order(operator: str, rating: str, limit: str) -> None:
    expected = PLAIN[operator](RATINGS.index(rating), RATINGS.index(limit))
    assert is_met(CONTENT_RATING, operator, limit, content_rating=rating) is expected


@given(in_order, ratings)
def test_a_rating_left_open_is_read_as_explicit(operator: str, limit: str) -> None:
    assert is_met(CONTENT_RATING, operator, limit) is is_met(CONTENT_RATING, operator, limit, content_rating="explicit")


def test_likeness_is_looked_at_when_the_picture_is_there() -> None:
    limit = Constraint(MAX_SIMILARITY, "lteq", ("85",), unit="percent")
    assert outcome(limit, asked()) == "later" and unmet([limit], asked()) == []
    assert constraints_for_later([limit, Constraint(PURPOSE, "eq", ("research",))]) == (limit,)


# ---- what nobody can evaluate ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "constraint",
    [
        Constraint("odrl:deviceId", "eq", ("x",)),
        Constraint(PURPOSE, "lt", ("commercial",)),
        Constraint(PURPOSE, "eq", ("world-peace",)),
        Constraint(PURPOSE, "isA", ("commercial", "advertising")),
        Constraint(PURPOSE, "isA", ("world-peace",)),
        Constraint(SPATIAL, "isA", ("EU",)),
        Constraint(SPATIAL, "hasPart", ("DE", "FR")),
        Constraint(RECIPIENT, "isA", ("x",)),
        Constraint(RECIPIENT, "hasPart", ("x",)),
        Constraint(DATE_TIME, "isAllOf", ("2026-11-25T12:00:00+00:00",)),
        Constraint(COUNT, "isA", ("1",)),
        Constraint(CONTENT_RATING, "isAllOf", ("general",)),
        Constraint(MAX_SIMILARITY, "hasPart", ("85",)),
        Constraint(SPATIAL, "eq", ("XX",)),
        Constraint(SPATIAL, "isAnyOf", ()),
        Constraint(DATE_TIME, "lt", ("tomorrow",)),
        Constraint(DATE_TIME, "lt", ("2026-11-25T12:00:00",)),
        Constraint(DATE_TIME, "isAnyOf", ("2026-11-25T12:00:00+00:00",)),
        Constraint(COUNT, "lteq", ("-1",)),
        Constraint(COUNT, "lteq", ("1", "2")),
        Constraint(CONTENT_RATING, "lteq", ("PG-13",)),
        Constraint(MAX_SIMILARITY, "gteq", ("85",)),
        Constraint(MAX_SIMILARITY, "lteq", ("101",)),
    ],
    ids=str,
)
def test_what_nobody_can_evaluate_is_never_met(constraint: Constraint) -> None:
    everything = asked(purpose="commercial", territory="DE", recipient="x", content_rating="general")
    assert outcome(constraint, everything) == "unknown"
    assert unmet([constraint], everything) == [(constraint, "unknown")]


# ---- constraints among themselves -----------------------------------------------------------------------------

some_constraints = st.one_of(
    st.builds(Constraint, st.just(PURPOSE), one_of_many, st.lists(purposes, min_size=1, max_size=2).map(tuple)),
    st.builds(Constraint, st.just(PURPOSE), hierarchy, purposes.map(lambda purpose: (purpose,))),
    st.builds(Constraint, st.just(SPATIAL), st.just("hasPart"), places.map(lambda place: (place,))),
    st.builds(Constraint, st.just(SPATIAL), one_of_many, st.lists(places, min_size=1, max_size=2).map(tuple)),
    st.builds(Constraint, st.just(RECIPIENT), one_of_many, st.lists(names, min_size=1, max_size=2).map(tuple)),
    st.builds(Constraint, st.just(COUNT), in_order, st.integers(0, 6).map(lambda number: (str(number),))),
    st.builds(Constraint, st.just(CONTENT_RATING), in_order, ratings.map(lambda rating: (rating,))),
)
uses = st.builds(
    Asked, at=st.just(NOW), purpose=purposes, territory=st.sampled_from(["DE", "FR", "NO", "JP", "US", "BR"]),
    recipient=names, content_rating=ratings, images=st.integers(1, 8),
)  # fmt: skip


def all_met(constraints: Sequence[Constraint], use: Asked) -> bool:
    return not unmet(constraints, use)


@given(st.lists(some_constraints, max_size=4), st.lists(some_constraints, max_size=3), uses)
def test_what_implies_others_lets_nothing_through_that_those_stop(
    narrow: list[Constraint], bound: list[Constraint], use: Asked
) -> None:
    if implies(narrow, bound) and all_met(narrow, use):
        assert all_met(bound, use)


@given(st.lists(some_constraints, max_size=4), st.lists(some_constraints, max_size=3))
def test_constraints_together_imply_each_of_them(one: list[Constraint], other: list[Constraint]) -> None:
    assert implies([*one, *other], one) and implies([*one, *other], other)


@given(st.lists(some_constraints, max_size=4), uses)
def test_constraints_that_leave_no_room_are_met_by_nothing(constraints: list[Constraint], use: Asked) -> None:
    if not leaves_room(constraints):
        assert not all_met(constraints, use)


@pytest.mark.parametrize(
    "constraints",
    [
        [Constraint(SPATIAL, "isAnyOf", ("DE", "FR")), Constraint(SPATIAL, "isNoneOf", ("EU",))],
        [Constraint(PURPOSE, "eq", ("research",)), Constraint(PURPOSE, "eq", ("commercial",))],
        [Constraint(COUNT, "lteq", ("0",))],
        [
            Constraint(DATE_TIME, "gteq", ("2026-02-01T00:00:00+00:00",)),
            Constraint(DATE_TIME, "lt", ("2026-02-01T00:00:00+00:00",)),
        ],
        [Constraint("odrl:deviceId", "eq", ("x",))],
    ],
    ids=str,
)
def test_constraints_that_contradict_each_other_leave_no_room(constraints: list[Constraint]) -> None:
    assert not leaves_room(constraints)


@given(some_constraints)
def test_a_constraint_is_read_back_as_it_was_recorded(constraint: Constraint) -> None:
    again = Constraint.from_json(constraint.as_json())
    assert again.as_json() == constraint.as_json()
    if constraint.operator in {"isAnyOf", "isNoneOf", "isAllOf"}:
        assert again == constraint
