"""ODRL constraints: what must hold of a use for a rule to apply, and which of them say more than others.

A declared value counts as everything that it is a kind or a part of: advertising is commercial, Germany is in the
EU. What is left open may be anything, so it meets a constraint only if every value would. A constraint on
something that nobody here can evaluate is not met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from provenance.licensing.declared import (
    BROADER_PURPOSES,
    COUNTRIES,
    PLACES,
    RATINGS,
    Asked,
    broader,
    narrower,
    regions_with,
)

PURPOSE, SPATIAL, RECIPIENT, DATE_TIME, COUNT = "purpose", "spatial", "recipient", "dateTime", "count"
CONTENT_RATING, MAX_SIMILARITY = "gen:contentRating", "gen:maxSimilarity"
ONE_OF_MANY = frozenset({"eq", "neq", "isAnyOf", "isNoneOf", "isPartOf", "isAllOf"})
"""Operators on purposes, places and recipients."""
KIND_OF, HAS_PART = "isA", "hasPart"
"""Operators on a hierarchy: of purposes, which are kinds of others; a country has no parts here but itself."""
LISTS = frozenset({"isAnyOf", "isNoneOf", "isAllOf"})
"""Operators with a list of values."""
POSITIVE = frozenset({"eq", "isAnyOf", "isPartOf", "isAllOf", KIND_OF, HAS_PART})
PURPOSES = frozenset(BROADER_PURPOSES)
IN_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda one, other: one == other,
    "neq": lambda one, other: one != other,
    "lt": lambda one, other: one < other,
    "lteq": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "gteq": lambda one, other: one >= other,
}
"""Operators on dates, counts, ratings and percentages."""
OPERATORS = ONE_OF_MANY | IN_ORDER.keys() | {KIND_OF, HAS_PART}
Outcome = Literal["met", "unmet", "later", "unknown"]
"""``later``: to be checked on the finished picture, before delivery. ``unknown``: nobody here can tell."""


@dataclass(frozen=True)
class Constraint:
    """One condition of a rule, in ODRL's words; several values stand for any, all or none of them."""

    left_operand: str
    operator: str
    right_operand: tuple[str, ...]
    unit: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the constraint as terms record it."""
        right = list(self.right_operand) if self.operator in LISTS else self.right_operand[0]
        said: dict[str, Any] = {"leftOperand": self.left_operand, "operator": self.operator, "rightOperand": right}
        return {**said, "unit": self.unit} if self.unit else said

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Constraint:
        """Return the constraint that ``as_json`` wrote."""
        right = value["rightOperand"]
        values = tuple(right) if isinstance(right, list) else (str(right),)
        return cls(value["leftOperand"], value["operator"], values, value.get("unit", ""))


def outcome(constraint: Constraint, asked: Asked, *, used: int = 0) -> Outcome:
    """Say whether a constraint is met by a use of which so much is declared, after some uses before it."""
    read = READERS.get(constraint.left_operand)
    if read is None or not constraint.right_operand:
        return "unknown"
    return read(constraint, asked, used)


def unmet(constraints: Iterable[Constraint], asked: Asked, *, used: int = 0) -> list[tuple[Constraint, Outcome]]:
    """Return the constraints that a use does not meet, or that nobody can evaluate, each with which it is."""
    found = ((constraint, outcome(constraint, asked, used=used)) for constraint in constraints)
    return [(constraint, result) for constraint, result in found if result in {"unmet", "unknown"}]


def _said(is_met: bool) -> Outcome:
    return "met" if is_met else "unmet"


def _among(
    operator: str, wanted: tuple[str, ...], *, counts_as: frozenset[str], may_be: Iterable[str] | None
) -> Outcome:
    """Decide a set operator: ``counts_as`` is what the value is for certain, ``may_be`` what it may turn out to be.

    None stands for a value that may be anything.
    """
    if operator not in ONE_OF_MANY:
        return "unknown"
    if operator == "isAllOf":
        return _said(counts_as.issuperset(wanted))
    if operator in POSITIVE:
        return _said(not counts_as.isdisjoint(wanted))
    return _said(may_be is not None and counts_as.isdisjoint(wanted) and frozenset(wanted).isdisjoint(may_be))


def _purpose(constraint: Constraint, asked: Asked, _used: int) -> Outcome:
    return _purpose_said(constraint.operator, constraint.right_operand, asked.purpose)


@lru_cache(maxsize=4_096)
def _purpose_said(operator: str, wanted: tuple[str, ...], declared: str) -> Outcome:
    """Decide on a purpose; a thousand grants name the same few, so each is decided once."""
    purpose = declared or "commercial"
    if not PURPOSES.issuperset(wanted) or purpose not in PURPOSES:
        return "unknown"
    if operator == KIND_OF:
        return _in_hierarchy(wanted, broader(purpose))
    if operator == HAS_PART:  # what is left open may have no part but itself, whichever that is
        return _in_hierarchy(wanted, narrower(purpose) if declared else frozenset())
    return _among(operator, wanted, counts_as=broader(purpose), may_be=narrower(purpose))


def _in_hierarchy(wanted: tuple[str, ...], related: frozenset[str]) -> Outcome:
    """Decide an operator on a hierarchy, which takes one value, over what the declared value is related to so."""
    return _said(related.issuperset(wanted)) if len(wanted) == 1 else "unknown"


def _place(constraint: Constraint, asked: Asked, _used: int) -> Outcome:
    return _place_said(constraint.operator, constraint.right_operand, asked.territory)


@lru_cache(maxsize=4_096)
def _place_said(operator: str, wanted: tuple[str, ...], declared: str) -> Outcome:
    if not PLACES.issuperset(wanted) or (declared and declared not in COUNTRIES):
        return "unknown"
    if operator == HAS_PART:
        return _in_hierarchy(wanted, frozenset({declared}))
    if not declared:
        return _among(operator, wanted, counts_as=frozenset(), may_be=None)
    place = regions_with(declared)
    return _among(operator, wanted, counts_as=place, may_be=place)


def _recipient(constraint: Constraint, asked: Asked, _used: int) -> Outcome:
    wanted = tuple(name.strip().casefold() for name in constraint.right_operand)
    if not asked.recipient.strip():
        return _among(constraint.operator, wanted, counts_as=frozenset(), may_be=None)
    who = frozenset({asked.recipient.strip().casefold()})
    return _among(constraint.operator, wanted, counts_as=who, may_be=who)


def _ordered(constraint: Constraint, value: Any, read: Callable[[str], Any]) -> Outcome:
    compare = IN_ORDER.get(constraint.operator)
    limit = read(constraint.right_operand[0])
    if compare is None or limit is None or len(constraint.right_operand) != 1:
        return "unknown"
    return _said(compare(value, limit))


def _moment(constraint: Constraint, asked: Asked, _used: int) -> Outcome:
    return _ordered(constraint, asked.at, moment)


def _count(constraint: Constraint, asked: Asked, used: int) -> Outcome:
    return _ordered(constraint, used + asked.images, whole)


def _rating(constraint: Constraint, asked: Asked, _used: int) -> Outcome:
    declared = rank(asked.content_rating or RATINGS[-1])
    return "unknown" if declared is None else _ordered(constraint, declared, rank)


def _similarity(constraint: Constraint, _asked: Asked, _used: int) -> Outcome:
    limit = whole(constraint.right_operand[0])
    return "later" if constraint.operator == "lteq" and limit is not None and limit <= 100 else "unknown"


READERS: Mapping[str, Callable[[Constraint, Asked, int], Outcome]] = {
    PURPOSE: _purpose, SPATIAL: _place, RECIPIENT: _recipient, DATE_TIME: _moment, COUNT: _count,
    CONTENT_RATING: _rating, MAX_SIMILARITY: _similarity,
}  # fmt: skip
"""What reads the declared value of each left operand, and compares it."""


def rank(rating: str) -> int | None:
    """Return how far up a content rating stands; None for one that there is not."""
    return RATINGS.index(rating) if rating in RATINGS else None


def whole(text: str) -> int | None:
    """Return the whole number that a text writes; None where it writes none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


@lru_cache(maxsize=4096)
def moment(text: str) -> datetime | None:
    """Return the moment that an RFC 3339 text with an offset names; None where it names none."""
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo and 1900 < read.year < 3000 else None
    except ValueError:
        return None


# ---- which constraints leave room, and which say no more than others ------------------------------------------


def leaves_room(constraints: Sequence[Constraint]) -> bool:
    """Say whether any use at all could meet some constraints; those that contradict each other leave none."""
    return all(
        any(_all_met(_of(constraints, operand), use) for use in _witnesses(operand, constraints))
        for operand in {constraint.left_operand for constraint in constraints}
    )


def implies(constraints: Sequence[Constraint], bound: Sequence[Constraint]) -> bool:
    """Say whether every use that meets some constraints also meets others."""
    both = (*constraints, *bound)
    return all(
        _all_met(_of(bound, operand), use)
        for operand in {constraint.left_operand for constraint in bound}
        for use in _witnesses(operand, both)
        if _all_met(_of(constraints, operand), use)
    )


def _of(constraints: Sequence[Constraint], operand: str) -> list[Constraint]:
    return [constraint for constraint in constraints if constraint.left_operand == operand]


Use = tuple[Asked, int | None]
"""A use, with the percentage of likeness of its picture where that is what matters."""


def _all_met(constraints: Sequence[Constraint], use: Use) -> bool:
    asked, similarity = use
    return all(_is_met(constraint, asked, similarity) for constraint in constraints)


def _is_met(constraint: Constraint, asked: Asked, similarity: int | None) -> bool:
    result = outcome(constraint, asked)
    if result == "later" and similarity is not None:
        return similarity <= int(constraint.right_operand[0])
    return result == "met"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def _witnesses(operand: str, constraints: Sequence[Constraint]) -> list[Use]:
    """Return uses among which every difference that some constraints on one operand can make shows itself.

    An operator tells apart only the values it names and their neighbours, so these are all that need a look.
    """
    named = [value for constraint in _of(constraints, operand) for value in constraint.right_operand]
    if operand == PURPOSE:
        return [(Asked(at=_EPOCH, purpose=purpose), None) for purpose in BROADER_PURPOSES]
    if operand == SPATIAL:
        return [(Asked(at=_EPOCH, territory=country), None) for country in _countries_worth_a_look(named)]
    if operand == RECIPIENT:
        somebody_else = "-".join(["else", *named])
        return [(Asked(at=_EPOCH, recipient=name), None) for name in (*named, somebody_else)]
    if operand == CONTENT_RATING:
        return [(Asked(at=_EPOCH, content_rating=rating), None) for rating in RATINGS]
    if operand == DATE_TIME:
        moments = [read for read in map(moment, named) if read]
        return [(Asked(at=at), None) for one in moments for at in (one - _TICK, one, one + _TICK)]
    numbers = sorted({near for read in map(whole, named) if read is not None for near in (read - 1, read, read + 1)})
    if operand == COUNT:
        return [(Asked(at=_EPOCH, images=images), None) for images in numbers if images > 0]
    return [(Asked(at=_EPOCH), percent) for percent in numbers if 0 <= percent <= 100]


def _countries_worth_a_look(named: Sequence[str]) -> list[str]:
    """Return the countries named, and of the others one for each set of regions that holds it."""
    others = {regions_with(country) - {country}: country for country in sorted(COUNTRIES - set(named))}
    return [*(country for country in named if country in COUNTRIES), *others.values()]


def places_of(constraints: Sequence[Constraint]) -> frozenset[str]:
    """Return the countries in which some constraints allow a use; all where they do not say."""
    spatial = _of(constraints, SPATIAL)
    return frozenset(country for country in COUNTRIES if _all_met(spatial, (Asked(at=_EPOCH, territory=country), None)))


def constraints_for_later(constraints: Iterable[Constraint]) -> tuple[Constraint, ...]:
    """Return the constraints that are decided on the finished picture, before it is delivered."""
    return tuple(constraint for constraint in constraints if constraint.left_operand == MAX_SIMILARITY)
