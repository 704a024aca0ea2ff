"""Queries that are compiled once and asked with other values each time."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Q, Value
from django.test.utils import CaptureQueriesContext

from provenance.compiled_query import CompiledQuery, Given, among, among_texts
from provenance.works.models import Party, Work
from tests.factories.records import a_party, a_work, an_artist

pytestmark = pytest.mark.django_db


def test_each_asking_has_its_own_values_and_costs_one_statement() -> None:
    owner = an_artist()
    party = a_party("Ada", member=owner)
    works = [a_work(owner, party, seed=number, title=f"work {number}") for number in range(3)]
    built: list[int] = []

    def build() -> object:
        built.append(1)
        wanted = Work.objects.filter(among("pk", "ids") | among_texts("title", "titles"), owner_id=Given("owner"))
        return wanted.order_by().values_list(Value("work"), "title")

    query = CompiledQuery(build)  # type: ignore[arg-type]  # any query of values
    first = works[0].pk
    with CaptureQueriesContext(connection) as asked:
        assert query.rows(ids=[first], titles=["work 2"], owner=party.pk) == [("work", "work 0"), ("work", "work 2")]
        assert query.rows(ids=[works[1].pk], titles=[], owner=party.pk) == [("work", "work 1")]
        assert query.rows(ids=[], titles=[], owner=party.pk) == []
        assert query.rows(ids=[first], titles=[], owner=None) == []
    assert len(asked) == 4 and len(built) == 1


def test_values_are_no_sql() -> None:
    a_party("Ada", member=an_artist())
    query = CompiledQuery(lambda: Party.objects.filter(among_texts("name", "names")).order_by().values_list("name"))
    assert query.rows(names=["Ada"]) == [("Ada",)]
    assert query.rows(names=["') OR (1=1", "%s", "{Ada}"]) == []


def test_conditions_can_be_turned_round_and_stand_in_subqueries() -> None:
    owner = an_artist()
    party, other = a_party("Ada", member=owner), a_party("Bob", member=owner)
    a_work(owner, party, seed=1, title="one")
    a_work(owner, other, seed=2, title="two")
    query = CompiledQuery(
        lambda: Party.objects.filter(
            ~among("pk", "not"), Q(pk__in=Work.objects.filter(among_texts("title", "titles")).values("owner_id"))
        ).values_list("name")
    )
    assert query.rows(**{"not": [party.pk], "titles": ["one", "two"]}) == [("Bob",)]
