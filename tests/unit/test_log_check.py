"""Checking a whole log names exactly what was changed, and passes nothing that is empty, unsigned or a fork."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.audit_log.check import Asked, check_log
from provenance.audit_log.note import Checkpoint, sign_note
from provenance.audit_log.offline.findings import SENTENCES, Findings, said
from provenance.audit_log.tiles import pack_entries, unpack_entries
from provenance.audit_log.tree import leaf_hash
from tests.simulators.changed_logs import (
    SIX_HUNDRED,
    SIZE,
    WHOLE,
    a_copy,
    findings_of,
    flip,
    flipped,
    proof_of,
    with_entries,
)
from tests.simulators.logs import SimulatedLog, a_leaf, a_log, a_signer, an_opening, jsonl

# ---- a whole log ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 1_600])
def test_a_whole_log_has_no_findings(size: int) -> None:
    report = check_log(
        a_log(size), Asked(keys=[a_signer().verifier], openings=("openings", jsonl(map(an_opening, range(size)))))
    )
    assert (list(report["findings"]), report["entries"], report["openings"], report["witnesses"]) == (
        [],
        size,
        size,
        (),
    )
    assert report["findings"].exit_code == 0


def test_a_log_whose_tree_has_three_levels_of_tiles_has_no_findings() -> None:
    assert findings_of(a_log(66_000)) == []


def test_partial_files_may_have_given_way_to_full_ones() -> None:
    log = a_copy()
    log.files["checkpoint"] = log.checkpoint(300).encode()
    for path in ("tile/0/001.p/44", "tile/entries/001.p/44"):
        del log.files[path]
    assert findings_of(log) == []


# ---- one thing changed ---------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whichever_byte_is_changed_its_file_is_named(data: st.DataObject) -> None:
    log = a_copy(SIX_HUNDRED)
    path = data.draw(st.sampled_from(sorted(log.files)))
    flip(log, path, data.draw(st.integers(0, len(log.files[path]) - 1)))
    found = findings_of(log)
    assert found and {each.get("path", path) for each in found} == {path}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_wherever_a_file_is_cut_it_is_named(data: st.DataObject) -> None:
    log = a_copy(SIX_HUNDRED)
    path = data.draw(st.sampled_from(sorted(log.files)))
    log.files[path] = log.files[path][: data.draw(st.integers(0, len(log.files[path]) - 1))]
    found = findings_of(log)
    assert found and {each["path"] for each in found} == {path}


@pytest.mark.parametrize("more", [b"\0", b"\0\0", b"\0\1x"])
@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/002.p/88", "tile/entries/000", "tile/entries/002.p/88"])
def test_a_file_that_grew_is_named(path: str, more: bytes) -> None:
    log = a_copy(SIX_HUNDRED)
    log.files[path] += more
    assert [(each["code"].partition("-")[2], each["path"]) for each in findings_of(log)] == [("damaged", path)]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whichever_file_is_missing_it_is_named(data: st.DataObject) -> None:
    log = SIX_HUNDRED
    path = data.draw(st.sampled_from(sorted(log.files)))
    log = a_copy(log)
    del log.files[path]
    assert findings_of(log) == [
        {"code": "checkpoint-missing" if path == "checkpoint" else "file-missing", "path": path}
    ]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, SIZE - 1), st.integers(0, 195), st.integers(1, 255))
def test_a_changed_entry_is_named_by_its_index(index: int, at: int, change: int) -> None:
    found = findings_of(with_entries(a_copy(), {index: flipped(WHOLE.entries[index], at, change)}))
    assert [each["index"] for each in found if each["code"] == "entry-changed"] == [index]
    assert {each["index"] for each in found} == {index}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, SIZE - 1), min_size=2, max_size=2, unique=True))
def test_two_entries_swapped_are_named_with_where_they_belong(pair: list[int]) -> None:
    first, second = sorted(pair)
    swapped = {first: WHOLE.entries[second], second: WHOLE.entries[first]}
    found = findings_of(with_entries(a_copy(), swapped))
    assert [(each["code"], each["index"], each["place"]) for each in found] == [
        ("entry-moved", first, second),
        ("entry-moved", second, first),
    ]


@pytest.mark.parametrize(
    ("path", "place"), [("tile/0/003", 31), ("tile/0/006.p/64", 63), ("tile/1/000.p/6", 0), ("tile/1/000.p/6", 5)]
)
def test_a_changed_hash_is_named_by_its_tile_and_place(path: str, place: int) -> None:
    log = a_copy()
    flip(log, path, place * 32 + 7)
    assert findings_of(log) == [{"code": "tile-changed", "path": path, "place": place}]


def test_several_changes_are_told_apart() -> None:
    log = with_entries(a_copy(), {517: a_leaf(90_517), 1_599: a_leaf(91_599)})
    flip(log, "tile/1/000.p/6", 33)
    flip(log, "tile/0/004", 64)
    assert {(each["code"], each["path"], each.get("index", each.get("place"))) for each in findings_of(log)} == {
        ("entry-changed", "tile/entries/002", 517),
        ("entry-changed", "tile/entries/006.p/64", 1_599),
        ("tile-changed", "tile/1/000.p/6", 1),
        ("tile-changed", "tile/0/004", 2),
    }


def test_an_entry_changed_beneath_a_missing_tile_is_found() -> None:
    log = with_entries(a_copy(), {517: a_leaf(90_517)})
    del log.files["tile/1/000.p/6"]
    assert [(each["code"], each["path"]) for each in findings_of(log)] == [
        ("file-missing", "tile/1/000.p/6"),
        ("entry-changed", "tile/entries/002"),
    ]


def test_a_missing_tile_is_not_called_changed_for_what_lies_beneath_it() -> None:
    log = a_copy()
    flip(log, "tile/0/004", 64)
    del log.files["tile/1/000.p/6"]
    assert findings_of(log) == [
        {"code": "file-missing", "path": "tile/1/000.p/6"},
        {"code": "tile-changed", "path": "tile/0/004", "place": 2},
    ]


def test_a_bundle_changed_where_its_tile_is_missing_is_named() -> None:
    log = a_copy()
    flip(log, "tile/entries/002", 1_000)
    del log.files["tile/0/002"]
    found = [(each["code"], each.get("path")) for each in findings_of(log) if each["code"] != "leaf-malformed"]
    assert found == [("file-missing", "tile/0/002"), ("file-unfit", "tile/entries/002")]


def test_a_bundle_and_its_tile_changed_together_are_named() -> None:
    log = a_copy()
    entries = unpack_entries(log.files["tile/entries/002"])
    entries[5] = a_leaf(90_000)
    log.files["tile/entries/002"] = pack_entries(entries)
    log.files["tile/0/002"] = b"".join(map(leaf_hash, entries))
    assert findings_of(log) == [{"code": "changed-together", "path": "tile/entries/002", "tile": "tile/0/002"}]


def test_tiles_and_entries_rewritten_under_an_old_signature_are_found() -> None:
    log = SimulatedLog().grow([*WHOLE.entries[:5], a_leaf(90_000), *WHOLE.entries[6:]])
    log.files["checkpoint"] = WHOLE.files["checkpoint"]
    found = findings_of(log)
    assert found == [{"code": "root-differs", "size": SIZE, "found": log.root().hex(), "signed": WHOLE.root().hex()}]


@pytest.mark.parametrize(
    "leaf",
    [
        b"", b"{}", b"x" * 65_535, WHOLE.entries[3] + b" ", WHOLE.entries[3].replace(b'"v":1', b'"v":2'),
        WHOLE.entries[3].replace(b'"at"', b'"at" '), WHOLE.entries[3].replace(b"PigmentGround", "落款".encode()),
    ],
)  # fmt: skip
def test_what_is_no_leaf_is_named_although_the_tree_has_it(leaf: bytes) -> None:
    log = SimulatedLog().grow([*WHOLE.entries[:300], leaf])
    assert findings_of(log) == [{"code": "leaf-malformed", "index": 300, "path": "tile/entries/001.p/45"}]


def test_an_entry_recorded_twice_is_named() -> None:
    log = SimulatedLog().grow([*WHOLE.entries[:300], WHOLE.entries[7]])
    assert findings_of(log) == [{"code": "leaf-twice", "index": 300}]


# ---- the checkpoint ------------------------------------------------------------------------------------------


def test_another_key_or_another_logs_checkpoint_is_refused() -> None:
    report = check_log(WHOLE, Asked(keys=[a_signer("other").verifier]))
    assert [each["code"] for each in report["findings"]] == ["checkpoint-unsigned"]
    assert report["findings"].exit_code == 2


def test_a_checkpoint_with_another_size_or_root_is_forged() -> None:
    for old, new in (("\n1600\n", "\n1599\n"), (WHOLE.checkpoint()[27:40], "A" * 13)):
        log = a_copy()
        log.files["checkpoint"] = WHOLE.checkpoint().replace(old, new).encode()
        assert [each["code"] for each in findings_of(log)] == ["checkpoint-forged"]


def test_an_empty_log_does_not_pass() -> None:
    report = check_log(a_log(0), Asked(keys=[a_signer().verifier]))
    assert [each["code"] for each in report["findings"]] == ["log-empty"]
    assert report["findings"].exit_code == 2


# ---- what somebody holds -------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(0, SIZE))
def test_an_older_checkpoint_of_the_same_log_is_its_beginning(size: int) -> None:
    assert findings_of(WHOLE, held=[("mine", WHOLE.checkpoint(size).encode())]) == []


@functools.cache
def another() -> SimulatedLog:
    """Return a log of the same key whose sixth entry is another."""
    return SimulatedLog().grow([*WHOLE.entries[:5], a_leaf(90_000), *WHOLE.entries[6:]])


def test_two_checkpoints_of_one_size_are_a_fork() -> None:
    assert findings_of(another(), held=[("mine", WHOLE.checkpoint().encode())]) == [
        {"code": "held-forked", "path": "mine", "size": SIZE}
    ]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, SIZE - 1))
def test_history_rewritten_before_a_held_checkpoint_is_found_and_only_that(size: int) -> None:
    expected = [{"code": "held-rewritten", "path": "mine", "held": size}] if size > 5 else []
    assert findings_of(another(), held=[("mine", WHOLE.checkpoint(size).encode())]) == expected


def test_a_log_that_lost_its_end_is_found() -> None:
    assert findings_of(SIX_HUNDRED, held=[("mine", WHOLE.checkpoint().encode())]) == [
        {"code": "held-shrunk", "path": "mine", "held": SIZE, "size": 600}
    ]


def test_a_held_checkpoint_that_the_log_did_not_sign_is_no_ground() -> None:
    foreign = sign_note(WHOLE.head(300).text(), [a_signer("other")]).encode()
    assert [each["code"] for each in findings_of(WHOLE, held=[("mine", foreign)])] == ["checkpoint-unsigned"]
    assert [each["code"] for each in findings_of(WHOLE, held=[("mine", b"\xff")])] == ["checkpoint-malformed"]


def test_a_proof_is_held_against_the_log() -> None:
    proof, leaf = proof_of(WHOLE, 5, SIZE), WHOLE.entries[5]
    assert findings_of(WHOLE, proofs=[("p", proof, leaf)]) == []
    assert findings_of(WHOLE, proofs=[("p", proof, leaf + b" ")]) == [{"code": "proof-fails", "path": "p"}]
    assert [each["code"] for each in findings_of(WHOLE, proofs=[("p", proof[:-9], leaf)])] == ["proof-malformed"]
    assert [each["code"] for each in findings_of(another(), proofs=[("p", proof, leaf)])] == [
        "held-forked",
        "proof-elsewhere",
    ]
    assert [each["code"] for each in findings_of(a_log(3), proofs=[("p", proof, leaf)])] == ["held-shrunk"]


# ---- openings ------------------------------------------------------------------------------------------------


def opening_findings(*lines: Any, raw: bytes = b"") -> list[dict[str, Any]]:
    return findings_of(WHOLE, openings=("openings", jsonl(lines) + raw))


def test_an_opening_of_other_details_or_salt_is_named() -> None:
    for change in ({"details": {"actor": "me"}}, {"salt": "00" * 32}):
        assert opening_findings(an_opening(3), {**an_opening(7), **change}) == [{"code": "opening-fails", "index": 7}]


def test_an_opening_of_another_or_no_entry_is_named() -> None:
    assert opening_findings({**an_opening(7), "index": 8}) == [{"code": "opening-of-other", "index": 8}]
    for index in (SIZE, -1):
        assert opening_findings({**an_opening(7), "index": index}) == [{"code": "opening-nowhere", "index": index}]
    twice = {"code": "opening-twice", "path": "openings", "line": 2, "index": 7}
    assert opening_findings(an_opening(7), an_opening(7)) == [twice]


@pytest.mark.parametrize(
    "raw",
    [
        b"{", b"[]", b"7", b"null", b"\xff", b'{"index": 1}', json.dumps({**an_opening(1), "index": True}).encode(),
        json.dumps({**an_opening(1), "index": "1"}).encode(), json.dumps({**an_opening(1), "salt": "00"}).encode(),
        json.dumps({**an_opening(1), "salt": 5}).encode(), json.dumps({**an_opening(1), "more": 1}).encode(),
        json.dumps({**an_opening(1), "details": {"n": 2**53}}).encode(),
        b'{"index": 1, ' + json.dumps(an_opening(1)).encode()[1:],
        json.dumps({**an_opening(1), "details": {"n": float("nan")}}).encode(), b"[" * 100_000,
        json.dumps({**an_opening(1), "details": "\ud800"}).encode(), json.dumps({**an_opening(1), "id": 5}).encode(),
    ],
    ids=range(17),
)  # fmt: skip
def test_a_line_that_is_no_opening_is_named(raw: bytes) -> None:
    expected = [{"code": "opening-malformed", "path": "openings", "line": 2}]
    assert opening_findings(an_opening(3), raw=raw) == expected


# ---- findings ------------------------------------------------------------------------------------------------


def test_every_finding_has_a_sentence_in_both_languages_with_the_same_values() -> None:
    for english, chinese in SENTENCES.values():
        values = {name: f"<{name}>" for name in ("path", "index", "place", "tile", "line", "size", "held", "found")}
        values |= {name: name for name in ("expected", "signed", "name", "manifest", "reason", "count", "stated")}
        values |= {"reason_en": "r", "reason_zh": "r"}
        one, two = english.format(**values), chinese.format(**values)
        assert {value for value in values.values() if value in one and value[0] == "<"} == {
            value for value in values.values() if value in two and value[0] == "<"
        }
        assert any("\u4e00" <= each <= "\u9fff" for each in two) and not any(
            "\u4e00" <= each <= "\u9fff" for each in one
        )


def test_a_log_of_rubbish_gives_a_bounded_report() -> None:
    report = check_log(SimulatedLog().grow(b"%d" % index for index in range(3_000)), Asked(keys=[a_signer().verifier]))
    assert len(report["findings"]) == 1_001 and report["findings"][-1] == {"code": "and-more", "count": 1_000}
    assert report["findings"].exit_code == 1


def test_a_size_that_nothing_stands_behind_is_left() -> None:
    log = a_copy(SIX_HUNDRED)
    vast = Checkpoint(log.signer.name, 10**18, bytes(32))
    log.files["checkpoint"] = sign_note(vast.text(), [log.signer]).encode()
    found = findings_of(
        log, held=[("mine", SIX_HUNDRED.checkpoint(300).encode())], proofs=[("p", *proof_of_entry_nine())]
    )
    assert len(found) == 1_001 and {each["code"] for each in found[2:-1]} == {"file-missing"}


def proof_of_entry_nine() -> tuple[bytes, bytes]:
    return proof_of(SIX_HUNDRED, 9, 600), a_leaf(9)


def test_a_strangers_words_do_not_steer_a_terminal() -> None:
    findings = Findings()
    findings.tell("checkpoint-forged", path="\x1b[2J\nfine", name="\u202e")
    assert "\x1b" not in said(findings[0]) and "\n" not in said(findings[0]) and "\u202e" not in said(findings[0])
