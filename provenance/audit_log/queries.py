"""Reading the log's tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from provenance.actor import Actor
from provenance.audit_log import tree
from provenance.audit_log.entry import Leaf
from provenance.audit_log.errors import EntryAltered, EntryUnknown
from provenance.audit_log.models import Checkpoint, Cosignature, Entry, LogKey, Opening, Pending, Position
from provenance.audit_log.note import VerifierKey
from provenance.compiled_query import CompiledQuery, among_texts


def entries_visible_to(actor: Actor) -> QuerySet[Entry]:
    """Return the entries an account may open: its own, or all for an auditor; newest first."""
    entries = Entry.objects.select_related("opening", "position").order_by("-at", "id")
    if actor.has("auditor"):
        return entries
    return entries.filter(opening__details__actor=str(actor.account_id))


def entries_about_generation(generation_id: UUID) -> QuerySet[Entry]:
    """Return every entry that tells of one generation, oldest first."""
    return (
        Entry.objects.filter(opening__details__generation=str(generation_id))
        .select_related("opening", "position")
        .order_by("at", "id")
    )


def openings_about(
    account_id: UUID,
    *,
    generations: Iterable[UUID],
    parties: Iterable[UUID],
    but: Iterable[str],
    of_office: Iterable[str] = (),
) -> QuerySet[Opening]:
    """Return what opens the entries of an account's acts and of its generations and parties, but for some kinds.

    Acts of the kinds in ``of_office`` are left out too, unless they are about its own generations and parties.
    """
    about = Q(details__actor=str(account_id)) & ~Q(entry__kind__in=list(of_office))
    for name, ids in (("generation", generations), ("party", parties)):
        if wanted := [str(one) for one in ids]:
            about |= Q(**{f"details__{name}__in": wanted})
    return Opening.objects.filter(about).exclude(entry__kind__in=list(but))


def entries_of_chain(generation_id: UUID, *, leaves: Iterable[str], images: Iterable[str]) -> QuerySet[Entry]:
    """Return every entry of one record, oldest first: of the request, of its images' credentials, and erased ones.

    An entry whose opening was erased is known by its leaf hash, which the record keeps.
    """
    openings = Opening.objects.order_by()
    told = openings.filter(details__generation=str(generation_id)).values("entry_id")
    signed = openings.filter(details__has_key="image", details__image__in=list(images)).values("entry_id")
    kept = Entry.objects.filter(leaf_hash__in=list(leaves)).values("pk")
    found = Entry.objects.filter(pk__in=told.union(signed, kept))
    return found.select_related("opening", "position").order_by("at", "id")


def has_leaf(leaf_hash: str) -> bool:
    """Say whether an entry with this leaf hash was recorded."""
    return Entry.objects.filter(leaf_hash=leaf_hash).exists()


def places_of(leaf_hashes: Iterable[str]) -> dict[str, int | None]:
    """Return the index of every recorded entry among some leaf hashes, None while one waits; none of unknown ones."""
    return dict(PLACES.rows(leaves=list(leaf_hashes)))


PLACES = CompiledQuery(
    lambda: Entry.objects.filter(among_texts("leaf_hash", "leaves")).order_by().values_list(
        "leaf_hash", "position__index"
    )
)


# ---- the order of entries --------------------------------------------------------------------------------------


def size() -> int:
    """Return how many entries have their index."""
    last = Position.objects.aggregate(last=Max("index"))["last"]
    return 0 if last is None else last + 1


def waiting() -> int:
    """Return how many entries wait for their index."""
    return Pending.objects.count()


def index_of(leaf_hash: str) -> int | None:
    """Return the index of the entry with a leaf hash; None while it waits. Raises EntryUnknown."""
    found = Entry.objects.filter(leaf_hash=leaf_hash).values_list("position__index", flat=True).first()
    if found is None and not has_leaf(leaf_hash):
        raise EntryUnknown()
    return found


def leaf_hash_at(index: int) -> bytes:
    """Return the recorded leaf hash of the entry at an index; raises EntryUnknown."""
    found = Position.objects.filter(index=index).values_list("entry__leaf_hash", flat=True).first()
    if found is None:
        raise EntryUnknown()
    return bytes.fromhex(found.removeprefix("sha256:"))


def leaves(start: int, end: int) -> list[bytes]:
    """Return the public bytes of the entries from one index up to another, in their order.

    Raises EntryAltered for a row that no longer has its recorded leaf hash.
    """
    columns = ("entry_id", "entry__kind", "entry__at", "entry__commitment", "entry__leaf_hash")
    rows = Position.objects.filter(index__gte=start, index__lt=end).order_by("index").values_list(*columns)
    return [_checked(*row) for row in rows.iterator(chunk_size=10_000)]


def _checked(entry: UUID, kind: str, at: Any, commitment: str, leaf_hash: str) -> bytes:
    encoded = Leaf(id=entry, kind=kind, at=at, commitment=commitment).encoded()
    if f"sha256:{tree.leaf_hash(encoded).hex()}" != leaf_hash:
        raise EntryAltered(entry=str(entry))
    return encoded


def openings_visible_to(actor: Actor, *, below: int) -> Iterator[dict[str, Any]]:
    """Yield what an account may open of the first entries: index, id, salt and details, in their order."""
    openings = Opening.objects.filter(entry__position__index__lt=below).order_by("entry__position__index")
    if not actor.has("auditor"):
        openings = openings.filter(details__actor=str(actor.account_id))
    yield from _opened(openings)


def openings_of(leaves: Iterable[str], *, below: int) -> Iterator[dict[str, Any]]:
    """Yield what opens some of the first entries, by their leaf hashes: index, id, salt and details, in their order."""
    openings = Opening.objects.filter(entry__position__index__lt=below, entry__leaf_hash__in=leaves)
    yield from _opened(openings.order_by("entry__position__index"))


def _opened(openings: QuerySet[Opening]) -> Iterator[dict[str, Any]]:
    rows = openings.values_list("entry__position__index", "entry_id", "salt", "details")
    for index, entry, salt, details in rows.iterator(chunk_size=1_000):
        yield {"index": index, "id": str(entry), "salt": bytes(salt).hex(), "details": details}


# ---- keys and checkpoints --------------------------------------------------------------------------------------


def keys() -> list[VerifierKey]:
    """Return every key that ever signed the log, the one in force last."""
    return [VerifierKey.parse(vkey) for vkey in LogKey.objects.order_by("pk").values_list("vkey", flat=True)]


def latest_checkpoint() -> Checkpoint | None:
    """Return the newest checkpoint that was stored; it may not be published yet."""
    return Checkpoint.objects.order_by("-size").first()


def checkpoint_of(size: int) -> Checkpoint | None:
    """Return the stored checkpoint of a size."""
    return Checkpoint.objects.filter(size=size).first()


def cosignatures_of(size: int) -> list[str]:
    """Return the signature lines that witnesses gave for the checkpoint of a size, in the order of arrival."""
    lines = Cosignature.objects.filter(checkpoint_id=size).order_by("pk").values_list("line", flat=True)
    return list(lines)


def newest_cosigned(witnesses: Iterable[str], *, above: int, up_to: int) -> Checkpoint | None:
    """Return the newest checkpoint of more entries than ``above`` that one of some witnesses cosigned."""
    vouched = Cosignature.objects.filter(witness__in=list(witnesses), checkpoint_id__gt=above)
    return Checkpoint.objects.filter(size__lte=up_to, pk__in=vouched.values("checkpoint_id")).order_by("-size").first()


def last_cosigned(witness: str) -> int:
    """Return the size of the newest checkpoint that a witness, by its verifier key, cosigned; zero before the first."""
    last = Cosignature.objects.filter(witness=witness).aggregate(last=Max("checkpoint_id"))["last"]
    return int(last or 0)
