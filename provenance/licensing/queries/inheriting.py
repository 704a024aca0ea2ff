"""Reading which terms travelled to images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, OuterRef

from provenance.compiled_query import CompiledQuery, among_texts
from provenance.licensing.inheriting import together
from provenance.licensing.models import InheritedTerms
from provenance.licensing.terms import Terms, terms_read
from provenance.works.models import Style, Work


def inherited_by(images: Iterable[str]) -> dict[str, Terms]:
    """Return the terms that travelled to some images, by the digests of their files; nothing is asked for no image."""
    wanted = list(images)
    if not wanted:
        return {}
    return {image: terms_read(terms, digest=digest) for image, terms, digest in IN_FORCE.rows(images=wanted)}


IN_FORCE = CompiledQuery(
    lambda: InheritedTerms.objects.filter(among_texts("image", "images"), lifted_at=None).values_list(
        "image", "terms", "terms_digest"
    )
)


def inherited_behind(styles: Iterable[UUID]) -> dict[UUID, Terms]:
    """Return the terms that came with the works behind some styles, all of a style's together, in two queries."""
    bound = InheritedTerms.objects.filter(image=OuterRef("work__digest"), lifted_at=None)
    listed = Style.works.through.objects.filter(Exists(bound), style_id__in=list(styles)).order_by("work_id")
    behind: dict[UUID, list[str]] = defaultdict(list)
    for style, digest in listed.values_list("style_id", "work__digest"):
        behind[style].append(digest)
    found = inherited_by({digest for digests in behind.values() for digest in digests})
    together_by_style = {style: together(found[digest] for digest in digests) for style, digests in behind.items()}
    return {style: terms for style, terms in together_by_style.items() if terms}


def inherited_of(subject_kind: str, subject_id: UUID) -> Terms | None:
    """Return the terms that came with what an offer is of: a work, or the works behind a style; None where none did."""
    if subject_kind == "style":
        return inherited_behind([subject_id]).get(subject_id)
    digests = Work.objects.filter(pk=subject_id).values_list("digest", flat=True)  # of a party's offer there is none
    return together(inherited_by(digests).values())
