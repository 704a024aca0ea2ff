"""Queries that are compiled once and asked with other values each time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.db.models import Model, Q, QuerySet, Value
from django.test.utils import CaptureQueriesContext

from provenance.compiled_query import CompiledObjects, CompiledQuery, Given, among, among_texts, moment, text
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


def test_objects_are_those_that_django_reads_with_what_they_join_and_defer() -> None:
    owner = an_artist()
    party = a_party("Ada", member=owner)
    works = [a_work(owner, party, seed=number, title=f"work {number % 2}") for number in range(3)]

    def build() -> QuerySet[Work]:
        return Work.objects.select_related("owner").defer("owner__name", "rights_evidence").order_by("-registered_at")

    query = CompiledObjects(lambda: build().filter(title=text("title")))
    for title in ("work 0", "work 1", "none"):
        found, expected = query.of(title=title), list(build().filter(title=title))
        assert [vars_of(one) for one in found] == [vars_of(one) for one in expected]
        assert [vars_of(one.owner) for one in found] == [vars_of(one.owner) for one in expected]
    (first, _) = query.of(title="work 0")
    with CaptureQueriesContext(connection) as asked:
        assert first.owner.pk == party.pk and first.get_deferred_fields() == {"rights_evidence"}
        assert not asked
        assert first.owner.name == "Ada" and len(asked) == 1
    first.title = "another"
    first.save()
    assert Work.objects.get(pk=works[2].pk).title == "another"


def vars_of(one: Model) -> dict[str, object]:
    return {name: value for name, value in vars(one).items() if name != "_state"}


def test_times_are_compared_as_times() -> None:
    owner = an_artist()
    work = a_work(owner, a_party("Ada", member=owner))
    later = CompiledObjects(lambda: Work.objects.filter(registered_at__gt=moment("at")))
    assert later.of(at=work.registered_at) == []
    assert later.of(at=work.registered_at - timedelta(microseconds=1)) == [work]


def test_objects_compiled_in_one_thread_are_read_in_another() -> None:
    a_party("Ada", member=an_artist())
    query = CompiledObjects(lambda: Party.objects.filter(name=text("name")))
    assert query.of(name="Ada")
    with ThreadPoolExecutor(1) as other:
        # Another connection, which does not see what this test has not committed: but it reads.
        assert other.submit(lambda: (query.of(name="Ada"), connections.close_all())).result() == ([], None)
