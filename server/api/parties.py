"""Parties: who owns and licenses, in which capacity, who acts for them, and how far that was checked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from provenance.works import queries
from provenance.works.actions import parties
from server.api.actors import actor_of
from server.api.generations import KnownFieldsOnly

CAPACITIES = ["self", "assignee", "agent", "guardian", "estate", "collective"]
CLAIMS = ["self-declared", "evidence-reviewed", "identity-verified"]
LONGEST_EVIDENCE = 5_000


class PartyView(serializers.Serializer):
    """One party, for its members and auditors."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.CharField()
    origin = serializers.CharField()
    url = serializers.CharField()
    capacity = serializers.CharField()
    capacity_evidence = serializers.CharField()
    capacity_until = serializers.DateTimeField(allow_null=True)
    claim = serializers.CharField(help_text="Set by an auditor: self-declared, evidence-reviewed, identity-verified.")
    is_minor = serializers.BooleanField()
    guardian = serializers.UUIDField(source="guardian_id", allow_null=True)
    members = serializers.SerializerMethodField()
    recorded_at = serializers.DateTimeField()

    def get_members(self, party: Any) -> list[dict[str, Any]]:
        """Return the accounts that act for the party, and those invited to."""
        members = sorted(party.members.all(), key=lambda member: member.pk)
        return [{"account": str(member.account_id), "is_invited": member.is_invited} for member in members]


class CapacityInput(KnownFieldsOnly):
    """In which capacity a party holds rights."""

    capacity = serializers.ChoiceField(CAPACITIES, default="self")
    evidence = serializers.CharField(default="", allow_blank=True, max_length=LONGEST_EVIDENCE)
    until = serializers.DateTimeField(default=None, allow_null=True, help_text="When the capacity ends.")


class PartyInput(CapacityInput):
    """A new party, for which the caller acts."""

    name = serializers.CharField(max_length=200)
    kind = serializers.ChoiceField(["person", "organisation"], default="person")
    url = serializers.URLField(default="", allow_blank=True)
    is_minor = serializers.BooleanField(default=False)


class PartyList(ListAPIView):
    """The parties that the caller acts for or is invited to; an auditor sees all."""

    serializer_class = PartyView
    ordering = ("-recorded_at", "id")

    def get_queryset(self) -> Any:
        """Return the parties that the caller may see."""
        return queries.parties_visible_to(actor_of(self.request))

    @extend_schema(request=PartyInput, responses={201: PartyView})
    def post(self, request: Request) -> Response:
        """Make a party known, for which the caller acts; what it says of itself is self-declared."""
        values = _valid(PartyInput, request)
        actor = actor_of(request)
        actor.require("artist")
        with transaction.atomic():
            named = {name: values[name] for name in ("name", "kind", "url", "is_minor")}
            party = parties.record_party(actor=actor, member=actor.account_id, **named)
            if values["capacity"] != "self" or values["evidence"] or values["until"]:
                party = parties.declare_capacity(actor=actor, party=party, **_capacity(values))
        return Response(PartyView(party).data, status=201, headers={"Location": f"/api/v1/parties/{party.pk}"})


def _valid(kind: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _capacity(values: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in ("capacity", "evidence", "until")}


def _answer(request: Request, party_id: UUID) -> Response:
    return Response(PartyView(queries.party_for(actor_of(request), party_id=party_id)).data)


class PartyDetail(APIView):
    """One party."""

    @extend_schema(responses={200: PartyView})
    def get(self, request: Request, party_id: UUID) -> Response:
        """Return a party with its members; 404 unless the caller belongs to it or is an auditor."""
        return _answer(request, party_id)


class PartyCapacity(APIView):
    """In which capacity a party holds its rights."""

    @extend_schema(request=CapacityInput, responses={200: PartyView})
    def post(self, request: Request, party_id: UUID) -> Response:
        """Declare the capacity anew; the claim is self-declared again until an auditor has seen the evidence."""
        values = _valid(CapacityInput, request)
        actor = actor_of(request)
        party = queries.party_for(actor, party_id=party_id)
        parties.declare_capacity(actor=actor, party=party, **_capacity(values))
        return _answer(request, party_id)


class ClaimInput(KnownFieldsOnly):
    """How far a claim is borne out."""

    claim = serializers.ChoiceField(CLAIMS)
    reason = serializers.CharField(max_length=2000)


class PartyClaim(APIView):
    """How far a party's claim was checked."""

    @extend_schema(request=ClaimInput, responses={200: PartyView})
    def post(self, request: Request, party_id: UUID) -> Response:
        """Set the claim's level as an auditor; the reason becomes a log entry."""
        values = _valid(ClaimInput, request)
        actor = actor_of(request)
        actor.require("auditor")
        parties.review_claim(actor=actor, party=queries.party_for(actor, party_id=party_id), **values)
        return _answer(request, party_id)


class GuardianInput(KnownFieldsOnly):
    """Who acts for a minor's party; without a minor, nobody."""

    is_minor = serializers.BooleanField()
    guardian = serializers.UUIDField(default=None, allow_null=True, help_text="The guardian's party.")
    reason = serializers.CharField(max_length=2000)


class PartyGuardian(APIView):
    """Whether a party is a minor, and who acts for it."""

    @extend_schema(request=GuardianInput, responses={200: PartyView})
    def post(self, request: Request, party_id: UUID) -> Response:
        """Record guardianship as an auditor; the reason becomes a log entry."""
        values = _valid(GuardianInput, request)
        actor = actor_of(request)
        actor.require("auditor")
        guardian = queries.party_of_any(values["guardian"]) if values["guardian"] else None
        party = queries.party_for(actor, party_id=party_id)
        parties.record_guardianship(actor=actor, party=party, **{**values, "guardian": guardian})
        return _answer(request, party_id)


class MemberInput(KnownFieldsOnly):
    """Which account; its owner reads the id at /api/v1/me."""

    account = serializers.UUIDField()


class PartyMembers(APIView):
    """Who acts for a party."""

    @extend_schema(request=MemberInput, responses={201: PartyView})
    def post(self, request: Request, party_id: UUID) -> Response:
        """Invite an account by its id; it acts for the party once it has accepted."""
        values = _valid(MemberInput, request)
        actor = actor_of(request)
        party = queries.party_for(actor, party_id=party_id)
        parties.invite_member(actor=actor, party=party, account_id=values["account"])
        answer = _answer(request, party_id)
        answer.status_code = 201
        return answer


class PartyJoining(APIView):
    """Taking up an invitation."""

    @extend_schema(request=None, responses={200: PartyView})
    def post(self, request: Request, party_id: UUID) -> Response:
        """Act for a party that has invited the caller; 404 where there is no invitation."""
        parties.join_party(actor=actor_of(request), party_id=party_id)
        return _answer(request, party_id)


class PartyMembership(APIView):
    """One account's membership or invitation."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, party_id: UUID, account_id: UUID) -> Response:
        """Leave a party, let another member go, or take an invitation back."""
        actor = actor_of(request)
        party = queries.party_for(actor, party_id=party_id)
        parties.end_membership(actor=actor, party=party, account_id=account_id)
        return Response(status=204)
