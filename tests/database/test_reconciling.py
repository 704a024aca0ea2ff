"""Reconciling: what was changed behind the server's back is named, exactly, and nothing else is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from generation.actions import reconciling
from generation.actions.erasing import erase_person
from generation.actions.rendering import render_next
from generation.models import Output, Reconciliation
from provenance.actor import COLOPHON
from provenance.attribution.models import KeptFingerprint
from provenance.audit_log.models import Entry, Opening, Position
from provenance.audit_log.sequencing import sequence
from provenance.credentials.models import Credential
from provenance.licensing.actions.offering import offer_openly
from provenance.works.actions.listing import register_collection
from provenance.works.actions.styles import leave_style_behind
from provenance.works.models import Work
from server.accounts.models import Account
from tests.factories.reconciled import behind_the_servers_back, records_of_every_kind
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_worker,
    an_artist,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]


@pytest.fixture
def records(keys: Path) -> None:
    """Leave rows of every kind that the log tells of, and requests that ended in several ways."""
    records_of_every_kind(keys)


def found() -> list[tuple[str, str, str, str, str, str]]:
    """Run and return each difference: kind, table, row, field, recorded, found."""
    run = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    assert run.state == "done", run.fault
    lines = [json.loads(line) for line in reconciling.report_lines(run)]
    assert len(lines) == run.differences
    return [tuple(line[name] for name in ("kind", "table", "row", "field", "recorded", "found")) for line in lines]


def path_of(files: Path, digest: str) -> Path:
    return files / digest[7:9] / digest[7:]


# ---- nothing ---------------------------------------------------------------------------------------------------


def test_untouched_records_have_no_difference(records: None) -> None:
    assert found() == []
    assert found() == [], "nor after a run of one's own, whose entries wait for their index"


def test_untouched_records_without_a_checkpoint_have_no_difference(keys: Path) -> None:
    a_model()
    a_request(an_artist())
    render_next(worker=a_worker(keys))
    assert found() == []


def test_a_person_whose_data_was_erased_leaves_no_difference(records: None) -> None:
    for name in ("mara", "ada"):
        erase_person(actor=COLOPHON, account_id=Account.objects.get(name=name).pk)
    sequence()
    assert found() == []


def test_a_fingerprint_that_was_changed_is_named(records: None) -> None:
    row = KeptFingerprint.objects.first()
    with behind_the_servers_back() as sql:
        sql.execute("UPDATE attribution_keptfingerprint SET codes = '' WHERE id = %s", [row.pk])
    ((kind, table, where, field, _, _),) = found()
    assert (kind, table, where, field) == ("row-differs", "attribution_keptfingerprint", str(row.pk), "codes")


# ---- one change ------------------------------------------------------------------------------------------------


def test_one_row_one_file_one_manifest_and_one_entry_are_named_and_nothing_else(records: None, files: Path) -> None:
    first, second, third = Output.objects.order_by("pk")
    entry = Entry.objects.get(leaf_hash=third.delivered_leaf)
    credential = Credential.objects.get(image_digest=second.digest)
    other = Credential.objects.get(image_digest=third.digest)
    with behind_the_servers_back() as sql:
        sql.execute("UPDATE generation_output SET seed = seed - 1 WHERE id = %s", [first.pk])
        sql.execute("UPDATE audit_log_entry SET kind = 'Other' WHERE id = %s", [entry.pk])
    altered = path_of(files, third.digest).read_bytes()[:-1]
    path_of(files, third.digest).write_bytes(altered)
    swapped = path_of(files, other.store_digest).read_bytes()
    path_of(files, credential.store_digest).write_bytes(swapped)
    assert sorted(found()) == sorted(
        [
            ("row-differs", "generation_output", str(first.pk), "seed", str(first.seed), str(first.seed - 1)),
            ("entry-altered", "audit_log_entry", str(entry.pk), "kind", "OutputDelivered", "Other"),
            (
                "file-altered", "generation_output", str(third.pk), "digest", third.digest,
                f"sha256:{hashlib.sha256(altered).hexdigest()}",
            ),
            (
                "manifest-altered", "credentials_credential", str(credential.pk), "store_digest",
                credential.store_digest, other.store_digest,
            ),
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("generation_output", "digest", "sha256:" + "0" * 64),
        ("generation_output", "manifest_id", "urn:c2pa:other"),
        ("generation_output", "raw_pixels", "sha256:" + "0" * 64),
        ("generation_output", "delivered_leaf", "sha256:" + "0" * 64),
        ("generation_output", "size_bytes", 1),
        ("generation_output", "width", 1),
        ("generation_generation", "prompt", "a blue cat"),
        ("generation_generation", "prompt_commitment", "sha256:" + "0" * 64),
        ("generation_generation", "owner_id", "00000000-0000-4000-8000-000000000000"),
        ("generation_generation", "seeds", [1, 2]),
        ("generation_generation", "guidance_scale", 1.5),
        ("generation_generation", "decision", '{"permitted": true, "references": []}'),
        ("generation_generation", "environment", '{"torch": "9"}'),
        ("generation_generation", "state", "failed"),
        ("generation_generation", "request_leaf", "sha256:" + "0" * 64),
        ("credentials_credential", "store_digest", "sha256:" + "0" * 64),
        ("credentials_credential", "manifest_id", "urn:c2pa:other"),
        ("credentials_credential", "verdict", '{"state": "unsigned"}'),
        ("works_work", "licence", "CC0-1.0"),
        ("works_work", "digest", "sha256:" + "0" * 64),
        ("works_style", "token", "other"),
        ("works_party", "name", "Eve"),
        ("licensing_offer", "terms", '{"licence": "CC0-1.0", "permissions": [], "duties": []}'),
        ("licensing_offer", "licence", "CC0-1.0"),
        ("licensing_grant", "licensee_id", "00000000-0000-4000-8000-000000000000"),
        ("licensing_optout", "source", "nobody"),
        ("generation_imagemodel", "licence", "CC-BY-4.0"),
        ("generation_imagemodel", "weights", "[]"),
    ],
)
def test_one_changed_column_is_one_difference(records: None, table: str, column: str, value: Any) -> None:
    where = "WHERE state = 'done'" if table == "generation_generation" else ""
    with behind_the_servers_back() as sql:
        sql.execute(f"SELECT id::text FROM {table} {where} ORDER BY id LIMIT 1")
        row = sql.fetchone()[0]
        sql.execute(f"UPDATE {table} SET {column} = %s WHERE id::text = %s", [value, row])
    [(kind, *place, _, _)] = found()
    assert kind == "row-differs"
    assert place[:2] == [table, row] and place[2].split(".")[0] == column


def test_a_private_prompt_that_was_changed_is_named_without_its_words(records: None) -> None:
    with behind_the_servers_back() as sql:
        sql.execute("UPDATE generation_generation SET prompt = 'zyzzyva' WHERE disclosure = 'private'")
    run = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    report = b"".join(reconciling.report_lines(run))
    assert run.differences == 1 and b'"field":"prompt"' in report
    assert b"zyzzyva" not in report and b"red cat" not in report


def test_missing_files_are_named(records: None, files: Path) -> None:
    output = Output.objects.order_by("pk")[0]
    credential = Credential.objects.get(image_digest=output.digest)
    work = Work.objects.get()
    for digest in (output.digest, credential.store_digest, work.digest):
        path_of(files, digest).unlink()
    assert sorted(found()) == sorted(
        [
            ("file-missing", "generation_output", str(output.pk), "digest", output.digest, ""),
            ("manifest-missing", "credentials_credential", str(credential.pk), "store_digest",
             credential.store_digest, ""),
            ("file-missing", "works_work", str(work.pk), "digest", work.digest, ""),
        ]
    )  # fmt: skip


def test_an_entry_without_its_row_and_a_row_without_its_entry_are_named(records: None) -> None:
    output = Output.objects.order_by("pk")[0]
    with behind_the_servers_back() as sql:
        sql.execute("DELETE FROM generation_output WHERE id = %s", [output.pk])
        sql.execute(
            "INSERT INTO works_party (id, name, kind, capacity, capacity_evidence, is_minor, claim, origin, url, "
            "recorded_at) VALUES ('00000000-0000-4000-8000-000000000001', 'Eve', 'person', 'self', '', false, "
            "'self-declared', 'joined', '', now())"
        )
    assert [one[:4] for one in found()] == [
        ("row-without-entry", "works_party", "00000000-0000-4000-8000-000000000001", ""),
        ("row-missing", "generation_output", str(output.use_id), "use_id"),
    ]


def test_a_work_added_to_or_taken_from_a_collection_is_counted_and_its_styles_named() -> None:
    party, rows = (
        a_party(),
        [{"title": f"Sun {n}", "digest": f"sha256:{n:064}", "licence": "CC0-1.0"} for n in range(3)],
    )
    works = register_collection(actor=COLOPHON, party=party, rows=rows, manifest="sha256:" + "0" * 64)
    offer_openly(actor=COLOPHON, party=party, subject_kind="party", subject_id=party.pk, licence="CC0-1.0")
    style = a_style(a_model(), party=party, works=works)
    leave_style_behind(actor=COLOPHON, style=style, model_digest="sha256:" + "1" * 64)
    sequence()
    assert found() == []
    with behind_the_servers_back() as sql:
        sql.execute("DELETE FROM works_style_works WHERE work_id = %s", [works[0].pk])
        sql.execute("DELETE FROM works_work WHERE id = %s", [works[0].pk])
    assert [one[:4] for one in found()] == [
        ("rows-miscounted", "works_party", str(party.pk), "works"),
        ("row-differs", "works_style", str(style.pk), "works"),
    ]


def test_a_work_alone_without_its_entry_is_named() -> None:
    party = a_party()
    with behind_the_servers_back():
        work = Work.objects.create(
            owner=party, title="Sun", digest="sha256:" + "0" * 64, registered_at="2026-01-01T00:00:00Z"
        )
    assert [one[:3] for one in found()] == [("row-without-entry", "works_work", str(work.pk))]


# ---- the log itself --------------------------------------------------------------------------------------------


def test_changed_details_are_named_and_count_as_no_evidence(records: None) -> None:
    opening = Opening.objects.get(details__contains={"actor": None, "name": "Bo Carver"})
    with behind_the_servers_back() as sql:
        sql.execute(
            'UPDATE audit_log_opening SET details = details || \'{"name": "Eve"}\' WHERE entry_id = %s',
            [opening.entry_id],
        )
    assert [one[:4] for one in found()] == [("opening-altered", "audit_log_opening", str(opening.entry_id), "details")]


def test_an_erased_opening_is_no_difference(records: None) -> None:
    Opening.objects.filter(entry__kind="OutputDelivered").delete()
    assert found() == []
    assert Reconciliation.objects.get().counts["openings erased"] == 3


def test_an_entry_that_was_deleted_moved_or_lost_its_place_is_named(records: None) -> None:
    gone, *swapped = Entry.objects.filter(kind="BrushCleaned").order_by("at")[:3]
    at, other = (Position.objects.get(entry=entry).index for entry in swapped)
    last = Position.objects.order_by("-index")[0]
    with behind_the_servers_back() as sql:
        sql.execute("DELETE FROM audit_log_entry WHERE id = %s", [gone.pk])
        sql.execute("UPDATE audit_log_position SET index = -1 WHERE index = %s", [at])
        sql.execute("UPDATE audit_log_position SET index = %s WHERE index = %s", [at, other])
        sql.execute("UPDATE audit_log_position SET index = %s WHERE index = -1", [other])
        sql.execute("DELETE FROM audit_log_position WHERE index = %s", [last.index])
    assert sorted(one[:4] for one in found()) == sorted(
        [
            ("entry-missing", "audit_log_entry", str(gone.pk), "id"),
            ("place-differs", "audit_log_position", str(at), "entry_id"),
            ("place-differs", "audit_log_position", str(other), "entry_id"),
            ("place-missing", "audit_log_position", str(last.index), "index"),
            ("entry-without-place", "audit_log_entry", str(last.entry_id), "index"),
        ]
    )


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("log/tile/entries/000", "tile-differs"),
        ("log/tile/0/000", "tile-differs"),
        ("log/tile/1/000.p/1", "tile-differs"),
        ("log/checkpoint", "checkpoint-differs"),
    ],
)
def test_one_changed_byte_of_a_published_file_is_named(records: None, files: Path, path: str, kind: str) -> None:
    data = bytearray((files / path).read_bytes())
    data[20] ^= 1
    (files / path).write_bytes(data)
    assert [one[:3] for one in found()] == [(kind, "file", path)]


@pytest.mark.parametrize("path", ["log/tile/entries/000", "log/tile/0/000"])
def test_a_published_file_that_is_gone_is_named(records: None, files: Path, path: str) -> None:
    (files / path).unlink()
    assert [one[:3] for one in found()] == [("log-tile-missing", "file", path)]
