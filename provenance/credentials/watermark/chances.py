"""How often a watermark takes a stranger's picture for one in the records: measured, and bounded for that many records.

``measured.json`` is what ``tests/bench/marks.py`` counted in pictures without a mark; ``docs/marks.md`` tells of it.
"""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.resources import files
from typing import Any

from provenance.attribution.chances import CONFIDENCE, upper_bound
from provenance.credentials.watermark.contract import ID_BYTES, WatermarkRead

IDS = 2 ** (8 * ID_BYTES)
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@cache
def measured() -> dict[str, Any]:
    """Return what was counted, by algorithm and by the way of reading."""
    folder = files("provenance.credentials.watermark")
    counted: dict[str, Any] = json.loads(folder.joinpath("measured.json").read_text())
    return counted


def chance_of_a_stranger(read: WatermarkRead, *, kept: int) -> dict[str, Any]:
    """Return how often a picture without a mark would be taken for one of so many kept ids: counts, bound, sentence.

    An id would have to be read, which was measured; and it would have to be a kept one. Those are drawn at random, so
    whatever is read is one of them with a chance of ``kept`` in 2^64 at most. Of a mark that somebody laid on another
    picture on purpose this says nothing.
    """
    way = "searched" if read.was_searched else "at_once"
    counted = measured().get(read.algorithm, {}).get(way)
    reads_any = upper_bound(counted["found"], counted["pictures"]) if counted else 1.0
    rate = min(1.0, reads_any * max(kept, 1) / IDS)
    told = {"pictures": kept, "rate_at_most": f"{rate:.2g}", "confidence": str(CONFIDENCE)}
    if counted:
        told |= {"measured": {"queries": counted["pictures"], "found": counted["found"]}}
    return told | {"said": _said(rate, kept=kept, counted=counted)}


def _said(rate: float, *, kept: int, counted: dict[str, int] | None) -> dict[str, str]:
    often = "10" + str(math.floor(-math.log10(rate))).translate(_RAISED)
    one_of = "the one" if kept == 1 else f"one of the {kept:,}"
    en = f"By chance, a picture without a mark is taken for {one_of} kept here in at most 1 of {often} queries: "
    zh = f"不带水印的图片每查询 {often} 次，至多有 1 次会碰巧被当作此处 {kept:,} 张带水印图片之一："
    if counted:
        en += f"an id was read in {counted['found']:,} of {counted['pictures']:,} pictures without a mark, and "
        zh += f"在 {counted['pictures']:,} 张不带水印的图片中，有 {counted['found']:,} 张读出了标识，而"
    else:
        en += "how often an id is read in pictures without a mark was not measured, but "
        zh += "不带水印的图片多常会读出标识尚未测量，但"
    en += f"of 2⁶⁴ possible ids {kept:,} {'is' if kept == 1 else 'are'} kept. "
    zh += f" 2⁶⁴ 个可能的标识中，此处只有 {kept:,} 个。"
    return {
        "en": en + "Whoever knows the method can copy a mark on purpose.",
        "zh-Hans": zh + "了解该方法的人可以有意复制水印。",
    }
