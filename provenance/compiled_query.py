"""Queries that are compiled once, and asked again and again with other values.

Django writes a query's SQL anew each time it is asked. For what every request asks twice, that takes longer than the
answer: a union of six branches takes some ten milliseconds to write and one to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Expression, F, Field, Func, Q, QuerySet, TextField, UUIDField


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


def _any(path: str, given: Given) -> Q:
    return Q(Func(F(path), given, template="%(expressions)s)", arg_joiner=" = ANY(", output_field=BooleanField()))


class CompiledQuery:
    """A query of values whose SQL is written when it is first asked, and kept."""

    def __init__(self, build: Callable[[], QuerySet[Any, Any]]) -> None:
        """Take a function that builds the query, with Given where a value will stand; no other value may change."""
        self._build = build

    @cached_property
    def _statement(self) -> tuple[str, Sequence[Any]]:
        sql, parameters = self._build().query.sql_with_params()
        return sql, tuple(parameters)

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows for some values, as the database driver reads them: JSON as text."""
        sql, parameters = self._statement
        asked = [values[value.name] if isinstance(value, Given) else value for value in parameters]
        with connection.cursor() as cursor:
            cursor.execute(sql, asked)
            return cursor.fetchall()
