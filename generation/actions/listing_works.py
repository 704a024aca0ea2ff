"""Listing a picture as a work where images are delivered: held against disputes, and bound by what it copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from generation import image_files
from generation.actions.disputing import require_undisputed
from generation.image_files import Form
from generation.recovery import outputs_by_use
from provenance.actor import Actor
from provenance.attribution import queries as attribution
from provenance.canonical import Digest
from provenance.fingerprint import Fingerprint
from provenance.licensing.actions import listing
from provenance.licensing.actions.listing import CameBy, Delivered
from provenance.works.models import Party, Work


def list_work(*, actor: Actor, party: Party, data: bytes, licence: str, **said: Any) -> Work:
    """List a picture as a party's own work, with the conditions of the delivered images that it is or may be a copy of.

    Raises ImageDisputed for an image in dispute, and what listing a work raises.
    """
    return listing.list_work(
        actor=actor, party=party, data=data, licence=licence, admit=require_undisputed, copied=delivered_like, **said
    )


def delivered_like(digest: Digest, pixels: Digest, fingerprint: Fingerprint) -> Sequence[Delivered]:
    """Return the delivered images that a file is; else that have its pixels; else that are near it, within 31 bits."""
    if forms := image_files.forms_with(digest=digest):
        return [_delivered(form, "file") for form in forms]
    if forms := image_files.forms_with(delivered_pixels=pixels):
        return [_delivered(form, "pixels") for form in forms]
    near = attribution.near(fingerprint, kinds=["image"], both_ways=True)
    outputs = outputs_by_use(match.subject for match in near)
    return [
        _delivered(Form(outputs[match.subject]), "likeness", distance=match.distance)
        for match in near
        if match.subject in outputs
    ]


def _delivered(form: Form, came_by: CameBy, *, distance: int = 0) -> Delivered:
    output = form.output
    at = form.rendition.made_at if form.rendition else output.delivered_at
    return Delivered(form.file.digest, output.use_id, output.generation.owner_id, at, came_by, distance)
