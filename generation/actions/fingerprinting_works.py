"""Fingerprints of works that were listed before fingerprints were kept, or in a collection."""

from __future__ import annotations

from itertools import islice
from uuid import UUID

import structlog
from django.db import transaction

from generation import queries
from provenance import storage
from provenance.actor import COLOPHON
from provenance.attribution import actions as attribution
from provenance.attribution.actions import Fingerprinted
from provenance.errors import ProvenanceError
from provenance.fingerprint import fingerprint_of
from provenance.licensing.queries.opt_outs import no_reason_to_flag
from provenance.picture import FORMATS, decode_picture
from provenance.works.actions.flagging import flag_older, hold_listing
from provenance.works.models import Work

log = structlog.get_logger(__name__)
AT_ONCE = 500
"""Works of one run: it shares a process with what must not wait long."""
IN_ONE_TRANSACTION = 50
"""Nobody can list a picture until it ends."""


def fingerprint_works() -> int:
    """Keep the fingerprints of listed works that have none, the oldest first; return how many were kept.

    One that looks like a picture that was opted out, or listed before it, is flagged as a new work is. A work too plain
    for a code is kept without one, and done; files that are missing or altered are left to reconciliation.
    """
    unread = queries.works_unfingerprinted().iterator()
    pictures = islice((found for work in unread if (found := _fingerprinted(work))), AT_ONCE)
    kept = 0
    while batch := list(islice(pictures, IN_ONE_TRANSACTION)):
        kept += _keep({picture.subject: picture for picture in batch})
    return kept


def _fingerprinted(work: Work) -> Fingerprinted | None:
    """Return what a work is recognised by: its own file where that is a stored picture, else its preview."""
    own = [work.digest] if work.media_type in FORMATS.values() else []
    for digest in [*own, *filter(None, [work.preview_digest])]:
        try:
            fingerprint = fingerprint_of(decode_picture(storage.load(digest)).pixels)
        except ProvenanceError as fault:
            log.warning("not fingerprinted", work=str(work.pk), file=digest, fault=fault.code)
            continue
        return Fingerprinted("work", work.pk, digest, fingerprint)
    return None


@transaction.atomic
def _keep(pictures: dict[UUID, Fingerprinted]) -> int:
    hold_listing()
    # An erasure changes the works: what it erased in between must not come back.
    held = list(queries.works_unfingerprinted().filter(pk__in=pictures).select_for_update(of=("self",)))
    attribution.record_all([pictures[work.pk] for work in held], actor=COLOPHON)
    for work in held:
        flag_older(
            actor=COLOPHON, work=work, fingerprint=pictures[work.pk].fingerprint,
            opt_outs_passed_over=no_reason_to_flag(work.pk),
        )  # fmt: skip
    return len(held)
