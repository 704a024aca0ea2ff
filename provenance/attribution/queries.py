"""Finding recorded pictures that are near another one: codes in memory say which rows to look at, the rows decide.

The first search of a process reads all codes, 320 bytes a picture; every search then reads those that were committed
since, so a picture is found from the commit that keeps it on. ``docs/decisions/0011`` says why it is not an index.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from provenance.attribution.held_codes import held_codes
from provenance.attribution.models import KeptFingerprint
from provenance.fingerprint import SURE_WITHIN, Fingerprint, apart, distance

BYTES = 32


@dataclass(frozen=True)
class Match:
    """One recorded picture that another one is near to."""

    kind: str
    subject: UUID
    digest: str
    stage: str
    distance: int
    """Bits of 256 in which the nearest two codes differ."""
    window: int
    """Which code of the recorded picture was nearest: 0 for the whole, 1 to 9 for its windows."""
    iscc: str = ""
    """The recorded picture's ISCC code."""

    @property
    def is_sure(self) -> bool:
        """Say whether the fingerprint alone is enough to call it a match."""
        return self.distance <= SURE_WITHIN


def near(
    fingerprint: Fingerprint, *, kinds: Collection[str], within: int = SURE_WITHIN, both_ways: bool = False
) -> list[Match]:
    """Return every recorded picture of some kinds of which a picture may be a copy, the nearest first.

    The picture is compared with the recorded ones and their windows, so it may be a crop of them, and its windows with
    the same windows of theirs, so a part may be covered; both ways, its windows are compared with the recorded wholes
    too, so they may be a crop of it. A picture without enough detail
    is near to nothing.
    """
    if not fingerprint.pdq:
        return []
    codes = held_codes()
    rows = codes.near(fingerprint.pdq[0], within=within) | codes.near_in_place(fingerprint.pdq, within=within)
    if both_ways:
        rows = rows.union(*(codes.wholes_near(code, within=within) for code in fingerprint.pdq[1:]))
    found = [
        _match(row, fingerprint, both_ways=both_ways)
        for row in KeptFingerprint.objects.filter(pk__in=rows, kind__in=list(kinds)).exclude(codes=b"").order_by("pk")
    ]
    best: dict[tuple[str, UUID], Match] = {}
    for match in sorted((one for one in found if one.distance <= within), key=lambda one: one.distance):
        best.setdefault((match.kind, match.subject), match)
    return list(best.values())


def _match(row: KeptFingerprint, fingerprint: Fingerprint, *, both_ways: bool) -> Match:
    codes = codes_of(row)
    found = apart(fingerprint.pdq, codes)
    if both_ways:
        found = min(found, *((distance(code, codes[0]), 0) for code in fingerprint.pdq[1:]))
    return Match(row.kind, row.subject_id, row.digest, row.stage, *found, row.iscc)


def codes_of(row: KeptFingerprint) -> tuple[bytes, ...]:
    """Return the codes of a kept fingerprint: the whole, then its windows."""
    codes = bytes(row.codes)
    return tuple(codes[start : start + BYTES] for start in range(0, len(codes), BYTES))


def pictures_held() -> int:
    """Return among how many pictures a search looks; those that were erased since this process began count too."""
    return len(held_codes())


def subjects_with(digest: str, *, kind: str) -> set[UUID]:
    """Return the pictures of a kind that are one very file, with or without a fingerprint."""
    return set(KeptFingerprint.objects.filter(kind=kind, digest=digest).values_list("subject_id", flat=True))


def kept_of(kind: str, *, subject: UUID) -> QuerySet[KeptFingerprint]:
    """Return what is kept of a picture, by stage."""
    return KeptFingerprint.objects.filter(kind=kind, subject_id=subject, erased_at=None).order_by("stage")


def with_iscc(iscc: str, *, kinds: Collection[str]) -> QuerySet[KeptFingerprint]:
    """Return the kept fingerprints with an ISCC code."""
    return KeptFingerprint.objects.filter(iscc=iscc, kind__in=list(kinds), erased_at=None).order_by("pk")


def is_kept(kind: str, *, column: str) -> Exists:
    """Return the condition that a row's picture has a fingerprint, or had one; the column holds its subject."""
    return Exists(KeptFingerprint.objects.filter(kind=kind, subject_id=OuterRef(column)))
