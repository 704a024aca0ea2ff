"""Opt-outs: saying no, taking it back, the public list, claims, and lists that others keep."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import Throttled
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.actions.opting_out import other_forms
from provenance.actor import Actor
from provenance.disputes.actions.claiming import contest
from provenance.disputes.actions.withdrawing import withdraw_opt_out
from provenance.disputes.queries import disputes_of
from provenance.licensing.actions.importing_opt_outs import import_opt_outs
from provenance.licensing.actions.opting_out import Contest, opt_out_picture, record_opt_out
from provenance.licensing.errors import ListUnreadable
from provenance.licensing.opt_out_lists import LARGEST_LIST
from provenance.licensing.queries import opt_outs
from provenance.picture import LARGEST_FILE, PictureTooLarge
from provenance.works import queries as works
from server.api.actors import actor_of
from server.api.parsers import StrictJSONParser
from server.api.throttles import PerAccount
from server.api.works import party_of

COLUMNS = ("id", "kind", "subject", "digest", "recorded_at")


class PublicOptOut(serializers.Serializer):
    """What anybody may know of an opt-out: no name and no free text."""

    id = serializers.UUIDField()
    kind = serializers.CharField(source="subject_kind", help_text="style, work, party or picture")
    subject = serializers.UUIDField(source="subject_id")
    digest = serializers.CharField(help_text="sha256 of the file, where the no is to one picture")
    recorded_at = serializers.DateTimeField()


class OptOutView(PublicOptOut):
    """An opt-out for the party that said it, and for auditors."""

    party = serializers.UUIDField(source="party_id")
    state = serializers.CharField(help_text="active, awaiting-review, dismissed or withdrawn")
    source = serializers.CharField()
    evidence = serializers.CharField()
    works = serializers.SerializerMethodField()
    disputes = serializers.SerializerMethodField()
    said = serializers.SerializerMethodField()
    ended_at = serializers.DateTimeField(allow_null=True)

    def get_works(self, opt_out: Any) -> list[dict[str, Any]]:
        """Return the listed works that are the opted-out picture or near it."""
        matches = opt_out.matches.order_by("distance", "work_id")
        return [{"work": str(match.work_id), "distance": match.distance} for match in matches]

    def get_disputes(self, opt_out: Any) -> list[str]:
        """Return the disputes in which a claim is or was decided."""
        return [str(dispute) for dispute in disputes_of(opt_out.pk)]

    def get_said(self, opt_out: Any) -> dict[str, str]:
        """Return what the opt-out does now, in both languages."""
        return SAID[opt_out.state]


SAID = {
    "active": {
        "en": "No request that uses this is made from now on. Pictures made before keep their terms.",
        "zh-Hans": "自现在起，不再接受使用它的请求。此前生成的图片保留其条款。",
    },
    "awaiting-review": {
        "en": "This picture is listed by a party whose claim was checked, or uses were prepaid, and your claim was "
        "not checked. A dispute was opened: add your evidence there. Uses stop once an auditor finds it complete.",
        "zh-Hans": "该图片由权利主张已经核实的一方登记，或其使用已被预付，而您的主张尚未核实。现已提起争议："
        "请在其中补充证据。审计员认定材料完整后，新的使用将停止。",
    },
    "dismissed": {
        "en": "An auditor found in a dispute that this claim does not hold.",
        "zh-Hans": "审计员在争议中认定该主张不成立。",
    },
    "withdrawn": {
        "en": "It was taken back; offers and grants hold again, but for the grants that were refunded.",
        "zh-Hans": "已撤回；报价与授权恢复有效，但已退款的授权除外。",
    },
}


class OptOutInput(serializers.Serializer):
    """A no: to a style, work or party by its id, or to a picture by the file itself."""

    kind = serializers.ChoiceField(["style", "work", "party", "picture"])
    subject = serializers.UUIDField(required=False)
    file = serializers.FileField(required=False, help_text="Of a picture that need not be listed; it is not kept.")
    party = serializers.UUIDField(required=False, help_text="Who says no; without it, the caller's own first party.")
    source = serializers.CharField(max_length=200, default="form")
    evidence = serializers.CharField(max_length=5_000, default="", allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values; a picture comes as a file, everything else by its id."""
        needed = "file" if attrs["kind"] == "picture" else "subject"
        if needed not in attrs:
            raise serializers.ValidationError({needed: "is missing"}, code="required")
        return attrs


class OptOutList(ListAPIView):
    """The opt-outs in force, for everybody to read and to honour."""

    serializer_class = PublicOptOut
    parser_classes = (StrictJSONParser, MultiPartParser)
    ordering = ("-recorded_at", "id")

    def get_permissions(self) -> Any:
        """Let anybody read the list."""
        return [AllowAny()] if self.request.method == "GET" else super().get_permissions()

    def get_queryset(self) -> Any:
        """Return what holds now."""
        return opt_outs.published()

    @extend_schema(request=OptOutInput, responses={201: OptOutView})
    def post(self, request: Request) -> Response:
        """Say no for a party that one acts for; it holds at once, for waiting requests too, or awaits review."""
        body = OptOutInput(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        party = party_of(request, values.get("party") or _own(values))
        said = {"source": values["source"], "evidence": values["evidence"]}
        contesting = _counted_as_notice(request)
        if values["kind"] == "picture":
            if values["file"].size > LARGEST_FILE:
                raise PictureTooLarge(what=f"{values['file'].size // 2**20} MB")
            data = values["file"].read()
            made = opt_out_picture(
                actor=actor_of(request), party=party, data=data, other_forms=other_forms, contest=contesting, **said
            )
        else:
            subject = {"subject_kind": values["kind"], "subject_id": values["subject"]}
            made = record_opt_out(actor=actor_of(request), party=party, contest=contesting, **subject, **said)
        return Response(OptOutView(made).data, status=201)


def _counted_as_notice(request: Request) -> Contest:
    """Return what opens the disputes over a claim, as often as notices may be given; any other no is not counted."""

    def contesting(actor: Actor, claim: Any, works: Sequence[Any]) -> None:
        counter = PerAccount()
        if not counter.allows(request, "notice"):
            raise Throttled(counter.wait())
        contest(actor, claim, works)

    return contesting


def _own(values: dict[str, Any]) -> UUID | None:
    """Return the owner of what is opted out: an account may act for several parties, and the owner's no counts."""
    if values["kind"] == "party":
        return values["subject"]  # type: ignore[no-any-return]  # validated as a UUID
    return works.owner_of(values["subject"]) if "subject" in values else None


class OptOutTable(APIView):
    """The opt-outs in force as one table."""

    permission_classes = (AllowAny,)

    @extend_schema(responses={(200, "text/csv"): bytes})
    def get(self, request: Request) -> StreamingHttpResponse:
        """Return every opt-out in force as CSV, which the import reads."""
        headers = {"Content-Disposition": 'attachment; filename="opt-outs.csv"'}
        return StreamingHttpResponse(_table(), content_type="text/csv; charset=utf-8", headers=headers)


def _table() -> Iterator[str]:
    yield _csv(COLUMNS)
    for row in opt_outs.published().iterator(chunk_size=1_000):
        values = opt_outs.public_row(row)
        yield _csv([*(values[name] for name in COLUMNS[:-1]), f"{row.recorded_at:%Y-%m-%dT%H:%M:%S.%fZ}"])


def _csv(values: Any) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(values)
    return buffer.getvalue()


class ClaimList(ListAPIView):
    """Opt-outs that wait for the end of their disputes: one's own, all for an auditor."""

    serializer_class = OptOutView
    ordering = ("-recorded_at", "id")

    def get_queryset(self) -> Any:
        """Return the claims that the caller may see."""
        return opt_outs.claims_visible_to(actor_of(self.request))


class OptOutDetail(APIView):
    """One opt-out of one's own."""

    @extend_schema(responses={200: OptOutView})
    def get(self, request: Request, opt_out_id: UUID) -> Response:
        """Return an opt-out of a party that one acts for; 404 otherwise."""
        return Response(OptOutView(opt_outs.opt_out_of(actor_of(request), opt_out_id=opt_out_id)).data)


class OptOutWithdrawal(APIView):
    """Taking a no back."""

    @extend_schema(request=None, responses={200: OptOutView})
    def post(self, request: Request, opt_out_id: UUID) -> Response:
        """Take back an opt-out of one's own; 409 for one that is over."""
        actor = actor_of(request)
        found = opt_outs.opt_out_of(actor, opt_out_id=opt_out_id)
        return Response(OptOutView(withdraw_opt_out(actor=actor, opt_out=found)).data)


class ListInput(serializers.Serializer):
    """A list of opt-outs as a file: CSV, TDMRep JSON or RSL XML."""

    file = serializers.FileField()
    source = serializers.CharField(max_length=200)
    site = serializers.URLField(default="", allow_blank=True, help_text="For which site a TDMRep file speaks.")
    party = serializers.UUIDField(required=False, help_text="For pictures that are not listed here: who says no.")


class OptOutImport(APIView):
    """Taking over a list that others keep; for operators and auditors."""

    parser_classes = (MultiPartParser,)

    @extend_schema(request={"multipart/form-data": ListInput}, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Record what a list says and report on each line; nothing is fetched."""
        body = ListInput(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        if values["file"].size > LARGEST_LIST:
            raise ListUnreadable(reason=f"{values['file'].size // 2**20} MB")
        party = works.party_of_any(values["party"]) if "party" in values else None
        told = {"source": values["source"], "site": values["site"], "party": party}
        taken = import_opt_outs(
            actor=actor_of(request), data=values["file"].read(), other_forms=other_forms, contest=contest, **told
        )
        lines = list(taken)
        counts = {result: sum(one.result == result for one in lines) for result in ("recorded", "known", "refused")}
        return Response({**counts, "lines": [dataclasses.asdict(one) for one in lines]})
