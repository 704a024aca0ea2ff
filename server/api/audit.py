"""Reading the audit log."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.http import FileResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from provenance import storage
from provenance.audit_log import exporting, proofs, queries
from provenance.credentials import queries as credentials
from provenance.errors import FileMissing
from server.api.actors import actor_of

MOST_ENTRIES = 2**62


class EntryView(serializers.Serializer):
    """One entry with its opening."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    at = serializers.DateTimeField()
    commitment = serializers.CharField()
    leaf_hash = serializers.CharField()
    salt = serializers.SerializerMethodField()
    details = serializers.SerializerMethodField()

    def get_salt(self, entry: Any) -> str | None:
        """Return the salt in hex; null once erased."""
        opening = getattr(entry, "opening", None)
        return bytes(opening.salt).hex() if opening else None

    def get_details(self, entry: Any) -> dict[str, Any] | None:
        """Return what the commitment covers; null once erased."""
        opening = getattr(entry, "opening", None)
        return opening.details if opening else None


class EntryList(ListAPIView):
    """The entries of the caller's own acts; an auditor reads all."""

    serializer_class = EntryView
    ordering = ("-at", "id")

    def get_queryset(self) -> Any:
        """Return the entries that the caller may open, of one generation where asked."""
        entries = queries.entries_visible_to(actor_of(self.request))
        wanted = self.request.query_params
        if generation := wanted.get("generation"):
            entries = entries.filter(opening__details__generation=generation)
        if kind := wanted.get("kind"):
            entries = entries.filter(kind=kind)
        return entries


class Export(APIView):
    """The whole log for an outsider's offline check: an auditor takes it away."""

    @extend_schema(responses={(200, "application/zip"): bytes})
    def get(self, request: Request) -> FileResponse:
        """Return a zip with log, key, the openings that the caller may read, manifests and a verifier."""
        actor = actor_of(request)
        target = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
        try:
            exporting.export(target, actor=actor, manifests=_manifests())
        except BaseException:
            target.close()
            raise
        target.seek(0)
        return FileResponse(target, as_attachment=True, filename="colophon-log.zip", content_type="application/zip")


def _manifests() -> Iterator[tuple[str, bytes]]:
    """Yield every kept manifest store; one that is gone, by erasure or loss, is for reconcile to name."""
    for manifest_id, store_digest in credentials.manifests_kept():
        with suppress(FileMissing):
            yield manifest_id, storage.load(store_digest)


class HashList(serializers.ListField):
    """Hashes of 32 bytes in base64, in the order in which a verifier uses them."""

    child = serializers.CharField()


class InclusionQuestion(serializers.Serializer):
    """Which entry, and in which tree; without a size, in the published one."""

    leaf = serializers.RegexField(r"^sha256:[0-9a-f]{64}$", required=False)
    index = serializers.IntegerField(min_value=0, max_value=MOST_ENTRIES, required=False)
    size = serializers.IntegerField(min_value=1, max_value=MOST_ENTRIES, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the question; one of leaf and index names the entry."""
        if ("leaf" in attrs) == ("index" in attrs):
            raise serializers.ValidationError({"leaf": "one of leaf and index"}, code="required")
        return attrs


class InclusionView(serializers.Serializer):
    """A proof that an entry is in the log (RFC 9162, 2.1.3)."""

    index = serializers.IntegerField()
    leaf_hash = serializers.CharField()
    size = serializers.IntegerField()
    root = serializers.CharField(help_text="sha256: and hex")
    hashes = HashList()
    checkpoint = serializers.CharField(help_text="The published signed note; its size is the default size.")


class ConsistencyQuestion(serializers.Serializer):
    """Which two trees; without ``new``, the published one."""

    old = serializers.IntegerField(min_value=0, max_value=MOST_ENTRIES)
    new = serializers.IntegerField(min_value=0, max_value=MOST_ENTRIES, required=False)


class ConsistencyView(serializers.Serializer):
    """A proof that an older log is the beginning of a newer one (RFC 9162, 2.1.4)."""

    old = serializers.IntegerField()
    new = serializers.IntegerField()
    old_root = serializers.CharField(help_text="sha256: and hex")
    new_root = serializers.CharField(help_text="sha256: and hex")
    hashes = HashList()
    checkpoint = serializers.CharField(help_text="The published signed note.")


class InclusionProof(APIView):
    """Proves that one entry is in the log; the log is public, and so are its proofs."""

    permission_classes = (AllowAny,)

    @extend_schema(parameters=[InclusionQuestion], responses={200: InclusionView})
    def get(self, request: Request) -> Response:
        """Return an inclusion proof by leaf hash or index; 503 with Retry-After until a checkpoint has the entry."""
        question = InclusionQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        asked, now = question.validated_data, proofs.head()
        published = now.checkpoint.size
        index = asked["index"] if "index" in asked else proofs.index_of(asked["leaf"], size=published)
        found = proofs.inclusion(index, size=asked.get("size", published), published=published)
        return Response(
            {
                "index": found.index,
                "leaf_hash": _digest(found.leaf),
                "size": found.size,
                "root": _digest(found.root),
                "hashes": _base64(found.hashes),
                "checkpoint": now.note,
            }
        )


class ConsistencyProof(APIView):
    """Proves that nothing that an older checkpoint covered has changed since."""

    permission_classes = (AllowAny,)

    @extend_schema(parameters=[ConsistencyQuestion], responses={200: ConsistencyView})
    def get(self, request: Request) -> Response:
        """Return a consistency proof between two published sizes."""
        question = ConsistencyQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        now = proofs.head()
        new = question.validated_data.get("new", now.checkpoint.size)
        found = proofs.consistency(question.validated_data["old"], new)
        return Response(
            {
                "old": found.old,
                "new": found.new,
                "old_root": _digest(found.old_root),
                "new_root": _digest(found.new_root),
                "hashes": _base64(found.hashes),
                "checkpoint": now.note,
            }
        )


def _digest(data: bytes) -> str:
    return f"sha256:{data.hex()}"


def _base64(hashes: tuple[bytes, ...]) -> list[str]:
    return [base64.b64encode(each).decode() for each in hashes]
