"""Signing what is stated of listed works, once each, so that a picture made from them brings their manifests along."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from generation.models import Generation
from provenance import storage
from provenance.actor import COLOPHON
from provenance.canonical import sha256_digest
from provenance.credentials import actions as credentials
from provenance.credentials import queries as credentials_kept
from provenance.credentials.errors import SigningFailed
from provenance.credentials.listing import Listing, read_listing, sign_listing
from provenance.credentials.manifest import NestedManifest, Software, WorkBehind
from provenance.credentials.signing import SigningKey
from provenance.errors import FileAltered, FileMissing, ProvenanceError
from provenance.only_one import as_the_only_one
from provenance.works import queries as works
from provenance.works.models import Party, Work

log = structlog.get_logger(__name__)
AT_ONCE = 100
"""Works that one run tries: it shares a process with what must not wait long."""
PASSED_OVER_SECONDS = 3600
"""How long a process does not try again, nor log again, a work that could not be signed."""
ONE_RUN = 7_166_273_005
"""Key of the lock that one run holds."""
OF_THE_WORK = (SigningFailed, FileMissing, FileAltered)
"""Faults that tell of one work; any other would meet the next one too."""
MOST_BEHIND = 3
"""Works behind a picture's styles that bring their manifests along, 6 kB each; those on more are bound by digest."""


@dataclass(frozen=True)
class NestedWorks:
    """The manifests that come along into a picture: of works put in, and of the few that its styles stand on."""

    inputs: Mapping[str, NestedManifest] = field(default_factory=dict)
    """By the work's id."""
    behind: Mapping[str, tuple[WorkBehind, ...]] = field(default_factory=dict)
    """By the style's id."""


NOTHING_NESTED = NestedWorks()


def sign_listed(*, key: SigningKey) -> int:
    """Sign what is stated of works that were listed by their parties and never signed, oldest first; return how many.

    Works of collections are signed when they are first used, or asked for: few ever are. A file that is missing or
    altered is left to reconciliation, which names it, and is tried again after an hour. While the key does not answer
    or the disk is full nothing more is tried, and the next run asks again. One runs at a time; another does nothing.
    """
    with as_the_only_one(ONE_RUN) as is_only:
        return _sign_unsigned(key=key) if is_only else 0


_passed_over: dict[UUID, float] = {}
"""When this process could not sign a work, on its own clock; only the one run reads and writes it."""


def _sign_unsigned(*, key: SigningKey) -> int:
    since = time.monotonic() - PASSED_OVER_SECONDS
    for work_id in [work_id for work_id, at in _passed_over.items() if at < since]:
        del _passed_over[work_id]
    signed = 0
    for work in _unsigned().exclude(pk__in=list(_passed_over))[:AT_ONCE]:
        try:
            signed += _manifest(work, key=key) is not None
        except OF_THE_WORK as fault:
            _passed_over[work.pk] = time.monotonic()
            log.warning("work not signed", work=str(work.pk), fault=fault.code)
        except ProvenanceError as fault:
            log.warning("signing works stopped", work=str(work.pk), fault=fault.code)
            break
    return signed


def _unsigned() -> QuerySet[Work]:
    listed = Work.objects.filter(
        state=Work.State.ACTIVE, erased_at=None, pixel_digest__gt="", owner__origin=Party.Origin.JOINED
    )
    unsigned = listed.exclude(credentials_kept.is_work_signed(column="pk"))
    return unsigned.select_related("owner").order_by("registered_at", "pk")


def nested_works(generation: Generation, *, files: Mapping[str, bytes], key: SigningKey) -> NestedWorks:
    """Return the manifests that a request's pictures bring along; ``files`` holds the input files by digest."""
    if not generation.inputs and not generation.references:
        return NOTHING_NESTED
    ids = [UUID(row["work"]) for row in generation.inputs]
    known = works.works_with_ids_known(ids) if ids else []
    # A work that a licensee may use is not therefore one that anybody who gets the picture may see.
    put_in = [work for work in known if _may_come_along([work], requester=generation.owner_id)]
    signed = {str(work.pk): manifest_of(work, key=key, data=files.get(work.digest)) for work in put_in}
    inputs = {work: manifest for work, manifest in signed.items() if manifest}
    return NestedWorks(inputs=inputs, behind=_behind(generation, key=key))


def _behind(generation: Generation, *, key: SigningKey) -> dict[str, tuple[WorkBehind, ...]]:
    room, behind = MOST_BEHIND, {}
    for row in generation.references:
        listed = works.first_listed_in(row["style"], at_most=room + 1)
        if len(listed) > room or not _may_come_along(listed, requester=generation.owner_id):
            continue
        found = tuple(part for work in listed if (part := _one_behind(work, key=key)))
        room -= len(found)
        behind[row["style"]] = found
    return behind


def _may_come_along(listed: Iterable[Work], *, requester: UUID | None) -> bool:
    """Say whether everybody may see some works: what is a party's own stays out of what anybody may get to see."""
    private = {work.owner_id for work in listed if not work.licence}
    return not private or private <= set(works.parties_of(requester))


def _one_behind(work: Work, *, key: SigningKey) -> WorkBehind | None:
    manifest = manifest_of(work, key=key)
    if manifest is None:
        return None
    return WorkBehind(name=work.title, digest=work.digest, licence=work.licence, manifest=manifest)


def manifest_of(work: Work, *, key: SigningKey, data: bytes | None = None) -> NestedManifest | None:
    """Return the manifest beside a work's file, signed now unless one stands that still says so and verifies.

    None for a work that cannot be used, whose file is not here, or that cannot be signed: its digest still binds it.
    """
    try:
        return _manifest(work, key=key, data=data)
    except ProvenanceError as fault:
        log.warning("work not signed", work=str(work.pk), fault=fault.code)
        return None


def _manifest(work: Work, *, key: SigningKey, data: bytes | None = None) -> NestedManifest | None:
    if work.state != Work.State.ACTIVE or work.erased_at:
        return None
    listing = listing_of(work)
    data = data if data is not None and work.pixel_digest else storage.load(listing.bound_file)
    return _standing(listing, data=data, key=key) or _signed(work, listing=listing, data=data, key=key)


def listing_of(work: Work) -> Listing:
    """Return what is stated of a work; its lister is not named where an author stays anonymous, nor a minor at all."""
    is_named = None not in work.authors and not work.owner.is_minor
    is_kept = bool(work.pixel_digest)
    return Listing(
        work=str(work.pk),
        party=str(work.owner_id),
        listed_by=work.owner.name if is_named else "",
        claim=work.owner.claim,
        title=work.title,
        credit=work.author_credit,
        licence=work.licence,
        source_url=work.source_url,
        digest=work.digest,
        bound_file=work.digest if is_kept else work.preview_digest,
        media_type=work.media_type if is_kept else "image/webp",
        listed_at=work.registered_at,
        log_origin=settings.ENVIRONMENT.log_origin,
    )


def _standing(listing: Listing, *, data: bytes, key: SigningKey) -> NestedManifest | None:
    """Return the manifest that states this of a work, where it still verifies and its key was not revoked.

    One whose store is lost or damaged does not stand: another is signed in its place.
    """
    kept = credentials_kept.work_credential(UUID(listing.work), statement=listing.statement)
    if kept is None or credentials_kept.revocation_of(kept.key_id):
        return None
    try:
        store = storage.load(kept.store_digest)
        found = read_listing(data, store=store, media_type=listing.media_type, trust_pem=key.root_pem)
    except OF_THE_WORK:
        return None
    return found if found.is_trusted else None


def _signed(work: Work, *, listing: Listing, data: bytes, key: SigningKey) -> NestedManifest | None:
    software = Software(name="Colophon", version=settings.VERSION)
    made = sign_listing(data, listing=listing, software=software, key=key, timestamps=credentials.timestamp_authority())
    storage.store(made.store)
    with transaction.atomic():
        # An erasure changes the work: what it erased in between must not come back.
        held = Work.objects.select_related("owner").select_for_update(of=("self",)).filter(pk=work.pk, erased_at=None)
        now = held.first()
        if now is None or listing_of(now).statement != listing.statement:
            return None
        if standing := _standing(listing, data=data, key=key):  # another process was faster
            return standing
        storage.hold(sha256_digest(made.store))
        storage.store(made.store)
        credentials.record_work(made, listing=listing, key=key, actor=COLOPHON)
    return made
