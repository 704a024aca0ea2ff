"""Later forms of one's own images: another format, a label, a crop, a new size, or an edit made elsewhere."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.actions.renditions import make_rendition
from generation.rendition import Box, Change, Size
from generation.request import MEDIA_TYPES
from provenance.credentials.actions import key_to_sign_with
from provenance.credentials.label import VisibleLabel
from provenance.picture import LARGEST_FILE, PictureTooLarge, decode_picture
from server.api.actors import actor_of
from server.api.generations import KnownFieldsOnly, LabelInput
from server.api.images import RenditionView
from server.api.parsers import StrictJSONParser


class FormInput(KnownFieldsOnly):
    """In what form the image is wanted; what is left out stays as it is."""

    output_format = serializers.ChoiceField(list(MEDIA_TYPES), default=None, allow_null=True)
    quality = serializers.IntegerField(default=None, allow_null=True, help_text="30 to 100; not for PNG.")
    label = LabelInput(default=None, allow_null=True)

    def as_change(self, **more: Any) -> Change:
        """Return the change in the words of the layer below."""
        values = dict(self.validated_data)
        label = values.get("label")
        return Change(
            output_format=values.get("output_format"),
            quality=values.get("quality"),
            label=VisibleLabel(**label) if label else None,
            **more,
        )


class BoxInput(KnownFieldsOnly):
    """A part of the image, in pixels."""

    left = serializers.IntegerField(min_value=0)
    top = serializers.IntegerField(min_value=0)
    width = serializers.IntegerField(min_value=1)
    height = serializers.IntegerField(min_value=1)


class SizeInput(KnownFieldsOnly):
    """Width and height in pixels."""

    width = serializers.IntegerField(min_value=1)
    height = serializers.IntegerField(min_value=1)


class EditInput(FormInput):
    """What is cut, resampled, or was edited elsewhere."""

    crop = BoxInput(default=None, allow_null=True)
    size = SizeInput(default=None, allow_null=True)

    def as_change(self, **more: Any) -> Change:
        """Return the change in the words of the layer below."""
        crop, size = self.validated_data.get("crop"), self.validated_data.get("size")
        edited = {"crop": Box(**crop) if crop else None, "size": Size(**size) if size else None}
        return super().as_change(**edited, **more)


class RetouchInput(KnownFieldsOnly):
    """The image after an edit elsewhere; its name, declared type and metadata mean nothing."""

    file = serializers.FileField(allow_empty_file=True)
    output_format = serializers.ChoiceField(list(MEDIA_TYPES), default=None, allow_null=True)
    quality = serializers.IntegerField(default=None, allow_null=True)


class _Making(APIView):
    throttle = {"POST": "request"}

    def _made(self, request: Request, digest: str, change: Change) -> Response:
        rendition = make_rendition(actor=actor_of(request), digest=digest, change=change, key=key_to_sign_with())
        headers = {"Location": f"/api/v1/images/{rendition.digest}"}
        return Response(RenditionView(rendition).data, status=201, headers=headers)


class RenditionList(_Making):
    """Makes the same picture in another form."""

    @extend_schema(request=FormInput, responses={201: RenditionView})
    def post(self, request: Request, digest: str) -> Response:
        """Return the new form: another format or quality, with a visible label where one is asked for."""
        body = FormInput(data=request.data)
        body.is_valid(raise_exception=True)
        return self._made(request, digest, body.as_change())


class EditList(_Making):
    """Edits an image after generation; the chain to the first manifest is kept."""

    parser_classes = (StrictJSONParser, MultiPartParser)

    @extend_schema(request={"application/json": EditInput, "multipart/form-data": RetouchInput},
                   responses={201: RenditionView})  # fmt: skip
    def post(self, request: Request, digest: str) -> Response:
        """Return the edited image: cropped and resampled here, or the file that was edited elsewhere."""
        if not (request.content_type or "").startswith("multipart/"):
            body = EditInput(data=request.data)
            body.is_valid(raise_exception=True)
            return self._made(request, digest, body.as_change())
        upload = RetouchInput(data=request.data)
        upload.is_valid(raise_exception=True)
        asked = upload.validated_data
        if asked["file"].size > LARGEST_FILE:
            raise PictureTooLarge(what=f"{asked['file'].size // 2**20} MB")
        pixels = decode_picture(asked["file"].read()).pixels
        change = Change(output_format=asked["output_format"], quality=asked["quality"], retouched=pixels)
        return self._made(request, digest, change)
