"""Faults: every refusal says what happened and what to do next, in both languages."""

from __future__ import annotations

import copy

import pytest

from generation.errors import KeyReused, UnknownModel
from generation.request import InvalidRequest, invalid
from provenance.actor import COLOPHON, Actor, NotPermitted
from provenance.errors import Fault, FileMissing


def test_a_fault_speaks_both_languages_with_its_values() -> None:
    fault = UnknownModel(model="moon")
    assert "moon" in fault.said("en") and "moon" in fault.said("zh-Hans")
    assert fault.said("en") != fault.said("zh-Hans")
    assert str(fault) == fault.said("en")


def test_an_unknown_language_is_answered_in_english() -> None:
    assert KeyReused().said("fr") == KeyReused().said("en")


def test_its_values_stay_readable() -> None:
    assert FileMissing(digest="sha256:ab").digest == "sha256:ab"


def test_records_keep_the_code_and_both_sentences() -> None:
    assert UnknownModel(model="moon").as_json() == {
        "code": "unknown-model",
        "en": UnknownModel(model="moon").said("en"),
        "zh-Hans": UnknownModel(model="moon").said("zh-Hans"),
    }


def test_values_are_never_read_as_templates() -> None:
    assert "{secret}" in UnknownModel(model="{secret}").said("en")


def test_a_copied_fault_says_the_same() -> None:
    fault = copy.copy(invalid("width", "too wide.", "太宽。"))
    assert isinstance(fault, InvalidRequest)
    assert fault.said("zh-Hans") == "width：太宽。" and fault.values["field"] == "width"


def test_every_fault_can_be_caught_as_one() -> None:
    with pytest.raises(Fault):
        raise KeyReused()


def test_an_actor_without_a_role_is_told_which_one_it_takes() -> None:
    with pytest.raises(NotPermitted, match="auditor"):
        COLOPHON.require("auditor")
    Actor(account_id=None, roles=frozenset({"auditor"})).require("auditor")


def test_colophon_itself_is_recorded_as_nobody() -> None:
    assert COLOPHON.as_json() is None
