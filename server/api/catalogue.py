"""What there is to draw with: models, styles, and listed works."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import queries as generation
from generation.errors import UnknownModel
from provenance import storage
from provenance.licensing.actions.offering import offer_openly
from provenance.licensing.credits import licence_name, licence_url, style_credit
from provenance.licensing.queries.offers import is_offered, open_offers
from provenance.licensing.queries.usable_works import work_usable_by, works_usable_by
from provenance.picture import LARGEST_FILE, PictureTooLarge
from provenance.works import queries as works
from provenance.works.actions.listing import register_work
from provenance.works.actions.parties import own_party
from provenance.works.errors import UnknownWork
from server.api.actors import actor_of
from server.api.errors import problem
from server.api.parsers import StrictJSONParser


class ModelView(serializers.Serializer):
    """One registered model."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    digest = serializers.CharField()
    revision = serializers.CharField()
    licence = serializers.CharField()
    training = serializers.CharField()
    training_statement = serializers.CharField()
    pipeline_class = serializers.CharField()
    tasks = serializers.ListField(child=serializers.CharField())
    defaults = serializers.JSONField()
    sizes = serializers.JSONField()
    weights = serializers.JSONField()
    registered_at = serializers.DateTimeField()


class ModelWithVocabulary(ModelView):
    """One registered model with what it can draw, where its maker says, and when newer weights replaced it."""

    vocabulary = serializers.JSONField()
    superseded_at = serializers.DateTimeField(allow_null=True)


class ModelList(ListAPIView):
    """Every model that stands, the default first."""

    serializer_class = ModelView
    permission_classes = (AllowAny,)
    ordering = ("named_at", "id")

    def get_queryset(self) -> Any:
        """Return the models that stand."""
        return generation.models_listed()


class ModelDetail(APIView):
    """One model."""

    permission_classes = (AllowAny,)

    @extend_schema(responses={200: ModelWithVocabulary})
    def get(self, request: Request, name: str) -> Response:
        """Return the model of a slug, or one by id, also after newer weights have taken its name."""
        try:
            model = generation.model_recorded(name)
        except UnknownModel as fault:
            return problem(fault, status=404)
        return Response(ModelWithVocabulary(model).data)


class StyleView(serializers.Serializer):
    """One style with its owner, its terms and its credit line."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    name_zh = serializers.CharField()
    token = serializers.CharField()
    carrier = serializers.CharField()
    model_digest = serializers.CharField()
    adapter_digest = serializers.CharField()
    works = serializers.IntegerField(source="work_count")
    owner = serializers.SerializerMethodField()
    licence = serializers.SerializerMethodField()
    credit = serializers.SerializerMethodField()

    def _offer(self, style: Any) -> Any:
        return self.context["offers"].get(style.pk)

    def get_owner(self, style: Any) -> dict[str, str]:
        """Return the owning party and how it came to be recorded."""
        party = style.owner
        return {
            "id": str(party.pk),
            "name": party.name,
            "url": party.url,
            "origin": party.origin,
            "claim": party.claim,
        }

    def get_licence(self, style: Any) -> dict[str, Any] | None:
        """Return the open licence under which anyone may use it; null where a grant is needed."""
        offer = self._offer(style)
        if offer is None:
            return None
        return {
            "id": offer.licence,
            "name": licence_name(offer.licence),
            "url": licence_url(offer.licence),
            "duties": offer.terms["duties"],
            "terms_digest": offer.terms_digest,
        }

    def get_credit(self, style: Any) -> dict[str, str]:
        """Return the credit line that a picture in this style carries."""
        offer = self._offer(style)
        return style_credit(style=style.name, author=style.owner.name, licence=offer.licence if offer else "")


class StyleList(ListAPIView):
    """Every style that stands, by name."""

    serializer_class = StyleView
    permission_classes = (AllowAny,)
    ordering = ("name", "id")

    def get_queryset(self) -> Any:
        """Return the styles that stand."""
        return works.styles_listed()

    def get_serializer_context(self) -> dict[str, Any]:
        """Look every style's open offer up at once."""
        return {**super().get_serializer_context(), "offers": open_offers("style")}


class WorkView(serializers.Serializer):
    """One listed work."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    title_zh = serializers.CharField()
    owner = serializers.CharField(source="owner.name")
    author = serializers.CharField(source="author_credit")
    digest = serializers.CharField()
    pixel_digest = serializers.CharField()
    media_type = serializers.CharField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    licence = serializers.CharField()
    state = serializers.CharField()
    source_url = serializers.CharField()
    has_preview = serializers.SerializerMethodField()
    registered_at = serializers.DateTimeField()

    def get_has_preview(self, work: Any) -> bool:
        """Say whether ``/preview`` shows something."""
        return bool(work.preview_digest or work.pixel_digest)


class WorkInput(serializers.Serializer):
    """A picture that its owner lists."""

    file = serializers.FileField()
    title = serializers.CharField(max_length=300)
    author = serializers.CharField(max_length=200, default="", allow_blank=True)
    rights_evidence = serializers.CharField(max_length=5000)
    licence = serializers.CharField(max_length=80, default="", allow_blank=True)


class WorkList(ListAPIView):
    """The caller's own works, those under an open licence and those granted; an auditor sees all."""

    serializer_class = WorkView
    parser_classes = (MultiPartParser, StrictJSONParser)
    ordering = ("-registered_at", "id")

    def get_queryset(self) -> Any:
        """Return the works that the caller may see."""
        return works_usable_by(actor_of(self.request))

    @extend_schema(request={"multipart/form-data": WorkInput}, responses={201: WorkView})
    def post(self, request: Request) -> Response:
        """List a picture as one's own work, under an open licence where one is named."""
        body = WorkInput(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        actor = actor_of(request)
        actor.require("artist")
        if values["file"].size > LARGEST_FILE:
            raise PictureTooLarge(what=f"{values['file'].size // 2**20} MB")
        with transaction.atomic():
            party = own_party(actor=actor, name=request.user.name)
            work = register_work(
                actor=actor,
                party=party,
                data=values["file"].read(),
                title=values["title"],
                author=values["author"],
                rights_evidence=values["rights_evidence"],
                licence=values["licence"],
            )
            if work.licence and work.licence == values["licence"] and not is_offered(work.pk):
                offer_openly(
                    actor=actor,
                    party=party,
                    subject_kind="work",
                    subject_id=work.pk,
                    licence=values["licence"],
                )
        return Response(WorkView(work).data, status=201)


class WorkPreview(APIView):
    """What a listed work looks like."""

    @extend_schema(responses={(200, "image/webp"): bytes})
    def get(self, request: Request, work_id: UUID) -> HttpResponse | Response:
        """Return the preview of a work that the caller may see, else its own file."""
        try:
            work = work_usable_by(actor_of(request), work_id=work_id)
        except UnknownWork as fault:
            return problem(fault, status=404)
        digest = work.preview_digest or work.digest
        if not storage.exists(digest):
            raise NotFound()
        return HttpResponse(
            storage.load(digest),
            content_type="image/webp" if work.preview_digest else work.media_type,
            headers={"ETag": f'"{digest}"', "Content-Security-Policy": "sandbox; default-src 'none'"},
        )
