"""What parties earned, what is payable to them, and what an operator says was paid."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.http import FileResponse, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from provenance.licensing.actions import issuing, paying
from provenance.licensing.money import Money, minor_units_from
from provenance.licensing.queries import statements as queries
from provenance.licensing.statement.document import Statement, as_csv
from provenance.works.queries import party_of
from server.api.actors import actor_of
from server.api.generations import KnownFieldsOnly

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
LINE_COLUMNS = (
    "number", "index", "at", "kind", "generation", "image", "subject_kind", "subject", "name", "right",
    "terms_digest", "price", "basis_points", "amount", "currency", "state", "line", "replaces",
)  # fmt: skip
PAYABLE_COLUMNS = ("party", "name", "currency", "amount", "lines")


class StatementQuestion(KnownFieldsOnly):
    """Whose statement, and of which period: from its first moment until just before its last."""

    party = serializers.UUIDField()

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; two of them are called by words that Python keeps for itself."""
        period = {name: serializers.DateTimeField(required=False) for name in ("from", "to")}
        return {**super().get_fields(), **period}

    def statement(self, request: Request) -> Statement:
        """Return the statement that was asked for."""
        asked = self.validated_data
        since, until = asked.get("from", BEGINNING), asked.get("to") or timezone.now()
        return issuing.statement_for(actor_of(request), party=asked["party"], since=since, until=until)


def _asked(request: Request) -> Statement:
    question = StatementQuestion(data=request.query_params.dict())
    question.is_valid(raise_exception=True)
    return question.statement(request)


class StatementDetail(APIView):
    """What a party earned in a period, for those who act for it and for auditors."""

    @extend_schema(parameters=[StatementQuestion], responses={200: dict})
    def get(self, request: Request) -> StreamingHttpResponse:
        """Return every line with its place in the log, the sums, and a note that signs the digest of all."""
        told = issuing.signed(_asked(request))
        headers = {"Cache-Control": "private, no-store", "ETag": f'"{told["digest"]}"'}
        return StreamingHttpResponse(_json(told), content_type="application/json", headers=headers)


def _json(told: dict[str, Any]) -> Iterator[bytes]:
    """Yield a statement as JSON; styles and works are named beside their ids, outside what is digested."""
    names = queries.names_of({line["subject"] for line in told["lines"]})
    for start in range(0, len(text := json.dumps({**told, "names": names}, ensure_ascii=False).encode()), 2**20):
        yield text[start : start + 2**20]


class StatementTable(APIView):
    """The lines of a statement as a table."""

    @extend_schema(parameters=[StatementQuestion], responses={(200, "text/csv"): bytes})
    def get(self, request: Request) -> StreamingHttpResponse:
        """Return one line of CSV for each line of the statement."""
        statement = _asked(request)
        names = queries.names_of({line.subject for line in statement.lines})
        rows = ({**line.as_json(), "name": names.get(line.subject)} for line in statement.lines)
        return _csv(rows, columns=LINE_COLUMNS, name=f"statement-{statement.party[:8]}.csv")


def _csv(rows: Any, *, columns: tuple[str, ...], name: str) -> StreamingHttpResponse:
    headers = {"Cache-Control": "private, no-store", "Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(as_csv(rows, columns=columns), content_type="text/csv; charset=utf-8", headers=headers)


class PartyQuestion(serializers.Serializer):
    """Whose money."""

    party = serializers.UUIDField()


class StatementExport(APIView):
    """The log with what opens a party's own money, to recompute its statements without trusting this server."""

    @extend_schema(parameters=[PartyQuestion], responses={(200, "application/zip"): bytes})
    def get(self, request: Request) -> FileResponse:
        """Return a bundle for ``python -m provenance.licensing.statement``."""
        question = PartyQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        target = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
        try:
            issuing.export_for(target, actor=actor_of(request), party=question.validated_data["party"])
        except BaseException:
            target.close()
            raise
        target.seek(0)
        return FileResponse(target, as_attachment=True, filename="colophon-money.zip", content_type="application/zip")


class PayoutInput(serializers.Serializer):
    """Who was paid how much, outside Colophon, and under which reference of the operator's."""

    party = serializers.UUIDField()
    amount = serializers.CharField(max_length=19, help_text="Minor units as decimal text.")
    currency = serializers.CharField(max_length=3)
    reference = serializers.CharField(max_length=200)


class PayoutList(APIView):
    """What is payable, and recording that it was paid; for operators. Colophon itself moves no money."""

    @extend_schema(responses={200: dict})
    def get(self, request: Request) -> Response:
        """Return what is payable to each party in each currency."""
        actor_of(request).require("operator")
        return Response({"payable": queries.payables()})

    @extend_schema(request=PayoutInput, responses={201: dict})
    def post(self, request: Request) -> Response:
        """Record that a party was paid all that is payable to it in a currency; 409 for any other amount."""
        body = PayoutInput(data=request.data)
        body.is_valid(raise_exception=True)
        asked, actor = body.validated_data, actor_of(request)
        actor.require("operator")
        money = Money(minor_units_from(asked["amount"]), asked["currency"])
        party = party_of(asked["party"])
        made = paying.record_payout(actor=actor, party=party, money=money, reference=asked["reference"])
        return Response({"party": str(party.pk), **money.as_json(), "transactions": made}, status=201)


class PayoutTable(APIView):
    """What is payable, as a table for whoever pays."""

    @extend_schema(responses={(200, "text/csv"): bytes})
    def get(self, request: Request) -> StreamingHttpResponse:
        """Return one line of CSV for each party and currency."""
        actor_of(request).require("operator")
        return _csv(queries.payables(), columns=PAYABLE_COLUMNS, name="payouts.csv")


class ClosingInput(serializers.Serializer):
    """Until when what accrued becomes payable."""

    until = serializers.DateTimeField()


class PayoutClosing(APIView):
    """Makes what accrued before a moment payable; for operators."""

    @extend_schema(request=ClosingInput, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Return how many lines became payable, and how many are held because their payee may not be paid yet."""
        body = ClosingInput(data=request.data)
        body.is_valid(raise_exception=True)
        until = min(body.validated_data["until"], timezone.now())
        return Response(paying.close_period(actor=actor_of(request), until=until))
