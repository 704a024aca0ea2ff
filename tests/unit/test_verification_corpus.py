"""Foreign pictures from cameras, editors and the standard's own test sets: each gets the verdict it deserves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provenance.verification.__main__ import main
from provenance.verification.verify import verify
from tests import services


def corpus() -> Path:
    """Return the folder of foreign pictures; skip where there is none."""
    return Path(services.require_tool("corpus"))


def expected() -> list[tuple[str, set[int], bool]]:
    """Return each file's allowed exit codes, and whether its own root makes it trusted."""
    found = []
    text = (corpus() / "EXPECTED.md").read_text()
    table = text.split("## Exit code", 1)[1]
    for name, said in re.findall(r"^\| (\S+\.\w+) \| (.+?) \|$", table, re.MULTILINE):
        codes = {int(code) for code in re.findall(r"\d+", re.sub(r"\(.*|:.*", "", said))}
        found.append((name, codes, "with its root" in said))
    return found


def test_every_foreign_file_ends_with_its_expected_code(capsys: pytest.CaptureFixture[str]) -> None:
    files = expected()
    assert len(files) >= 25
    wrong = {name: code for name, codes, _ in files if (code := main([str(corpus() / name)])) not in codes}
    capsys.readouterr()
    assert not wrong


def test_every_foreign_file_is_trusted_where_its_own_root_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    roots = {"own": "own-dev-root.pem", "rs": "trust/c2pa-rs-test-roots.pem", "ptf": "trust/c2pa-rs-test-roots.pem"}
    trusted = [name for name, _, is_trusted in expected() if is_trusted]
    assert len(trusted) >= 8
    for name in trusted:
        root = corpus() / roots[name.split("-")[0]]
        assert main([str(corpus() / name), "--trust", str(root)]) == 0, name
    capsys.readouterr()


def test_a_signer_on_no_given_list_is_never_told_as_a_change() -> None:
    other = (corpus() / "trust" / "C2PA-TRUST-LIST.pem").read_text()
    verdict = verify((corpus() / "rs-C.jpg").read_bytes(), trust_pem=other)
    assert verdict.outcome == "untrusted"
    assert verdict.check("manifest.integrity").result == "passed"


def test_a_tampered_reference_is_shown_although_the_outer_picture_reads_trusted() -> None:
    root = (corpus() / "own-dev-root.pem").read_text()
    verdict = verify((corpus() / "own-ai-ref-tampered.png").read_bytes(), trust_pem=root)
    assert verdict.validation_state == "Trusted"
    assert [check.subject for check in verdict.checks if check.result == "failed"] == ["ref-1.png"]


def test_a_camera_s_expired_certificate_is_the_only_fault_of_its_signature() -> None:
    verdict = verify((corpus() / "ptf-nikon-20221019-building.jpeg").read_bytes())
    assert verdict.check("signer.not_expired").result == "failed"
    assert verdict.check("manifest.integrity").result == "passed"


def test_a_foreign_generator_s_statements_are_told_in_our_words() -> None:
    verdict = verify((corpus() / "own-ai-good.png").read_bytes())
    assert verdict.facts is not None
    assert verdict.facts.making == "generated"
    assert verdict.facts.prompt["text"].startswith("a red bicycle")
    assert verdict.facts.model["name"] == "SDXL Turbo"
