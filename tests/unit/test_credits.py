"""The credit line: what people read, and what it must never say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from provenance.licensing.credits import credits_of, licence_name, licence_url, style_credit, work_credit
from provenance.licensing.decision import decide, model_rights
from provenance.licensing.declared import Asked
from provenance.licensing.subjects import Right, Subject
from provenance.licensing.terms import DERIVE, OPEN_LICENCES, RUN, USE_STYLE

ASKED = Asked(at=datetime(2026, 11, 25, tzinfo=UTC))
RIGHT = Right(basis="open-licence", terms=OPEN_LICENCES["CC-BY-4.0"], id="offer")


def test_a_style_is_credited_with_its_author_and_licence_in_both_languages() -> None:
    line = style_credit(style="Ink", author="Ada", licence="CC-BY-4.0")
    assert line["en"] == ("Made with Ink, trained on works by Ada, CC BY 4.0; Ada did not make or endorse this image.")
    assert "Ada" in line["zh-Hans"] and "CC BY 4.0" in line["zh-Hans"] and "并未创作或认可" in line["zh-Hans"]


def test_a_work_is_credited_by_its_title_as_changed() -> None:
    line = work_credit(title="Wave", author="Ada", licence="CC0-1.0")
    assert line["en"].startswith("Uses “Wave” by Ada, CC0 1.0, changed;")
    assert "《Wave》" in line["zh-Hans"] and "有改动" in line["zh-Hans"]


def test_without_a_licence_the_line_has_no_empty_place_for_it() -> None:
    line = style_credit(style="Ink", author="Ada", licence="")
    assert ", ;" not in line["en"] and "，；" not in line["zh-Hans"]


@pytest.mark.parametrize(
    "line",
    [style_credit(style="Ink", author="Ada", licence="MIT"), work_credit(title="Wave", author="Ada", licence="")],
)
def test_no_line_says_that_the_author_made_the_picture(line: dict[str, str]) -> None:
    said = line["en"].lower()
    assert "did not make or endorse" in said
    assert not any(word in said for word in ("made by", "authentic", "original", "cleared", "human-made"))


def test_licences_of_ones_own_keep_their_id_and_have_no_address() -> None:
    assert licence_name("LicenseRef-Painter-Terms") == "LicenseRef-Painter-Terms"
    assert licence_name("LicenseRef-Colophon-Grant") == ""
    assert licence_url("LicenseRef-Colophon-Grant") == ""
    assert licence_url("CC-BY-4.0") == "https://creativecommons.org/licenses/by/4.0/"


def test_a_decision_gives_one_line_for_each_reference_and_none_for_the_model() -> None:
    model = Subject(kind="model", id="m", name="Tiny", needs=RUN, rights=model_rights("MIT"))
    style = Subject(kind="style", id="s", name="Ink", needs=USE_STYLE, author="Ada", rights=(RIGHT,))
    work = Subject(kind="work", id="w", name="Wave", needs=DERIVE, author="Bo", rights=(RIGHT,))
    lines = credits_of(decide([model, style, work, style], asked=ASKED).as_json())
    assert [line["en"].split(" ")[0] for line in lines] == ["Made", "Uses"]
