"""Erasing what names a person in parties, works and styles."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat, Left

from provenance.attribution import actions as fingerprints
from provenance.canonical import Digest
from provenance.works import queries
from provenance.works.models import Flag, Party, PartyMember, Style, Work


def erase_holdings(parties: Iterable[UUID], *, account_id: UUID, at: datetime) -> set[Digest]:
    """Erase what names a person in its parties, works and styles, in the caller's transaction; return their files.

    Nothing of them can be used again; digests stay. The caller deletes the files once it has committed, and appends
    the entry that tells why.
    """
    wanted = list(parties)
    works, styles = queries.holdings_of(wanted)
    files = {digest for pair in works.values_list("digest", "preview_digest") for digest in pair}
    files.update(styles.values_list("adapter_digest", flat=True))
    ids = list(works.values_list("pk", flat=True))
    fingerprints.erase("work", subjects=ids, at=at)
    Flag.objects.filter(work__in=ids).update(reason="")
    works.update(
        title=_erased_name(), title_zh="", author_credit="", authors=[], rights_evidence="", source_url="",
        state=Work.State.WITHDRAWN, erased_at=at,
    )  # fmt: skip
    styles.update(
        name=_erased_name(), name_zh="", slug=Concat(Value("erased-"), Cast("pk", CharField())),
        state=Style.State.WITHDRAWN, erased_at=at,
    )  # fmt: skip
    Party.objects.filter(pk__in=wanted).update(
        name=_erased_name(), url="", capacity_evidence="", erased_at=at
    )
    PartyMember.objects.filter(account_id=account_id).delete()
    return files - {""}


def _erased_name() -> Concat:
    """Say "erased" where a name stood, in both languages, and which one: two may not be taken for each other."""
    return Concat(Value("erased · 已删除 "), Left(Cast("pk", CharField()), 8))
