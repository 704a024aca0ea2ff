"""A check that takes a process with torch: quick checks answer at once, and this one is asked for later."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import image_files
from generation.actions import reading_watermarks
from generation.evidence import Records
from provenance.credentials.actions import slow_watermark
from provenance.credentials.watermark.contract import WatermarkRead
from provenance.picture import PictureError, decode_picture
from provenance.verification.evidence import RecordFound
from provenance.verification.headline import with_records
from provenance.verification.plain_text import plain_text
from provenance.verification.record_checks import checks_found_later
from provenance.verification.verdict import Check, FileAlone, Verdict

CODE = "record.watermark"


def with_slow_reading(verdict: Verdict, data: bytes) -> Verdict:
    """Return a verdict with the check of the watermark that needs torch: pending, where it could still find something.

    Nothing is asked where the operator's watermark is read at once, or where the picture was found already.
    """
    is_found = any(record.layer != "fingerprint" for record in verdict.records)
    if is_found or slow_watermark() is None or not image_files.is_any_watermarked():
        return verdict
    try:
        pixels = decode_picture(data).pixels
    except PictureError:
        return verdict
    reading = reading_watermarks.ask(pixels, file_alone=verdict.alone.as_json())
    check = _pending(reading.pk) if reading else _TOO_MANY
    return dataclasses.replace(verdict, checks=(*verdict.checks, check))


class WatermarkReading(APIView):
    """What came of reading a picture's watermark."""

    permission_classes = (AllowAny,)
    throttle = {"GET": "reading"}

    @extend_schema(responses={200: dict})
    def get(self, request: Request, reading_id: UUID) -> Response:
        """Return the check as it stands, pending or not, and the records found; 404 after a day.

        Where records were found, ``verdict`` holds what changes by them in the verdict: state, sentence and checks.
        """
        reading = reading_watermarks.reading_of(reading_id)
        if reading is None:
            raise NotFound()
        keeper = settings.ENVIRONMENT.address.split("://", 1)[-1]
        evidence = Records(keeper=keeper)
        check, records = _told(reading, evidence=evidence)
        return Response(
            {
                "id": str(reading.pk),
                "state": reading.state,
                "check": check.as_json(),
                "records": [record.as_json() for record in records],
                "verdict": _changed(reading.file_alone, records, evidence=evidence),
            }
        )


def _changed(
    file_alone: Mapping[str, Any], records: Sequence[RecordFound], *, evidence: Records
) -> dict[str, Any] | None:
    """Return what records that were found later change in a verdict: its state, its sentence, and their checks."""
    if not records or not file_alone:
        return None
    alone = FileAlone(**file_alone)
    checks = checks_found_later(records, has_credentials=alone.has_credentials, evidence=evidence)
    outcome, en, zh = with_records(alone, checks)
    summary = {"en": plain_text(en), "zh-Hans": plain_text(zh)}
    return {"state": outcome, "summary": summary, "checks": [check.as_json() for check in checks]}


def _told(reading: Any, *, evidence: Records) -> tuple[Check, Sequence[RecordFound]]:
    if reading.state == "waiting":
        return _pending(reading.pk), ()
    if reading.state == "failed":
        return _FAILED, ()
    if not reading.found:
        return _NOTHING, ()
    read = WatermarkRead(
        id=bytes.fromhex(reading.found), mended_bits=reading.mended_bits, code_bits=reading.code_bits
    )
    records = evidence.carrying(read)
    if not records:
        return _NOTHING, ()
    images = {"id": read.hex, "images": [record.image_digest for record in records]}
    en = f"This picture carries the watermark of one in {evidence.keeper}'s records."
    return Check(CODE, "passed", en, f"此图片带有 {evidence.keeper} 记录中某图片的水印。", images), records


def _pending(reading_id: UUID) -> Check:
    return Check(
        CODE,
        "pending",
        "Whether the picture carries a watermark of ours is still being read; ask again in some seconds.",
        "正在读取图片是否带有我们的水印；请几秒后再查询。",
        {"href": f"/api/v1/watermark-readings/{reading_id}"},
    )


_TOO_MANY = Check(
    CODE,
    "not_checked",
    "The picture was not searched for a watermark, as too many wait for that; try later.",
    "等待读取水印的图片过多，未查找水印；请稍后再试。",
)
_FAILED = Check(
    CODE,
    "not_checked",
    "The picture could not be searched for a watermark here; the operator has to look into it.",
    "此处无法读取水印；需由运营者检查。",
)
_NOTHING = Check(
    CODE,
    "not_checked",
    "No watermark of ours was read in the picture. That proves nothing about where it comes from.",
    "未在图片中读到我们的水印。这不能说明它从何而来。",
)
