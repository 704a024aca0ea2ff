"""Timestamps that came late: while an authority was down pictures left without one; later each gets its update."""

from __future__ import annotations

from uuid import uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from generation import image_files
from generation.actions.renditions import prepared, record_rendition
from generation.errors import RecordErased
from generation.events import StampGivenUp
from generation.image_files import Form
from generation.models import Generation
from generation.rendition import Size
from provenance import storage
from provenance.actor import COLOPHON
from provenance.audit_log import actions as audit_log
from provenance.credentials import actions as credentials
from provenance.credentials import queries as credentials_kept
from provenance.credentials.errors import NotStampable, SigningFailed
from provenance.credentials.manifest import Software
from provenance.credentials.signing import SignedImage, SigningKey
from provenance.credentials.timestamps import TimestampAuthority
from provenance.credentials.updating import stamp_later
from provenance.errors import Fault, FileAltered, FileMissing

log = structlog.get_logger(__name__)
AT_ONCE = 20
"""Files that one run stamps; the next run goes on."""


def stamp_waiting(*, key: SigningKey) -> int:
    """Give files that left without a timestamp an update manifest that holds one; return how many got it.

    While the authority is down or the disk is full nothing changes, and the next run asks again. A file that never can
    be stamped stops waiting, with an entry that says why.
    """
    timestamps = credentials.timestamp_authority()
    if timestamps is None or not timestamps.is_awake:
        return 0
    stamped = 0
    for digest in credentials_kept.waiting_for_stamp(most=AT_ONCE):
        try:
            stamped += _stamp(digest, key=key, timestamps=timestamps)
        except (NotStampable, FileMissing, FileAltered, RecordErased) as error:  # lost files reconciling finds
            _give_up(digest, reason=error.said("en"))
        except SigningFailed:
            timestamps.rest()
            log.warning("timestamp authority still down", waiting=digest)
            break
        except Fault as error:  # such as a full disk, which says nothing of this file
            log.warning("stamping stopped", waiting=digest, fault=error.code)
            break
    return stamped


def _stamp(digest: str, *, key: SigningKey, timestamps: TimestampAuthority) -> bool:
    forms = image_files.forms_with(digest=digest)
    if not forms or forms[0].output.generation.erased_at:
        return False
    (form,) = forms
    signed = stamp_later(
        storage.load(digest),
        manifest_id=f"urn:c2pa:{uuid4()}",
        software=Software(name="Colophon", version=settings.VERSION),
        key=key,
        timestamps=timestamps,
    )
    return _record(form, signed=signed, key=key)


@transaction.atomic
def _record(form: Form, *, signed: SignedImage, key: SigningKey) -> bool:
    made = prepared(
        signed,
        key=key,
        at=timezone.now(),
        reason="timestamp",
        media_type=form.file.media_type,
        size=Size(form.file.width, form.file.height),
        delivered_pixels=form.file.delivered_pixels,
    )
    Generation.objects.select_for_update().get(pk=form.output.generation_id)  # first, as an erasure does
    if not credentials.hold_waiting_for_stamp(form.file.digest):
        return False  # another run was faster
    record_rendition(made, form=form, made_by=COLOPHON)
    credentials.stop_waiting_for_stamp(form.file.digest)
    return True


@transaction.atomic
def _give_up(digest: str, *, reason: str) -> None:
    log.warning("no timestamp can be added", image=digest, reason=reason)
    credentials.stop_waiting_for_stamp(digest)
    audit_log.append(StampGivenUp(actor=COLOPHON, image=digest, reason=reason))
