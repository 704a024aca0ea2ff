"""What the database's planner keeps of rows: no person's words, so that none outlive an erasure there."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.migrations.state import ProjectState

from generation.actions.erasing import BLANKED, SAMPLED, erase_person
from generation.actions.rendering import render_next
from generation.models import Generation
from provenance.actor import COLOPHON
from provenance.attribution.models import KeptFingerprint
from provenance.attribution.queries import with_iscc
from provenance.audit_log.models import Opening
from provenance.fingerprint import LEAST_QUALITY
from provenance.licensing.actions.opting_out import record_opt_out
from provenance.unsampled import unsampled
from server.accounts.erasing import erase_account
from tests.database.test_disputes import given
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_work,
    a_worker,
    an_artist,
    as_image,
    in_style,
)
from tests.simulators.caller import Caller
from tests.simulators.secrets import NEGATIVE, PROMPT, leaks

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = import_module("generation.migrations.0013_keep_no_samples_of_words").Migration.operations


def sampled() -> bytes:
    """Analyze every table, and return all that the planner has kept."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return kept()


def kept() -> bytes:
    with connection.cursor() as cursor:
        cursor.execute("SELECT s::text FROM pg_statistic AS s")
        return "\n".join(row[0] for row in cursor.fetchall()).encode()


def run(statements: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def said(keys: Path) -> Generation:
    """Have one person's words in the rows of every kind of record, more than once so that they would be samples."""
    a_model()
    mara = an_artist()
    for number in range(3):
        asked = {"prompt": PROMPT, "negative_prompt": NEGATIVE, "disclosure": "private", "recipient": "zyzzyva press"}
        a_request(mara, key=f"zyzzyva {number % 2}" if number < 2 else "", body="quokka", seeds=(number,), **asked)
        render_next(worker=a_worker(keys))
    party = a_party("Quokka Studio", member=mara)
    for seed in (1, 2):
        work = a_work(mara, party, seed=seed, title="Kinkajou")
        given("work", work.pk, text="The quokka is mine.", contact="quokka@example.org")
    return Generation.objects.all()[0]


def test_no_word_of_a_request_a_holding_or_a_dispute_is_among_the_planner_s_samples(said: Generation) -> None:
    assert not leaks(sampled())


def test_what_the_planner_kept_before_is_forgotten_by_the_migration_and_its_indexes_stay(said: Generation) -> None:
    files = (
        "SELECT indexrelid, pg_relation_filenode(indexrelid) FROM pg_index"
        " WHERE indrelid = 'generation_generation'::regclass"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        for step in STEPS:
            run(step.reverse_sql)
        assert set(leaks(sampled())) >= {"zyzzyva", "kinkajou"}
        cursor.execute(files)
        before = cursor.fetchall()
        for step in STEPS:
            run(step.sql)
        assert not leaks(kept())
        cursor.execute(files)
        assert cursor.fetchall() == before, "an index was built anew"
    assert not leaks(sampled())


def test_what_the_planner_needs_samples_of_is_sampled_anew_after_an_erasure(keys: Path) -> None:
    a_model()
    mara = an_artist()
    work = a_work(mara, a_party(member=mara), title="Kinkajou")
    for number in range(3):
        a_request(mara, seeds=(number,), **as_image(work))
    assert leaks(sampled()) == ["kinkajou"]
    erase_person(actor=COLOPHON, account_id=mara.pk)
    assert not leaks(kept())


def test_every_column_of_a_record_that_an_erasure_blanks_is_unsampled() -> None:
    columns = {Generation._meta.get_field(name).column for name in {*BLANKED} - {*SAMPLED, "erased_at"}}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'generation_generation'::regclass AND attstattarget = 0"
        )
        assert columns <= {row[0] for row in cursor.fetchall()}


def texts() -> dict[tuple[str, Any, str], Any]:
    """Return what stands in every column of text, JSON or bytes, by its table, its row's key and its name."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.oid::regclass::text, k.attname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON"
            " a.attrelid = c.oid AND a.attnum > 0 AND a.atttypid IN ('text'::regtype, 'varchar'::regtype,"
            " 'jsonb'::regtype, 'bytea'::regtype) JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary"
            " JOIN pg_attribute AS k ON k.attrelid = c.oid AND k.attnum = i.indkey[0]"
            " WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
        )
        for table, key, column in cursor.fetchall():
            cursor.execute(f'SELECT "{key}"::text, "{column}"::text FROM {table}')
            found |= {(table, row, column): text for row, text in cursor.fetchall()}
    return found


def test_of_every_text_that_an_erasure_takes_out_of_a_row_no_samples_are_kept(keys: Path) -> None:
    mara = an_artist()
    party = a_party("Quokka Studio", member=mara)
    work = a_work(mara, party, title="Kinkajou")
    style = a_style(a_model(), party=party, actor=mara.actor(), works=[work], licence="")
    record_opt_out(
        actor=mara.actor(), party=party, subject_kind="work", subject_id=work.pk, source="a letter", evidence="quokka"
    )
    address, secret = given("work", a_work(mara, party, seed=2).pk, Caller(mara), text="The quokka is mine.")
    Caller(mara, **{"Dispute-Secret": secret}).post(f"{address}/withdrawal")
    other = a_work(mara, party, seed=3)
    asked = {"prompt": PROMPT, "negative_prompt": NEGATIVE, "recipient": "zyzzyva press", **in_style(style)}
    a_request(mara, **asked, **as_image(other))
    a_request(mara, key="zyzzyva", seeds=(8,), **as_image(other))
    for _ in range(2):
        render_next(worker=a_worker(keys))
    before = texts()
    erase_account(actor=COLOPHON, account=mara)
    after = texts()
    taken = {(table, column) for (table, row, column), text in before.items()
             if text and after.get((table, row, column), text) != text}  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT attrelid::regclass::text, attname FROM pg_attribute WHERE attstattarget = 0")
        unsampled_ones = set(cursor.fetchall())
    sampled_anew = {("generation_generation", name) for name in SAMPLED}
    assert taken >= {
        ("attribution_keptfingerprint", "codes"), ("attribution_keptfingerprint", "iscc"),
        ("credentials_credential", "verdict"), ("disputes_disputeevent", "text"),
        ("generation_generation", "prompt"), ("licensing_optout", "evidence"), ("works_work", "title"),
    }  # fmt: skip
    assert not leaks("\n".join(map(str, after.values())).encode())
    assert {one for one in taken - unsampled_ones - sampled_anew if one[1] != "state"} == set()


def samples_of_words() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_statistic WHERE starelid = 'words'::regclass")
        return int(cursor.rowcount)


def test_a_migration_says_of_which_columns_it_could_not_delete_the_samples(capsys: pytest.CaptureFixture[str]) -> None:
    run(["CREATE TABLE words (said text)", "INSERT INTO words SELECT 'kinkajou' FROM generate_series(1, 9)"])
    run(["ANALYZE words", "CREATE ROLE owner_of_words", "ALTER TABLE words OWNER TO owner_of_words"])
    try:
        if connection.cursor().connection.info.server_version >= 180000:
            run(["REVOKE MAINTAIN ON words FROM owner_of_words"])  # the owner may then do no more than before 18
        with connection.schema_editor() as editor:
            editor.execute("GRANT CREATE ON SCHEMA public TO owner_of_words")
            editor.execute("SET LOCAL ROLE owner_of_words")
            unsampled("words", "said").database_forwards("works", editor, ProjectState(), ProjectState())
        assert "words.said" in capsys.readouterr().err and samples_of_words() == 1
        with connection.schema_editor() as editor:
            unsampled("words", "said").database_forwards("works", editor, ProjectState(), ProjectState())
        assert not capsys.readouterr().err and samples_of_words() == 0
    finally:
        run(["DROP TABLE words", "DROP OWNED BY owner_of_words", "DROP ROLE owner_of_words"])


def test_fingerprints_are_found_by_their_indexes_without_samples(said: Generation) -> None:
    run(["ANALYZE"])
    with transaction.atomic():
        run(["SET LOCAL enable_seqscan = off"])
        by_code = with_iscc("ISCC:NONE", kinds=["work"]).explain()
        too_plain = KeptFingerprint.objects.filter(codes=b"", quality__gte=LEAST_QUALITY, erased_at=None).explain()
    assert "fingerprint_by_iscc" in by_code and "fingerprint_kept_as_too_plain" in too_plain


def test_openings_are_found_by_their_indexes_without_samples(said: Generation) -> None:
    run(["ANALYZE"])
    with transaction.atomic():
        run(["SET LOCAL enable_seqscan = off"])
        by_actor = Opening.objects.filter(details__actor=str(said.owner_id)).explain()
        by_image = Opening.objects.filter(details__has_key="image", details__image="sha256:0").explain()
    assert "opening_by_actor" in by_actor and "opening_by_image" in by_image
