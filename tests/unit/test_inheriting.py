"""What travels from sources to a picture: share-alike and non-commercial do, whatever the order; nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.licensing.constraints import PURPOSE, RECIPIENT, SPATIAL, Constraint
from provenance.licensing.credits_file import credits_text
from provenance.licensing.inheriting import SEVERAL, conditions, inherited_terms
from provenance.licensing.terms import BY_GRANT, COMMERCIALIZE, DERIVE, MODEL_LICENCES, OPEN_LICENCES, Terms

ANSWERS = st.lists(st.sampled_from(sorted(OPEN_LICENCES)), max_size=6)


def answer(licence: str, *, found_in: str = "declared", kind: str = "style") -> dict[str, Any]:
    terms = (MODEL_LICENCES if kind == "model" else OPEN_LICENCES)[licence]
    return {
        "kind": kind, "name": licence, "author": "Ada", "owner": "Ada", "found_in": found_in, "permitted": True,
        "basis": "open-licence", "licence": licence, "terms_digest": terms.digest(),
        "duties": [duty.as_json() for duty in terms.duties],
    }  # fmt: skip


def decision(*licences: str) -> dict[str, Any]:
    return {"references": [answer(licence) for licence in licences]}


@pytest.mark.parametrize(
    ("licences", "licence", "may_sell"),
    [
        ((), None, True),
        (("CC0-1.0", "CC-BY-4.0", "MIT", "Apache-2.0"), None, True),
        (("CC-BY-4.0", "CC-BY-SA-4.0"), "CC-BY-SA-4.0", True),
        (("CC-BY-NC-4.0",), "CC-BY-NC-4.0", False),
        (("CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"), "CC-BY-NC-SA-4.0", False),
        (("CC-BY-SA-4.0", "CC-BY-NC-4.0"), SEVERAL, False),
        (("CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"), SEVERAL, False),
    ],
)
def test_the_terms_of_a_picture(licences: tuple[str, ...], licence: str | None, may_sell: bool) -> None:
    terms = inherited_terms(decision(*licences))
    assert (terms and terms.licence) == licence
    assert terms is None or (COMMERCIALIZE in terms.permissions) == may_sell


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(licences=ANSWERS, order=st.randoms(use_true_random=False))
def test_no_condition_is_lost_and_the_order_does_not_matter(licences: list[str], order: Any) -> None:
    first = inherited_terms(decision(*licences))
    order.shuffle(licences)
    again = inherited_terms(decision(*licences))
    assert (first and (first.licence, first.permissions)) == (again and (again.licence, again.permissions))
    asked = {duty.action for licence in licences for duty in OPEN_LICENCES[licence].duties}
    found = {duty.action for duty in first.duties} if first else set()
    assert found == asked & {"nextPolicy", "gen:nonCommercial"}
    assert bool(conditions(first)["zh-Hans"]) == bool(found)


def test_what_a_prompt_merely_names_travels_nowhere() -> None:
    assert inherited_terms({"references": [answer("CC-BY-SA-4.0", found_in="prompt")]}) is None


def limited(constraint: Constraint | None = None, *, may_sell: bool = True) -> dict[str, Any]:
    """Return an answer by a grant that limits purpose, place or recipient, or keeps selling to its owner."""
    limits = [constraint.as_json()] if constraint else []
    return {
        **answer("CC0-1.0"), "licence": BY_GRANT, "basis": "grant", "commercial": may_sell,
        "constraints": [*limits, Constraint("count", "lteq", ("5",)).as_json()],
    }  # fmt: skip


LIMITS = [
    (Constraint(PURPOSE, "isAnyOf", ("editorial",)), "Only for these purposes: editorial.",
     "仅限用于以下目的：编辑报道。"),
    (Constraint(PURPOSE, "isNoneOf", ("advertising",)), "Not for these purposes: advertising.",
     "不得用于以下目的：广告。"),
    (Constraint(SPATIAL, "isAnyOf", ("DE", "FR")), "Only in these territories: DE, FR.",
     "仅限在以下地域使用：DE、FR。"),
    (Constraint(SPATIAL, "neq", ("US",)), "Not in these territories: US.", "不得在以下地域使用：US。"),
    (Constraint(RECIPIENT, "eq", ("Acme",)), "Only for the recipients that its terms name.",
     "仅供其条款所列的接收方使用。"),
    (Constraint(RECIPIENT, "isNoneOf", ("Acme",)), "Not for the recipients that its terms exclude.",
     "不得供其条款排除的接收方使用。"),
]  # fmt: skip


@pytest.mark.parametrize(("limit", "en", "zh"), LIMITS)
def test_a_limit_of_purpose_place_or_recipient_travels_and_is_said(limit: Constraint, en: str, zh: str) -> None:
    terms = inherited_terms({"references": [limited(limit)]})
    assert terms is not None and terms.constraints == (limit,) and COMMERCIALIZE in terms.permissions
    assert conditions(terms) == {"en": en, "zh-Hans": zh}
    assert "Acme" not in str(conditions(terms))


def test_what_may_not_be_sold_travels_as_the_duty_not_to_sell_it() -> None:
    terms = inherited_terms({"references": [limited(may_sell=False)]})
    assert terms is not None and [duty.action for duty in terms.duties] == ["gen:nonCommercial"]
    assert COMMERCIALIZE not in terms.permissions and terms.constraints == ()


def test_a_count_a_price_and_a_term_bind_the_grant_and_not_the_picture() -> None:
    assert inherited_terms({"references": [limited()]}) is None


def test_limits_beside_share_alike_are_met_by_no_single_licence_and_none_is_lost() -> None:
    limit = LIMITS[2][0]
    terms = inherited_terms({"references": [answer("CC-BY-SA-4.0"), limited(limit), limited(may_sell=False)]})
    assert terms is not None and terms.licence == SEVERAL and terms.constraints == (limit,)
    assert {duty.action for duty in terms.duties} == {"nextPolicy", "gen:nonCommercial"}


def test_terms_without_a_permission_to_sell_are_within_those_that_forbid_it() -> None:
    bound = inherited_terms({"references": [limited(may_sell=False)]})
    assert bound is not None
    assert Terms(BY_GRANT, frozenset({DERIVE})).is_within(bound)
    assert not Terms(BY_GRANT, frozenset({DERIVE, COMMERCIALIZE})).is_within(bound)


def test_a_models_use_restrictions_travel() -> None:
    terms = inherited_terms({"references": [answer("CreativeML-OpenRAIL-M", kind="model")]})
    assert terms is not None and [duty.action for duty in terms.duties] == ["gen:useRestrictions"]


def test_credits_carry_the_licence_text_once_and_both_languages() -> None:
    text = credits_text(decision("Apache-2.0", "Apache-2.0"), record="https://colophon.example/r")
    assert text.count("TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION") == 1
    assert "Credits and licences" in text and "署名与许可" in text and text.count("https://colophon.example/r") == 2
