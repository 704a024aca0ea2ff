"""A person who asks for pictures in the very moment of the erasure: what is recorded is erased, or nothing is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from generation.actions.erasing import erase_person
from generation.actions.signing_works import manifest_of
from generation.models import Generation
from provenance import storage
from provenance.actor import COLOPHON
from provenance.audit_log.models import Entry
from provenance.credentials.actions import key_to_sign_with
from provenance.credentials.models import WorkCredential
from provenance.works.actions.parties import own_party
from server.accounts.erasing import erase_account, hold_standing
from server.accounts.models import Account
from tests.factories.records import a_model, a_request, a_work, an_artist
from tests.factories.trainings import a_studio, asked
from tests.running import wait_until
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db(transaction=True)


def somebody_waits_for_a_row() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_a_request_posted_while_its_owner_is_erased_is_refused_and_leaves_nothing() -> None:
    a_model()
    mara = an_artist()
    caller = Caller(mara)

    def post() -> object:
        try:
            return caller.post("/api/v1/generations", {"prompt": "a quillfox", "seeds": ["7"]})
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            erase_account(actor=mara.actor(), account=mara)
            posted = pool.submit(post)
            wait_until(somebody_waits_for_a_row, what="the request to wait for the erasure")
            entries = Entry.objects.count()
        answer = posted.result(60)
    is_problem(answer, 401, "not-signed-in")
    assert not Generation.objects.exists() and Entry.objects.count() == entries


def test_an_erasure_waits_for_a_request_that_came_first_and_erases_it_too() -> None:
    a_model()
    mara = an_artist()

    def erase() -> None:
        try:
            erase_account(actor=mara.actor(), account=mara)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert hold_standing(mara)
            generation = a_request(mara, prompt="a quillfox")
            erased = pool.submit(erase)
            wait_until(somebody_waits_for_a_row, what="the erasure to wait for the request")
        erased.result(60)
    generation.refresh_from_db()
    assert (generation.state, generation.prompt) == ("cancelled", "") and generation.erased_at
    assert not hold_standing(Account.objects.get(pk=mara.pk))


def test_an_erasure_waits_for_a_training_that_was_asked_for_first_and_calls_it_off() -> None:
    studio = a_studio()

    def erase() -> None:
        try:
            erase_person(actor=studio.painter.actor(), account_id=studio.painter.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            run = asked(studio)
            erased = pool.submit(erase)
            wait_until(somebody_waits_for_a_row, what="the erasure to wait for the training")
        erased.result(60)
    run.refresh_from_db()
    assert run.state == "cancelled" and run.erased_at


def test_an_erasure_waits_for_a_work_that_is_being_signed_and_erases_its_manifest_too(
    tmp_path: Path, settings: Settings
) -> None:
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"home": tmp_path / "home"})
    ada = an_artist("ada")
    work = a_work(ada, own_party(actor=ada.actor(), name="Ada"))
    key = key_to_sign_with()

    def erase() -> None:
        try:
            erase_person(actor=COLOPHON, account_id=ada.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert manifest_of(work, key=key)
            erased = pool.submit(erase)
            wait_until(somebody_waits_for_a_row, what="the erasure to wait for the signature")
        erased.result(60)
    row = WorkCredential.objects.get()
    assert row.erased_at is not None and not storage.exists(row.store_digest)
