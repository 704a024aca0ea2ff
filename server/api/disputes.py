"""Notices without an account, what the two sides say, and the auditor's decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import get_language
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.actions import disputing
from provenance import storage
from provenance.actor import Actor
from provenance.disputes import queries
from provenance.disputes.actions import assessing, noticing
from provenance.disputes.actions.erasing import erase_notice
from provenance.disputes.deadlines import WHO_ACTS
from provenance.disputes.evidence import LARGEST_FILE, MOST_FILES, EvidenceFile, taken_as_evidence
from provenance.disputes.notice import GROUNDS, REMEDIES, SUBJECT_KINDS, Notice
from server.api.actors import actor_of
from server.api.parsers import StrictJSONParser

SECRET_HEADER = "Dispute-Secret"
WITH_SECRET = OpenApiParameter(
    SECRET_HEADER, str, OpenApiParameter.HEADER, description="What came with the notice; instead of an account."
)
LONGEST_TEXT = 10_000


class PublicDisputeView(serializers.Serializer):
    """What anyone may know of a dispute that stands: about what, since when, and no names."""

    id = serializers.UUIDField()
    subject_kind = serializers.CharField()
    subject = serializers.CharField()
    ground = serializers.CharField()
    state = serializers.CharField()
    stands_since = serializers.DateTimeField()


class EventView(serializers.Serializer):
    """One thing that a side or an auditor did or said."""

    kind = serializers.CharField()
    side = serializers.CharField()
    text = serializers.CharField()
    evidence = serializers.JSONField()
    at = serializers.DateTimeField()


class DisputeView(serializers.Serializer):
    """One dispute, for its sides and for auditors; only auditors read who gave notice."""

    id = serializers.UUIDField()
    subject_kind = serializers.CharField()
    subject = serializers.CharField()
    ground = serializers.CharField()
    opt_out = serializers.UUIDField(allow_null=True, help_text="The claim to a picture that it decides.")
    state = serializers.CharField()
    waits_for = serializers.SerializerMethodField()
    side = serializers.SerializerMethodField()
    claimant = serializers.SerializerMethodField()
    remedy = serializers.CharField()
    new_owner = serializers.UUIDField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    received_at = serializers.DateTimeField()
    stands_since = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    events = serializers.SerializerMethodField()

    def get_waits_for(self, dispute: Any) -> str | None:
        """Return who has to act next; null once it has ended."""
        return WHO_ACTS.get(dispute.state)

    def get_side(self, dispute: Any) -> str:
        """Return which side the reader is on, looked up once a dispute."""
        sides: dict[Any, str] = self.context.setdefault("sides", {})
        if dispute.pk not in sides:
            sides[dispute.pk] = queries.side_of(self.context["actor"], dispute, secret=self.context["secret"])
        return sides[dispute.pk]

    def get_claimant(self, dispute: Any) -> dict[str, str] | None:
        """Return who gave notice, to auditors and to that person."""
        if self.get_side(dispute) not in {"auditor", "claimant"}:
            return None
        return {"name": dispute.claimant_name, "contact": dispute.claimant_contact}

    def get_events(self, dispute: Any) -> Any:
        """Return what was done and said, the oldest first."""
        return EventView(dispute.events.order_by("at", "id"), many=True).data


class NoticeInput(serializers.Serializer):
    """A notice; up to five files may come with it as ``evidence``."""

    subject_kind = serializers.ChoiceField(SUBJECT_KINDS)
    subject = serializers.RegexField(r"^(sha256:[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$")
    ground = serializers.ChoiceField(GROUNDS)
    name = serializers.CharField(max_length=200)
    contact = serializers.CharField(max_length=300)
    text = serializers.CharField(max_length=LONGEST_TEXT)
    good_faith = serializers.BooleanField()
    accurate = serializers.BooleanField()

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse a digest where an id belongs, and the other way round."""
        if (values["subject_kind"] == "image") != values["subject"].startswith("sha256:"):
            raise serializers.ValidationError({"subject": "an image has a digest, a work or style an id"})
        return values

    def as_notice(self) -> Notice:
        """Return the notice in the words of the layer below."""
        values = dict(self.validated_data)
        return Notice(
            is_in_good_faith=values.pop("good_faith"),
            is_accurate=values.pop("accurate"),
            language="zh-Hans" if (get_language() or "en").startswith("zh") else "en",
            **values,
        )


class WordsInput(serializers.Serializer):
    """What a side adds."""

    text = serializers.CharField(max_length=LONGEST_TEXT)


class OptionalWordsInput(serializers.Serializer):
    """What somebody may add."""

    text = serializers.CharField(max_length=LONGEST_TEXT, default="", allow_blank=True)


class AssessmentInput(serializers.Serializer):
    """Whether a notice is complete, and why; both sides read it."""

    complete = serializers.BooleanField()
    reason = serializers.CharField(max_length=LONGEST_TEXT)


class ResolutionInput(serializers.Serializer):
    """How a dispute ends; an upheld one over a work or style names its remedy."""

    upheld = serializers.BooleanField()
    reason = serializers.CharField(max_length=LONGEST_TEXT)
    remedy = serializers.ChoiceField(REMEDIES, default="", allow_blank=True)
    new_owner = serializers.UUIDField(default=None, allow_null=True)


def _evidence_of(request: Request) -> list[EvidenceFile]:
    files = request.FILES.getlist("evidence")
    if len(files) > MOST_FILES:
        raise serializers.ValidationError({"evidence": f"at most {MOST_FILES} files"})
    return [taken_as_evidence(file.name or "file", file.read(LARGEST_FILE + 1)) for file in files]


class _OfADispute(APIView):
    """What every address of one dispute shares: it may be reached without an account, by the notice's secret."""

    permission_classes = (AllowAny,)
    parser_classes: Sequence[Any] = (MultiPartParser, FormParser, StrictJSONParser)
    throttle: Any = {"POST": "notice"}

    def found(self, request: Request, dispute_id: UUID, *sides: str) -> tuple[Actor, Any]:
        """Return the caller and the dispute; 404 for who may not read it, 403 for who is on none of some sides."""
        actor, secret = actor_of(request), request.headers.get(SECRET_HEADER, "")
        dispute = queries.dispute_for(actor, dispute_id=dispute_id, secret=secret)
        if sides and queries.side_of(actor, dispute, secret=secret) not in sides:
            raise PermissionDenied()
        return actor, dispute

    def told(self, request: Request, dispute: Any, *, status: int = 200) -> Response:
        """Return the dispute as its reader may see it."""
        context = {"actor": actor_of(request), "secret": request.headers.get(SECRET_HEADER, "")}
        return Response(DisputeView(dispute, context=context).data, status=status)


class DisputeList(ListAPIView):
    """Disputes of the caller's; an auditor sees all. Anyone may give notice."""

    serializer_class = DisputeView
    permission_classes = (AllowAny,)
    parser_classes = (MultiPartParser, FormParser, StrictJSONParser)
    ordering = ("-received_at", "id")
    throttle = {"POST": "notice"}

    def get_queryset(self) -> Any:
        """Return the disputes that the caller is a side of."""
        actor = actor_of(self.request)
        if actor.account_id is None:
            raise PermissionDenied()
        return queries.disputes_visible_to(actor)

    def get_serializer_context(self) -> dict[str, Any]:
        """Tell the serializer who reads."""
        return {**super().get_serializer_context(), "actor": actor_of(self.request), "secret": ""}

    @extend_schema(request={"multipart/form-data": NoticeInput}, responses={201: dict})
    def post(self, request: Request) -> Response:
        """Record a notice; the answer holds the secret that lets its claimant follow it, this once."""
        body = NoticeInput(data=request.data)
        body.is_valid(raise_exception=True)
        notice = body.as_notice()
        dispute, secret = disputing.give_notice(
            actor=actor_of(request), notice=notice, evidence=_evidence_of(request)
        )
        context = {"actor": actor_of(request), "secret": secret}
        place = f"/api/v1/disputes/{dispute.pk}"
        told = {**DisputeView(dispute, context=context).data, "secret": secret}
        return Response(told, status=201, headers={"Location": place})


class StandingDisputes(ListAPIView):
    """Every dispute that stands, without names."""

    serializer_class = PublicDisputeView
    permission_classes = (AllowAny,)
    ordering = ("-stands_since", "id")

    def get_queryset(self) -> Any:
        """Return the disputes that stand."""
        return queries.standing_disputes()


class DisputeDetail(_OfADispute):
    """One dispute."""

    @extend_schema(parameters=[WITH_SECRET], responses={200: DisputeView})
    def get(self, request: Request, dispute_id: UUID) -> Response:
        """Return a dispute to its sides and to auditors."""
        return self.told(request, self.found(request, dispute_id)[1])


class DisputeSupplement(_OfADispute):
    """What a side adds."""

    @extend_schema(parameters=[WITH_SECRET], request={"multipart/form-data": WordsInput}, responses={200: DisputeView})
    def post(self, request: Request, dispute_id: UUID) -> Response:
        """Add words and files; a claimant completes an incomplete notice so."""
        body = WordsInput(data=request.data)
        body.is_valid(raise_exception=True)
        actor, dispute = self.found(request, dispute_id, "claimant", "respondent")
        side = queries.side_of(actor, dispute, secret=request.headers.get(SECRET_HEADER, ""))
        added = noticing.supplement(
            actor=actor, dispute=dispute, side=side, evidence=_evidence_of(request), **body.validated_data
        )
        return self.told(request, added)


class DisputeCounterNotice(_OfADispute):
    """The other side's answer."""

    @extend_schema(request={"multipart/form-data": WordsInput}, responses={200: DisputeView})
    def post(self, request: Request, dispute_id: UUID) -> Response:
        """Record the counter-notice of the owner's member, or of whose request the image was."""
        body = WordsInput(data=request.data)
        body.is_valid(raise_exception=True)
        actor, dispute = self.found(request, dispute_id, "respondent")
        answered = noticing.answer(
            actor=actor, dispute=dispute, evidence=_evidence_of(request), **body.validated_data
        )
        return self.told(request, answered)


class DisputeWithdrawal(_OfADispute):
    """Taking a notice back."""

    @extend_schema(parameters=[WITH_SECRET], request=OptionalWordsInput, responses={200: DisputeView})
    def post(self, request: Request, dispute_id: UUID) -> Response:
        """End a dispute as its claimant; what it stopped goes on."""
        body = OptionalWordsInput(data=request.data)
        body.is_valid(raise_exception=True)
        actor, dispute = self.found(request, dispute_id, "claimant")
        return self.told(request, noticing.withdraw_notice(actor=actor, dispute=dispute, **body.validated_data))


class DisputeErasure(_OfADispute):
    """Erasing what a claimant said, without an account."""

    @extend_schema(parameters=[WITH_SECRET], request=None, responses={204: None})
    def post(self, request: Request, dispute_id: UUID) -> Response:
        """Erase the claimant's name, words and files from an ended dispute; the secret opens nothing after that."""
        actor, dispute = self.found(request, dispute_id, "claimant")
        erase_notice(actor=actor, dispute=dispute)
        return Response(status=204)


class DisputeAssessment(_OfADispute):
    """The auditor's first look."""

    throttle = {"POST": "account"}

    @extend_schema(request=AssessmentInput, responses={200: DisputeView})
    def post(self, request: Request, dispute_id: UUID) -> Response:
        """Find a notice complete, from when new uses stop and royalties are held, or say what it lacks."""
        body = AssessmentInput(data=request.data)
        body.is_valid(raise_exception=True)
        actor, dispute = self.found(request, dispute_id)
        actor.require("auditor")
        values = body.validated_data
        assessed = disputing.assess(
            actor=actor, dispute=dispute, is_complete=values["complete"], reason=values["reason"]
        )
        return self.told(request, assessed)


class DisputeRecusal(_OfADispute):
    """An auditor stands back."""

    throttle = {"POST": "account"}

    @extend_schema(request=OptionalWordsInput, responses={200: DisputeView})
    def post(self, request: Request, dispute_id: UUID) -> Response:
        """Stand back from a dispute for good; another auditor must decide it."""
        body = OptionalWordsInput(data=request.data)
        body.is_valid(raise_exception=True)
        actor, dispute = self.found(request, dispute_id)
        actor.require("auditor")
        return self.told(
            request, assessing.recuse(actor=actor, dispute=dispute, reason=body.validated_data["text"])
        )


class DisputeResolution(_OfADispute):
    """The auditor's decision."""

    throttle = {"POST": "account"}

    @extend_schema(request=ResolutionInput, responses={200: DisputeView})
    def post(self, request: Request, dispute_id: UUID) -> Response:
        """Uphold a notice with a remedy, or dismiss it."""
        body = ResolutionInput(data=request.data)
        body.is_valid(raise_exception=True)
        values = dict(body.validated_data)
        actor, dispute = self.found(request, dispute_id)
        actor.require("auditor")
        resolved = assessing.resolve(actor=actor, dispute=dispute, is_upheld=values.pop("upheld"), **values)
        return self.told(request, resolved)


class DisputeEvidence(_OfADispute):
    """A file that a side handed in."""

    @extend_schema(parameters=[WITH_SECRET], responses={(200, "application/octet-stream"): bytes})
    def get(self, request: Request, dispute_id: UUID, digest: str) -> HttpResponse:
        """Return a file of a dispute, always as a download; 404 for one that is no part of it."""
        _, dispute = self.found(request, dispute_id)
        listed = (file for event in dispute.events.all() for file in event.evidence)
        file = next((file for file in listed if file["digest"] == digest), None)
        if file is None or not storage.exists(digest):
            raise NotFound()
        headers = {
            "Content-Disposition": f'attachment; filename="evidence-{digest[7:15]}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cache-Control": "private, no-store",
        }
        return HttpResponse(storage.load(digest), content_type=file["media_type"], headers=headers)
