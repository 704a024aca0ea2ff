"""C2PA's Soft Binding Resolution API: the manifests of pictures whose copies lost theirs, by binding or by content.

Anybody may ask; what is answered is public already by an image's digest. Nothing that is sent is kept.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import image_files, recovery
from provenance.credentials import queries as credentials
from provenance.credentials.actions import reading_watermark, slow_watermark
from provenance.credentials.watermark.contract import ID_BYTES, WatermarkUnavailable
from provenance.fingerprint import ISCC_ALGORITHM, PDQ_ALGORITHM, Fingerprint, Look, iscc_stated
from provenance.picture import LARGEST_FILE, NotAPicture, PictureTooLarge, decode_picture
from server.api.errors import problem_response
from server.api.images import stored_manifest
from server.api.limits import at_work
from server.api.parsers import StrictJSONParser
from server.api.throttles import PerAccount

FINGERPRINTS = (ISCC_ALGORITHM, PDQ_ALGORITHM)
CODE_BYTES = 32
LONGEST_VALUE = 1000
MOST_RESULTS = 100
"""Of one answer, however many were asked for."""


class ManifestMatch(serializers.Serializer):
    """The manifest of a picture that was matched, where to get it, and how similar the pictures are."""

    manifestId = serializers.CharField()
    endpoint = serializers.URLField()
    similarityScore = serializers.IntegerField(min_value=0, max_value=100)


class Matches(serializers.Serializer):
    """Every manifest found, the most similar first, as many as were asked for."""

    matches = ManifestMatch(many=True)


class Binding(serializers.Serializer):
    """A soft binding: its algorithm and its value in base64."""

    alg = serializers.CharField(max_length=LONGEST_VALUE)
    value = serializers.CharField(max_length=LONGEST_VALUE)
    maxResults = serializers.IntegerField(min_value=1, default=10)

    def validate_alg(self, name: str) -> str:
        """Return an algorithm by whose values pictures can be looked up."""
        return _one_of(name, (*FINGERPRINTS, *watermarks()))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the binding with its value as bytes."""
        try:
            value = base64.b64decode(attrs["value"], validate=True)
        except ValueError as error:  # binascii's own, and a plain one for letters beyond ASCII
            raise serializers.ValidationError({"value": "not base64"}, code="invalid") from error
        if attrs["alg"] == PDQ_ALGORITHM and len(value) not in {CODE_BYTES, 10 * CODE_BYTES}:
            raise serializers.ValidationError({"value": "not one code of 32 bytes, nor ten"}, code="invalid")
        if attrs["alg"] not in FINGERPRINTS and len(value) != ID_BYTES:
            raise serializers.ValidationError({"value": f"not an id of {ID_BYTES} bytes"}, code="invalid")
        return {**attrs, "value": value}


class ContentQuestion(serializers.Serializer):
    """How a picture is to be matched. A hint is taken and not needed: both codes are computed from the picture."""

    alg = serializers.CharField(max_length=LONGEST_VALUE, default=PDQ_ALGORITHM)
    hintAlg = serializers.CharField(max_length=200, required=False)
    hintValue = serializers.CharField(max_length=LONGEST_VALUE, required=False)
    maxResults = serializers.IntegerField(min_value=1, default=10)

    def validate_alg(self, name: str) -> str:
        """Return an algorithm that a picture is read with at once; a watermark that needs torch is none."""
        return _one_of(name, (*FINGERPRINTS, reading_watermark().algorithm))


def watermarks() -> list[str]:
    """Return the watermarks of recorded pictures, the one that is read at once first; those in disorder are left out.

    Looking an id up takes no reading, so one that needs torch to be read is among them.
    """
    slow = slow_watermark()
    found = [reading_watermark().algorithm]
    with suppress(WatermarkUnavailable):
        found += [slow.algorithm] if slow else []
    return found


def _one_of(name: str, known: Sequence[str]) -> str:
    if name not in known:
        raise serializers.ValidationError(f"not one of {', '.join(known)}", code="invalid_choice")
    return name


class PictureBody(BaseParser):
    """Takes a picture that is the whole body; its declared type means nothing."""

    media_type = "image/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the bytes under the name that a form would give them; raise PictureTooLarge."""
        data = stream.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise PictureTooLarge(what=f"> {LARGEST_FILE // 2**20} MB")
        return {"file": data}


class OctetBody(PictureBody):
    """The same, for bytes that are declared as nothing else."""

    media_type = "application/octet-stream"


class ResolutionView(APIView):
    """Refuses with the status codes that C2PA's description of the interface names."""

    permission_classes = (AllowAny,)

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        """Return what turns an error into an answer: 400 for a question, 414 and 415 as below."""
        return _refused


def _refused(error: Exception, context: dict[str, Any]) -> Response | None:
    response = problem_response(error, context)
    if response is not None and response.status_code == 422:
        response.status_code = response.data["status"] = _status_of(error, context["request"])
    return response


def _status_of(error: Exception, request: Request) -> int:
    """Return 415 for bytes that are no picture, 414 for a value too long for an address, else 400."""
    if isinstance(error, NotAPicture):
        return 415
    codes = error.get_codes() if isinstance(error, serializers.ValidationError) else {}
    is_too_long = isinstance(codes, dict) and "max_length" in codes.get("value", ())
    return 414 if is_too_long and request.method == "GET" else 400


class SupportedAlgorithms(ResolutionView):
    """By which soft bindings pictures can be looked up here."""

    @extend_schema(responses={200: dict})
    def get(self, request: Request) -> Response:
        """Return the algorithms by their kind."""
        return Response(_listed(watermarks=watermarks(), fingerprints=FINGERPRINTS))


class MatchesByBinding(ResolutionView):
    """The manifests of pictures with a soft binding, or with one that is near to it."""

    parser_classes = (StrictJSONParser,)
    throttle = {"GET": "verify", "POST": "verify"}

    @extend_schema(parameters=[Binding], responses={200: Matches})
    def get(self, request: Request) -> Response:
        """Return the matches of the binding that the address names."""
        return _by_binding(request.query_params)

    @extend_schema(
        request=Binding, parameters=[OpenApiParameter("maxResults", int, default=10)], responses={200: Matches}
    )
    def post(self, request: Request) -> Response:
        """Return the matches of the binding in the body, which stays out of logs of addresses.

        How many may be told is asked for in the address; in the body it is understood too.
        """
        asked = request.data
        if isinstance(asked, dict) and "maxResults" in request.query_params:
            asked = {**asked, "maxResults": request.query_params["maxResults"]}
        return _by_binding(asked)


class MatchesByContent(ResolutionView):
    """The manifests of pictures of which the one sent may be a copy."""

    parser_classes = (MultiPartParser, PictureBody, OctetBody)
    throttle = {"POST": "verify"}

    @extend_schema(
        parameters=[ContentQuestion],
        request={"multipart/form-data": dict, "image/*": bytes, "application/octet-stream": bytes},
        responses={200: Matches},
    )
    def post(self, request: Request) -> Response:
        """Return the matches of the picture in the body, or in a form's ``file``."""
        question = ContentQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        asked, data = question.validated_data, _sent(request.data)
        with at_work():
            found = self._found(decode_picture(data).pixels, algorithm=asked["alg"], request=request)
            return Response({"matches": _told(found, most=asked["maxResults"])})

    @staticmethod
    def _found(pixels: Any, *, algorithm: str, request: Request) -> Any:
        if algorithm in FINGERPRINTS:
            return _alike(algorithm, Look(pixels))
        read = reading_watermark().read(pixels, thorough=PerAccount().allows(request, "search"))
        return _watermarked(read.hex) if read else ()


class StoredManifest(ResolutionView):
    """The manifest store with the id of its active manifest."""

    throttle = {"GET": "verify"}

    @extend_schema(
        parameters=[OpenApiParameter("returnActiveManifest", bool, description="without the manifests before it")],
        responses={(200, "application/c2pa"): bytes},
    )
    def get(self, request: Request, manifest_id: str) -> HttpResponse:
        """Return the store as signed, or its active manifest alone; 404 for an unknown id, 410 for an erased one.

        A manifest beside a listed work, which stands in pictures made from it, has its id here too.
        """
        credential = credentials.credential_named(manifest_id) or credentials.work_credential_named(manifest_id)
        if credential is None:
            raise NotFound()
        wanted = request.query_params.get("returnActiveManifest", "").lower() in {"true", "1"}
        return stored_manifest(credential, active_only=wanted)


def _sent(data: Any) -> bytes:
    sent = data.get("file")
    if isinstance(sent, bytes):
        return sent
    if sent is None or isinstance(sent, str):
        raise serializers.ValidationError({"file": "a file"}, code="required")
    if sent.size > LARGEST_FILE:
        raise PictureTooLarge(what=f"{sent.size // 2**20} MB")
    return bytes(sent.read())


def _listed(**kinds: Sequence[str]) -> dict[str, Any]:
    return {kind: [{"alg": name} for name in names] for kind, names in kinds.items()}


def _by_binding(asked: Any) -> Response:
    binding = Binding(data=asked)
    binding.is_valid(raise_exception=True)
    found = _bound(binding.validated_data["alg"], binding.validated_data["value"])
    return Response({"matches": _told(found, most=binding.validated_data["maxResults"])})


def _bound(algorithm: str, value: bytes) -> Sequence[tuple[str, float]]:
    if algorithm not in FINGERPRINTS:
        return _watermarked(value.hex())
    if algorithm == ISCC_ALGORITHM:
        return _alike(algorithm, Fingerprint(pdq=(), quality=0, iscc=iscc_stated(value)))
    codes = tuple(value[start : start + CODE_BYTES] for start in range(0, len(value), CODE_BYTES))
    return _alike(algorithm, Fingerprint(pdq=codes, quality=100, iscc=""))


def _watermarked(id: str) -> Sequence[tuple[str, float]]:
    forms = (form for form in image_files.forms_watermarked(id) if not form.output.generation.erased_at)
    return [(form.output.manifest_id, 1.0) for form in forms]


def _alike(algorithm: str, fingerprint: Fingerprint | Look) -> Sequence[tuple[str, float]]:
    """Return manifest ids, each with the share of bits that are alike."""
    if algorithm == ISCC_ALGORITHM:
        return [(form.file.manifest_id, 1.0) for form in recovery.with_same_iscc(fingerprint.iscc)]
    return [(one.form.file.manifest_id, 1 - one.match.distance / 256) for one in recovery.likenesses(fingerprint)]


def _told(found: Sequence[tuple[str, float]], *, most: int) -> list[dict[str, Any]]:
    return [
        {
            "manifestId": manifest_id,
            "endpoint": f"{settings.ENVIRONMENT.address}/c2pa",
            "similarityScore": int(100 * alike),
        }
        for manifest_id, alike in found[: min(most, MOST_RESULTS)]
    ]
