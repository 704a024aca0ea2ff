"""Reading which terms travelled to images."""

from __future__ import annotations

from collections.abc import Iterable

from provenance.licensing.models import InheritedTerms
from provenance.licensing.terms import Terms, terms_read


def inherited_by(images: Iterable[str]) -> dict[str, Terms]:
    """Return the terms that travelled to some images, by the digests of their files; nothing is asked for no image."""
    wanted = list(images)
    if not wanted:
        return {}
    rows = InheritedTerms.objects.filter(image__in=wanted, lifted_at=None)
    return {row.image: terms_read(row.terms, digest=row.terms_digest) for row in rows}
