"""Listing a picture as a work, with the conditions that come with it where it is a copy of a delivered image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db import transaction

from provenance.actor import Actor
from provenance.attribution import queries as fingerprints
from provenance.canonical import Digest
from provenance.fingerprint import Fingerprint
from provenance.licensing.actions.inheriting import bind_copy
from provenance.licensing.actions.offering import offer_openly
from provenance.licensing.models import InheritedTerms
from provenance.licensing.queries.inheriting import inherited_by
from provenance.licensing.queries.offers import is_offered
from provenance.works.actions.flagging import flag_copies
from provenance.works.actions.listing import register_work
from provenance.works.models import Party, Work
from provenance.works.queries import accounts_of, not_before

CameBy = Literal["file", "pixels", "likeness"]


@dataclass(frozen=True)
class Delivered:
    """A delivered image that a picture is, or may be, a copy of."""

    image: Digest
    """Of its file that fits, for a later form has the terms of the one it was made from."""
    use: UUID
    owner: UUID
    """The account that it was delivered to."""
    at: datetime
    came_by: CameBy
    distance: int = 0


Copied = Callable[[Digest, Digest, Fingerprint], Sequence[Delivered]]
"""Returns the delivered images that a file is, has the pixels of, or looks like: the first of these that fit."""


@transaction.atomic
def list_work(
    *, actor: Actor, party: Party, data: bytes, licence: str, copied: Copied | None = None, **said: Any
) -> Work:
    """List a picture as a party's own work, bound by the conditions of what it copies, and offer it where asked.

    A copy of an image with conditions that was delivered to somebody else waits for an auditor.
    Raises what registering a work raises, and TermsTooWide for a licence that the conditions do not allow.
    """
    work = register_work(actor=actor, party=party, data=data, licence=licence, **said)
    if copied:
        _bind(work, actor=actor, copied=copied)
    if licence and work.licence == licence and not is_offered(work.pk):
        offer_openly(actor=actor, party=party, subject_kind="work", subject_id=work.pk, licence=licence)
    return work


def _bind(work: Work, *, actor: Actor, copied: Copied) -> None:
    """Bind a work by the pictures that were there before it: what was made with it later is no source of it."""
    fingerprint = fingerprints.fingerprint_kept("work", subject=work.pk)
    found = copied(work.digest, work.pixel_digest, fingerprint)
    images = [image for image in found if image.at <= work.registered_at]
    binding = inherited_by(image.image for image in images)
    _flag_what_was_others(work, [image for image in images if image.image in binding], actor=actor)
    if images and images[0].came_by != "likeness":  # an exact copy: what else is near it does not matter
        bind_copy(work=work, images=list(binding), came_by=InheritedTerms.CameBy.PIXELS)
        return
    near = fingerprints.near(fingerprint, kinds=["work"], both_ways=True)
    later = not_before(work, near) | {work.pk}
    alike = [match.digest for match in near if match.subject not in later]
    bind_copy(work=work, images=[*binding, *alike], came_by=InheritedTerms.CameBy.LIKENESS)


def _flag_what_was_others(work: Work, images: Sequence[Delivered], *, actor: Actor) -> None:
    own = {*accounts_of(work.owner_id), actor.account_id}
    decided = set(work.flags.filter(against_kind="image").values_list("against_id", flat=True))
    others = {image.use: image.distance for image in images if image.owner not in own and image.use not in decided}
    if others:
        flag_copies(actor=actor, work=work, of_images=others)
