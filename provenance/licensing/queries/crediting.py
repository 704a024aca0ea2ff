"""Whom recorded decisions credit today: an author who asked since not to be named is named in nothing more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from provenance.compiled_query import CompiledQuery, among
from provenance.licensing.credits import credited_to
from provenance.works.crediting import ANONYMOUS
from provenance.works.models import Style, Work
from provenance.works.queries import authors_behind, styles_with

CREDITED = frozenset({"style", "adapter", "work"})


def credited_today(decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded decision without the names of authors who do not want to be named any more.

    Other names stay as they were: a credit is changed for who asks, not for who is called otherwise now.
    """
    return all_credited_today([decision])[0]


def all_credited_today(decisions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return some recorded decisions as ``credited_today`` does, in their order; a page costs what one does."""
    recorded = list(decisions)
    now = _unnamed({UUID(row["id"]) for one in recorded for row in one["references"] if row["kind"] in CREDITED})
    return [_changed(one, now) for one in recorded]


def _unnamed_among(ids: Collection[UUID]) -> set[UUID]:
    """Return those of some works and styles of which an author stays anonymous: one query, by an index for each."""
    return {pk for (pk,) in UNNAMED.rows(ids=list(ids))}


def _unnamed_behind() -> QuerySet[Any, Any]:
    works = Work.objects.filter(among("pk", "ids"), author_credit__contains=ANONYMOUS).order_by()
    behind = Style.works.through.objects.filter(among("style_id", "ids"), work__author_credit__contains=ANONYMOUS)
    return works.values_list("pk").union(behind.order_by().values_list("style_id"))


UNNAMED = CompiledQuery(_unnamed_behind)


def _unnamed(used: Collection[UUID]) -> dict[str, str]:
    """Return how those of some works and styles are credited now of which an author is not to be named, by id."""
    unnamed = _unnamed_among(used) if used else set()
    if not unnamed:
        return {}
    authors = dict(Work.objects.filter(pk__in=unnamed).values_list("pk", "author_credit"))
    styles = styles_with(str(pk) for pk in unnamed - authors.keys())
    return {str(pk): author for pk, author in authors.items()} | {str(one.pk): authors_behind(one) for one in styles}


def _changed(decision: Mapping[str, Any], now: Mapping[str, str]) -> dict[str, Any]:
    answers = decision["references"]
    if not any(answer["id"] in now for answer in answers):
        return dict(decision)
    changed = [credited_to(now[answer["id"]], answer) if answer["id"] in now else answer for answer in answers]
    return {**decision, "references": changed}
