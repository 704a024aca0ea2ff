"""Reading watermarks that need torch: a verification leaves the picture, made small, and a render process reads it."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
import structlog
from django.db import transaction
from django.utils import timezone
from PIL import Image

from generation.events import watermark_waiting
from provenance.credentials.actions import slow_watermark
from provenance.credentials.models import WatermarkReading
from provenance.credentials.watermark.contract import Watermark, WatermarkUnavailable

log = structlog.get_logger(__name__)
MOST_WAITING = 200
SIDE, MOST_PIXELS = 256, 1_000_000
KEPT = timedelta(days=1)


def ask(pixels: Any) -> WatermarkReading | None:
    """Leave a picture, uint8 RGB, to be read, and return the reading; None while too many wait."""
    if WatermarkReading.objects.filter(state=WatermarkReading.State.WAITING).count() >= MOST_WAITING:
        return None
    with transaction.atomic():
        reading = WatermarkReading.objects.create(
            picture=_made_small(pixels), state=WatermarkReading.State.WAITING, asked_at=timezone.now()
        )
        watermark_waiting.send(sender=WatermarkReading)
    return reading


def _made_small(pixels: Any) -> bytes:
    """Return the PNG of what the reading network is shown: of a large picture no more than 256 pixels each way."""
    image = Image.fromarray(pixels)
    if min(image.size) > SIDE or image.width * image.height > MOST_PIXELS:
        image = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def is_one_waiting() -> bool:
    """Say whether a picture waits to be read."""
    return WatermarkReading.objects.filter(state=WatermarkReading.State.WAITING).exists()


def reading_of(reading_id: UUID) -> WatermarkReading | None:
    """Return a reading; None for one that is not there any more."""
    return WatermarkReading.objects.filter(pk=reading_id).first()


@transaction.atomic
def read_next(*, watermark: Watermark | None = None) -> bool:
    """Read the picture that waits longest, and keep what was found in place of it; say whether there was one.

    Needs torch. A process that dies meanwhile leaves it waiting.
    """
    waiting = WatermarkReading.objects.filter(state=WatermarkReading.State.WAITING).order_by("asked_at")
    reading = waiting.select_for_update(skip_locked=True).first()
    if reading is None:
        return False
    pixels = np.asarray(Image.open(io.BytesIO(bytes(reading.picture))).convert("RGB"), dtype=np.uint8)
    reading.state = WatermarkReading.State.DONE
    chosen = watermark or slow_watermark()
    try:
        found = chosen.read(pixels) if chosen else None
    except WatermarkUnavailable as fault:
        log.error("watermark not read", reading=str(reading.pk), fault=fault.code)
        reading.state, found = WatermarkReading.State.FAILED, None
    if found:
        reading.found, reading.mended_bits, reading.code_bits = found.hex, found.mended_bits, found.code_bits
    reading.picture, reading.ended_at = b"", timezone.now()
    reading.save()
    return True


def forget_old() -> int:
    """Delete readings older than a day, with the pictures that nobody read; return how many."""
    return WatermarkReading.objects.filter(asked_at__lt=timezone.now() - KEPT).delete()[0]
