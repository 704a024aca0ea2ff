"""Whatever bytes come, there is a verdict, and a change to the picture is never trusted."""

from __future__ import annotations

import functools
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.signing import PemKey
from provenance.verification.printing import printed
from provenance.verification.verdict import EXIT_CODES
from provenance.verification.verify import verify
from tests.simulators.pictures import ENCODINGS, signed
from tests.simulators.tampering import STORE, chunks_of

slow = hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@functools.cache
def development_key() -> PemKey:
    """Return one key for the whole module."""
    with tempfile.TemporaryDirectory() as folder:
        return DevelopmentCA(Path(folder)).signing_key(now=datetime.now(UTC))


@functools.cache
def as_signed(media_type: str) -> bytes:
    """Return one small signed picture of each kind."""
    return signed(development_key(), media_type=media_type).data


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a signed picture with bytes flipped, cut out, doubled or cut off."""
    data = bytearray(as_signed(draw(st.sampled_from(sorted(ENCODINGS)))))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        size = draw(st.integers(1, 400))
        match draw(st.sampled_from(["flip", "cut", "double", "insert", "end"])):
            case "flip" if data:
                data[place] ^= draw(st.integers(1, 255))
            case "cut":
                del data[place : place + size]
            case "double":
                data[place:place] = data[place : place + size]
            case "insert":
                data[place:place] = draw(st.binary(min_size=1, max_size=60))
            case "end":
                del data[max(place, len(data) // 2) :]
    return bytes(data)


@slow
@given(data=mutated())
def test_every_mutated_file_gets_a_verdict_that_can_be_printed_and_kept(data: bytes) -> None:
    verdict = verify(data, trust_pem=development_key().root_pem)
    assert verdict.exit_code in EXIT_CODES.values()
    json.dumps(verdict.as_json())
    for language in ("en", "zh-Hans"):
        assert printed(verdict, name="x", language=language, is_coloured=False)


@slow
@given(data=st.binary(max_size=3_000), head=st.sampled_from(sorted(ENCODINGS)))
def test_every_file_that_only_begins_like_a_picture_gets_a_verdict(data: bytes, head: str) -> None:
    verdict = verify(as_signed(head)[:40] + data)
    assert verdict.outcome in {"unreadable", "failed", "no_manifest"}


@slow
@given(place=st.integers(0, 2**31), bit=st.integers(0, 7))
def test_a_flipped_bit_outside_the_manifest_is_never_trusted(place: int, bit: int) -> None:
    """A flip inside the store may hit padding, which nobody signs; one outside always hits what is signed."""
    data = bytearray(as_signed("image/png"))
    names = [name for name, _ in chunks_of(bytes(data))]
    sizes = [12 + len(body) for _, body in chunks_of(bytes(data))]
    start = 8 + sum(sizes[: names.index(STORE)])
    outside = [*range(start), *range(start + sizes[names.index(STORE)], len(data))]
    data[outside[place % len(outside)]] ^= 1 << bit
    assert verify(bytes(data), trust_pem=development_key().root_pem).outcome != "trusted"
