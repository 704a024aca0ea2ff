"""Whatever bytes come, there is a verdict, and a change to the picture is never trusted."""

from __future__ import annotations

import functools
import json
import os
import random
import resource
import tempfile
import time
from collections import Counter
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


MUTATED = int(os.environ.get("MUTATED_FILES", "10000"))
"""How many files a run changes at random: a millisecond each."""


def mutated_at_random(chance: random.Random) -> bytes:
    """Return a signed picture with bytes flipped, cut, doubled, overwritten or swapped, as chance has it."""
    data = bytearray(as_signed(chance.choice(sorted(ENCODINGS))))
    for _ in range(chance.randint(1, 4)):
        place, size = chance.randrange(len(data) or 1), chance.choice([1, 4, 16, 64])
        match chance.randrange(6):
            case 0 if data:
                data[place] ^= 1 << chance.randrange(8)
            case 1:
                del data[place : place + size]
            case 2:
                data[place:place] = data[place : place + size]
            case 3:
                data[place : place + 4] = chance.choice([b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff"])
            case 4:
                data[place:place] = chance.randbytes(size)
            case _:
                other = chance.randrange(len(data) or 1)
                data[place : place + size], data[other : other + size] = (
                    data[other : other + size],
                    data[place : place + size],
                )
    return bytes(data)


def test_files_changed_at_random_neither_crash_nor_stall_nor_fill_the_memory() -> None:
    chance = random.Random(20261125)
    before, slowest, outcomes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0.0, Counter[str]()
    for _ in range(MUTATED):
        data = mutated_at_random(chance)
        began = time.perf_counter()
        verdict = verify(data, trust_pem=development_key().root_pem)
        slowest = max(slowest, time.perf_counter() - began)
        outcomes[verdict.outcome] += 1
        json.dumps(verdict.as_json())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"{MUTATED} files: {dict(outcomes)}; slowest {slowest * 1000:.0f} ms; grown by {grown // 1024} MB")
    assert sum(outcomes.values()) == MUTATED and outcomes["failed"] > 0
    assert grown < 512 * 1024
