"""Asking twice with one key: one request, whatever else happens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from generation.errors import KeyReused
from generation.models import Generation
from provenance.audit_log.models import Entry
from tests.factories.records import a_model, a_request, a_style, an_artist, in_style, kinds_of_entries

pytestmark = pytest.mark.django_db


def test_the_same_key_and_body_give_the_same_generation(wakes: list[object]) -> None:
    a_model()
    artist = an_artist()
    first = a_request(artist, key="k", body="b")
    assert a_request(artist, key="k", body="b") == first
    assert Generation.objects.count() == 1 and kinds_of_entries().count("GenerationRequested") == 1
    assert len(wakes) == 1


def test_the_same_key_with_another_body_is_refused_and_changes_nothing() -> None:
    a_model()
    artist = an_artist()
    a_request(artist, key="k", body="b")
    before = Entry.objects.count()
    with pytest.raises(KeyReused):
        a_request(artist, key="k", body="c")
    assert Generation.objects.count() == 1 and Entry.objects.count() == before


def test_a_key_belongs_to_its_owner() -> None:
    a_model()
    assert a_request(an_artist("mara"), key="k") != a_request(an_artist("noa"), key="k", body="other")


def test_requests_without_a_key_are_each_their_own() -> None:
    a_model()
    artist = an_artist()
    assert a_request(artist) != a_request(artist)


def test_a_recorded_refusal_is_given_again_for_its_key() -> None:
    style, artist = a_style(a_model(), licence=""), an_artist()
    first = a_request(artist, key="k", **in_style(style))
    assert a_request(artist, key="k", **in_style(style)) == first
    assert kinds_of_entries().count("GenerationRefused") == 1


@pytest.mark.django_db(transaction=True)
def test_of_equal_requests_at_the_same_time_exactly_one_is_recorded() -> None:
    a_model()
    artist = an_artist()

    def ask(_: int) -> object:
        try:
            return a_request(artist, key="k", body="b").pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 1
    assert Generation.objects.count() == 1 and kinds_of_entries().count("GenerationRequested") == 1
