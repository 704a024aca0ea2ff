"""The public verdict: anyone may send a picture and read what is true about it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.evidence import Records
from generation.trust import trust_in_force
from provenance.credentials.actions import signing_key
from provenance.credentials.reading import LARGEST_FILE
from provenance.picture import PictureTooLarge
from provenance.verification.verify import verify


class VerificationInput(serializers.Serializer):
    """A picture to check; its name and declared type mean nothing."""

    file = serializers.FileField(allow_empty_file=True)


class Verification(APIView):
    """Checks a picture against its manifest and our records."""

    permission_classes = (AllowAny,)
    parser_classes = (MultiPartParser,)
    throttle = {"POST": "verify"}

    @extend_schema(request={"multipart/form-data": VerificationInput}, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Return the verdict on a picture; nothing of it is kept."""
        body = VerificationInput(data=request.data)
        body.is_valid(raise_exception=True)
        file = body.validated_data["file"]
        if file.size > LARGEST_FILE:
            raise PictureTooLarge(what=f"{file.size // 2**20} MB")
        verdict = verify(
            file.read(),
            evidence=Records(keeper=settings.ENVIRONMENT.address.split("://", 1)[-1]),
            trust=trust_in_force(),
        )
        return Response(verdict.as_json())


class TrustedRoot(APIView):
    """The certificate that whoever trusts this installation must trust."""

    permission_classes = (AllowAny,)

    @extend_schema(responses={(200, "application/x-pem-file"): str})
    def get(self, request: Request) -> HttpResponse:
        """Return the root of the signing key as PEM."""
        return HttpResponse(signing_key().root_pem, content_type="application/x-pem-file")
