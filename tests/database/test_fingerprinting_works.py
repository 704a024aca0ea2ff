"""Works from before fingerprints, and works of collections, get theirs: from file or preview, once, flagged rightly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image

from generation import jobs
from generation.actions import reconciling
from generation.actions.erasing import erase_person
from generation.actions.fingerprinting_works import fingerprint_works
from provenance import storage
from provenance.actor import COLOPHON
from provenance.attribution.models import KeptFingerprint
from provenance.attribution.queries import codes_of
from provenance.audit_log.models import Entry
from provenance.audit_log.sequencing import sequence
from provenance.canonical import sha256_digest
from provenance.fingerprint import fingerprint_of
from provenance.licensing.actions.opting_out import opt_out_picture, withdraw_opt_out
from provenance.licensing.models import OptOut, OptOutMatch
from provenance.picture import decode_picture
from provenance.works.actions.listing import register_collection, withdraw_work
from provenance.works.actions.parties import record_party
from provenance.works.models import Flag, Work
from server.accounts.models import Account
from tests.database.test_fingerprinting import forget_fingerprints
from tests.database.test_flags import a_painting, encoded, listed
from tests.factories.records import a_party, an_artist

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]


def a_collection(*previews: bytes) -> Sequence[Work]:
    """List drawings that are not stored here, each with its preview, as the starter collection's are."""
    party = record_party(actor=COLOPHON, name="Open Makers", kind="organisation", origin="public-licence")
    rows = [
        {"title": f"Sun {number}", "digest": sha256_digest(f"<svg>{number}</svg>".encode()), "licence": "CC0-1.0",
         "media_type": "image/svg+xml", "preview_digest": storage.store(data)}
        for number, data in enumerate(previews)
    ]  # fmt: skip
    return register_collection(actor=COLOPHON, party=party, rows=rows, manifest="sha256:" + "0" * 64)


def an_opted_out(data: bytes) -> OptOut:
    noa = an_artist("noa")
    return opt_out_picture(actor=noa.actor(), party=a_party("Noa", member=noa), data=data, source="form")


def differences() -> list[Any]:
    """Return what reconciling finds, once the log is in order."""
    sequence()
    run = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    assert run.state == "done", run.fault
    return [json.loads(line) for line in reconciling.report_lines(run)]


def preview(seed: int = 1) -> bytes:
    return encoded(a_painting(seed).resize((96, 96)), "WEBP")


def test_a_collections_works_are_fingerprinted_by_their_previews_once_and_with_entries() -> None:
    works = a_collection(preview(1), preview(2))
    jobs.fingerprint()
    for work in works:
        row = KeptFingerprint.objects.get(kind="work", subject_id=work.pk)
        expected = fingerprint_of(decode_picture(storage.load(work.preview_digest)).pixels)
        assert (codes_of(row), row.iscc, row.digest) == (expected.pdq, expected.iscc, work.preview_digest)
        assert expected.pdq
    assert Entry.objects.filter(kind="PictureFingerprinted").count() == 2
    assert fingerprint_works() == 0
    assert differences() == []


def test_alike_works_of_a_collection_are_not_flagged_against_each_other_or_against_anybodys_copy() -> None:
    listed(an_artist("thief"), "Thief", encoded(a_painting()))
    works = a_collection(preview(), encoded(a_painting().resize((96, 96)), "PNG"))
    assert fingerprint_works() == 2
    assert not Flag.objects.exists()
    assert {Work.objects.get(pk=work.pk).state for work in works} == {"active"}


def test_a_copy_of_a_collections_work_that_is_listed_later_waits_for_an_auditor() -> None:
    (work,) = a_collection(preview())
    fingerprint_works()
    assert listed(an_artist("thief"), "Thief", encoded(a_painting())).state == "flagged"
    assert Flag.objects.get().against_id == work.pk


def test_a_collections_work_that_a_standing_opt_out_is_near_is_flagged_and_reconciles() -> None:
    said = an_opted_out(encoded(a_painting()))
    (work, other) = a_collection(preview(), preview(2))
    assert fingerprint_works() == 2
    flag = Flag.objects.get()
    assert (flag.work_id, flag.against_kind, flag.against_id) == (work.pk, "opt-out", said.pk)
    assert [Work.objects.get(pk=one.pk).state for one in (work, other)] == ["flagged", "active"]
    assert Entry.objects.filter(kind="WorkFlagged").count() == 1
    assert differences() == []


def test_an_opt_out_that_is_over_or_has_reached_a_work_flags_none() -> None:
    said = an_opted_out(encoded(a_painting()))
    noa = Account.objects.get(name="noa")
    withdraw_opt_out(actor=noa.actor(), opt_out=said)
    a_collection(preview())
    reached = listed(an_artist("painter"), "Painter", encoded(a_painting(3)))
    opt_out_picture(actor=noa.actor(), party=said.party, data=encoded(a_painting(3)), source="form")
    assert OptOutMatch.objects.get().work == reached
    forget_fingerprints("work")
    assert KeptFingerprint.objects.filter(kind="opt-out").count() == 2
    assert fingerprint_works() == 2
    assert not Flag.objects.exists()


def test_of_two_alike_from_before_fingerprints_the_later_one_waits_also_where_it_was_read_first() -> None:
    first = listed(an_artist("painter"), "Painter", encoded(a_painting()))
    forget_fingerprints()
    later = listed(an_artist("thief"), "Thief", encoded(a_painting(), "JPEG"))
    assert not Flag.objects.exists()
    assert fingerprint_works() == 1
    assert not Flag.objects.exists(), "the earlier one is not held back by the later one"
    forget_fingerprints()
    assert fingerprint_works() == 2
    assert Flag.objects.get().work == later
    first.refresh_from_db()
    later.refresh_from_db()
    assert (first.state, later.state) == ("active", "flagged")


def test_a_works_own_file_comes_before_its_preview() -> None:
    own = storage.store(encoded(a_painting()))
    rows = [{"title": "Sun", "digest": own, "media_type": "image/png", "preview_digest": storage.store(preview(2))}]
    register_collection(actor=COLOPHON, party=a_party(), rows=rows, manifest="sha256:" + "0" * 64)
    fingerprint_works()
    assert KeptFingerprint.objects.get().digest == own


def test_a_work_too_plain_for_a_code_is_tried_once() -> None:
    a_collection(encoded(Image.new("RGB", (64, 64), "teal"), "WEBP"))
    assert (fingerprint_works(), fingerprint_works()) == (1, 0)
    assert bytes(KeptFingerprint.objects.get().codes) == b""
    assert differences() == []


def test_works_whose_picture_is_gone_withdrawn_or_erased_are_left_as_they_are() -> None:
    painter = an_artist("painter")
    gone = listed(painter, "Painter", encoded(a_painting()))
    listed(painter, "Painter", encoded(a_painting(2)))
    forget_fingerprints()
    thief = an_artist("thief")
    taken_back = listed(thief, "Thief", encoded(a_painting(2), "JPEG"))
    withdraw_work(actor=thief.actor(), work=taken_back)
    eve = an_artist("eve")
    erased = listed(eve, "Eve", encoded(a_painting(3)))
    erase_person(actor=COLOPHON, account_id=eve.pk)
    forget_fingerprints("work")
    storage.delete(gone.digest)
    assert fingerprint_works() == 2
    assert not KeptFingerprint.objects.filter(subject_id__in=[gone.pk, erased.pk]).exists()
    taken_back.refresh_from_db()
    assert (taken_back.state, Flag.objects.count()) == ("withdrawn", 0)
