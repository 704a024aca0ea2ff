"""Reading content credentials."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.db.models.fields.json import KT

from provenance.compiled_query import CompiledObjects, among_texts, text
from provenance.credentials.models import Credential, RevokedKey, WorkCredential


def credential_of(image_digest: str) -> Credential | None:
    """Return the credential of a delivered image, if there is one."""
    return Credential.objects.filter(image_digest=image_digest).first()


def credentials_of(image_digests: Iterable[str]) -> dict[str, Credential]:
    """Return the credentials of some delivered images by their digests, where there are any."""
    return {one.image_digest: one for one in KEPT.of(images=list(image_digests))}


KEPT = CompiledObjects(lambda: Credential.objects.filter(among_texts("image_digest", "images")).defer("verdict"))


def waiting_for_stamp(*, most: int) -> list[str]:
    """Return the digests of files whose signatures wait for a timestamp, the longest waiting first."""
    waiting = Credential.objects.filter(stamp_due_at__isnull=False, erased_at=None).order_by("stamp_due_at", "pk")
    return list(waiting.values_list("image_digest", flat=True)[:most])


def credential_named(manifest_id: str) -> Credential | None:
    """Return the credential with a manifest id, if there is one."""
    return Credential.objects.filter(manifest_id=manifest_id).first()


def stored_manifests(among: Iterable[str] | None = None) -> set[str]:
    """Return the digests of the manifest stores that credentials need kept, of all or among some."""
    wanted = {"erased_at": None} if among is None else {"erased_at": None, "store_digest__in": list(among)}
    rows = (table.objects.filter(**wanted) for table in (Credential, WorkCredential))
    return {digest for found in rows for digest in found.values_list("store_digest", flat=True)}


def manifests_kept() -> Iterator[tuple[str, str]]:
    """Yield manifest id and store digest of every credential that was not erased, in the order of signing."""
    kept = Credential.objects.filter(erased_at=None).order_by("signed_at", "pk")
    rows = kept.values_list("manifest_id", "store_digest")
    yield from rows.iterator(chunk_size=1_000)


def verdicts_kept(*, after: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield image, manifest id and verdict as signed of every credential not erased, by digest, behind one image."""
    kept = Credential.objects.filter(erased_at=None, image_digest__gt=after).order_by("image_digest")
    yield from kept.values_list("image_digest", "manifest_id", "verdict").iterator(chunk_size=200)


def work_credential(work_id: UUID, *, statement: str) -> WorkCredential | None:
    """Return the newest manifest beside a work's file that states this of it, if there is one."""
    kept = WorkCredential.objects.filter(work_id=work_id, statement=statement, erased_at=None)
    return kept.order_by("-signed_at").first()


def work_credential_named(manifest_id: str) -> WorkCredential | None:
    """Return the work credential with a manifest id, if there is one."""
    return WorkCredential.objects.filter(manifest_id=manifest_id).first()


def is_work_signed(*, column: str) -> Exists:
    """Return the condition that a row's work was signed, whatever was stated of it; the column holds the work's id."""
    return Exists(WorkCredential.objects.filter(work_id=OuterRef(column)))


def is_erased(image_digest: str) -> bool:
    """Say whether what the credential of an image said was erased."""
    return Credential.objects.filter(image_digest=image_digest, erased_at__isnull=False).exists()


def kept_count() -> int:
    """Return how many credentials were not erased."""
    return Credential.objects.filter(erased_at=None).count()


def versions_verified_with() -> set[tuple[str, str]]:
    """Return each library and version of trust lists with which a credential verified when it was signed."""
    kept = Credential.objects.filter(erased_at=None).annotate(
        by=KT("verdict__library__version"), version=KT("verdict__trust__version"), older=KT("verdict__trust__digest")
    )
    rows = kept.values_list("by", "version", "older").distinct()
    return {(by or "", version or older or "") for by, version, older in rows}


def revocation_of(key_id: str) -> RevokedKey | None:
    """Return since when a signing key is revoked and why; None while it is not."""
    return next(iter(REVOKED.of(key=key_id)), None)


REVOKED = CompiledObjects(lambda: RevokedKey.objects.filter(key_id=text("key")))


def revocations() -> list[RevokedKey]:
    """Return every revoked signing key, the newest revocation first."""
    return list(RevokedKey.objects.order_by("-revoked_at", "-pk"))


def has_signed(key_id: str) -> bool:
    """Say whether a recorded file, or what is stated of a work, was signed with a key."""
    return any(table.objects.filter(key_id=key_id).exists() for table in (Credential, WorkCredential))
