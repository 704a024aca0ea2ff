"""Finding recorded pictures that are near another one, on the real database."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from provenance.actor import COLOPHON
from provenance.attribution import actions, queries
from provenance.attribution.actions import Fingerprinted
from provenance.attribution.held_codes import held_codes
from provenance.attribution.models import KeptFingerprint
from provenance.audit_log.models import Entry, Opening
from provenance.fingerprint import Fingerprint, Look, apart, fingerprint_of
from tests.factories.records import kinds_of_entries

KINDS = ("work", "image", "opt-out")


def codes(seed: int) -> tuple[bytes, ...]:
    """Return ten codes that are far from those of other seeds."""
    return tuple(np.random.default_rng([seed, place]).bytes(32) for place in range(10))


def flipped(code: bytes, bits: int, *, seed: int = 0) -> bytes:
    """Return a code that differs from another in so many bits."""
    number = int.from_bytes(code, "big")
    for bit in np.random.default_rng(seed).permutation(256)[:bits]:
        number ^= 1 << int(bit)
    return number.to_bytes(32, "big")


def a_fingerprint(seed: int = 1, **changes: Any) -> Fingerprint:
    """Return a fingerprint that is far from those of other seeds."""
    return Fingerprint(**({"pdq": codes(seed), "quality": 100, "iscc": f"ISCC:{seed}"} | changes))


def keep(seed: int = 1, *, kind: str = "image", **more: Any) -> KeptFingerprint:
    """Keep the fingerprint of a picture."""
    fingerprint = more.pop("fingerprint", a_fingerprint(seed))
    picture = {"subject": uuid4(), "digest": f"sha256:{seed:064x}", "actor": COLOPHON} | more
    return actions.record(kind, fingerprint=fingerprint, **picture)


def asked(code: bytes) -> Fingerprint:
    """Return the fingerprint of a picture whose whole has a code."""
    return with_whole(999, code)


def with_whole(seed: int, code: bytes) -> Fingerprint:
    """Return a fingerprint that is near to nothing but for its whole."""
    return a_fingerprint(seed, pdq=(code, *codes(seed)[1:]))


@pytest.mark.django_db
def test_a_copy_is_found_by_whole_and_by_window_with_its_distance() -> None:
    kept = keep(1)
    keep(2)
    for window in (0, 4, 9):
        found = queries.near(asked(flipped(codes(1)[window], 31)), kinds=["image"])
        assert [(one.subject, one.distance, one.window, one.is_sure) for one in found] == [
            (kept.subject_id, 31, window, True)
        ]


@pytest.mark.django_db
def test_a_copy_of_which_a_part_is_covered_is_found_by_a_window_that_leaves_it_out() -> None:
    kept = keep(1)
    covered = a_fingerprint(7, pdq=(*codes(7)[:6], flipped(codes(1)[6], 3), *codes(7)[7:]))
    assert [(one.subject, one.distance, one.window) for one in queries.near(covered, kinds=KINDS)] == [
        (kept.subject_id, 3, 6)
    ]
    elsewhere = a_fingerprint(7, pdq=(*codes(7)[:5], flipped(codes(1)[6], 3), *codes(7)[6:]))
    assert queries.near(elsewhere, kinds=KINDS) == []


@pytest.mark.django_db
def test_beyond_thirty_one_bits_a_match_has_to_be_asked_for_and_is_not_sure() -> None:
    keep(1)
    wanted = asked(flipped(codes(1)[0], 32))
    assert queries.near(wanted, kinds=KINDS) == []
    assert [one.is_sure for one in queries.near(wanted, kinds=KINDS, within=64)] == [False]
    assert queries.near(asked(flipped(codes(1)[0], 65)), kinds=KINDS, within=64) == []


@pytest.mark.django_db
def test_all_that_are_near_are_found_the_nearest_first_and_each_picture_once() -> None:
    subject = uuid4()
    keep(1, subject=subject, stage="raw", fingerprint=with_whole(50, flipped(codes(1)[0], 20)))
    keep(1, subject=subject, stage="delivered")
    other = keep(3, fingerprint=with_whole(51, flipped(codes(1)[0], 9)))
    found = queries.near(asked(codes(1)[0]), kinds=["image"])
    assert [(one.subject, one.distance) for one in found] == [(subject, 0), (other.subject_id, 9)]


@pytest.mark.django_db
def test_only_the_kinds_asked_for_are_found() -> None:
    keep(1, kind="work")
    assert queries.near(a_fingerprint(1), kinds=["image", "opt-out"]) == []
    assert [one.kind for one in queries.near(a_fingerprint(1), kinds=["work"])] == ["work"]


@pytest.mark.django_db
def test_both_ways_a_recorded_picture_that_is_a_crop_of_this_one_is_found() -> None:
    kept = keep(1)
    larger = a_fingerprint(5, pdq=(*codes(5)[:3], flipped(codes(1)[0], 8), *codes(5)[4:]))
    assert queries.near(larger, kinds=["image"]) == []
    found = queries.near(larger, kinds=["image"], both_ways=True)
    assert [(one.subject, one.distance, one.window) for one in found] == [(kept.subject_id, 8, 0)]


@pytest.mark.parametrize("qualities", [(100, 30), (30, 100), (30, 30)])
@pytest.mark.django_db
def test_a_plain_picture_is_found_only_loosely_and_its_codes_alone_are_no_proof(qualities: tuple[int, int]) -> None:
    kept = keep(1, fingerprint=a_fingerprint(1, quality=qualities[0]))
    wanted = a_fingerprint(1, quality=qualities[1])
    assert queries.near(wanted, kinds=KINDS) == []
    (found,) = queries.near(wanted, kinds=KINDS, loosely=True)
    assert (found.subject, found.distance, found.is_plain, found.is_sure) == (kept.subject_id, 0, True, False)


@pytest.mark.django_db
def test_a_crop_between_two_windows_is_found_when_it_is_moved() -> None:
    pixels = np.random.default_rng(8).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    scene = np.asarray(Image.fromarray(pixels).resize((256, 256), Image.Resampling.BICUBIC))
    kept = keep(1, fingerprint=fingerprint_of(scene))
    copy = Look(np.ascontiguousarray(scene[7:237, 19:249]))
    still = queries.near(fingerprint_of(scene[7:237, 19:249]), kinds=KINDS, within=64, loosely=True)
    (moved,) = queries.near(copy, kinds=KINDS, within=64, loosely=True)
    assert (moved.subject, moved.is_sure) == (kept.subject_id, True)
    assert moved.distance < min((one.distance for one in still), default=65) and moved.window > 0
    assert queries.near(copy, kinds=KINDS) == []  # held against nobody: there it is not moved


@pytest.mark.django_db
def test_a_picture_that_is_surely_found_is_not_moved() -> None:
    pixels = np.random.default_rng(8).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    scene = np.asarray(Image.fromarray(pixels).resize((256, 256), Image.Resampling.BICUBIC))
    kept = keep(1, fingerprint=fingerprint_of(scene))
    copy = Look(scene)
    (found,) = queries.near(copy, kinds=KINDS, within=64, loosely=True)
    assert (found.subject, found.is_sure) == (kept.subject_id, True)
    assert "shifted" not in vars(copy), "nobody asked for its moved codes, so they were not computed"


@pytest.mark.django_db
def test_a_picture_without_detail_is_kept_and_near_to_nothing() -> None:
    flat = a_fingerprint(1, pdq=(), quality=3)
    keep(1, fingerprint=flat)
    assert queries.near(flat, kinds=KINDS, within=64) == []
    assert queries.near(asked(bytes(32)), kinds=KINDS, within=64) == []


@pytest.mark.django_db
def test_every_fingerprint_is_kept_with_an_entry_that_names_it_by_digest() -> None:
    row = keep(1)
    assert kinds_of_entries() == ["PictureFingerprinted"]
    details = Opening.objects.get(entry=Entry.objects.get()).details
    assert details["picture"] == row.digest and details["of"] == "image"
    assert details["codes"] == actions.codes_digest(b"".join(codes(1)), "ISCC:1")
    assert codes(1)[0].hex() not in str(details) and "ISCC" not in str(details)


@pytest.mark.django_db(transaction=True)
def test_a_fingerprint_cannot_change_or_come_without_an_entry() -> None:
    row = keep(1)
    with pytest.raises(IntegrityError, match="has no entry in the audit log"), transaction.atomic():
        KeptFingerprint.objects.filter(pk=row.pk).update(codes=b"")
    with pytest.raises(IntegrityError, match="has no entry in the audit log"), transaction.atomic():
        KeptFingerprint.objects.create(kind="work", subject_id=uuid4(), quality=9, codes=b"", kept_at=timezone.now())
    assert KeptFingerprint.objects.count() == 1


@pytest.mark.django_db
def test_codes_that_are_neither_ten_nor_none_are_refused() -> None:
    with pytest.raises(IntegrityError, match="ten_codes_or_none"), transaction.atomic():
        keep(1, fingerprint=a_fingerprint(1, pdq=codes(1)[:9]))
    assert kinds_of_entries() == []


@pytest.mark.django_db
def test_what_was_erased_is_not_found_and_its_digest_stays() -> None:
    row, other = keep(1), keep(2)
    queries.near(a_fingerprint(1), kinds=KINDS)  # it is in memory by now
    assert actions.erase("image", subjects=[row.subject_id], at=timezone.now()) == 1
    row.refresh_from_db()
    assert (bytes(row.codes), row.iscc, row.quality, row.digest) == (b"", "", 0, f"sha256:{1:064x}")
    assert queries.near(a_fingerprint(1), kinds=KINDS, within=64) == []
    assert [one.subject for one in queries.near(a_fingerprint(2), kinds=KINDS)] == [other.subject_id]


@pytest.mark.django_db(transaction=True)
def test_a_picture_kept_by_a_transaction_that_began_before_a_search_and_ended_after_is_found() -> None:
    keep(1)
    began, searched = threading.Event(), threading.Event()

    def slowly() -> None:
        with transaction.atomic():
            keep(2)
            began.set()
            searched.wait()
        connection.close()

    writer = threading.Thread(target=slowly)
    writer.start()
    began.wait()
    keep(3)  # a later number that commits first
    assert len(queries.near(a_fingerprint(3), kinds=KINDS)) == 1
    assert queries.near(a_fingerprint(2), kinds=KINDS) == []
    searched.set()
    writer.join()
    assert len(queries.near(a_fingerprint(2), kinds=KINDS)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_transaction_finds_what_it_kept_itself_and_nobody_finds_it_after_it_failed() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        for seed in (1, 2, 3):
            keep(seed)
            assert len(queries.near(a_fingerprint(seed), kinds=KINDS)) == 1
        raise RuntimeError
    assert queries.near(a_fingerprint(2), kinds=KINDS) == []
    with transaction.atomic():
        keep(4)
        assert len(queries.near(a_fingerprint(4), kinds=KINDS)) == 1
        keep(5)
    assert len(queries.near(a_fingerprint(5), kinds=KINDS)) == 1


@pytest.mark.django_db
def test_what_was_seen_is_not_read_again() -> None:
    keep(1)
    before = len(held_codes())
    assert len(held_codes()) == before
    keep(2)
    assert len(held_codes()) == before + 1 == len(held_codes())


@pytest.mark.django_db
def test_rows_from_another_cluster_s_future_are_settled_once() -> None:
    keep(1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE attribution_keptfingerprint SET written_in = '999999999'")
    assert len(queries.near(a_fingerprint(1), kinds=KINDS)) == 1
    assert (actions.settle_restored(), actions.settle_restored()) == (1, 0)
    assert len(queries.near(a_fingerprint(1), kinds=KINDS)) == 1


@pytest.mark.django_db
@given(
    kept=st.lists(st.tuples(st.integers(0, 70), st.integers(0, 9), st.sampled_from(KINDS)), max_size=6),
    within=st.sampled_from([0, 31, 64]),
    seed=st.integers(0, 2**20),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_searching_finds_what_comparing_with_every_row_finds(
    kept: list[tuple[int, int, str]], within: int, seed: int
) -> None:
    wanted = asked(np.random.default_rng([seed, 77]).bytes(32))
    for place, (bits, window, kind) in enumerate(kept):
        ten = list(codes(seed + 7 * place + 1))
        ten[window] = flipped(wanted.pdq[0], bits, seed=place)
        keep(place, kind=kind, fingerprint=a_fingerprint(place, pdq=tuple(ten)))
    by_hand = {
        (row.subject_id, apart(wanted.pdq, queries.codes_of(row))[0])
        for row in KeptFingerprint.objects.filter(kind__in=["image", "work"])
    }
    found = {(one.subject, one.distance) for one in queries.near(wanted, kinds=["image", "work"], within=within)}
    assert found == {one for one in by_hand if one[1] <= within}
    actions.record_all([Fingerprinted("work", uuid4(), "sha256:" + "0" * 64, wanted)], actor=COLOPHON)
    assert queries.near(wanted, kinds=["work"], within=0)[0].distance == 0
