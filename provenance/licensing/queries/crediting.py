"""Whom recorded decisions credit today: an author who asked since not to be named is named in nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q

from provenance.licensing.credits import credited_to
from provenance.works.crediting import ANONYMOUS
from provenance.works.models import Style, Work
from provenance.works.queries import authors_behind

CREDITED = frozenset({"style", "adapter", "work"})


def credited_today(decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded decision without the names of authors who do not want to be named any more.

    Other names stay as they were: a credit is changed for who asks, not for who is called otherwise now.
    """
    used = [answer for answer in decision["references"] if answer["kind"] in CREDITED]
    if not used:
        return dict(decision)
    ids = {UUID(answer["id"]) for answer in used}
    concerned = Work.objects.filter(Q(pk__in=ids) | Q(styles__in=ids), author_credit__contains=ANONYMOUS)
    unnamed = {str(pk) for pair in concerned.values_list("pk", "styles") for pk in pair if pk in ids}
    if not unnamed:
        return dict(decision)
    authors = dict(Work.objects.filter(pk__in=unnamed).values_list("pk", "author_credit"))
    styles = Style.objects.select_related("owner").filter(pk__in=unnamed)
    authors |= {style.pk: authors_behind(style) for style in styles}
    now = {str(pk): author for pk, author in authors.items()}
    answers = [
        credited_to(now[answer["id"]], answer) if answer["id"] in now else answer for answer in decision["references"]
    ]
    return {**decision, "references": answers}
