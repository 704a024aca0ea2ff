"""Downloading pictures with what goes with them: credits, notices, record, credentials and proofs."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, BinaryIO
from uuid import UUID

from django.http import FileResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from generation import image_files, queries
from provenance import storage
from provenance.audit_log import proofs
from provenance.audit_log.errors import LogError
from provenance.credentials import queries as credentials
from provenance.credentials.marking import ENDINGS
from provenance.errors import FileMissing
from provenance.licensing.credits import without_names
from provenance.licensing.credits_file import credits_text
from server.api.actors import actor_of
from server.api.credited import decision_today
from server.api.generations import GenerationView
from server.api.images import require_kept


class GenerationBundle(APIView):
    """Every picture of a generation."""

    @extend_schema(responses={(200, "application/zip"): bytes})
    def get(self, request: Request, generation_id: UUID) -> FileResponse:
        """Return a zip with the pictures, credits.txt, record.json, manifests and proofs; 404 before any is there."""
        generation = queries.generation_of(actor_of(request), generation_id=generation_id)
        outputs = list(generation.outputs.order_by("index"))
        if not outputs:
            raise NotFound()
        return _bundle(request, generation, outputs, name=str(generation.pk)[:8])


class ImageBundle(APIView):
    """One picture, in whichever form."""

    @extend_schema(responses={(200, "application/zip"): bytes})
    def get(self, request: Request, digest: str) -> FileResponse:
        """Return a zip with the picture, credits.txt, record.json, manifest and proof."""
        form = image_files.form_visible_to(actor_of(request), digest=digest)
        return _bundle(request, form.output.generation, [form.file], name=digest[7:15])


def _bundle(request: Request, generation: Any, files: Iterable[Any], *, name: str) -> FileResponse:
    require_kept(generation)
    # As anybody may read it, its owner's download too: what goes with a picture goes on to others.
    view = GenerationView(generation).data
    today = decision_today(generation)
    decision = today if view["prompt"] is not None else without_names(today)
    record = request.build_absolute_uri(f"/api/v1/generations/{generation.pk}")
    # On disk and one picture in memory at a time, however many there are.
    target = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("credits.txt", credits_text(decision, record=record))
            archive.writestr("record.json", json.dumps(view, ensure_ascii=False, indent=2, default=str))
            for file in files:
                _add(archive, file)
    except BaseException:
        target.close()
        raise
    return _sent(target, name=f"colophon-{name}.zip")


def _sent(target: BinaryIO, *, name: str) -> FileResponse:
    target.seek(0)
    headers = {"Cache-Control": "private, no-store"}
    return FileResponse(target, as_attachment=True, filename=name, content_type="application/zip", headers=headers)


def _add(archive: zipfile.ZipFile, file: Any) -> None:
    """Add a picture with its manifest store, and its proof where a published checkpoint has it."""
    stem = f"colophon-{file.digest[7:15]}"
    archive.writestr(f"{stem}.{ENDINGS[file.media_type]}", storage.load(file.digest), zipfile.ZIP_STORED)
    if credential := credentials.credential_of(file.digest):
        with suppress(FileMissing):
            archive.writestr(f"{stem}.c2pa", storage.load(credential.store_digest))
    with suppress(LogError):  # the next checkpoint will have it; /api/v1/images/{digest}/proof tells when
        archive.writestr(f"{stem}.tlog-proof", proofs.proof_file(_leaf(file)))


def _leaf(file: Any) -> str:
    return str(getattr(file, "delivered_leaf", "") or getattr(file, "leaf", ""))
