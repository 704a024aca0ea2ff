"""What a picture's own terms say of training on it: reserved, unless a licence that must be shared allows it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.licensing.constraints import PURPOSE, Constraint
from provenance.licensing.inheriting import inherited_terms
from provenance.licensing.mining import OTHER_USES, TRAINING, mining_of
from provenance.licensing.terms import OPEN_LICENCES
from tests.unit.test_inheriting import ANSWERS, answer, decision


def uses(*licences: str) -> dict[str, str]:
    return dict(mining_of(inherited_terms(decision(*licences))).uses)


@pytest.mark.parametrize("licences", [(), ("CC0-1.0",), ("CC-BY-4.0", "MIT")])
def test_training_on_a_picture_to_which_nothing_travelled_is_reserved_and_the_rest_unstated(
    licences: tuple[str, ...],
) -> None:
    assert uses(*licences) == dict.fromkeys(TRAINING, "notAllowed")


@pytest.mark.parametrize("licence", ["CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"])
def test_a_picture_that_must_be_shared_alike_may_be_trained_on_as_its_licence_says(licence: str) -> None:
    mining = mining_of(inherited_terms(decision(licence, "CC-BY-4.0")))
    assert dict(mining.uses) == dict.fromkeys((*TRAINING, *OTHER_USES), "constrained")
    assert OPEN_LICENCES[licence].url in mining.constraints and "same licence" in mining.constraints


def test_other_conditions_constrain_other_uses_and_free_no_training() -> None:
    mining = mining_of(inherited_terms(decision("CC-BY-NC-4.0")))
    assert {mining.uses[use] for use in TRAINING} == {"notAllowed"}
    assert {mining.uses[use] for use in OTHER_USES} == {"constrained"}
    assert "no commercial purpose" in mining.constraints


def test_licences_that_no_single_one_meets_free_no_training() -> None:
    assert {uses("CC-BY-SA-4.0", "CC-BY-NC-4.0")[use] for use in TRAINING} == {"notAllowed"}


def test_a_limit_of_purpose_beside_a_shared_licence_frees_no_training() -> None:
    limited: dict[str, Any] = answer("CC-BY-4.0") | {
        "constraints": [Constraint(PURPOSE, "isAnyOf", ("education",)).as_json()]
    }
    terms = inherited_terms({"references": [answer("CC-BY-SA-4.0"), limited]})
    assert {mining_of(terms).uses[use] for use in TRAINING} == {"notAllowed"}


@given(licences=ANSWERS)
def test_no_terms_ever_free_a_use_altogether_and_none_without_share_alike_frees_training(licences: list[str]) -> None:
    said = uses(*licences)
    assert "allowed" not in said.values() and set(TRAINING) <= set(said)
    if not any("-SA" in licence for licence in licences):
        assert {said[use] for use in TRAINING} == {"notAllowed"}


@given(st.sampled_from(sorted(OPEN_LICENCES)))
def test_what_is_constrained_always_says_by_what(licence: str) -> None:
    mining = mining_of(inherited_terms(decision(licence)))
    assert bool(mining.constraints) == ("constrained" in mining.uses.values())
