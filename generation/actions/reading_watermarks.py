"""Reading watermarks that need torch: the picture is left, made small, and a render process reads it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import timedelta
from threading import BoundedSemaphore
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import numpy as np
import structlog
from django.db import close_old_connections, transaction
from django.db.models import QuerySet
from django.utils import timezone
from PIL import Image

from generation.events import watermark_waiting
from provenance.credentials.actions import slow_watermark
from provenance.credentials.models import WatermarkReading
from provenance.credentials.watermark.contract import Watermark

log = structlog.get_logger(__name__)
MOST_WAITING = 200
SIDE, MOST_PIXELS = 256, 1_000_000
KEPT = timedelta(days=1)
READ_WITHIN, ASKED_EVERY = 10.0, 0.1
"""Seconds that a request waits for a render process to read one picture, and between two looks at whether it has."""
WAITING_HERE = BoundedSemaphore(4)
"""Requests of one process that wait so: the threads that answer are few, and others need them."""
MOST_TRIES = 3
"""Of one picture: one that ended its process so often is not read."""


def ask(pixels: Any, *, file_alone: Mapping[str, Any] | None = None) -> WatermarkReading | None:
    """Leave a picture, uint8 RGB, to be read, and return the reading; None while too many wait.

    Beside it is kept what the verdict says of the file alone.
    """
    if _waiting().count() >= MOST_WAITING:
        return None
    with transaction.atomic():
        reading = WatermarkReading.objects.create(
            picture=_made_small(pixels),
            state=WatermarkReading.State.WAITING,
            file_alone=dict(file_alone or {}),
            asked_at=timezone.now(),
        )
        watermark_waiting.send(sender=WatermarkReading)
    return reading


def read_soon(pixels: Any) -> bytes:
    """Return the id that a render process reads in a picture, uint8 RGB; empty where it reads none, or not in time.

    Not inside a transaction, which no other process would see. Nobody waits behind others, and nothing is left waiting
    but what is being read at the end of the time: that is left to its reader, and forgotten with what is old.
    """
    if not WAITING_HERE.acquire(blocking=False):
        return b""
    try:
        reading = ask(pixels)
        return _awaited(reading) if reading else b""
    finally:
        WAITING_HERE.release()


def _awaited(reading: WatermarkReading) -> bytes:
    until = monotonic() + READ_WITHIN
    try:
        while reading.state == WatermarkReading.State.WAITING and monotonic() < until:
            close_old_connections()  # who waits must not keep one of the pool's
            sleep(ASKED_EVERY)
            reading.refresh_from_db(fields=["state", "found"])
    finally:
        _leave(reading)
    return bytes.fromhex(reading.found)


@transaction.atomic
def _leave(reading: WatermarkReading) -> None:
    """Delete a reading unless a process reads it now: it holds the row until it is done, for longer than one waits."""
    row = WatermarkReading.objects.filter(pk=reading.pk)
    if row.select_for_update(skip_locked=True).values_list("pk", flat=True):
        row.delete()


def _made_small(pixels: Any) -> bytes:
    """Return the PNG of what the reading network is shown: of a large picture no more than 256 pixels each way.

    A very long and narrow one would be shown to it whole: it is squeezed here, to be bounded, and may go unread.
    """
    image = Image.fromarray(pixels)
    if min(image.size) > SIDE or image.width * image.height > MOST_PIXELS:
        image = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def is_one_waiting() -> bool:
    """Say whether a picture waits to be read."""
    return _waiting().exists()


def reading_of(reading_id: UUID) -> WatermarkReading | None:
    """Return a reading; None for one that is not there any more."""
    return WatermarkReading.objects.filter(pk=reading_id).first()


def read_next(*, watermark: Watermark | None = None) -> bool:
    """Read the picture that was tried least and waits longest, and keep what was found in place of it; say whether
    there was one.

    Needs torch. A process that dies meanwhile leaves it waiting, until it was tried three times.
    """
    reading_id = _begin_next()
    if reading_id is None:
        return False
    with transaction.atomic():
        reading = _waiting().select_for_update(skip_locked=True).filter(pk=reading_id).first()
        if reading is not None:  # else another process has it already
            _read(reading, watermark=watermark)
            reading.picture, reading.ended_at = b"", timezone.now()
            reading.save()
    return True


def _waiting() -> QuerySet[WatermarkReading]:
    return WatermarkReading.objects.filter(state=WatermarkReading.State.WAITING)


@transaction.atomic
def _begin_next() -> UUID | None:
    """Count a try of the next picture, in a transaction of its own: what ends the process does not undo it."""
    reading = _waiting().order_by("tries", "asked_at").select_for_update(skip_locked=True).first()
    if reading is None:
        return None
    reading.tries += 1
    reading.save(update_fields=["tries"])
    return reading.pk


def _read(reading: WatermarkReading, *, watermark: Watermark | None) -> None:
    reading.state = WatermarkReading.State.FAILED
    if reading.tries > MOST_TRIES:
        log.error("watermark given up", reading=str(reading.pk), tries=reading.tries - 1)
        return
    try:
        chosen = watermark or slow_watermark()
        if chosen is None:
            log.error("watermark not read, as nothing here reads it", reading=str(reading.pk))
            return
        pixels = np.asarray(Image.open(io.BytesIO(bytes(reading.picture))).convert("RGB"), dtype=np.uint8)
        found = chosen.read(pixels)
    except Exception as error:  # whatever a network or a decoder raises must not hold up the pictures behind it
        log.error("watermark not read", reading=str(reading.pk), fault=getattr(error, "code", type(error).__name__))
        return
    reading.state = WatermarkReading.State.DONE
    if found:
        reading.found, reading.mended_bits, reading.code_bits = found.hex, found.mended_bits, found.code_bits


def forget_old() -> int:
    """Delete readings older than a day, with the pictures that nobody read; return how many."""
    return WatermarkReading.objects.filter(asked_at__lt=timezone.now() - KEPT).delete()[0]
