"""Delivered images: their record for owner and auditor, their file, their public manifest."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import image_files, queries
from generation.errors import RecordErased
from provenance import storage
from provenance.credentials import queries as credentials
from provenance.credentials.marking import ENDINGS
from provenance.credentials.stores import active_manifest
from provenance.licensing.credits import credits_of
from server.api.actors import actor_of
from server.api.credited import credit_at_once, decision_today
from server.api.generations import OutputView


class RenditionView(serializers.Serializer):
    """A later form of an image: what it was made from and why."""

    digest = serializers.CharField()
    parent = serializers.CharField()
    reason = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    media_type = serializers.CharField()
    size_bytes = serializers.IntegerField()
    delivered_pixels = serializers.CharField()
    manifest_id = serializers.CharField()
    made_at = serializers.DateTimeField()
    links = serializers.SerializerMethodField()

    def get_links(self, rendition: Any) -> dict[str, str]:
        """Return where record, file, manifest and proof are."""
        base = f"/api/v1/images/{rendition.digest}"
        return {"self": base, "file": f"{base}/file", "manifest": f"{base}/manifest", "proof": f"{base}/proof"}


class ImageView(OutputView):
    """One delivered image with the generation that made it."""

    generation = serializers.UUIDField(source="generation.pk")
    credits = serializers.SerializerMethodField()
    erased_at = serializers.DateTimeField(source="generation.erased_at", allow_null=True)
    renditions = RenditionView(many=True)

    def get_credits(self, output: Any) -> list[dict[str, str]]:
        """Return the credit lines that go with the image."""
        return credits_of(decision_today(output.generation))


class ImageList(ListAPIView):
    """The images of an account's own generations; an auditor sees all."""

    serializer_class = ImageView
    ordering = ("-delivered_at", "id")

    def get_queryset(self) -> Any:
        """Return the images that the caller may see."""
        return queries.outputs_visible_to(actor_of(self.request))

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Look up at once whom a page of images credits today."""
        credit_at_once(output.generation for output in (args[0] if args else ()))
        return super().get_serializer(*args, **kwargs)


def require_kept(record: Any) -> None:
    """Raise RecordErased for a record whose files were erased."""
    if record.erased_at:
        raise RecordErased(date=f"{record.erased_at:%Y-%m-%d}")


class ImageDetail(APIView):
    """The record of one image."""

    @extend_schema(responses={200: ImageView})
    def get(self, request: Request, digest: str) -> Response:
        """Return an image's record; 404 for one that is not there or not the caller's."""
        form = image_files.form_visible_to(actor_of(request), digest=digest)
        return Response(ImageView(form.output).data, headers={"ETag": f'"{digest}"'})


class ImageFile(APIView):
    """The file of one image."""

    @extend_schema(responses={(200, media_type): bytes for media_type in ENDINGS})
    def get(self, request: Request, digest: str) -> HttpResponse:
        """Return the file as delivered, with its digest as ETag."""
        form = image_files.form_visible_to(actor_of(request), digest=digest)
        require_kept(form.output.generation)
        headers = {
            "ETag": f'"{digest}"',
            "Cache-Control": "private, max-age=31536000, immutable",
            "Content-Disposition": f'inline; filename="colophon-{digest[7:15]}.{ENDINGS[form.file.media_type]}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
        }
        if request.headers.get("If-None-Match") == f'"{digest}"':
            return HttpResponse(status=304, headers=headers)
        return HttpResponse(storage.load(digest), content_type=form.file.media_type, headers=headers)


class ImageManifest(APIView):
    """The manifest store of one image: public by digest, so that a stripped copy can get it back."""

    permission_classes = (AllowAny,)

    @extend_schema(responses={(200, "application/c2pa"): bytes})
    def get(self, request: Request, digest: str) -> HttpResponse:
        """Return the stored manifest, byte for byte as signed."""
        credential = credentials.credential_of(digest)
        if credential is None:
            raise NotFound()
        return stored_manifest(credential)


def stored_manifest(credential: Any, *, active_only: bool = False) -> HttpResponse:
    """Return a credential's manifest store for anybody to read, pages of other sites included; or its active manifest.

    Raises RecordErased.
    """
    require_kept(credential)
    store = storage.load(credential.store_digest)
    return HttpResponse(
        active_manifest(store) if active_only else store,
        content_type="application/c2pa",
        headers={
            "ETag": f'"{credential.store_digest}{"-active" if active_only else ""}"',
            "Cache-Control": "public, max-age=31536000, immutable",
            "Access-Control-Allow-Origin": "*",
            "Content-Disposition": f'attachment; filename="{credential.store_digest[7:15]}.c2pa"',
        },
    )
