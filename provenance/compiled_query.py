"""Queries that are compiled once, and asked again and again with other values.

Django writes a query's SQL anew each time it is asked. For what every request asks twice, that takes longer than the
answer: a union of six branches takes some ten milliseconds to write and one to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import (
    BooleanField,
    DateTimeField,
    Expression,
    F,
    Field,
    Func,
    Model,
    Q,
    QuerySet,
    TextField,
    UUIDField,
)
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=Model)


class Given(Expression):
    """A value that a compiled query is asked with, by its name."""

    def __init__(self, name: str, *, sql_type: str = "uuid", output_field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=output_field or UUIDField())
        self.name, self.sql_type = name, sql_type

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Return a placeholder, with this value itself in place of what will be asked with."""
        return f"%s::{self.sql_type}", [self]


def among(path: str, name: str) -> Q:
    """Return the condition that a UUID column is one of the UUIDs given under a name."""
    return _any(path, Given(name, sql_type="uuid[]"))


def among_texts(path: str, name: str) -> Q:
    """Return the condition that a text column is one of the texts given under a name."""
    return _any(path, Given(name, sql_type="text[]", output_field=TextField()))


def text(name: str) -> Given:
    """Return the text given under a name."""
    return Given(name, sql_type="text", output_field=TextField())


def moment(name: str) -> Given:
    """Return the time given under a name."""
    return Given(name, sql_type="timestamptz", output_field=DateTimeField())


def _any(path: str, given: Given) -> Q:
    return Q(Func(F(path), given, template="%(expressions)s)", arg_joiner=" = ANY(", output_field=BooleanField()))


class _Statement:
    """SQL with places for values, written once."""

    def __init__(self, sql: str, parameters: Iterable[Any]) -> None:
        self._sql, self._parameters = sql, tuple(parameters)

    def rows(self, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        asked = [values[one.name] if isinstance(one, Given) else one for one in self._parameters]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, asked)
            return cursor.fetchall()


class CompiledQuery:
    """A query of values whose SQL is written when it is first asked, and kept."""

    def __init__(self, build: Callable[[], QuerySet[Any, Any]]) -> None:
        """Take a function that builds the query, with Given where a value will stand; no other value may change."""
        self._build = build

    @cached_property
    def _statement(self) -> _Statement:
        return _Statement(*self._build().query.sql_with_params())

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows for some values, as the database driver reads them: JSON as text."""
        return self._statement.rows(values)


class CompiledObjects(Generic[M]):
    """A query of a model's objects, with what it joins, whose SQL is written when it is first asked, and kept."""

    def __init__(self, build: Callable[[], QuerySet[M, M]]) -> None:
        """Take a function that builds the query, as CompiledQuery does; it may join and defer, but not annotate."""
        self._build = build

    @cached_property
    def _compiled(self) -> tuple[_Statement, Callable[[Iterable[Any]], list[M]]]:
        """Return the statement and what makes objects of its rows, as Django's own ModelIterable does."""
        queryset = self._build()
        compiler = queryset.query.get_compiler(using=queryset.db)
        statement = _Statement(*compiler.as_sql())
        select, found = compiler.select, compiler.klass_info
        own = slice(found["select_fields"][0], found["select_fields"][-1] + 1)
        names = [column.target.attname for column, *_ in select[own]]
        converters = compiler.get_converters([column for column, *_ in select])
        joined = get_related_populators(found, select, queryset.db)

        def objects(rows: Iterable[Any]) -> list[M]:
            made = []
            for row in compiler.apply_converters(rows, converters):
                one = found["model"].from_db(queryset.db, names, row[own])
                for related in joined:
                    related.populate(row, one)
                made.append(one)
            return made

        return statement, objects

    def of(self, **values: Any) -> list[M]:
        """Return the objects for some values, in the query's order."""
        statement, objects = self._compiled
        return objects(statement.rows(values))
