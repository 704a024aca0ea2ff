"""Works that look like somebody else's picture, for an auditor to decide on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.recovery import outputs_by_use
from provenance.licensing.actions.deciding_flags import decide_flag
from provenance.licensing.queries.inheriting import inherited_by
from provenance.works import queries
from server.api.actors import actor_of
from server.api.generations import KnownFieldsOnly
from server.api.works import WorkView


class FlagView(serializers.Serializer):
    """One flag: the work, what it is near to, and what was decided."""

    id = serializers.UUIDField()
    work = WorkView()
    against_kind = serializers.CharField(
        help_text="work; opt-out for a picture that was never listed; image for one delivered here"
    )
    against = serializers.SerializerMethodField()
    distance = serializers.IntegerField(help_text="Bits of 256 in which the nearest fingerprints differ.")
    raised_at = serializers.DateTimeField()
    decision = serializers.CharField(help_text="cleared, rejected, or empty while it waits")
    decided_by = serializers.UUIDField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()

    def get_against(self, flag: Any) -> dict[str, Any]:
        """Return the picture that the work is near to, with its own listing where it has one."""
        other = self.context["others"].get(flag.against_id)
        image = self.context["images"].get(flag.against_id)
        return {
            "id": str(flag.against_id),
            "work": WorkView(other, context=self.context).data if other else None,
            "image": image.digest if image else None,
        }


class FlagDecisionInput(KnownFieldsOnly):
    """What an auditor found."""

    decision = serializers.ChoiceField(["cleared", "rejected"])
    reason = serializers.CharField(max_length=2000)


class FlagList(ListAPIView):
    """Flags, the newest first; ``?decision=waiting`` leaves those on which nobody has decided."""

    serializer_class = FlagView
    ordering = ("-raised_at", "id")

    def get_queryset(self) -> Any:
        """Return the flags; 403 for anybody but an auditor."""
        flags = queries.flags_visible_to(actor_of(self.request))
        wanted = self.request.query_params.get("decision")
        return flags.filter(decision="" if wanted == "waiting" else wanted) if wanted else flags

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Look up at once what the flagged works of a page are near to."""
        return FlagView(*args, **kwargs, context=_near_to(args[0]))


class FlagDecision(APIView):
    """An auditor's decision on one flag."""

    @extend_schema(request=FlagDecisionInput, responses={200: FlagView})
    def post(self, request: Request, flag_id: UUID) -> Response:
        """Clear or reject; the reason becomes a log entry, and a decision stands."""
        body = FlagDecisionInput(data=request.data)
        body.is_valid(raise_exception=True)
        actor = actor_of(request)
        whose = _whose_image(queries.flags_visible_to(actor).filter(pk=flag_id, against_kind="image"))
        flag = decide_flag(actor=actor, flag_id=flag_id, concerned=whose, **body.validated_data)
        return Response(FlagView(flag, context=_near_to([flag])).data)


def _whose_image(flags: Any) -> set[UUID]:
    """Return the accounts whose delivered images some flags were raised against, and the parties that they act for."""
    images = outputs_by_use(flags.values_list("against_id", flat=True))
    accounts = {image.generation.owner_id for image in images.values()}
    return accounts.union(*(queries.parties_of(account) for account in accounts))


def _near_to(flags: Sequence[Any]) -> dict[str, Any]:
    """Return the works and the delivered images that some flags were raised against, by their ids."""
    against = {flag.against_id for flag in flags}
    works = {work.pk: work for work in queries.works_with_ids_known(against)}
    shown = {work.digest for work in (*works.values(), *(flag.work for flag in flags))}
    return {"others": works, "images": outputs_by_use(against), "inherited": inherited_by(shown)}
