"""What a verdict says: no more than is known, in both languages, and nothing that harms who reads it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.credentials.manifest import Prompt
from provenance.credentials.signing import PemKey
from provenance.verification.plain_text import plain_json, plain_text
from provenance.verification.printing import printed
from provenance.verification.verdict import Verdict
from provenance.verification.verify import verify
from tests.simulators import certificates
from tests.simulators.pictures import colophon, over, picture, signed
from tests.simulators.records import Ledger, record_of
from tests.simulators.tampering import CHANGES, with_other_pixel

NOW = datetime.now(UTC)
FORBIDDEN = re.compile(
    r"authentic|original|human[- ]made|cleared|infring|owned by|genuine|fake|正版|原创|真实|伪造|侵权|归.{0,6}所有",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def everything_said(key: PemKey) -> list[Verdict]:
    """Return verdicts that between them say everything that can be said of a file and its records."""
    data = signed(key).data
    tampered_parent = signed(key, number=2, inputs=over(with_other_pixel(data))).data
    files = [data, b"", picture(), tampered_parent, *(alter(data) for alter, _ in CHANGES.values())]
    ledgers = [
        Ledger(keeper=""),
        Ledger(),
        Ledger([record_of(data)]),
        Ledger([record_of(data), record_of(data)]),
        Ledger([record_of(data, model="Another")]),
    ]
    trusts = [None, key.root_pem, certificates.chain(now=NOW).root_pem]
    return [verify(one, evidence=ledger, trust_pem=pem) for one in files for ledger in ledgers for pem in trusts]


def test_no_verdict_claims_more_than_can_be_known(everything_said: list[Verdict]) -> None:
    for verdict in everything_said:
        for language in ("en", "zh-Hans"):
            said = [verdict.summary(language), *(check.said(language) for check in verdict.checks)]
            said.append(printed(verdict, name="x.png", language=language, is_coloured=False))
            assert not FORBIDDEN.search("\n".join(said)), said


def test_every_sentence_is_said_in_chinese_as_well(everything_said: list[Verdict]) -> None:
    for verdict in everything_said:
        for check in verdict.checks:
            assert re.search("[\u4e00-\u9fff]", check.said("zh-Hans")), check.code
            assert not re.search("[\u4e00-\u9fff]", check.said("en")), check.code


def test_every_verdict_is_json(everything_said: list[Verdict]) -> None:
    for verdict in everything_said:
        assert json.loads(json.dumps(verdict.as_json())) == verdict.as_json()


HOSTILE = (
    "</title><script>alert(1)</script>",
    "\x1b[2J\x1b]0;pwned\x07\x9b31m",
    "line\r\nX-Injected: yes\n\n",
    "abc\u202egpj.exe\u2066\u200b\ufeff",
    "\u2028\u2029\x00\x08\x7f",
    "x" * 50_000,
)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_stranger_s_strings_neither_steer_the_terminal_nor_hide(key: PemKey, hostile: str) -> None:
    reference = replace(colophon().references[0], name=hostile, credit_line=hostile, licence=hostile)
    image = signed(key, references=(reference,), prompt=Prompt.public(hostile), generation_id=hostile)
    verdict = verify(image.data)
    shown = printed(verdict, name=hostile, language="en", is_coloured=False)
    told = json.dumps(verdict.as_json(), ensure_ascii=False)
    for text in (shown.replace("\n", ""), told):
        assert not re.search("[\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069\ufeff]", text)
    assert all(len(line) <= 88 for line in shown.splitlines())
    assert len(told) < 200_000
    assert verdict.outcome == "untrusted"


@given(text=st.text())
def test_plain_text_has_one_line_and_no_character_that_steers(text: str) -> None:
    shown = plain_text(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", shown)
    shown.encode()


@given(text=st.text(st.characters(categories=["L", "N", "P", "S", "M"]), max_size=200))
def test_plain_text_leaves_ordinary_writing_alone(text: str) -> None:
    assert plain_text(text) == text


def test_plain_json_is_bounded_in_breadth_and_depth() -> None:
    deep: object = "end"
    for _ in range(100):
        deep = [deep]
    assert len(json.dumps(plain_json(deep))) < 100
    assert len(plain_json(list(range(100_000)))) == 200


def test_colour_is_written_only_where_it_is_asked_for(key: PemKey) -> None:
    verdict = verify(signed(key).data)
    assert "\x1b" not in printed(verdict, name="x", language="en", is_coloured=False)
    assert "\x1b[" in printed(verdict, name="x", language="en", is_coloured=True)


@pytest.mark.parametrize(
    ("language", "warning", "basis"),
    [("en", "do not rely on this", "an open licence"), ("zh-Hans", "请勿依赖", "开放许可")],
)
def test_what_a_changed_file_states_is_printed_under_a_warning_and_a_basis_in_words(
    key: PemKey, language: str, warning: str, basis: str
) -> None:
    whole = signed(key).data
    printouts = [
        printed(verify(data), name="x", language=language, is_coloured=False)
        for data in (whole, with_other_pixel(whole))
    ]
    assert [warning in one for one in printouts] == [False, True]
    assert all(basis in one and "open-licence" not in one for one in printouts)
