"""Listing pictures as a party's own works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from provenance import storage
from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.canonical import pixel_digest, sha256_digest
from provenance.picture import decode_picture
from provenance.works import queries
from provenance.works.actions.keeping import keep
from provenance.works.actions.parties import require_member
from provenance.works.errors import already_listed
from provenance.works.events import CollectionRegistered, WorkRegistered
from provenance.works.models import Party, Work


def register_work(
    *,
    actor: Actor,
    party: Party,
    data: bytes,
    title: str,
    author: str = "",
    rights_evidence: str = "",
    licence: str = "",
) -> Work:
    """List a picture as a party's own work; the file is stored first, then row and entry together.

    Raises NotAPicture or PictureTooLarge for the file, WorkAlreadyListed for somebody else's picture.
    """
    require_member(actor, party)
    picture = decode_picture(data)
    pixels = pixel_digest(picture.pixels)
    with transaction.atomic():
        storage.hold(pixels)  # of two that list the same picture at once, the second finds the first
        keep(data)
        same = queries.works_with(digest=sha256_digest(data), pixel_digest=pixels).first()
        if same and same.owner_id == party.pk:
            return same
        if same:
            is_seen = queries.works_visible_to(actor).filter(pk=same.pk).exists()
            raise already_listed(same.title if is_seen else "")
        work = Work.objects.create(
            title=title,
            owner=party,
            author_credit=author or party.name,
            digest=sha256_digest(data),
            pixel_digest=pixels,
            media_type=picture.media_type,
            width=picture.width,
            height=picture.height,
            rights_evidence=rights_evidence,
            licence=licence,
            registered_at=timezone.now(),
        )
        audit_log.append(
            WorkRegistered(
                actor=actor,
                work=work.pk,
                party=party.pk,
                digest=work.digest,
                pixel_digest=pixels,
                title=title,
                licence=licence,
            )
        )
    return work


@transaction.atomic
def register_collection(
    *, actor: Actor, party: Party, rows: Iterable[Mapping[str, Any]], manifest: str
) -> Sequence[Work]:
    """List many works of one party from a manifest, in one entry; works that stand are kept."""
    now = timezone.now()
    works = [Work(owner=party, registered_at=now, **row) for row in rows]
    known = set(Work.objects.filter(owner=party).values_list("digest", flat=True))
    fresh = [work for work in works if work.digest not in known]
    Work.objects.bulk_create(fresh, batch_size=500)
    if fresh:
        audit_log.append(CollectionRegistered(actor=actor, party=party.pk, works=len(fresh), manifest=manifest))
    return list(Work.objects.filter(owner=party, digest__in=[work.digest for work in works]))
