"""The public verdict: anyone may send a picture, or name one of ours, and read what is true about it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import image_files
from generation.errors import RecordErased
from generation.evidence import Records
from generation.trust import trust_in_force
from provenance import storage
from provenance.credentials.actions import trusted_roots
from provenance.credentials.reading import LARGEST_FILE, LARGEST_STORE, FileTooLarge
from provenance.picture import PictureTooLarge
from provenance.verification.verdict import Verdict
from provenance.verification.verify import verify
from server.api.fetching import UrlNotAllowed, UrlNotFetched, fetch
from server.api.limits import at_work
from server.api.parsers import StrictJSONParser
from server.api.throttles import PerAccount
from server.api.watermark_readings import with_slow_reading

SECONDS_FOR_A_STORE = 5.0
"""One of the few places at which strangers' pictures are worked on is held meanwhile."""


class CredentialsTooLarge(FileTooLarge):
    """What was handed in beside a picture has more bytes than a manifest store that is read."""

    code = "credentials-too-large"
    en = "The credentials beside the picture are too large to be read ({what}): at most 16 MB are."
    zh = "与图片一并提交的凭证过大，无法读取（{what}）：最多读取 16 MB。"


class VerificationInput(serializers.Serializer):
    """A picture to check, or where the operator lets it be fetched from; its name and declared type mean nothing."""

    file = serializers.FileField(allow_empty_file=True, required=False)
    url = serializers.CharField(max_length=2000, required=False)
    manifest = serializers.FileField(
        allow_empty_file=True, required=False, help_text="A manifest store that is kept beside the picture."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return what was sent; one of file and url must be there."""
        if len(attrs.keys() & {"file", "url"}) != 1:
            raise serializers.ValidationError({"file": "one of file and url"}, code="required")
        return attrs


class Verification(APIView):
    """Checks a picture against its manifest and our records."""

    permission_classes = (AllowAny,)
    parser_classes = (MultiPartParser, StrictJSONParser)
    throttle = {"POST": "verify"}

    @extend_schema(request={"multipart/form-data": VerificationInput}, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Return the verdict on a picture; nothing of it is kept but, for a check that reads pending, a small copy.

        That check's evidence says where to ask for it, and the copy goes when it was read.
        ``url`` in place of ``file`` works only below addresses that the operator allows, and there alone credentials
        are fetched of which the picture says that they are kept elsewhere.
        """
        return Response(verdict_on_upload(request, may_fetch=True, may_wait=True).as_json())


class Provenance(APIView):
    """The verdict on a delivered image, by its digest or its manifest's id: as public as the manifest itself."""

    permission_classes = (AllowAny,)
    throttle = {"GET": "verify"}

    @extend_schema(responses={200: dict})
    def get(self, request: Request, name: str) -> Response:
        """Return the verdict on the stored file today; 404 for one that is not ours, 410 for one that was erased."""
        form = image_files.form_named(name)
        if form is None:
            raise NotFound()
        if erased_at := form.output.generation.erased_at:
            raise RecordErased(date=f"{erased_at:%Y-%m-%d}")
        return Response(_verdict(storage.load(form.file.digest), request).as_json())


def verdict_on_upload(request: Request, *, may_fetch: bool = False, may_wait: bool = False) -> Verdict:
    """Return the verdict on what a request brings: its file alone, unless it may be told of what stands elsewhere.

    Then its credentials may be beside it, and it may be at an address. Where the caller may wait, a check that takes
    long reads pending.
    """
    body = VerificationInput(data=request.data)
    body.is_valid(raise_exception=True)
    file, store, url = (body.validated_data.get(name) for name in ("file", "manifest", "url"))
    if not may_fetch and (file is None or store is not None):
        raise serializers.ValidationError({"file": "a file, and nothing beside it"}, code="required")
    for one, most, fault in ((file, LARGEST_FILE, FileTooLarge), (store, LARGEST_STORE, CredentialsTooLarge)):
        if one is not None and one.size > most:
            raise fault(what=f"{-(-one.size // 2**20)} MB")
    data = fetch(url or "", allowed=settings.ENVIRONMENT.verify_addresses) if file is None else file.read()
    return _verdict(
        data, request, may_wait=may_wait, may_fetch=may_fetch, store=None if store is None else store.read()
    )


def _fetched(address: str) -> bytes | None:
    """Return the manifest store at an address that a picture names; None where it is not allowed, or not there."""
    try:
        allowed = settings.ENVIRONMENT.verify_addresses
        return fetch(address, allowed=allowed, seconds=SECONDS_FOR_A_STORE, accept="application/c2pa")
    except (UrlNotAllowed, UrlNotFetched, PictureTooLarge):
        return None


def _verdict(
    data: bytes, request: Request, *, may_wait: bool = False, may_fetch: bool = False, store: bytes | None = None
) -> Verdict:
    keeper = settings.ENVIRONMENT.address.split("://", 1)[-1]
    records = Records(keeper=keeper, may_search=lambda: PerAccount().allows(request, "search"))
    with at_work():
        elsewhere = {"fetched": _fetched} if may_fetch else {}
        verdict = verify(data, evidence=records, trust=trust_in_force(), store=store, **elsewhere)
        return with_slow_reading(verdict, data) if may_wait else verdict


class TrustedRoot(APIView):
    """The certificate that whoever trusts this installation must trust."""

    permission_classes = (AllowAny,)

    @extend_schema(responses={(200, "application/x-pem-file"): str})
    def get(self, request: Request) -> HttpResponse:
        """Return the root of the signing key as PEM, and those of retired ones."""
        return HttpResponse(trusted_roots(), content_type="application/x-pem-file")
