"""Listing many works at once from an archive."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connection
from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.actions.listing_works import list_work
from provenance.licensing.actions.importing_works import import_works
from provenance.works.errors import ImportUnreadable
from provenance.works.import_lists import DAMAGED, TABLE, archive_reader, import_lines
from server.api.actors import actor_of
from server.api.works import party_of

MOST_AT_ONCE = 500
"""Lines that one request lists; the same archive sent again goes on with the next ones."""
MOST_PIXELS = 5_000_000_000
"""Pixels of all pictures that one request may have to decode."""
RESULTS = ("listed", "flagged", "known", "refused", "good")


class ImportInput(serializers.Serializer):
    """A zip of pictures with their table, works.csv."""

    file = serializers.FileField()
    party = serializers.UUIDField(required=False, help_text="Owner; without it, the caller's own first party.")
    keep_good = serializers.BooleanField(default=False, help_text="List the good lines although others are bad.")


class WorkImport(APIView):
    """Listing an archive of works."""

    parser_classes = (MultiPartParser,)

    @extend_schema(
        request={"multipart/form-data": ImportInput},
        parameters=[OpenApiParameter("progress", str, enum=["events"], description="Tell each line as it is done.")],
        responses={200: dict, (200, "text/event-stream"): str},
    )
    def post(self, request: Request) -> Response | StreamingHttpResponse:
        """List the works of an archive and report on each line; sent again, it goes on where it stopped.

        With ``?progress=events`` each line is an event, ``line``, with how many of how many are done; then ``done``
        comes with the report.
        """
        body = ImportInput(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        actor = actor_of(request)
        actor.require("artist")
        party = party_of(request, values.get("party"))
        done = _lines(values["file"], actor=actor, party=party, keeps_good=values["keep_good"])
        if request.query_params.get("progress") != "events":
            return Response(_summed([one for one, _ in done]))
        first = next(done, None)  # what stops all of it is answered as a fault, before the stream begins
        response = StreamingHttpResponse(_events(first, done), content_type="text/event-stream; charset=utf-8")
        response["Cache-Control"] = "no-store"
        response["X-Accel-Buffering"] = "no"
        return response


Line = tuple[dict[str, Any], int]
"""What became of a line, and how many lines there are."""


def _lines(file: Any, *, actor: Any, party: Any, keeps_good: bool) -> Iterator[Line]:
    """List the works of an archive and yield what became of each line, as far as one request goes."""
    fresh = 0
    with _opened(file) as archive:
        read = archive_reader(archive)
        try:
            lines = import_lines(read(TABLE))
        except KeyError as error:
            raise ImportUnreadable(reason=f"no {TABLE}") from error
        for one in import_works(
            actor=actor, party=party, lines=lines, read=read, keeps_good=keeps_good, list_one=list_work,
            most_pixels=MOST_PIXELS,
        ):  # fmt: skip
            yield dataclasses.asdict(one), len(lines)
            fresh += one.result in {"listed", "flagged"}
            if fresh == MOST_AT_ONCE:
                return


def _opened(file: Any) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (*DAMAGED, ValueError) as error:
        raise ImportUnreadable(reason="no zip") from error


def _summed(report: list[dict[str, Any]]) -> dict[str, Any]:
    counts = {result: sum(one["result"] == result for one in report) for result in RESULTS}
    return {**counts, "lines": report}


def _next_of(rest: Iterator[Line]) -> Line | None:
    """Return the next line, and give the pool back what the line took of it: this thread does nothing else."""
    try:
        return next(rest, None)
    finally:
        if not connection.in_atomic_block:
            close_old_connections()


async def _events(first: Line | None, rest: Iterator[Line]) -> AsyncIterator[bytes]:
    """Yield an event for each line and one with the report; a reader who leaves keeps what is listed by then."""
    report: list[dict[str, Any]] = []
    following = first
    while following is not None:
        line, total = following
        report.append(line)
        yield _event("line", {**line, "done": len(report), "of": total})
        following = await sync_to_async(_next_of)(rest)
    yield _event("done", _summed(report))


def _event(name: str, told: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(told, ensure_ascii=False)}\n\n".encode()
