"""Training a style: asking for it, watching it learn, calling it off, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import queries
from generation.actions.training.requesting import cancel_training, request_training
from generation.training.recipe import Recipe
from provenance import storage
from provenance.licensing.declared import BROADER_PURPOSES
from provenance.works import queries as works
from provenance.works.errors import UnknownStyle
from server.api.actors import actor_of
from server.api.errors import problem
from server.api.event_stream import streamed
from server.api.generations import KnownFieldsOnly

FILES: Mapping[str, tuple[str, str, str]] = {
    "adapter": ("adapter_digest", "application/octet-stream", "adapter.safetensors"),
    "manifest": ("manifest_digest", "application/c2pa", "adapter.c2pa"),
    "sheet": ("sheet_digest", "image/png", "samples.png"),
}
"""What a training made: the column of its digest, its media type, and the name that it is saved under."""


class TrainInput(KnownFieldsOnly):
    """How a style is to be trained; whatever is left out takes what has worked before."""

    model = serializers.CharField(default="", allow_blank=True, max_length=80)
    purpose = serializers.ChoiceField(["", *BROADER_PURPOSES], default="")
    rank = serializers.IntegerField(required=False)
    learning_rate = serializers.FloatField(required=False)
    batch = serializers.IntegerField(required=False)
    steps = serializers.IntegerField(required=False, allow_null=True)
    minutes = serializers.FloatField(required=False, allow_null=True)
    warm_up = serializers.IntegerField(required=False)
    seed = serializers.RegexField(r"^[0-9]{1,10}$", required=False)
    held_out = serializers.FloatField(required=False)

    def recipe(self) -> Recipe:
        """Return the recipe that was asked for."""
        values = {name: value for name, value in self.validated_data.items() if name not in {"model", "purpose"}}
        if "seed" in values:
            values["seed"] = int(values["seed"])
        return Recipe(**values)


class TrainingSummary(serializers.Serializer):
    """A training and how far it is."""

    id = serializers.UUIDField()
    style = serializers.UUIDField(source="style_id")
    state = serializers.CharField()
    model = serializers.SerializerMethodField()
    recipe = serializers.JSONField()
    purpose = serializers.CharField()
    works = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    attempt = serializers.IntegerField()
    adapter_digest = serializers.CharField()
    manifest_id = serializers.CharField()
    sheet_digest = serializers.CharField()
    sheet_manifest_id = serializers.CharField()
    request_leaf = serializers.CharField()
    outcome = serializers.JSONField(allow_null=True)
    fault = serializers.JSONField(allow_null=True)
    asked_at = serializers.DateTimeField()
    claimed_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    links = serializers.SerializerMethodField()

    def get_model(self, run: Any) -> dict[str, str]:
        """Return the model that the adapter is for."""
        return {"slug": run.model.slug, "name": run.model.name, "digest": run.model.digest}

    def get_works(self, run: Any) -> dict[str, int]:
        """Return how many works are trained on, kept back, and left out."""
        uses = [row["use"].replace("-", "_") for row in run.works]
        return {use: uses.count(use) for use in ("trained", "held_out", "left_out")}

    def get_progress(self, run: Any) -> dict[str, Any]:
        """Return how far it is, how long it will take, and whether it stands aside for a render."""
        return {"step": run.step, "of": run.steps, "seconds_left": run.seconds_left, "is_paused": run.is_paused}

    def get_links(self, run: Any) -> dict[str, str]:
        """Return where its events, and what it made, are."""
        base = f"/api/v1/trainings/{run.pk}"
        made = {name: f"{base}/{name}" for name in FILES} if run.adapter_digest else {}
        return {"self": base, "events": f"{base}/events", **made}


class TrainingView(TrainingSummary):
    """A training with its works, its loss curve, and what it drew as it learned."""

    report = serializers.JSONField(source="works")
    losses = serializers.JSONField()
    samples = serializers.JSONField()


class StyleTrain(APIView):
    """Training one's style."""

    throttle = {"POST": "request"}

    @extend_schema(request=TrainInput, responses={202: TrainingView})
    def post(self, request: Request, style: str) -> Response:
        """Ask for an adapter trained on the style's works, as its owner: 202 with the record."""
        body = TrainInput(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            wanted = works.style_named(style)
        except UnknownStyle as fault:
            return problem(fault, status=404)
        values = body.validated_data
        run = request_training(
            actor=actor_of(request),
            style=wanted,
            recipe=body.recipe(),
            model=values["model"],
            purpose=values["purpose"],
        )
        return Response(TrainingView(run).data, status=202, headers={"Location": f"/api/v1/trainings/{run.pk}"})


class TrainingList(ListAPIView):
    """The trainings of one's own styles; an auditor sees all."""

    serializer_class = TrainingSummary
    ordering = ("-asked_at", "id")

    def get_queryset(self) -> Any:
        """Return the trainings that the caller may see."""
        return queries.trainings_visible_to(actor_of(self.request))


class TrainingDetail(APIView):
    """One training."""

    @extend_schema(responses={200: TrainingView})
    def get(self, request: Request, training_id: UUID) -> Response:
        """Return a training that the caller may see; 404 otherwise."""
        return Response(TrainingView(queries.training_of(actor_of(request), training_id=training_id)).data)


class TrainingCancel(APIView):
    """Calling a training off."""

    @extend_schema(request=None, responses={202: TrainingView})
    def post(self, request: Request, training_id: UUID) -> Response:
        """Cancel: at once while it waits, between two steps while it runs; 409 once it has ended."""
        actor = actor_of(request)
        cancel_training(actor=actor, training_id=training_id)
        return Response(TrainingView(queries.training_of(actor, training_id=training_id)).data, status=202)


class TrainingFile(APIView):
    """What a training made: the adapter, the manifest beside it, the signed sheet of samples."""

    @extend_schema(responses={(200, "application/octet-stream"): bytes})
    def get(self, request: Request, training_id: UUID, name: str) -> HttpResponse:
        """Return one of its files to whoever may see the training."""
        run = queries.training_of(actor_of(request), training_id=training_id)
        column, media_type, saved_as = FILES[name]
        digest = getattr(run, column)
        if not digest:
            raise NotFound()
        return HttpResponse(
            storage.load(digest),
            content_type=media_type,
            headers={
                "ETag": f'"{digest}"',
                "Content-Disposition": f'attachment; filename="{saved_as}"',
                "Content-Security-Policy": "sandbox; default-src 'none'",
            },
        )


class TrainingEvents(APIView):
    """Server-sent events of one training."""

    @extend_schema(responses={(200, "text/event-stream"): str})
    def get(self, request: Request, training_id: UUID) -> StreamingHttpResponse:
        """Stream ``queued``, ``step`` (now and then with a sample) and the terminal state, then end."""
        run = queries.training_of(actor_of(request), training_id=training_id)
        return streamed(run.pk, account=request.user.pk, read=queries.training_state_of)
