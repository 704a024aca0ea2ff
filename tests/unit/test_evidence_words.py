"""Everything that a check may rest on has a name on the page: no reader meets a raw key."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest

from provenance.credentials.development_ca import DevelopmentCA
from provenance.verification.verify import verify
from server.web import evidence_words, words
from tests.simulators.naming import unnamed
from tests.simulators.pictures import over, picture, signed
from tests.simulators.records import Ledger, record_of
from tests.simulators.tampering import CHANGES, with_other_pixel

ROOT = Path(__file__).resolve().parents[2]
NAMED = {key.removeprefix("evidence_") for key in evidence_words.NAMES}
SOURCES: dict[str, set[str]] = {
    "generation/answers.py": set(),
    "generation/evidence.py": {
        "digest",
        "manifest",
        "file",
        "pixels",
        "inputs",
        "references",
        "disclosure",
        "prompt_text",
        "prompt_commitment",
    },
    "generation/recovery.py": set(),
    "provenance/attribution/chances.py": {"en", "zh-Hans"},
    "provenance/credentials/watermark/chances.py": {"en", "zh-Hans"},
    "provenance/verification/unread.py": {"picture", "other", "page", "credentials", "empty", "unknown"},
    "provenance/verification/verify.py": set(),
    "provenance/verification/manifest_checks.py": {"ended", "timestamp", "signature", "integrity"},
}
"""Where evidence is written, with the keys there that are none: languages, columns, and what is known of a record."""


@pytest.mark.parametrize("source", SOURCES)
def test_every_key_that_is_written_into_evidence_has_a_name(source: str) -> None:
    tree = ast.parse((ROOT / source).read_text())
    keys = {key for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys}
    written = {key.value for key in keys if isinstance(key, ast.Constant)}
    assert written - NAMED - SOURCES[source] == set()


def test_no_evidence_of_a_file_and_its_records_is_shown_under_a_raw_key(tmp_path: Path) -> None:
    key = DevelopmentCA(tmp_path).signing_key(now=datetime.now(UTC))
    data = signed(key).data
    tampered_parent = signed(key, number=2, inputs=over(with_other_pixel(data))).data
    files = [data, b"", picture(), tampered_parent, *(alter(data) for alter, _ in CHANGES.values())]
    ledgers = [Ledger(), Ledger([record_of(data, model="Another")]), Ledger([record_of(data), record_of(data)])]
    verdicts = [verify(one, evidence=ledger, trust_pem=key.root_pem) for one in files for ledger in ledgers]
    assert any(check.evidence for verdict in verdicts for check in verdict.checks)
    assert [found for verdict in verdicts if (found := unnamed(verdict))] == []


def test_the_verify_page_carries_the_names() -> None:
    assert {*evidence_words.NAMES, *evidence_words.VALUES} <= set(words.VERIFY)
