"""The auditor's runs: reconciling rows, files, manifests and log; and replays."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.actions import reconciling, replaying
from server.api.actors import actor_of


class ReconciliationView(serializers.Serializer):
    """One run: how far it is, and once done its signed note."""

    id = serializers.UUIDField()
    state = serializers.CharField(help_text="waiting, running, done or failed")
    stage = serializers.CharField(help_text="log, rows, files or manifests")
    done = serializers.IntegerField(help_text="Things compared so far.")
    total = serializers.IntegerField(help_text="Things to compare, as counted at the start.")
    counts = serializers.DictField(child=serializers.IntegerField())
    differences = serializers.IntegerField(allow_null=True, help_text="Null until the run is done.")
    report_digest = serializers.CharField(help_text="sha256 of the report's bytes; the note signs it.")
    note = serializers.CharField(help_text="A signed note (C2SP) by the log's key.")
    fault = serializers.JSONField(allow_null=True)
    asked_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class ReconciliationList(ListAPIView):
    """Runs that auditors asked for; the newest first."""

    serializer_class = ReconciliationView
    ordering = ("-asked_at", "id")

    def get_queryset(self) -> Any:
        """Return the runs; 403 for anybody but an auditor."""
        return reconciling.reconciliations_visible_to(actor_of(self.request))

    @extend_schema(request=None, responses={202: ReconciliationView})
    def post(self, request: Request) -> Response:
        """Ask for a run; 202 with where to watch it."""
        run = reconciling.request_reconciliation(actor=actor_of(request))
        place = f"/api/v1/audit/reconciliations/{run.pk}"
        return Response(ReconciliationView(run).data, status=202, headers={"Location": place})


def _run(request: Request, reconciliation_id: UUID) -> Any:
    run = reconciling.reconciliation_of(actor_of(request), reconciliation_id=reconciliation_id)
    if run is None:
        raise NotFound()
    return run


class ReconciliationDetail(APIView):
    """One run."""

    @extend_schema(responses={200: ReconciliationView})
    def get(self, request: Request, reconciliation_id: UUID) -> Response:
        """Return how far a run is and what it ended with."""
        return Response(ReconciliationView(_run(request, reconciliation_id)).data)


class ReconciliationReport(APIView):
    """Every difference that a run found."""

    @extend_schema(responses={(200, "application/jsonl"): bytes})
    def get(self, request: Request, reconciliation_id: UUID) -> StreamingHttpResponse:
        """Return the report, one difference a line; 404 until the run is done."""
        run = _run(request, reconciliation_id)
        if not run.report_digest:
            raise NotFound()
        headers = {
            "ETag": f'"{run.report_digest}"',
            "Cache-Control": "private, no-store",
            "Content-Disposition": f'attachment; filename="reconciliation-{str(run.pk)[:8]}.jsonl"',
        }
        return StreamingHttpResponse(reconciling.report_lines(run), content_type="application/jsonl", headers=headers)


class ReplayInput(serializers.Serializer):
    """Why: needed from an auditor where somebody else's prompt is private."""

    reason = serializers.CharField(default="", allow_blank=True, max_length=1000)


class ReplayView(serializers.Serializer):
    """One replay and how its pictures compare."""

    id = serializers.UUIDField()
    generation = serializers.UUIDField(source="generation_id")
    state = serializers.CharField(help_text="waiting, running, done or failed")
    step = serializers.IntegerField()
    result = serializers.CharField(help_text="exact, similar, erased, model-changed, or the code of the fault")
    comparison = serializers.JSONField(
        allow_null=True, help_text="Each picture's pixel digests and PSNR in dB, and what differs in the environment."
    )
    fault = serializers.JSONField(allow_null=True)
    asked_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class ReplayList(ListAPIView):
    """Replays of one generation, for its owner and for auditors."""

    serializer_class = ReplayView
    ordering = ("-asked_at", "id")

    def get_queryset(self) -> Any:
        """Return the replays, the newest first."""
        return replaying.replays_visible_to(actor_of(self.request), generation_id=self.kwargs["generation_id"])

    @extend_schema(request=ReplayInput, responses={202: ReplayView})
    def post(self, request: Request, generation_id: UUID) -> Response:
        """Ask for a generation to be drawn again; no output is kept and nothing is charged."""
        body = ReplayInput(data=request.data)
        body.is_valid(raise_exception=True)
        replay = replaying.request_replay(
            actor=actor_of(request), generation_id=generation_id, reason=body.validated_data["reason"]
        )
        place = f"/api/v1/generations/{generation_id}/replay"
        return Response(ReplayView(replay).data, status=202, headers={"Location": place})
