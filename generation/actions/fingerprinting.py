"""Fingerprints of images and their later forms from before fingerprints were kept, and of what was too plain then."""

from __future__ import annotations

from itertools import chain, islice

import structlog
from django.db import transaction

from generation import queries
from generation.models import Output, Rendition
from generation.recovery import RENDITION
from provenance import storage
from provenance.actor import COLOPHON
from provenance.attribution import actions as attribution
from provenance.attribution.queries import kept_as_too_plain
from provenance.errors import ProvenanceError
from provenance.fingerprint import Fingerprint, fingerprint_of
from provenance.picture import decode_picture

log = structlog.get_logger(__name__)
AT_ONCE = 500
"""Images of one run: it shares a process with what must not wait long."""


def fingerprint_older() -> int:
    """Keep the fingerprints of delivered files that have none, the oldest first; return how many were kept.

    A file that is missing or altered is left to reconciliation, which names it.
    """
    attribution.settle_restored()
    firsts = (output for output in queries.outputs_unfingerprinted().iterator() if _fingerprint(output))
    later = (form for form in queries.renditions_unfingerprinted().iterator() if _fingerprint_form(form))
    return len(list(islice(chain(firsts, later), AT_ONCE)))


def fingerprint_plain() -> int:
    """Record anew, once, what was kept of works and images as too plain for codes; return how many were done.

    One that proves to be featureless is done without codes. A file that is missing or altered is left to
    reconciliation, which names it.
    """
    pictures = ((row, _read(row.digest)) for row in kept_as_too_plain().iterator())
    done = (row for row, read in pictures if read and attribution.record_anew(row, fingerprint=read, actor=COLOPHON))
    return len(list(islice(done, AT_ONCE)))


def _read(digest: str) -> Fingerprint | None:
    try:
        return fingerprint_of(decode_picture(storage.load(digest)).pixels)
    except ProvenanceError as fault:
        log.warning("not fingerprinted", image=digest, fault=fault.code)
        return None


def _fingerprint(output: Output) -> bool:
    fingerprint = _read(output.digest)
    if fingerprint is None:
        return False
    with transaction.atomic():
        # An erasure locks the request: what it erased in between must not come back.
        held = queries.outputs_unfingerprinted().select_related("generation").select_for_update(of=("generation",))
        if not held.filter(pk=output.pk):
            return False
        attribution.record(
            "image",
            subject=output.use_id,
            digest=output.digest,
            fingerprint=fingerprint,
            actor=COLOPHON,
            stage="delivered",
        )
    return True


def _fingerprint_form(form: Rendition) -> bool:
    fingerprint = _read(form.digest)
    if fingerprint is None:
        return False
    with transaction.atomic():
        # As above: an erasure locks the request.
        unread = queries.renditions_unfingerprinted().select_related("output__generation")
        held = unread.select_for_update(of=("output__generation",)).filter(pk=form.pk).first()
        if held is None:
            return False
        attribution.record(
            "image",
            subject=held.output.use_id,
            digest=held.digest,
            fingerprint=fingerprint,
            actor=COLOPHON,
            stage=RENDITION,
        )
    return True
