"""Keeping fingerprints, and erasing them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from provenance.actor import Actor
from provenance.attribution.events import PictureFingerprinted
from provenance.attribution.models import KeptFingerprint
from provenance.attribution.queries import kept_as_too_plain
from provenance.audit_log import actions as audit_log
from provenance.canonical import Digest, sha256_digest
from provenance.fingerprint import Fingerprint


@dataclass(frozen=True)
class Fingerprinted:
    """A picture, and what it is recognised by."""

    kind: str
    subject: UUID
    digest: Digest
    fingerprint: Fingerprint
    stage: str = ""


def record(
    kind: str, *, subject: UUID, digest: Digest, fingerprint: Fingerprint, actor: Actor, stage: str = ""
) -> KeptFingerprint:
    """Keep the fingerprint of a picture: a work, a delivered image, or an opted-out picture."""
    return record_all([Fingerprinted(kind, subject, digest, fingerprint, stage)], actor=actor)[0]


@transaction.atomic
def record_all(pictures: Iterable[Fingerprinted], *, actor: Actor) -> Sequence[KeptFingerprint]:
    """Keep the fingerprints of many pictures, each with its entry, in the order given."""
    now = timezone.now()
    rows = KeptFingerprint.objects.bulk_create(
        [
            KeptFingerprint(
                kind=one.kind,
                subject_id=one.subject,
                stage=one.stage,
                digest=one.digest,
                codes=b"".join(one.fingerprint.pdq),
                quality=one.fingerprint.quality,
                iscc=one.fingerprint.iscc,
                kept_at=now,
            )
            for one in pictures
        ],
        batch_size=500,
    )
    audit_log.append_all(_statement(row, actor) for row in rows)
    return rows


@transaction.atomic
def record_anew(row: KeptFingerprint, *, fingerprint: Fingerprint, actor: Actor) -> bool:
    """Keep the fingerprint of a picture that was kept as too plain; say whether it still was, and not erased since.

    Searching processes read the row again: it gets this transaction as the one that wrote it.
    """
    held = kept_as_too_plain().select_for_update().filter(pk=row.pk).first()
    if held is None:
        return False
    held.codes, held.quality, held.iscc = b"".join(fingerprint.pdq), fingerprint.quality, fingerprint.iscc
    held.kept_at = timezone.now()
    held.save(update_fields=["codes", "quality", "iscc", "kept_at"])
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE attribution_keptfingerprint SET written_in = pg_current_xact_id() WHERE id = %s", [held.pk]
        )
    audit_log.append(_statement(held, actor))
    return True


def _statement(row: KeptFingerprint, actor: Actor) -> PictureFingerprinted:
    return PictureFingerprinted(
        actor=actor,
        fingerprint=row.pk,
        of=row.kind,
        subject=row.subject_id,
        stage=row.stage,
        picture=row.digest,
        codes=codes_digest(bytes(row.codes), row.iscc),
    )


def codes_digest(codes: bytes, iscc: str) -> Digest:
    """Return the digest by which an entry names a fingerprint."""
    return sha256_digest(codes + iscc.encode())


def erase(kind: str, *, subjects: Iterable[UUID], at: datetime) -> int:
    """Erase what some pictures were recognised by, in the caller's transaction; return how many fingerprints went.

    Sixteen by sixteen signs of a picture's frequencies tell something of what it shows, so they go with it; digests
    stay, and an exact copy is still known. The caller appends the entry that tells why.
    """
    held = KeptFingerprint.objects.filter(kind=kind, subject_id__in=list(subjects), erased_at=None)
    return _blank(held, at=at)


def erase_under_opt_outs(digests: Iterable[Digest], *, at: datetime) -> int:
    """Erase what files of a person's images are recognised by under anybody's opt-out, as ``erase`` does.

    Only what was taken over from the image goes. A file that somebody handed in to say no to it stays as it was said.
    """
    taken_over = KeptFingerprint.objects.filter(kind="opt-out", stage=KeptFingerprint.Stage.RENDITION, erased_at=None)
    return _blank(taken_over.filter(digest__in=list(digests)), at=at)


def _blank(rows: QuerySet[KeptFingerprint], *, at: datetime) -> int:
    return rows.update(codes=b"", iscc="", quality=0, erased_at=at)


def settle_restored() -> int:
    """Give rows that came from another cluster's dump a transaction of this one; return how many.

    Theirs may lie in this cluster's future, where every search would read them again.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE attribution_keptfingerprint SET written_in = pg_current_xact_id() "
            "WHERE written_in > pg_current_xact_id()"
        )
        return int(cursor.rowcount)
