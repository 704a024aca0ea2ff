"""What the database's planner keeps of rows: no person's words, so that none outlive an erasure there."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pytest
from django.db import connection, transaction

from generation.actions.erasing import BLANKED, SAMPLED, erase_person
from generation.actions.rendering import render_next
from generation.models import Generation
from provenance.actor import COLOPHON
from provenance.audit_log.models import Opening
from tests.database.test_disputes import given
from tests.factories.records import a_model, a_party, a_request, a_work, a_worker, an_artist, as_image
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


def test_openings_are_found_by_their_indexes_without_samples(said: Generation) -> None:
    run(["ANALYZE"])
    with transaction.atomic():
        run(["SET LOCAL enable_seqscan = off"])
        by_actor = Opening.objects.filter(details__actor=str(said.owner_id)).explain()
        by_image = Opening.objects.filter(details__has_key="image", details__image="sha256:0").explain()
    assert "opening_by_actor" in by_actor and "opening_by_image" in by_image
