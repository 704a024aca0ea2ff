"""Later forms of a delivered image: opened, changed, marked and signed again over its own manifest; each an entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from generation import image_files
from generation.actions.carrying import carried
from generation.actions.delivering import keep
from generation.actions.retouching import require_retouch
from generation.actions.stating import colophon_of, page_of
from generation.errors import RecordErased, TooManyRenditions, UnknownImage
from generation.events import RenditionMade
from generation.image_files import Form
from generation.models import Generation, Rendition
from generation.recovery import RENDITION
from generation.rendition import Change, Reason, Size, changed_pixels, check_change, edits
from generation.request import MEDIA_TYPES
from provenance import storage
from provenance.actor import Actor
from provenance.attribution import actions as attribution
from provenance.audit_log import actions as audit_log
from provenance.credentials import actions as credentials
from provenance.credentials import queries as credentials_kept
from provenance.credentials.manifest import Colophon, Opened
from provenance.credentials.marking import ENDINGS, mark
from provenance.credentials.signing import SignedImage, SigningKey, sign_image
from provenance.credentials.xmp import xmp_packet
from provenance.fingerprint import Fingerprint
from provenance.licensing.actions.inheriting import carry
from provenance.licensing.actions.opting_out import NO_FINGERPRINT, KnownForm, include_form
from provenance.picture import decode_picture
from provenance.verification.verify import verify

MOST_RENDITIONS = 50
"""Of one image: each is a file that is kept."""


@dataclass(frozen=True)
class Prepared:
    """A signed later form, with everything that its row and entry will say."""

    signed: SignedImage
    credential: credentials.Prepared
    reason: Reason
    media_type: str
    size: Size
    delivered_pixels: str
    fingerprint: Fingerprint | None = None
    """None where its pixels are those of the file it was made from."""


def make_rendition(*, actor: Actor, digest: str, change: Change, key: SigningKey) -> Rendition:
    """Make a later form of one's own image from any of its files, and record it.

    Raises UnknownImage, RecordErased, InvalidRequest for a change that cannot be made, NotARetouch or LooksLikeAnother
    for an edit elsewhere that is another picture, or TooManyRenditions; nothing is then recorded.
    """
    form = _own(actor, digest)
    data = storage.load(digest)
    check_change(change, media_type=form.file.media_type, size=Size(form.file.width, form.file.height))
    if change.retouched is not None:
        before = decode_picture(data).pixels
        require_retouch(form.output.generation, before=before, after=change.retouched, actor=actor)
    return record_rendition(_changed(form, data=data, change=change, key=key), form=form, made_by=actor)


def _own(actor: Actor, digest: str) -> Form:
    form = image_files.form_visible_to(actor, digest=digest)
    generation = form.output.generation
    if generation.owner_id != actor.account_id:  # an auditor sees others' images and still makes none of them
        raise UnknownImage()
    if generation.erased_at:
        raise RecordErased(date=f"{generation.erased_at:%Y-%m-%d}")
    _require_room(form)
    return form


def _require_room(form: Form) -> None:
    if form.output.renditions.count() >= MOST_RENDITIONS:
        raise TooManyRenditions(most=MOST_RENDITIONS)


def _changed(form: Form, *, data: bytes, change: Change, key: SigningKey) -> Prepared:
    now = timezone.now()
    pixels = changed_pixels(decode_picture(data).pixels, change)
    colophon = _colophon(form, data=data, change=change, at=now)
    marked = mark(
        pixels,
        media_type=colophon.media_type,
        packet=xmp_packet(colophon),
        label=change.label,
        quality=change.quality,
    )
    signed = sign_image(
        marked.data,
        media_type=colophon.media_type,
        colophon=replace(
            colophon,
            fingerprint=marked.delivered_fingerprint,
            watermark=carried(form, before=data, after=marked.data),
        ),
        key=key,
        timestamps=credentials.timestamp_authority(),
        is_compact=settings.ENVIRONMENT.compact_manifests,
    )
    size = Size(width=int(pixels.shape[1]), height=int(pixels.shape[0]))
    return prepared(
        signed,
        key=key,
        at=now,
        reason=change.reason,
        media_type=colophon.media_type,
        size=size,
        delivered_pixels=marked.delivered_pixels,
        fingerprint=marked.delivered_fingerprint,
    )


def prepared(
    signed: SignedImage,
    *,
    key: SigningKey,
    at: datetime,
    reason: Reason,
    media_type: str,
    size: Size,
    delivered_pixels: str,
    fingerprint: Fingerprint | None = None,
) -> Prepared:
    """Return a signed later form, its files stored and its verdict taken, ready to be recorded."""
    storage.store(signed.data)
    storage.store(signed.manifest_store)
    verdict = verify(signed.data, trust_pem=key.root_pem, reading=signed.reading).as_json()
    return Prepared(
        signed=signed,
        credential=credentials.prepare(signed, key=key, at=at, verdict=verdict),
        reason=reason,
        media_type=media_type,
        size=size,
        delivered_pixels=delivered_pixels,
        fingerprint=fingerprint,
    )


def _colophon(form: Form, *, data: bytes, change: Change, at: datetime) -> Colophon:
    output, generation = form.output, form.output.generation
    media_type = MEDIA_TYPES[change.output_format] if change.output_format else form.file.media_type
    stated = colophon_of(
        generation,
        seed=int(output.seed),
        made_at=_signed_at(form),
        raw_pixels=output.raw_pixels,
        use_id=output.use_id,
        scheduler=_scheduler(generation.settings),
        inputs={},
    )
    opened = Opened(
        image=output.digest,
        parent=form.file.digest,
        reason=change.reason,
        edited_at=at,
        data=data,
        edits=edits(change, media_type=form.file.media_type, size=Size(form.file.width, form.file.height)),
        is_composite=_was_retouched(form),
    )
    own_work = ("retouching",) if change.retouched is not None or opened.is_composite else ()
    manifest_id = f"urn:c2pa:{uuid4()}"
    return replace(
        stated,
        manifest_id=manifest_id,
        page_url=page_of(manifest_id),
        title=f"colophon-{str(output.use_id)[:8]}.{ENDINGS[media_type]}",
        media_type=media_type,
        visible_label=change.label.text if change.label else "",
        human_contribution=(*stated.human_contribution, *own_work),
        opened=opened,
    )


def _was_retouched(form: Form) -> bool:
    """Say whether a file, or one that it was made from, is an edit made elsewhere."""
    made = {one.digest: one for one in form.output.renditions.all()}
    digest = form.file.digest
    while digest in made and made[digest].reason != "retouch":
        digest = made[digest].parent
    return digest in made


def _signed_at(form: Form) -> datetime:
    credential = credentials_kept.credential_of(form.output.digest)
    return credential.signed_at if credential else form.output.delivered_at


def _scheduler(settings: Mapping[str, Any] | None) -> str:
    return str((settings or {}).get("scheduler", {}).get("class", ""))


@transaction.atomic
def record_rendition(made: Prepared, *, form: Form, made_by: Actor) -> Rendition:
    """Record a later form with its credential and entry.

    Raises RecordErased where an erasure came first, TooManyRenditions where other forms did; a late timestamp is
    never one too many.
    """
    generation = Generation.objects.select_for_update().get(pk=form.output.generation_id)
    if generation.erased_at:
        raise RecordErased(date=f"{generation.erased_at:%Y-%m-%d}")
    if made.reason != "timestamp":
        _require_room(form)
    keep(made.signed)
    credentials.record(made.credential, actor=made_by)
    rendition = Rendition(
        output=form.output,
        parent=form.file.digest,
        reason=made.reason,
        digest=made.credential.image_digest,
        manifest_id=made.signed.manifest_id,
        width=made.size.width,
        height=made.size.height,
        media_type=made.media_type,
        size_bytes=len(made.signed.data),
        delivered_pixels=made.delivered_pixels,
        made_by=made_by.account_id,
        made_at=made.credential.signed_at,
    )
    rendition.leaf = audit_log.append(_made(rendition, form=form, made_by=made_by))
    rendition.save(force_insert=True)
    carry(parent=rendition.parent, image=rendition.digest)
    if made.fingerprint is not None:
        attribution.record(
            "image",
            subject=form.output.use_id,
            digest=rendition.digest,
            fingerprint=made.fingerprint,
            actor=made_by,
            stage=RENDITION,
        )
    _include_in_opt_outs(made, form=form, made_by=made_by)  # last: nothing is listed from here to the commit
    return rendition


def _include_in_opt_outs(made: Prepared, *, form: Form, made_by: Actor) -> None:
    files = [digest for digest, _ in image_files.files_of_image(form.output.digest)]
    new = KnownForm(made.credential.image_digest, made.delivered_pixels, made.fingerprint or NO_FINGERPRINT)
    include_form(actor=made_by, files=files, form=new)


def _made(rendition: Rendition, *, form: Form, made_by: Actor) -> RenditionMade:
    return RenditionMade(
        actor=made_by,
        rendition=rendition.pk,
        generation=form.output.generation_id,
        image=form.output.digest,
        parent=rendition.parent,
        reason=rendition.reason,
        digest=rendition.digest,
        manifest=rendition.manifest_id,
        delivered_pixels=rendition.delivered_pixels,
    )
