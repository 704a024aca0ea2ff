"""Exclusive terms get in the way of others exactly where some use would be permitted by both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from provenance.licensing.constraints import Constraint
from provenance.licensing.declared import BROADER_PURPOSES, REGIONS
from provenance.licensing.exclusive import overlap
from provenance.licensing.terms import COMMERCIALIZE, DERIVE, TRAIN, USE_STYLE, Terms

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = [START + timedelta(days=day) for day in range(6)]
TICK = timedelta(microseconds=1)
MOMENTS = [at for day in DAYS for at in (day - TICK, day, day + TICK)]
COUNTRIES = ["DE", "FR", "NO", "JP"]
USES = [USE_STYLE, DERIVE, TRAIN]

lists = st.sampled_from(["isAnyOf", "isNoneOf"])
places = st.lists(st.sampled_from([*COUNTRIES, *sorted(REGIONS)]), min_size=1, max_size=2).map(tuple)
purposes = st.lists(st.sampled_from(sorted(BROADER_PURPOSES)), min_size=1, max_size=2).map(tuple)
days = st.sampled_from(DAYS).map(lambda day: (day.isoformat(),))
conditions = st.one_of(
    st.builds(Constraint, st.just("spatial"), lists, places),
    st.builds(Constraint, st.just("purpose"), lists, purposes),
    st.builds(Constraint, st.just("dateTime"), st.sampled_from(["lt", "lteq", "gt", "gteq"]), days),
    st.builds(Constraint, st.just("recipient"), lists, st.just(("Ada",))),
    st.builds(Constraint, st.just("count"), st.just("lteq"), st.just(("5",))),
)
some_terms = st.builds(
    Terms, licence=st.just("x"), permissions=st.sets(st.sampled_from([*USES, COMMERCIALIZE])).map(frozenset),
    prohibitions=st.sets(st.sampled_from(USES), max_size=1).map(frozenset),
    constraints=st.lists(conditions, max_size=4).map(tuple),
)  # fmt: skip


def kinds_of(purpose: str) -> set[str]:
    """Return a purpose with what it is a kind of, read from the table alone."""
    return {purpose} | (kinds_of(BROADER_PURPOSES[purpose]) if BROADER_PURPOSES[purpose] else set())


def lets(condition: Constraint, country: str, purpose: str, at: datetime) -> bool:
    """Say in plain words whether a use is within one condition; recipients and counts part nobody."""
    wanted = set(condition.right_operand)
    if condition.left_operand in {"recipient", "count"}:
        return True
    if condition.left_operand == "dateTime":
        (limit,) = (datetime.fromisoformat(text) for text in wanted)
        return {"lt": at < limit, "lteq": at <= limit, "gt": at > limit, "gteq": at >= limit}[condition.operator]
    if condition.left_operand == "spatial":
        counts_as = {country, *(name for name, members in REGIONS.items() if country in members)}
        may_be = counts_as
    else:
        counts_as = kinds_of(purpose)
        may_be = {other for other in BROADER_PURPOSES if purpose in kinds_of(other)}
    if condition.operator == "isAnyOf":
        return bool(counts_as & wanted)
    return not (counts_as | may_be) & wanted


def permits(terms: Terms, use: str, country: str, purpose: str, at: datetime) -> bool:
    """Say in plain words whether terms permit a use."""
    is_permitted = use in terms.permissions and use not in terms.prohibitions
    return is_permitted and all(lets(condition, country, purpose, at) for condition in terms.constraints)


def shared(one: Terms, other: Terms, moments: list[datetime]) -> bool:
    """Say whether any use of all there are is permitted by both."""
    uses = [(*place, at) for place in ((c, p) for c in (*COUNTRIES, "US") for p in BROADER_PURPOSES) for at in moments]
    return any(
        permits(one, use, *where) and permits(other, use, *where) for use in USES for where in uses
    )


@given(some_terms, some_terms)
def test_terms_overlap_exactly_where_a_use_is_permitted_by_both(one: Terms, other: Terms) -> None:
    assert overlap(one, other) is shared(one, other, MOMENTS)


@given(some_terms, some_terms, st.sampled_from(MOMENTS))
def test_what_is_over_by_a_moment_is_in_nobodys_way_from_then_on(one: Terms, other: Terms, since: datetime) -> None:
    assert overlap(one, other, since=since) is shared(one, other, [at for at in MOMENTS if at >= since])


@given(some_terms, some_terms)
def test_of_two_each_overlaps_the_other_or_neither_does(one: Terms, other: Terms) -> None:
    assert overlap(one, other) is overlap(other, one)


@given(some_terms, some_terms, conditions)
def test_one_more_condition_never_makes_terms_overlap(one: Terms, other: Terms, more: Constraint) -> None:
    narrower = Terms(one.licence, one.permissions, prohibitions=one.prohibitions,
                     constraints=(*one.constraints, more))  # fmt: skip
    assert overlap(one, other) or not overlap(narrower, other)
