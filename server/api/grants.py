"""Taking grants, approving and ending them, and what rightsholders are told of their use."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.queries import uses_of_offer
from provenance.licensing.actions import granting, notifying
from provenance.licensing.queries import grants as queries
from provenance.licensing.queries.notifications import notifications_of
from provenance.licensing.queries.offers import offer_of, offer_published
from provenance.licensing.queries.uses import held_in, taken_of
from server.api.actors import actor_of

SAID = {
    "grant-requested": (
        "Somebody asks for a grant of {subject}. Approve or decline it.",
        "有人申请 {subject} 的授权。请批准或拒绝。",
    ),
    "grant-taken": ("Somebody took your offer of {subject}.", "有人接受了您关于 {subject} 的要约。"),
    "grant-given": ("You were given a grant of {subject}.", "您获得了 {subject} 的授权。"),
    "grant-approved": ("Your grant of {subject} was approved.", "您对 {subject} 的授权申请已获批准。"),
    "grant-declined": ("Your request for a grant of {subject} was declined.", "您对 {subject} 的授权申请被拒绝。"),
    "grant-revoked": (
        "Your grant of {subject} ends for new pictures. Those that you have keep their terms.",
        "您对 {subject} 的授权对新图片失效。已有图片保留其条款。",
    ),
}
"""What each kind of notification says, in both languages."""


class GrantView(serializers.Serializer):
    """One grant as both its sides see it."""

    id = serializers.UUIDField()
    offer = serializers.UUIDField(source="offer_id")
    party = serializers.SerializerMethodField()
    subject_kind = serializers.CharField(source="offer.subject_kind")
    subject = serializers.UUIDField(source="offer.subject_id")
    licensee = serializers.UUIDField(source="licensee_id")
    terms = serializers.JSONField()
    terms_digest = serializers.CharField()
    price = serializers.JSONField(allow_null=True)
    needs_approval = serializers.BooleanField()
    is_exclusive = serializers.BooleanField()
    granted_at = serializers.DateTimeField()
    state = serializers.SerializerMethodField()
    used = serializers.SerializerMethodField()
    events = serializers.SerializerMethodField()

    def get_party(self, grant: Any) -> dict[str, str]:
        """Return who grants."""
        return {"id": str(grant.offer.party.pk), "name": grant.offer.party.name}

    def get_state(self, grant: Any) -> str:
        """Return requested, granted, declined or revoked."""
        return queries.state_of(grant)

    def get_used(self, grant: Any) -> int:
        """Return how many pictures were delivered under it, or are reserved."""
        return taken_of([grant.pk]).get(grant.pk, 0)

    def get_events(self, grant: Any) -> list[dict[str, str]]:
        """Return what happened to it since, the oldest first."""
        return [{"kind": event.kind, "at": event.at.isoformat()} for event in grant.events.order_by("at")]


class GrantList(ListAPIView):
    """The grants that the caller holds, and those of its parties' offers; an auditor sees all."""

    serializer_class = GrantView
    ordering = ("-granted_at", "id")

    def get_queryset(self) -> Any:
        """Return the grants that the caller may see."""
        return queries.grants_seen_by(actor_of(self.request))


class GrantDetail(APIView):
    """One grant."""

    @extend_schema(responses={200: GrantView})
    def get(self, request: Request, grant_id: UUID) -> Response:
        """Return a grant that the caller holds or gives."""
        return Response(GrantView(queries.grant_seen_by(actor_of(request), grant_id=grant_id)).data)


class GrantTaking(APIView):
    """Taking an offer."""

    throttle = {"POST": "request"}

    @extend_schema(request=None, responses={201: GrantView})
    def post(self, request: Request, offer_id: UUID) -> Response:
        """Take an offer as it stands; where each grant is approved, ask for it."""
        grant = granting.take_grant(actor=actor_of(request), offer=offer_published(offer_id))
        return Response(GrantView(grant).data, status=201, headers={"Location": f"/api/v1/grants/{grant.pk}"})


class GrantChange(APIView):
    """Approving, declining and revoking a grant of one's offer."""

    change = "revoke"

    @extend_schema(request=None, responses={200: GrantView})
    def post(self, request: Request, grant_id: UUID) -> Response:
        """Add the event; what was made under the grant keeps its terms."""
        actor = actor_of(request)
        grant = queries.grant_seen_by(actor, grant_id=grant_id)
        act = {
            "approve": granting.approve_grant,
            "decline": granting.decline_grant,
            "revoke": granting.revoke_grant,
        }[self.change]
        act(actor=actor, grant=grant)
        return Response(GrantView(queries.grant_seen_by(actor, grant_id=grant_id)).data)


class UseView(serializers.Serializer):
    """One delivered picture that made use of an offer: what it shows of itself, its terms, and what it earned."""

    image = serializers.CharField()
    delivered_at = serializers.DateTimeField()
    right = serializers.CharField()
    terms_digest = serializers.CharField()
    amount = serializers.CharField(allow_null=True)
    currency = serializers.CharField(allow_null=True)
    prompt = serializers.CharField(allow_null=True)


class OfferUses(ListAPIView):
    """What was made under one's offer and its grants; prompts only where they were disclosed."""

    serializer_class = UseView
    ordering = ("-delivered_at", "id")

    def get_queryset(self) -> Any:
        """Return the pictures that rest on an offer of the caller's party."""
        offer = offer_of(actor_of(self.request), offer_id=self.kwargs["offer_id"])
        return uses_of_offer(offer_id=offer.pk, grants=queries.grant_ids_of(offer))

    def paginate_queryset(self, queryset: Any) -> Any:
        """Return one page, each picture as its rightsholder may see it."""
        offer = offer_of(actor_of(self.request), offer_id=self.kwargs["offer_id"])
        rights = {str(offer.pk), *(str(grant) for grant in queries.grant_ids_of(offer))}
        page = super().paginate_queryset(queryset)
        return [_use(output, rights=rights) for output in page or ()]


def _use(output: Any, *, rights: set[str]) -> dict[str, Any]:
    """Return a picture as the rightsholder of one of its references may see it."""
    generation = output.generation
    answers = [one for one in held_in(generation.decision) if one["right"] in rights]
    answer = min(answers, key=lambda one: one["found_in"] != "declared")
    price = answer.get("price") or {}
    is_public = generation.disclosure == "public" and not generation.erased_at
    return {
        "image": output.digest,
        "delivered_at": output.delivered_at,
        "right": answer["right"],
        "terms_digest": answer["terms_digest"],
        "amount": price.get("amount"),
        "currency": price.get("currency"),
        "prompt": generation.prompt if is_public else None,
    }


class NotificationView(serializers.Serializer):
    """One notification, in both languages."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    offer = serializers.UUIDField(source="offer_id")
    grant = serializers.UUIDField(source="grant_id", allow_null=True)
    said = serializers.SerializerMethodField()
    at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)

    def get_said(self, notification: Any) -> dict[str, str]:
        """Return what it says."""
        en, zh = SAID[notification.kind]
        name = notification.subject
        return {"en": en.format(subject=f"“{name}”"), "zh-Hans": zh.format(subject=f"“{name}”")}


class NotificationList(ListAPIView):
    """What the caller was told, the newest first; posting marks all of it as read."""

    serializer_class = NotificationView
    ordering = ("-at", "id")

    def get_queryset(self) -> Any:
        """Return the caller's notifications."""
        return notifications_of(actor_of(self.request))

    @extend_schema(request=None, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Mark everything as read; return how much was not."""
        return Response({"read": notifying.mark_read(actor=actor_of(request))})
