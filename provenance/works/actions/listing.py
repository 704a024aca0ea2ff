"""Listing pictures as a party's own works."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from provenance.actor import Actor
from provenance.attribution import actions as fingerprints
from provenance.audit_log import actions as audit_log
from provenance.canonical import pixel_digest, sha256_digest
from provenance.fingerprint import fingerprint_of
from provenance.picture import decode_picture
from provenance.works import queries
from provenance.works.actions.flagging import flag_lookalikes, hold_listing, state_by_flags
from provenance.works.actions.keeping import keep
from provenance.works.actions.parties import require_member
from provenance.works.crediting import credit_line
from provenance.works.errors import WrongState, already_listed
from provenance.works.events import (
    CollectionRegistered,
    WorkBroughtBack,
    WorkCredited,
    WorkRegistered,
    WorkWithdrawn,
)
from provenance.works.models import Party, Work


def register_work(
    *,
    actor: Actor,
    party: Party,
    data: bytes,
    title: str,
    title_zh: str = "",
    author: str = "",
    authors: Sequence[str | None] = (),
    rights_evidence: str = "",
    licence: str = "",
    source_url: str = "",
    admit: Callable[[str, str], None] | None = None,
) -> Work:
    """List a picture as a party's own work; the file is stored first, then row and entries together.

    One that looks like somebody else's is flagged: it cannot be used until an auditor has seen both.
    Raises NotAPicture or PictureTooLarge for the file, WorkAlreadyListed for somebody else's picture, and what
    ``admit`` raises for the digests of the file and of its pixels, while no other picture is being listed.
    """
    if actor.account_id is not None:
        require_member(actor, party)
    picture = decode_picture(data)
    pixels = pixel_digest(picture.pixels)
    fingerprint = fingerprint_of(picture.pixels)
    with transaction.atomic():
        hold_listing()
        keep(data)
        same = queries.works_with(digest=sha256_digest(data), pixel_digest=pixels).first()
        if same and same.owner_id == party.pk:
            return same
        if admit:
            admit(sha256_digest(data), pixels)
        if same:
            is_seen = queries.works_visible_to(actor).filter(pk=same.pk).exists()
            raise already_listed(same.title if is_seen else "")
        named = list(authors) or [author or party.name]
        work = Work.objects.create(
            title=title,
            title_zh=title_zh,
            owner=party,
            author_credit=credit_line(named),
            authors=named,
            digest=sha256_digest(data),
            pixel_digest=pixels,
            media_type=picture.media_type,
            width=picture.width,
            height=picture.height,
            rights_evidence=rights_evidence,
            licence=licence,
            source_url=source_url,
            registered_at=timezone.now(),
        )
        audit_log.append(_registered(actor, work))
        fingerprints.record(
            "work", subject=work.pk, digest=work.digest, fingerprint=fingerprint, actor=actor
        )
        flag_lookalikes(actor=actor, work=work, fingerprint=fingerprint)
    return work


def _registered(actor: Actor, work: Work) -> WorkRegistered:
    return WorkRegistered(
        actor=actor,
        work=work.pk,
        party=work.owner_id,
        digest=work.digest,
        pixel_digest=work.pixel_digest,
        title=work.title,
        licence=work.licence,
    )


@transaction.atomic
def credit_authors(*, actor: Actor, work: Work, authors: Sequence[str | None]) -> Work:
    """Name a work's authors anew, as they ask for it: by another name, or not at all. Raises NotTheOwner."""
    require_member(actor, work.owner)
    held = Work.objects.select_for_update(of=("self",)).get(pk=work.pk)
    held.authors, held.author_credit = list(authors), credit_line(authors)
    held.save(update_fields=["authors", "author_credit"])
    audit_log.append(WorkCredited(actor=actor, work=held.pk, party=held.owner_id, authors=list(authors)))
    return held


@transaction.atomic
def withdraw_work(*, actor: Actor, work: Work) -> Work:
    """Take a work back: it and the styles on it cannot be used. Raises NotTheOwner, WrongState."""
    require_member(actor, work.owner)
    held = Work.objects.select_for_update(of=("self",)).get(pk=work.pk)
    if held.state not in {Work.State.ACTIVE, Work.State.FLAGGED}:  # a dispute is not ended by walking away from it
        raise WrongState(name=held.title, state=held.state)
    held.state = Work.State.WITHDRAWN
    held.save(update_fields=["state"])
    audit_log.append(WorkWithdrawn(actor=actor, work=held.pk, party=held.owner_id))
    return held


@transaction.atomic
def bring_back_work(*, actor: Actor, work: Work) -> Work:
    """Let a withdrawn work stand again, flagged where an auditor has not decided. Raises NotTheOwner, WrongState."""
    require_member(actor, work.owner)
    held = Work.objects.select_for_update(of=("self",)).get(pk=work.pk)
    if held.state != Work.State.WITHDRAWN or held.erased_at:
        raise WrongState(name=held.title, state=held.state)
    held.state = state_by_flags(held)
    held.save(update_fields=["state"])
    audit_log.append(WorkBroughtBack(actor=actor, work=held.pk, party=held.owner_id))
    return held


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
