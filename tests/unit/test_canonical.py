"""Canonical JSON, digests and times: one spelling, and the same as everybody else's."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.canonical import (
    canonical_json,
    is_digest,
    parse_timestamp,
    pixel_digest,
    sha256_digest,
    timestamp,
)
from provenance.errors import NotCanonical

VECTORS = Path(__file__).parent.parent / "vectors"
CANONICAL = json.loads((VECTORS / "canonical.json").read_text())
PIXELS = json.loads((VECTORS / "pixels.json").read_text())

text = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("vector", CANONICAL["documents"], ids=["numbers and strings", "sorting of keys"])
def test_documents_have_the_bytes_that_rfc_8785_gives(vector: dict[str, str]) -> None:
    assert canonical_json(json.loads(vector["json"])) == vector["canonical"].encode()


@pytest.mark.parametrize(("bits", "written"), CANONICAL["doubles"])
def test_doubles_are_written_as_rfc_8785_writes_them(bits: str, written: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical_json(number) == written.encode()


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**63 - 1, 10**40])
def test_integers_that_two_readers_could_round_differently_are_refused(number: int) -> None:
    with pytest.raises(NotCanonical):
        canonical_json({"seed": number})


def test_the_largest_exact_integer_is_taken() -> None:
    assert canonical_json([2**53 - 1, -(2**53) + 1]) == b"[9007199254740991,-9007199254740991]"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {1: "a"}, b"bytes", {"a": {1, 2}}], ids=repr)
def test_what_json_does_not_have_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical_json(value)


def test_a_value_too_deep_to_write_is_refused_in_one_sentence() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(NotCanonical):
        canonical_json(deep)


@given(values)
def test_reading_canonical_json_and_writing_it_again_changes_nothing(value: Any) -> None:
    written = canonical_json(value)
    assert json.loads(written) == value
    assert canonical_json(json.loads(written)) == written


@given(st.dictionaries(text, values, min_size=2, max_size=5))
def test_the_order_in_which_keys_were_set_does_not_matter(value: dict[str, Any]) -> None:
    assert canonical_json(dict(reversed(value.items()))) == canonical_json(value)


def test_digests_name_their_algorithm() -> None:
    empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256_digest(b"") == empty
    assert is_digest(empty)


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:" + "A" * 64, "sha256:" + "0" * 63, "sha1:" + "0" * 66, "../" + "0" * 68, None, 7]
)
def test_anything_else_is_no_digest(text: object) -> None:
    assert not is_digest(text)


@pytest.mark.parametrize("vector", PIXELS["pictures"], ids=["wide", "tall"])
def test_pixels_are_hashed_with_their_width_and_height(vector: dict[str, Any]) -> None:
    rows = np.array(vector["rows"], dtype=np.uint8)
    assert pixel_digest(rows) == vector["digest"] == sha256_digest(bytes.fromhex(vector["hashed"]))


def test_a_view_of_pixels_has_the_digest_of_its_copy() -> None:
    picture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    assert pixel_digest(picture[:, ::2]) == pixel_digest(picture[:, ::2].copy())


@pytest.mark.parametrize(
    "pixels", [np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2, 3), np.float32), np.zeros((2, 2, 1), np.uint8)]
)
def test_pixels_that_are_not_rgb_of_eight_bits_are_refused(pixels: Any) -> None:
    with pytest.raises(NotCanonical, match="RGB"):
        pixel_digest(pixels)


def test_times_are_written_in_utc_with_microseconds() -> None:
    beijing = timezone(timedelta(hours=8))
    assert timestamp(datetime(2026, 3, 1, 8, 0, tzinfo=beijing)) == "2026-03-01T00:00:00.000000Z"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(NotCanonical, match="time zone"):
        timestamp(datetime(2026, 3, 1))


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))
def test_a_written_time_is_read_back_exactly(moment: datetime) -> None:
    assert parse_timestamp(timestamp(moment)) == moment
