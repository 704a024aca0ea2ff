"""Who shares in what a style or work earns: proposed by its owner, in force once everybody named has consented."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from provenance.works import queries
from provenance.works.actions.splits import consent_to_split, propose_split, refuse_split
from provenance.works.errors import SharesNamedTwice
from server.api.actors import actor_of
from server.api.generations import KnownFieldsOnly

MOST_SHARES = 100
WHOLE = 10_000
OFFERED_BY = ["together", "owner"]
WHO_OFFERS = "owner: the owner offers it for everybody; together: only who acts for everybody with a share does."


class SharesInput(KnownFieldsOnly):
    """One party's share."""

    party = serializers.UUIDField()
    basis_points = serializers.IntegerField(min_value=1, max_value=WHOLE)


class SplitInput(KnownFieldsOnly):
    """A split that adds up to 10,000 basis points."""

    shares = SharesInput(many=True, max_length=MOST_SHARES)
    offered_by = serializers.ChoiceField(OFFERED_BY, default="together", help_text=WHO_OFFERS)


class AnswerInput(KnownFieldsOnly):
    """The party that answers."""

    party = serializers.UUIDField()


class ShareView(serializers.Serializer):
    """One party's share and whether it consented."""

    party = serializers.UUIDField(source="party_id")
    name = serializers.CharField(source="party.name")
    basis_points = serializers.IntegerField()
    consented_at = serializers.DateTimeField(allow_null=True)


class SplitView(serializers.Serializer):
    """One split, from proposal to end."""

    id = serializers.UUIDField()
    state = serializers.CharField(help_text="proposed, active, refused or replaced")
    proposed_at = serializers.DateTimeField()
    active_from = serializers.DateTimeField(allow_null=True)
    active_until = serializers.DateTimeField(allow_null=True)
    offered_by = serializers.CharField(help_text=WHO_OFFERS)
    shares = ShareView(many=True)


def shares_of(given: Iterable[Mapping[str, Any]] | None) -> dict[UUID, int] | None:
    """Return shares by party as a body gave them; None where it gave none. Raises SharesNamedTwice."""
    if given is None:
        return None
    rows = list(given)
    shares = {row["party"]: row["basis_points"] for row in rows}
    if len(shares) != len(rows):
        raise SharesNamedTwice()
    return shares


def _subject(request: Request, kind: str, subject_id: UUID) -> Any:
    return queries.shared_subject(actor_of(request), kind=kind, subject_id=subject_id)


class SplitList(APIView):
    """The splits of one style or work."""

    @extend_schema(responses={200: SplitView(many=True)})
    def get(self, request: Request, kind: str, subject_id: UUID) -> Response:
        """Return every split of a style or work of one's own, or in which one is named, the newest first."""
        return Response(SplitView(queries.agreements_on(_subject(request, kind, subject_id)), many=True).data)

    @extend_schema(request=SplitInput, responses={201: SplitView})
    def post(self, request: Request, kind: str, subject_id: UUID) -> Response:
        """Propose a split; it holds once every party named in it, and every one that it leaves out, has consented."""
        body = SplitInput(data=request.data)
        body.is_valid(raise_exception=True)
        shares = shares_of(body.validated_data["shares"]) or {}
        subject = _subject(request, kind, subject_id)
        offered_by = body.validated_data["offered_by"]
        agreement = propose_split(actor=actor_of(request), subject=subject, shares=shares, offered_by=offered_by)
        return Response(SplitView(agreement).data, status=201)


class _Answer(APIView):
    """One party's answer to the proposed split."""

    answered: Any

    @extend_schema(request=AnswerInput, responses={200: SplitView})
    def post(self, request: Request, kind: str, subject_id: UUID) -> Response:
        """Answer for a party that one acts for; 409 where no split waits for it."""
        body = AnswerInput(data=request.data)
        body.is_valid(raise_exception=True)
        actor = actor_of(request)
        party = queries.party_for(actor, party_id=body.validated_data["party"])
        agreement = self.answered(actor=actor, subject=_subject(request, kind, subject_id), party=party)
        return Response(SplitView(agreement).data)


class SplitConsent(_Answer):
    """Consenting to the proposed split; it holds once everybody has."""

    answered = staticmethod(consent_to_split)


class SplitRefusal(_Answer):
    """Refusing the proposed split, which ends it."""

    answered = staticmethod(refuse_split)
