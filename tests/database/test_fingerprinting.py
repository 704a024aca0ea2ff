"""Fingerprints of delivered images: kept with the delivery, signed into the file, backfilled, erased, reconciled."""

from __future__ import annotations

import base64
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection, transaction

from generation.actions.erasing import erase_person
from generation.actions.fingerprinting import fingerprint_older
from provenance import storage
from provenance.actor import COLOPHON
from provenance.attribution import queries
from provenance.attribution.models import KeptFingerprint
from provenance.attribution.queries import codes_of
from provenance.audit_log.models import Entry
from provenance.credentials.label import VisibleLabel
from provenance.credentials.reading import read
from provenance.fingerprint import fingerprint_of, iscc_stated
from provenance.picture import decode_picture
from tests.database.test_audit_search import plan_of
from tests.factories.delivered import an_output
from tests.factories.records import an_artist

pytestmark = pytest.mark.django_db(transaction=True)


def forget_fingerprints(*kinds: str) -> None:
    """Take all fingerprints away, or those of some kinds, as before there were any."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "DELETE FROM attribution_keptfingerprint WHERE kind = ANY(%s)", [list(kinds or KeptFingerprint.Kind.values)]
        )


def test_the_fingerprint_of_the_delivered_file_is_kept_with_its_entry(keys: Path) -> None:
    output = an_output(keys, an_artist())
    fingerprint = fingerprint_of(decode_picture(storage.load(output.digest)).pixels)
    (row,) = queries.kept_of("image", subject=output.use_id)
    assert (row.stage, row.digest, row.iscc) == ("delivered", output.digest, fingerprint.iscc)
    assert codes_of(row) == fingerprint.pdq != ()
    entry = Entry.objects.select_related("opening").get(kind="PictureFingerprinted").opening.details
    assert (entry["picture"], entry["subject"]) == (output.digest, str(output.use_id))


def test_with_a_visible_label_the_fingerprint_from_before_it_is_kept_too(keys: Path) -> None:
    output = an_output(keys, an_artist(), label=VisibleLabel(position="bottom-right", language="both"))
    raw, shown = queries.kept_of("image", subject=output.use_id).order_by("-stage")
    assert (raw.stage, shown.stage) == ("raw", "delivered")
    assert bytes(raw.codes) != bytes(shown.codes)
    assert codes_of(shown) == fingerprint_of(decode_picture(storage.load(output.digest)).pixels).pdq


def test_the_file_states_both_fingerprints_as_soft_bindings(keys: Path) -> None:
    output = an_output(keys, an_artist())
    reading = read(storage.load(output.digest), trust_pem=None)
    (row,) = queries.kept_of("image", subject=output.use_id)
    said = {
        one["data"]["alg"]: one["data"]["blocks"][0]["value"]
        for one in reading.manifest["assertions"]
        if one["label"].startswith("c2pa.soft-binding")
    }
    assert iscc_stated(base64.b64decode(said["io.iscc.v0"])) == row.iscc
    assert base64.b64decode(said["org.colophon.pdq-windows.v1"]) == bytes(row.codes)


def test_images_from_before_fingerprints_get_theirs_once(keys: Path) -> None:
    output = an_output(keys, an_artist())
    (before,) = queries.kept_of("image", subject=output.use_id)
    forget_fingerprints()
    assert (fingerprint_older(), fingerprint_older()) == (1, 0)
    (after,) = queries.kept_of("image", subject=output.use_id)
    assert (after.codes, after.iscc, after.stage, after.digest) == (
        before.codes, before.iscc, before.stage, before.digest,
    )  # fmt: skip
    assert Entry.objects.filter(kind="PictureFingerprinted").count() == 2


def test_a_file_that_is_gone_is_passed_over(keys: Path) -> None:
    output = an_output(keys, an_artist())
    forget_fingerprints()
    storage.delete(output.digest)
    assert fingerprint_older() == 0
    assert not KeptFingerprint.objects.exists()


def test_erasing_a_person_erases_what_their_images_are_recognised_by_for_good(keys: Path) -> None:
    output = an_output(keys, an_artist())
    fingerprint = fingerprint_of(decode_picture(storage.load(output.digest)).pixels)
    assert len(queries.near(fingerprint, kinds=["image"])) == 1
    erase_person(actor=COLOPHON, account_id=output.generation.owner_id)
    row = KeptFingerprint.objects.get()
    assert (bytes(row.codes), row.iscc, row.digest) == (b"", "", output.digest) and row.erased_at
    assert queries.near(fingerprint, kinds=["image"], within=64) == []
    assert fingerprint_older() == 0
    assert not Entry.objects.filter(kind="PictureFingerprinted", opening__isnull=False).exists()


@pytest.mark.parametrize("kind", ["image", "work", "opt-out"])
def test_what_is_kept_of_one_picture_is_found_by_an_index(kind: str) -> None:
    asked = queries.kept_of(kind, subject=uuid4())
    assert "fingerprint_by_subject" in plan_of(*asked.query.sql_with_params())
