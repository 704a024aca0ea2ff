"""Listing many works at once from an archive."""

from __future__ import annotations

import dataclasses
import zipfile
from typing import Any

from drf_spectacular.utils import extend_schema
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

    @extend_schema(request={"multipart/form-data": ImportInput}, responses={200: dict})
    def post(self, request: Request) -> Response:
        """List the works of an archive and report on each line; sent again, it goes on where it stopped."""
        body = ImportInput(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        actor = actor_of(request)
        actor.require("artist")
        party = party_of(request, values.get("party"))
        with _opened(values["file"]) as archive:
            report = _report(archive, actor=actor, party=party, keeps_good=values["keep_good"])
        counts = {result: sum(one["result"] == result for one in report) for result in RESULTS}
        return Response({**counts, "lines": report})


def _opened(file: Any) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (*DAMAGED, ValueError) as error:
        raise ImportUnreadable(reason="no zip") from error


def _report(archive: zipfile.ZipFile, *, actor: Any, party: Any, keeps_good: bool) -> list[dict[str, Any]]:
    read = archive_reader(archive)
    try:
        lines = import_lines(read(TABLE))
    except KeyError as error:
        raise ImportUnreadable(reason=f"no {TABLE}") from error
    report, fresh = [], 0
    done = import_works(
        actor=actor, party=party, lines=lines, read=read, keeps_good=keeps_good, list_one=list_work,
        most_pixels=MOST_PIXELS,
    )  # fmt: skip
    for one in done:
        report.append(dataclasses.asdict(one))
        fresh += one.result in {"listed", "flagged"}
        if fresh == MOST_AT_ONCE:
            break
    return report
