"""Finding recorded pictures that are near another one: codes in memory say which rows to look at, the rows decide.

The first search of a process reads all codes, 320 bytes a picture; every search then reads those that were committed
since, so a picture is found from the commit that keeps it on. ``docs/decisions/0011`` says why it is not an index.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from provenance.attribution.flat_codes import CODES, FlatCodes
from provenance.attribution.held_codes import held_codes
from provenance.attribution.models import KeptFingerprint
from provenance.fingerprint import (
    LEAST_QUALITY,
    PLAIN_BELOW,
    SHIFTED_WITHIN,
    SURE_WITHIN,
    Fingerprint,
    Look,
    apart,
    distance,
)

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
    is_plain: bool = False
    """Whether one of the two has so little detail that near codes prove nothing."""

    @property
    def is_sure(self) -> bool:
        """Say whether the fingerprint alone is enough to call it a match."""
        return self.distance <= SURE_WITHIN and not self.is_plain


def near(
    fingerprint: Fingerprint | Look,
    *,
    kinds: Collection[str],
    within: int = SURE_WITHIN,
    both_ways: bool = False,
    loosely: bool = False,
) -> list[Match]:
    """Return every recorded picture of some kinds of which a picture may be a copy, the nearest first.

    The picture is compared with the recorded ones and their windows, so it may be a crop of them, and its windows with
    the same windows of theirs, so a part may be covered; both ways, its windows are compared with the recorded wholes
    too, so they may be a crop of it. A picture without enough detail is near to nothing. Loosely, plain pictures are
    compared too, and the picture is moved a little where nothing is surely it: good for asking whose copy it may be,
    not for holding something against it.
    """
    files = near_files(fingerprint, kinds=kinds, within=within, both_ways=both_ways, loosely=loosely)
    best: dict[tuple[str, UUID], Match] = {}
    for match in files:
        best.setdefault((match.kind, match.subject), match)
    return list(best.values())


def near_files(
    fingerprint: Fingerprint | Look,
    *,
    kinds: Collection[str],
    within: int,
    both_ways: bool = False,
    loosely: bool = False,
) -> list[Match]:
    """Return every file of recorded pictures that ``near`` looks at, so several of one picture, the nearest first."""
    if not fingerprint.pdq or (fingerprint.is_plain and not loosely):
        return []
    wholes = [(place, fingerprint.pdq[0]) for place in range(CODES)]
    asked = [*wholes, *((place, code) for place, code in enumerate(fingerprint.pdq) if place)]
    if both_ways:
        asked += [(0, code) for code in fingerprint.pdq[1:]]
    held = held_codes()
    found = _matches(fingerprint, asked, held=held, kinds=kinds, within=within, both_ways=both_ways, loosely=loosely)
    if loosely and not any(one.is_sure for one in found) and (shifted := fingerprint.shifted):
        moved = [(place, code) for code in shifted for place in range(1, CODES)]
        nearer = min(within, SHIFTED_WITHIN)
        further = _matches(fingerprint, moved, held=held, kinds=kinds, within=nearer, loosely=True, shifted=shifted)
        found = sorted([*found, *further], key=lambda one: one.distance)
    return found


def _matches(
    fingerprint: Fingerprint | Look,
    asked: Sequence[tuple[int, bytes]],
    *,
    held: FlatCodes,
    kinds: Collection[str],
    within: int,
    loosely: bool,
    both_ways: bool = False,
    shifted: tuple[bytes, ...] = (),
) -> list[Match]:
    rows = held.rows_near(asked, within=within)
    if not rows:
        return []
    kept = KeptFingerprint.objects.filter(pk__in=rows, kind__in=list(kinds)).exclude(codes=b"").order_by("pk")
    if not loosely:
        kept = kept.filter(quality__gte=PLAIN_BELOW)
    found = [_match(row, fingerprint, both_ways=both_ways, shifted=shifted) for row in kept]
    return sorted((one for one in found if one.distance <= within), key=lambda one: one.distance)


def _match(
    row: KeptFingerprint, fingerprint: Fingerprint | Look, *, both_ways: bool, shifted: tuple[bytes, ...]
) -> Match:
    codes = codes_of(row)
    found = apart(fingerprint.pdq, codes, shifted=shifted)
    if both_ways:
        found = min(found, *((distance(code, codes[0]), 0) for code in fingerprint.pdq[1:]))
    is_plain = fingerprint.is_plain or row.quality < PLAIN_BELOW
    return Match(row.kind, row.subject_id, row.digest, row.stage, *found, row.iscc, is_plain)


def codes_of(row: KeptFingerprint) -> tuple[bytes, ...]:
    """Return the codes of a kept fingerprint: the whole, then its windows."""
    codes = bytes(row.codes)
    return tuple(codes[start : start + BYTES] for start in range(0, len(codes), BYTES))


def pictures_held() -> int:
    """Return among how many pictures a search looks; those that were erased since this process began count too."""
    return len(held_codes())


def subjects_with(*digests: str, kind: str) -> set[UUID]:
    """Return the pictures of a kind that are one of these very files, with or without a fingerprint."""
    return set(KeptFingerprint.objects.filter(kind=kind, digest__in=digests).values_list("subject_id", flat=True))


def kept_of(kind: str, *, subject: UUID) -> QuerySet[KeptFingerprint]:
    """Return what is kept of a picture, by stage."""
    return KeptFingerprint.objects.filter(kind=kind, subject_id=subject, erased_at=None).order_by("stage")


def fingerprint_kept(kind: str, *, subject: UUID) -> Fingerprint:
    """Return the fingerprint that is kept of a picture, at its first stage; an empty one where none is."""
    kept = kept_of(kind, subject=subject).first()
    if kept is None:
        return Fingerprint(pdq=(), quality=0, iscc="")
    return Fingerprint(pdq=codes_of(kept), quality=kept.quality, iscc=kept.iscc)


def with_iscc(iscc: str, *, kinds: Collection[str]) -> QuerySet[KeptFingerprint]:
    """Return the kept fingerprints with an ISCC code."""
    return KeptFingerprint.objects.filter(iscc=iscc, kind__in=list(kinds), erased_at=None).order_by("pk")


def kept_as_too_plain() -> QuerySet[KeptFingerprint]:
    """Return what is kept of works and images, in each form that is a file, without codes though they would have some.

    They were too plain for any when they were kept (decision 0030); one that is featureless is none of them. The oldest
    first, none erased.
    """
    uncoded = KeptFingerprint.objects.filter(codes=b"", quality__gte=LEAST_QUALITY, erased_at=None)
    return uncoded.filter(kind__in=["work", "image"]).exclude(stage="raw").order_by("pk")


def is_form_kept(*, digest: str) -> Exists:
    """Return the condition that a later form of an image has a fingerprint, or had one; the column holds its digest."""
    forms = KeptFingerprint.objects.filter(kind="image", stage=KeptFingerprint.Stage.RENDITION)
    return Exists(forms.filter(digest=OuterRef(digest)))


def is_kept(kind: str, *, column: str) -> Exists:
    """Return the condition that a row's picture has a fingerprint, or had one; the column holds its subject."""
    return Exists(KeptFingerprint.objects.filter(kind=kind, subject_id=OuterRef(column)))
