"""Pictures kept as too plain for codes, before such pictures had any, are recorded anew, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from PIL import Image

from generation import jobs
from generation.actions import fingerprinting, reconciling
from generation.actions.erasing import erase_person
from generation.actions.fingerprinting import fingerprint_plain
from generation.evidence import Records
from generation.models import Output, Rendition
from generation.rendition import Box
from provenance import storage
from provenance.actor import COLOPHON
from provenance.attribution import actions as attribution
from provenance.attribution.actions import Fingerprinted
from provenance.attribution.models import KeptFingerprint
from provenance.attribution.queries import codes_of, kept_as_too_plain
from provenance.audit_log.models import Entry
from provenance.audit_log.sequencing import sequence
from provenance.fingerprint import LEAST_QUALITY, PLAIN_BELOW, Fingerprint, fingerprint_of
from provenance.picture import decode_picture
from provenance.verification.verify import verify
from provenance.works.models import Work
from server.accounts.models import Account
from tests.database.test_audit_search import plan_of
from tests.database.test_flags import listed
from tests.factories.delivered import an_output, maker_of_forms, stripped
from tests.factories.pictures import encoded
from tests.factories.records import an_artist

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unmarked")]


def a_plain_scene(*, side: int = 192) -> Any:
    """Return a picture of two soft spots on a ground: it has codes, and too few details for them to prove anything."""
    down, across = np.mgrid[0:side, 0:side] / side
    spots = sum(
        depth * np.exp(-((down - y) ** 2 + (across - x) ** 2) / width)
        for y, x, width, depth in ((0.3, 0.35, 0.01, 60), (0.7, 0.6, 0.03, -50))
    )
    return np.clip(150 + spots[..., None] + np.array([20, 0, -20]), 0, 255).astype(np.uint8)


def flat(colour: str = "teal") -> Any:
    return np.asarray(Image.new("RGB", (96, 96), colour))


@pytest.fixture
def output(keys: Path, mara: Account) -> Output:
    """Deliver the plain scene."""
    return an_output(keys, mara, a_plain_scene())


@pytest.fixture
def form(keys: Path, mara: Account, output: Output) -> Rendition:
    """Make a later form of it."""
    return maker_of_forms(keys, mara)(output.digest, crop=Box(6, 6, 170, 170))


@pytest.fixture
def work() -> Work:
    """List a plain picture."""
    return listed(an_artist("painter"), "Painter", encoded(Image.fromarray(a_plain_scene()[:, ::-1])))


@transaction.atomic
def take_codes_away() -> list[int]:
    """Leave rows as they were when plain pictures had no codes, with the entries of that time; return which."""
    rows = list(KeptFingerprint.objects.filter(quality__lt=PLAIN_BELOW))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM attribution_keptfingerprint WHERE id = ANY(%s)", [[row.pk for row in rows]])
        cursor.execute(
            "DELETE FROM audit_log_entry WHERE id IN (SELECT entry_id FROM audit_log_opening "
            "WHERE details ->> 'fingerprint' = ANY(%s))", [[str(row.pk) for row in rows]]
        )  # fmt: skip
    attribution.record_all(
        [
            Fingerprinted(
                row.kind, row.subject_id, row.digest, Fingerprint(pdq=(), quality=row.quality, iscc=row.iscc), row.stage
            )
            for row in rows
        ],
        actor=COLOPHON,
    )
    return [row.pk for row in kept_as_too_plain()]


def differences() -> int:
    sequence()
    run = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    assert run.state == "done", run.fault
    return int(run.differences)


def test_images_later_forms_and_works_get_codes_once_each_with_an_entry(
    output: Output, form: Rendition, work: Work
) -> None:
    rows = take_codes_away()
    assert len(rows) == 3
    stated = Entry.objects.filter(kind="PictureFingerprinted").count()
    assert verify(stripped(output.digest, quality=70), evidence=Records(keeper="here")).records == ()
    assert (fingerprint_plain(), fingerprint_plain()) == (3, 0)
    for row in KeptFingerprint.objects.filter(pk__in=rows):
        expected = fingerprint_of(decode_picture(storage.load(row.digest)).pixels)
        assert (codes_of(row), row.quality, row.iscc) == (expected.pdq, expected.quality, expected.iscc)
        assert LEAST_QUALITY <= row.quality < PLAIN_BELOW and expected.pdq
    assert {row.digest for row in KeptFingerprint.objects.filter(pk__in=rows)} == {
        output.digest, form.digest, work.digest,
    }  # fmt: skip
    assert Entry.objects.filter(kind="PictureFingerprinted").count() == stated + 3


def test_a_process_that_has_searched_before_finds_a_copy_of_one_that_was_recorded_anew(output: Output) -> None:
    take_codes_away()
    copy = stripped(output.digest, quality=70)
    assert verify(copy, evidence=Records(keeper="here")).records == ()
    jobs.fingerprint()
    (record,) = verify(copy, evidence=Records(keeper="here")).records
    assert (record.layer, record.image_digest) == ("fingerprint", output.digest)


def test_reconciling_holds_a_row_against_what_was_stated_of_it_last(
    output: Output, form: Rendition, work: Work
) -> None:
    take_codes_away()
    assert differences() == 0
    fingerprint_plain()
    assert differences() == 0


def test_a_featureless_picture_is_not_looked_at_again_and_again() -> None:
    work = listed(an_artist("painter"), "Painter", encoded(Image.fromarray(flat())))
    assert fingerprint_plain() == 0, "it never had a quality that gives codes"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE attribution_keptfingerprint SET quality = 12 WHERE subject_id = %s", [work.pk])
    assert (fingerprint_plain(), fingerprint_plain()) == (1, 0)
    row = KeptFingerprint.objects.get(subject_id=work.pk)
    assert bytes(row.codes) == b"" and row.quality < LEAST_QUALITY


def test_what_was_erased_stays_erased(output: Output, form: Rendition, mara: Account) -> None:
    take_codes_away()
    erase_person(actor=COLOPHON, account_id=mara.pk)
    assert fingerprint_plain() == 0
    assert all(bytes(row.codes) == b"" and row.erased_at for row in KeptFingerprint.objects.all())


def test_an_erasure_while_the_file_is_read_wins(output: Output, mara: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    take_codes_away()
    read = fingerprinting._read

    def overtaken(digest: str) -> Any:
        found = read(digest)
        erase_person(actor=COLOPHON, account_id=mara.pk)
        return found

    monkeypatch.setattr(fingerprinting, "_read", overtaken)
    assert fingerprint_plain() == 0
    assert bytes(KeptFingerprint.objects.get().codes) == b""


def test_erasing_afterwards_erases_the_codes_for_good_and_reconciles(output: Output, mara: Account) -> None:
    take_codes_away()
    fingerprint_plain()
    erase_person(actor=COLOPHON, account_id=mara.pk)
    assert fingerprint_plain() == 0
    row = KeptFingerprint.objects.get()
    assert bytes(row.codes) == b"" and row.erased_at
    assert differences() == 0


def test_a_missing_file_and_what_was_no_file_before_marks_are_passed_over(output: Output, work: Work) -> None:
    take_codes_away()
    storage.delete(output.digest)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE attribution_keptfingerprint SET stage = 'raw' WHERE kind = 'work'")
    assert fingerprint_plain() == 0


def test_they_are_found_by_an_index_that_is_empty_once_all_are_done() -> None:
    assert "fingerprint_kept_as_too_plain" in plan_of(*kept_as_too_plain().query.sql_with_params())


def test_the_index_is_in_the_migrations() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
