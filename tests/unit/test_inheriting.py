"""What travels from sources to a picture: share-alike and non-commercial do, whatever the order; nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.licensing.credits_file import credits_text
from provenance.licensing.inheriting import SEVERAL, conditions, inherited_terms
from provenance.licensing.terms import COMMERCIALIZE, MODEL_LICENCES, OPEN_LICENCES

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


def test_a_models_use_restrictions_travel() -> None:
    terms = inherited_terms({"references": [answer("CreativeML-OpenRAIL-M", kind="model")]})
    assert terms is not None and [duty.action for duty in terms.duties] == ["gen:useRestrictions"]


def test_credits_carry_the_licence_text_once_and_both_languages() -> None:
    text = credits_text(decision("Apache-2.0", "Apache-2.0"), record="https://colophon.example/r")
    assert text.count("TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION") == 1
    assert "Credits and licences" in text and "署名与许可" in text and text.count("https://colophon.example/r") == 2
