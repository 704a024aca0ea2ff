"""The models that there are to draw with."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import queries as generation
from generation.errors import UnknownModel
from provenance.licensing.queries.opt_outs import models_marked
from server.api.errors import problem


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
    opted_out_works = serializers.SerializerMethodField()
    registered_at = serializers.DateTimeField()

    def get_opted_out_works(self, model: Any) -> int:
        """Return how many of its listed training works have opted out since; the styles on them are refused."""
        marked = self.context.get("marked")
        return (models_marked() if marked is None else marked).get(model.digest, 0)


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

    def get_serializer_context(self) -> dict[str, Any]:
        """Look up at once which models were trained on works that have opted out."""
        return {**super().get_serializer_context(), "marked": models_marked()}


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
