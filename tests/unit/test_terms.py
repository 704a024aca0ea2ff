"""Ready-made terms: what each open licence lets people do, and what it asks."""

from __future__ import annotations

import pytest

from provenance.licensing.terms import (
    COMMERCIALIZE,
    DERIVE,
    MODEL_LICENCES,
    NAME_IN_PROMPT,
    OPEN_LICENCES,
    RUN,
    USE_STYLE,
    Terms,
)


@pytest.mark.parametrize("licence", OPEN_LICENCES)
def test_every_open_licence_has_a_name_an_address_and_its_own_id(licence: str) -> None:
    terms = OPEN_LICENCES[licence]
    assert terms.licence == licence and terms.name and terms.url.startswith("https://")


@pytest.mark.parametrize("licence", [code for code in OPEN_LICENCES if code.startswith("CC-BY")])
def test_every_attribution_licence_asks_for_credit_without_endorsement(licence: str) -> None:
    actions = [duty.action for duty in OPEN_LICENCES[licence].duties]
    assert {"attribute", "gen:stateChanges", "gen:noEndorsement"} <= set(actions)


@pytest.mark.parametrize("licence", ["CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"])
def test_non_commercial_licences_do_not_let_people_sell(licence: str) -> None:
    assert COMMERCIALIZE not in OPEN_LICENCES[licence].permissions
    assert COMMERCIALIZE not in MODEL_LICENCES[licence].permissions
    assert "gen:nonCommercial" in [duty.action for duty in OPEN_LICENCES[licence].duties]


def test_a_licence_without_derivatives_permits_no_use_as_a_reference() -> None:
    assert OPEN_LICENCES["CC-BY-ND-4.0"].permissions == frozenset()


def test_a_licence_that_shares_alike_says_so() -> None:
    assert "nextPolicy" in [duty.action for duty in OPEN_LICENCES["CC-BY-SA-4.0"].duties]


def test_the_public_domain_asks_for_nothing() -> None:
    assert OPEN_LICENCES["CC0-1.0"].duties == ()
    assert {USE_STYLE, NAME_IN_PROMPT, DERIVE, COMMERCIALIZE} <= OPEN_LICENCES["CC0-1.0"].permissions


@pytest.mark.parametrize("licence", MODEL_LICENCES)
def test_every_known_model_licence_lets_the_model_run(licence: str) -> None:
    assert RUN in MODEL_LICENCES[licence].permissions


@pytest.mark.parametrize("licence", [code for code in MODEL_LICENCES if "RAIL" in code])
def test_responsible_use_licences_pass_their_restrictions_on(licence: str) -> None:
    assert "gen:useRestrictions" in [duty.action for duty in MODEL_LICENCES[licence].duties]


@pytest.mark.parametrize("terms", OPEN_LICENCES.values(), ids=OPEN_LICENCES)
def test_terms_are_read_back_as_they_were_recorded(terms: Terms) -> None:
    again = Terms.from_json(terms.as_json())
    assert again.as_json() == terms.as_json() and again.digest() == terms.digest()


def test_different_terms_have_different_digests() -> None:
    digests = {terms.digest() for terms in OPEN_LICENCES.values()}
    assert len(digests) == len(OPEN_LICENCES)


def test_every_duty_is_said_in_both_languages() -> None:
    duties = [duty for terms in (*OPEN_LICENCES.values(), *MODEL_LICENCES.values()) for duty in terms.duties]
    assert all(duty.en and duty.zh and duty.en != duty.zh for duty in duties)
    assert duties[0].as_json().keys() == {"action", "en", "zh-Hans"}
