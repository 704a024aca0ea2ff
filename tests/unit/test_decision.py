"""The licence decision: nothing without a basis, and a no that wins over everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.licensing.decision import decide, decide_subject, model_rights
from provenance.licensing.declared import COMMERCIAL_UNLESS_SAID, Asked
from provenance.licensing.subjects import Right, Subject
from provenance.licensing.terms import (
    COMMERCIALIZE,
    DERIVE,
    EVERY_USE,
    MODEL_LICENCES,
    NAME_IN_PROMPT,
    OPEN_LICENCES,
    RUN,
    TRAIN,
    USE_ADAPTER,
    USE_STYLE,
    Terms,
)

uses = st.sampled_from([USE_STYLE, USE_ADAPTER, NAME_IN_PROMPT, DERIVE, TRAIN])
NOW = datetime(2026, 11, 25, tzinfo=UTC)
purposes = st.sampled_from(["", "commercial", "non-commercial"])
terms = st.sampled_from(list(OPEN_LICENCES.values())) | st.builds(
    Terms, licence=st.just("LicenseRef-X"), permissions=st.frozensets(st.sampled_from(sorted(EVERY_USE)))
)
rights = st.builds(Right, basis=st.sampled_from(["grant", "open-licence"]), terms=terms, id=st.just("right"))
subjects = st.builds(
    Subject,
    kind=st.sampled_from(["style", "adapter", "work", "name"]),
    id=st.just("id"),
    name=st.sampled_from(["Ink", "Wave", "{name}"]),
    needs=uses,
    is_own=st.booleans(),
    is_withdrawn=st.booleans(),
    is_opted_out=st.booleans(),
    rights=st.lists(rights, max_size=4).map(tuple),
)


def asked(purpose: str = "", **more: Any) -> Asked:
    return Asked(at=NOW, purpose=purpose, **more)


def a_subject(**more: Any) -> Subject:
    return replace(Subject(kind="style", id="s", name="Ink", needs=USE_STYLE), **more)


def open_right(licence: str) -> Right:
    return Right(basis="open-licence", terms=OPEN_LICENCES[licence], id=licence)


def grant(number: str, permissions: frozenset[str] = EVERY_USE) -> Right:
    return Right(basis="grant", terms=Terms(licence="LicenseRef-G", permissions=permissions), id=number)


@given(subjects, purposes)
def test_an_opt_out_wins_over_everything(subject: Subject, purpose: str) -> None:
    answer = decide_subject(replace(subject, is_opted_out=True), asked=asked(purpose))
    assert not answer.is_permitted
    assert [reason.code for reason in answer.reasons] == ["opted-out"]


@given(subjects, purposes)
def test_nothing_is_permitted_without_a_basis(subject: Subject, purpose: str) -> None:
    answer = decide_subject(replace(subject, is_own=False, rights=()), asked=asked(purpose))
    assert not answer.is_permitted and answer.basis == "none"


@given(subjects, purposes)
def test_what_is_permitted_names_a_right_that_covers_the_use(subject: Subject, purpose: str) -> None:
    answer = decide_subject(subject, asked=asked(purpose))
    if answer.is_permitted and answer.basis != "own-work":
        carried = [right for right in subject.rights if right.terms.digest() == answer.terms_digest]
        assert any(subject.needs in right.terms.permissions for right in carried)
        if purpose != "non-commercial":
            assert any(COMMERCIALIZE in right.terms.permissions for right in carried)


@given(subjects, purposes)
def test_a_withdrawn_subject_is_never_permitted(subject: Subject, purpose: str) -> None:
    assert not decide_subject(replace(subject, is_withdrawn=True), asked=asked(purpose)).is_permitted


@given(subjects, purposes, rights)
def test_one_more_right_never_takes_a_permission_away(subject: Subject, purpose: str, more: Right) -> None:
    if decide_subject(subject, asked=asked(purpose)).is_permitted:
        assert decide_subject(replace(subject, rights=(*subject.rights, more)), asked=asked(purpose)).is_permitted


@given(st.lists(subjects, max_size=4), purposes)
def test_a_request_is_permitted_only_if_every_reference_is(found: list[Subject], purpose: str) -> None:
    decision = decide(found, asked=asked(purpose))
    assert decision.is_permitted == all(answer.is_permitted for answer in decision.references)
    assert decision.is_permitted == (decision.refusals() == ())


@given(subjects, purposes)
def test_every_answer_gives_its_reasons_in_both_languages(subject: Subject, purpose: str) -> None:
    for reason in decide_subject(subject, asked=asked(purpose)).reasons:
        assert reason.en and reason.zh and subject.name in reason.en and subject.name in reason.zh


@given(st.lists(subjects, max_size=3), purposes)
def test_a_decision_is_recorded_as_it_was_taken(found: list[Subject], purpose: str) -> None:
    decision = decide(found, asked=asked(purpose))
    recorded = decision.as_json()
    assert recorded["permitted"] == decision.is_permitted
    assert [row["permitted"] for row in recorded["references"]] == [one.is_permitted for one in decision.references]


def test_an_open_purpose_is_read_as_commercial() -> None:
    assert decide([], asked=asked()).purpose == COMMERCIAL_UNLESS_SAID == "commercial"


@pytest.mark.parametrize("licence", ["CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"])
@pytest.mark.parametrize(("purpose", "permitted"), [("", False), ("commercial", False), ("non-commercial", True)])
def test_a_non_commercial_licence_needs_a_non_commercial_purpose(licence: str, purpose: str, permitted: bool) -> None:
    decision = decide([a_subject(rights=(open_right(licence),))], asked=asked(purpose))
    assert decision.is_permitted is permitted
    if not permitted:
        assert [reason.code for reason in decision.references[0].reasons] == ["not-commercial"]


@pytest.mark.parametrize("purpose", ["", "commercial", "non-commercial"])
def test_a_licence_without_derivatives_is_refused_for_every_purpose(purpose: str) -> None:
    answer = decide([a_subject(rights=(open_right("CC-BY-ND-4.0"),))], asked=asked(purpose)).references[0]
    assert not answer.is_permitted
    assert [reason.code for reason in answer.reasons] == ["use-not-permitted"]


@pytest.mark.parametrize("licence", ["", "LicenseRef-unknown", "flux-1-dev-non-commercial-license", "mit"])
def test_a_model_whose_licence_is_not_known_is_refused(licence: str) -> None:
    model = Subject(kind="model", id="m", name="Tiny", needs=RUN, rights=model_rights(licence))
    answer = decide_subject(model, asked=asked("non-commercial"))
    assert not answer.is_permitted
    assert [reason.code for reason in answer.reasons] == ["unknown-model-licence"]


@pytest.mark.parametrize("licence", MODEL_LICENCES)
def test_a_model_with_a_known_licence_may_run(licence: str) -> None:
    model = Subject(kind="model", id="m", name="Tiny", needs=RUN, rights=model_rights(licence))
    accepted = frozenset({MODEL_LICENCES[licence].digest()})
    answer = decide_subject(model, asked=asked("non-commercial", accepted_terms=accepted))
    assert answer.basis == "model-licence" and answer.licence == licence
    assert answer.duties == MODEL_LICENCES[licence].duties


def test_a_withdrawn_model_says_so() -> None:
    model = Subject(kind="model", id="m", name="Tiny", needs=RUN, is_withdrawn=True, rights=model_rights("MIT"))
    assert [reason.code for reason in decide_subject(model, asked=asked()).reasons] == ["withdrawn"]


def test_ones_own_work_needs_no_licence_and_owes_nothing() -> None:
    answer = decide_subject(a_subject(is_own=True), asked=asked())
    assert answer.basis == "own-work" and answer.duties == () and answer.licence == ""


def test_a_party_cannot_use_what_it_opted_out_itself() -> None:
    assert not decide_subject(a_subject(is_own=True, is_opted_out=True), asked=asked()).is_permitted


def test_the_first_right_that_fits_is_the_basis() -> None:
    for_training = grant("training only", frozenset({TRAIN, COMMERCIALIZE}))
    subject = a_subject(rights=(for_training, grant("second"), grant("third"), open_right("CC-BY-4.0")))
    answer = decide_subject(subject, asked=asked())
    assert (answer.basis, answer.right_id) == ("grant", "second")


def test_a_grant_goes_before_an_open_licence_and_brings_its_own_duties() -> None:
    answer = decide_subject(a_subject(rights=(grant("g"), open_right("CC-BY-4.0"))), asked=asked())
    assert answer.basis == "grant" and answer.duties == ()


def test_an_open_licence_brings_its_duties() -> None:
    answer = decide_subject(a_subject(rights=(open_right("CC-BY-4.0"),)), asked=asked())
    assert [duty["action"] for duty in answer.as_json()["duties"]] == [
        "attribute",
        "gen:stateChanges",
        "gen:noEndorsement",
    ]
    assert answer.as_json()["terms_digest"] == OPEN_LICENCES["CC-BY-4.0"].digest()


def test_each_language_calls_a_style_by_its_own_name() -> None:
    ink = a_subject(name="Ink", name_zh="水墨", rights=())
    (reason,) = decide_subject(ink, asked=asked()).reasons
    assert "Ink" in reason.en and "水墨" not in reason.en
    assert "水墨" in reason.zh and "Ink" not in reason.zh
    (reason,) = decide_subject(replace(ink, name_zh=""), asked=asked()).reasons
    assert "Ink" in reason.zh
