"""The signing key in force, and recording what was signed with it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import JSONField, Value
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.canonical import Digest, sha256_digest
from provenance.credentials import queries
from provenance.credentials.errors import KeyRevoked, KeyRevokedAlready, RevokedFromFuture, UnknownKey
from provenance.credentials.events import CredentialSigned, SigningKeyRevoked, WorkSigned
from provenance.credentials.installed_key import authority_at, installed_key, installed_roots
from provenance.credentials.listing import Listing
from provenance.credentials.manifest import NestedManifest, WatermarkStated
from provenance.credentials.models import Credential, RevokedKey, WorkCredential
from provenance.credentials.reading import media_type_of
from provenance.credentials.signing import SignedImage, SigningKey, require_library
from provenance.credentials.timestamps import TimestampAuthority
from provenance.credentials.updating import NEVER_STAMPED_LATER
from provenance.credentials.watermark.contract import ID_BYTES, Watermark, watermark_at
from provenance.credentials.watermark.spread import SpreadWatermark


@dataclass(frozen=True)
class Prepared:
    """What a credential's row and entry will say of one signed file."""

    image_digest: str
    manifest_id: str
    manifest_store: bytes = field(repr=False)
    verdict: Mapping[str, Any]
    library_version: str
    key_id: str
    signed_at: datetime
    stamp_due_at: datetime | None = None


def signing_key() -> SigningKey:
    """Return the key that signs now: the configured one, else this installation's development key."""
    return installed_key(settings.ENVIRONMENT, now=timezone.now())


def trusted_roots() -> str:
    """Return the roots (PEM) of what this installation signs with, the retired ones too."""
    return installed_roots(settings.ENVIRONMENT, now=timezone.now())


def key_to_sign_with() -> SigningKey:
    """Return the key that signs now; raise KeyRevoked where an operator has revoked it."""
    key = signing_key()
    if queries.revocation_of(key.key_id):
        raise KeyRevoked()
    return key


@transaction.atomic
def revoke_key(*, actor: Actor, key_id: Digest, since: datetime, reason: str) -> RevokedKey:
    """Record that a signing key is not to be relied on from a moment on; nothing new is signed with it.

    The actor is an operator, or Colophon itself on the command line. Raises NotPermitted, UnknownKey,
    RevokedFromFuture or KeyRevokedAlready.
    """
    if actor.account_id is not None:
        actor.require("operator")
    if not queries.has_signed(key_id) and key_id != signing_key().key_id:
        raise UnknownKey()
    now = timezone.now()
    if since > now:
        raise RevokedFromFuture()
    if earlier := queries.revocation_of(key_id):
        raise KeyRevokedAlready(since=f"{earlier.since:%Y-%m-%d %H:%M} UTC")
    revoked = RevokedKey.objects.create(
        key_id=key_id, since=since, reason=reason, revoked_by=actor.account_id, revoked_at=now
    )
    audit_log.append(SigningKeyRevoked(actor=actor, key=key_id, since=since, reason=reason))
    return revoked


def timestamp_authority() -> TimestampAuthority | None:
    """Return the configured timestamp authority, as this process knows it."""
    return authority_at(settings.ENVIRONMENT.timestamp_url)


def watermark() -> Watermark:
    """Return the watermark that the operator chose for new pictures; reading it again needs no choice."""
    return watermark_at(settings.COLOPHON_WATERMARK)


def reading_watermark() -> Watermark:
    """Return the watermark that copies are read with at once; where new pictures get another, that of old ones."""
    chosen = watermark()
    return chosen if chosen.reads_at_once and chosen.algorithm else SpreadWatermark()


def slow_watermark() -> Watermark | None:
    """Return the watermark that a process with torch reads; None where nothing was placed that needs it.

    Where new pictures get another, that of older ones is read as long as its weights are placed.
    """
    chosen, older = watermark(), settings.ENVIRONMENT.older_watermark_path
    if not chosen.reads_at_once:
        return chosen
    return watermark_at(older) if older else None


def watermarked(pixels: Any) -> tuple[Any, WatermarkStated | None]:
    """Return uint8 RGB pixels with a new id in them, and what to state of it.

    A picture smaller than the operator allows, or one from which the id cannot be read back, stays as it is.
    """
    chosen = watermark()
    if not chosen.algorithm or min(pixels.shape[:2]) < settings.COLOPHON_WATERMARK_LEAST_SIDE:
        return pixels, None
    id = secrets.token_bytes(ID_BYTES)
    carrying = chosen.embed(pixels, id=id)
    found = chosen.read(carrying)
    if found is None or found.id != id:
        return pixels, None
    return carrying, WatermarkStated(chosen.algorithm, id)


def prepare(signed: SignedImage, *, key: SigningKey, at: datetime, verdict: Mapping[str, Any]) -> Prepared:
    """Return what will be recorded of a signed file."""
    return Prepared(
        image_digest=sha256_digest(signed.data),
        manifest_id=signed.manifest_id,
        manifest_store=signed.manifest_store,
        verdict=verdict,
        library_version=require_library(),
        key_id=key.key_id,
        signed_at=at,
        stamp_due_at=None if signed.is_timestamped else _stamp_due_at(signed, at=at),
    )


def _stamp_due_at(signed: SignedImage, *, at: datetime) -> datetime | None:
    """Return since when a signature waits for its timestamp; never where none is configured or can be added."""
    if timestamp_authority() is None or media_type_of(signed.data) in NEVER_STAMPED_LATER:
        return None
    return at


def record(prepared: Prepared, *, actor: Actor) -> None:
    """Record a credential and its entry in the caller's transaction; its manifest store is kept already."""
    audit_log.append(*record_all([prepared], actor=actor))


def record_all(prepared: Sequence[Prepared], *, actor: Actor) -> list[CredentialSigned]:
    """Record credentials in the caller's transaction, and return the statements that the caller appends there too.

    Their manifest stores are kept already.
    """
    rows = [
        Credential(
            image_digest=one.image_digest,
            manifest_id=one.manifest_id,
            store_digest=sha256_digest(one.manifest_store),
            # A value by itself: among the values of an array, each of its thousand quotes is escaped by a pattern.
            verdict=Value(one.verdict, output_field=JSONField()),
            library_version=one.library_version,
            key_id=one.key_id,
            signed_at=one.signed_at,
            stamp_due_at=one.stamp_due_at,
        )
        for one in prepared
    ]
    Credential.objects.bulk_create(rows)
    return [_signed(row, one, actor=actor) for row, one in zip(rows, prepared, strict=True)]


def _signed(row: Credential, prepared: Prepared, *, actor: Actor) -> CredentialSigned:
    return CredentialSigned(
        actor=actor,
        image=row.image_digest,
        manifest=row.manifest_id,
        store=row.store_digest,
        key=row.key_id,
        state=str(prepared.verdict.get("state", "")),
        library=row.library_version,
    )


def record_work(nested: NestedManifest, *, listing: Listing, key: SigningKey, actor: Actor) -> WorkCredential:
    """Record the manifest beside a work's file, with its entry, in the caller's transaction; its store is kept."""
    row = WorkCredential.objects.create(
        work_id=listing.work,
        party_id=listing.party,
        file_digest=listing.bound_file,
        statement=listing.statement,
        manifest_id=nested.manifest_id,
        store_digest=sha256_digest(nested.store),
        library_version=require_library(),
        key_id=key.key_id,
        signed_at=timezone.now(),
    )
    signed = WorkSigned(
        actor=actor,
        work=UUID(listing.work),
        party=UUID(listing.party),
        file=row.file_digest,
        manifest=row.manifest_id,
        store=row.store_digest,
        statement=row.statement,
        key=row.key_id,
        library=row.library_version,
    )
    audit_log.append(signed)
    return row


def hold_waiting_for_stamp(image_digest: str) -> bool:
    """Lock a credential for the rest of the transaction, and say whether its signature still waits for a timestamp."""
    waiting = Credential.objects.filter(image_digest=image_digest, stamp_due_at__isnull=False)
    return waiting.select_for_update().first() is not None


def stop_waiting_for_stamp(image_digest: str) -> None:
    """Record that a signature no longer waits for a timestamp, beside the entry of the caller that says why."""
    Credential.objects.filter(image_digest=image_digest).update(stamp_due_at=None)


def erase_work_credentials(works: Iterable[UUID], *, at: datetime) -> set[Digest]:
    """Erase the manifests beside some works' files, in the caller's transaction; return their stores' digests.

    The caller deletes the stores once it has committed, and appends the entry that tells why.
    """
    held = WorkCredential.objects.filter(work_id__in=list(works), erased_at=None)
    stores = set(held.values_list("store_digest", flat=True))
    held.update(erased_at=at)
    return stores


def erase_credentials(images: Iterable[str], *, at: datetime) -> set[Digest]:
    """Erase what the credentials of some images say, in the caller's transaction; return their stores' digests.

    The caller deletes the stores once it has committed, and appends the entry that tells why.
    """
    held = Credential.objects.select_for_update().filter(image_digest__in=list(images), erased_at=None).order_by("pk")
    stores = set(held.values_list("store_digest", flat=True))
    Credential.objects.filter(store_digest__in=stores).update(verdict={}, stamp_due_at=None, erased_at=at)
    return stores
