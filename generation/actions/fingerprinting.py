"""Fingerprints of images that were delivered before fingerprints were kept."""

from __future__ import annotations

from itertools import islice

import structlog
from django.db import transaction

from generation import queries
from generation.models import Output
from provenance import storage
from provenance.actor import COLOPHON
from provenance.attribution import actions as attribution
from provenance.errors import ProvenanceError
from provenance.fingerprint import fingerprint_of
from provenance.picture import decode_picture

log = structlog.get_logger(__name__)
AT_ONCE = 500
"""Images of one run: it shares a process with what must not wait long."""


def fingerprint_older() -> int:
    """Keep the fingerprints of delivered files that have none, the oldest first; return how many were kept.

    A file that is missing or altered is left to reconciliation, which names it.
    """
    attribution.settle_restored()
    kept = (output for output in queries.outputs_unfingerprinted().iterator() if _fingerprint(output))
    return len(list(islice(kept, AT_ONCE)))


def _fingerprint(output: Output) -> bool:
    try:
        fingerprint = fingerprint_of(decode_picture(storage.load(output.digest)).pixels)
    except ProvenanceError as fault:
        log.warning("not fingerprinted", image=output.digest, fault=fault.code)
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
