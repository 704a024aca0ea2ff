"""Bounding who may offer what, and on which terms: all who share agree, and a style is within all its works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from provenance.actor import Actor
from provenance.licensing.errors import OwnersNotAgreed, TermsTooWide, WorksNotOffered
from provenance.licensing.queries.bounds import bounds_of, owners_to_ask, parties_agreed_on, sharers_to_ask
from provenance.licensing.terms import Terms
from provenance.works.models import Style, Work
from provenance.works.queries import parties_spoken_for, party_names

MOST_NAMED = 5
"""Of how many works a refusal says which they are."""


def narrowed_to_works(terms: Terms, *, actor: Actor, style: Style) -> Terms:
    """Return a style's terms without what the works of others behind it do not allow, with what those ask besides.

    Raises WorksNotOffered, CurrenciesDiffer.
    """
    bounds = _bounds(actor, style, list(style.works.order_by("digest")))
    for bound in sorted({_widest(found) for found in bounds.values() if found}, key=Terms.digest):
        terms = terms.narrowed_to(bound)
    return terms


def require_within_works(
    offered: Iterable[Terms], *, actor: Actor, style: Style, works: Iterable[Work] | None = None
) -> None:
    """Raise TermsTooWide unless each of some terms is within those of every work of others behind a style.

    The works are those that it stands on, or is to stand on. Raises WorksNotOffered.
    """
    behind = list(style.works.order_by("digest") if works is None else works)
    bounds = _bounds(actor, style, behind)
    named = {work.pk: work for work in behind}
    for terms in offered:
        for work, found in bounds.items():
            if found and not any(terms.is_within(bound) for bound in found):
                raise TermsTooWide(licence=terms.licence, work=_named(named[work]))


def _bounds(actor: Actor, style: Style, behind: Sequence[Work]) -> Mapping[UUID, tuple[Terms, ...]]:
    """Return the terms of each work of others, none for one whose owners all have a part in offering the style.

    These are the parties that the actor acts for, and those that agreed on the style's split. An own work that is
    offered together counts as one of others unless all of these have: its offer says what they agreed to.
    Raises WorksNotOffered.
    """
    offering = {style.owner_id, *parties_spoken_for(actor.account_id), *parties_agreed_on(style)}
    asked = owners_to_ask(behind, owner=style.owner_id)
    unasked = [work for work in behind if not asked[work.pk] <= offering]
    bounds = bounds_of({*unasked, *(work for work in behind if work.owner_id != style.owner_id)})
    if missing := [work for work in unasked if not bounds[work.pk]]:
        raise WorksNotOffered(style=style.name, works=_list_of(missing), number=len(missing))
    return bounds


def require_agreed(actor: Actor, *, subject_id: UUID) -> None:
    """Raise OwnersNotAgreed where others share in a style or work, and their split does not let its owner offer it.

    Colophon's own first start acts for everybody whom it records from public licences.
    """
    others = sharers_to_ask([subject_id]).get(subject_id, set()) - parties_spoken_for(actor.account_id)
    if others and actor.account_id is not None:
        raise OwnersNotAgreed(parties=", ".join(party_names(others)))


def _list_of(works: Sequence[Work]) -> str:
    more = ", …" if len(works) > MOST_NAMED else ""
    return ", ".join(_named(work) for work in works[:MOST_NAMED]) + more


def _named(work: Work) -> str:
    """Return the title of a work where anybody may read it, the id of a private one."""
    return f"“{work.title}”" if work.licence else str(work.pk)


def _widest(bounds: Sequence[Terms]) -> Terms:
    return max(bounds, key=lambda terms: (len(terms.permissions), -len(terms.duties)))
