"""Which styles, works and parties an offer of one of them reaches into."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q

from provenance.works import queries as works
from provenance.works.models import Style, Work


def touching(subject_id: UUID) -> set[UUID]:
    """Return a style, work or party with whatever a grant of it reaches into, and whose grants reach into it.

    A party's are its works, its styles and every style on its works; a work's are its owner and the styles on it;
    a style's are its owner, the works behind it and their owners.
    """
    behind = set(Work.objects.filter(styles=subject_id).values_list("pk", flat=True))
    listed = set(Work.objects.filter(owner=subject_id).values_list("pk", flat=True))
    on_it = Style.objects.filter(Q(owner=subject_id) | Q(works=subject_id) | Q(works__owner=subject_id))
    styles = set(on_it.values_list("pk", flat=True))
    return {subject_id, *behind, *listed, *styles, *owners_held(subject_id)}


def owners_held(subject_id: UUID) -> set[UUID]:
    """Return the parties by which two who change what touches each other find out: its owner, and its works' owners."""
    behind = Work.objects.filter(styles=subject_id).values_list("pk", flat=True)
    return works.owners_of([subject_id, *behind])
