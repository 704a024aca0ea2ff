"""Stored files against the rows that need them, and manifests as stored against those inside the pictures."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from generation.actions.differences import Findings, streamed
from provenance import storage
from provenance.canonical import sha256_digest
from provenance.credentials.reading import read
from provenance.errors import Fault, FileMissing

NEEDED = """
SELECT 'generation_output', output.id::text, 'digest', digest FROM generation_output AS output
    JOIN generation_generation AS generation ON generation.id = generation_id WHERE generation.erased_at IS NULL
UNION ALL SELECT 'generation_rendition', rendition.id::text, 'digest', rendition.digest
    FROM generation_rendition AS rendition JOIN generation_output AS output ON output.id = rendition.output_id
    JOIN generation_generation AS generation ON generation.id = generation_id WHERE generation.erased_at IS NULL
UNION ALL SELECT 'credentials_credential', id::text, 'store_digest', store_digest
    FROM credentials_credential WHERE erased_at IS NULL
UNION ALL SELECT 'credentials_workcredential', id::text, 'store_digest', store_digest
    FROM credentials_workcredential WHERE erased_at IS NULL
UNION ALL SELECT 'works_work', id::text, 'digest', digest FROM works_work WHERE pixel_digest > '' AND erased_at IS NULL
UNION ALL SELECT 'works_work', id::text, 'preview_digest', preview_digest
    FROM works_work WHERE preview_digest > '' AND erased_at IS NULL
UNION ALL SELECT 'works_style', id::text, 'adapter_digest', adapter_digest
    FROM works_style WHERE adapter_digest > '' AND erased_at IS NULL
UNION ALL SELECT 'generation_trainingrun', run.id::text, made.name, made.digest
    FROM generation_trainingrun AS run CROSS JOIN LATERAL (VALUES
        ('adapter_digest', run.adapter_digest), ('manifest_digest', run.manifest_digest),
        ('sheet_digest', run.sheet_digest)
    ) AS made (name, digest) WHERE made.digest > '' AND run.erased_at IS NULL
UNION ALL SELECT 'disputes_disputeevent', event.id::text, 'evidence', file ->> 'digest'
    FROM disputes_disputeevent AS event CROSS JOIN LATERAL jsonb_array_elements(event.evidence) AS file
"""
DELIVERED = """
SELECT form.kind, form.id, form.digest, form.size_bytes, form.width, form.height, form.media_type,
    credential.id::text, credential.manifest_id, credential.store_digest
FROM (
    SELECT 'generation_output' AS kind, id::text, digest, size_bytes, width, height, media_type, id AS output
    FROM generation_output
    UNION ALL SELECT 'generation_rendition', id::text, digest, size_bytes, width, height, media_type, output_id
    FROM generation_rendition
) AS form
JOIN generation_output AS output ON output.id = form.output
JOIN generation_generation AS generation ON generation.id = output.generation_id AND generation.erased_at IS NULL
LEFT JOIN credentials_credential AS credential ON credential.image_digest = form.digest
    AND credential.erased_at IS NULL
"""
STORE_CHUNK = b"caBX"
"""A PNG keeps its manifest store in chunks of this kind (C2PA 2.1, A.3.3)."""


def compare_files(findings: Findings) -> None:
    """Tell which files that rows need are gone or have other contents, manifests among them."""
    for table, row, column, digest in streamed(NEEDED):
        findings.step()
        findings.count("files")
        what = "manifest" if column == "store_digest" else "file"
        told = {"table": table, "row": row, "field": column, "recorded": digest}
        try:
            found = storage.digest_now(digest)
        except FileMissing:
            findings.tell(f"{what}-missing", **told)
        except OSError as error:
            findings.tell(f"{what}-unreadable", **told, found=type(error).__name__)
        else:
            if found != digest:
                findings.tell(f"{what}-altered", **told, found=found)


def compare_manifests(findings: Findings) -> None:
    """Tell where a delivered picture is or carries something else than its row and its credential record.

    A file that was told to be gone or altered says nothing more.
    """
    for table, row, digest, size, width, height, media_type, *credential in streamed(DELIVERED):
        findings.step()
        try:
            data = storage.load(digest)
        except (Fault, OSError):
            continue
        found = _facts(data)
        recorded = {"size_bytes": size, "width": width, "height": height, "media_type": media_type}
        for field, value in recorded.items():
            if field in found and found[field] != value:
                findings.tell(
                    "row-differs",
                    table=table,
                    row=row,
                    field=field,
                    recorded=found[field],
                    found=value,
                )
        if credential[0]:
            _compare_credential(findings, data, *credential, media_type=found.get("media_type"))


def _facts(data: bytes) -> dict[str, Any]:
    """Return what a picture's row records and its own bytes show."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            shape = {"width": image.width, "height": image.height, "media_type": Image.MIME.get(image.format or "", "")}
    except (OSError, ValueError, SyntaxError):
        shape = {}
    return {"size_bytes": len(data), **shape}


def _compare_credential(
    findings: Findings, data: bytes, credential: str, manifest_id: str, store_digest: str, *, media_type: object
) -> None:
    told = {"table": "credentials_credential", "row": credential}
    try:
        inside = read(data).manifest_id
    except Fault as fault:
        inside = fault.code
    if inside != manifest_id:
        findings.tell("manifest-swapped", **told, field="manifest_id", recorded=inside, found=manifest_id)
    store = png_store(data) if media_type == "image/png" else b""
    if store and sha256_digest(store) != store_digest:
        findings.tell(
            "manifest-swapped", **told, field="store_digest", recorded=sha256_digest(store), found=store_digest
        )


def png_store(data: bytes) -> bytes:
    """Return the manifest store inside a PNG; nothing for one without."""
    found, at = [], 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == STORE_CHUNK:
            found.append(data[at + 8 : at + 8 + length])
        at += 12 + length
    return b"".join(found)
