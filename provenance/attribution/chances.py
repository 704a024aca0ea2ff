"""How often a fingerprint takes a stranger for a copy: measured, and bounded for the number of pictures compared with.

``measured.json`` is what ``tests/bench/recovery.py`` counted; ``docs/recovery.md`` shows all of it.
"""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.resources import files
from typing import Any

CONFIDENCE = 0.95
HALVINGS = 60


def upper_bound(found: int, asked: int, *, confidence: float = CONFIDENCE) -> float:
    """Return the largest rate that still explains so few finds among so many queries, one-sided.

    Clopper and Pearson, "The use of confidence or fiducial limits", 1934; none found gives about 3 / asked.
    """
    if found >= asked:
        return 1.0
    low, high = found / asked, 1.0
    for _ in range(HALVINGS):
        rate = (low + high) / 2
        low, high = (rate, high) if _at_most(found, asked, rate) > 1 - confidence else (low, rate)
    return high


def _at_most(found: int, asked: int, rate: float) -> float:
    """Return the chance of at most so many finds at a rate."""
    terms = (
        math.lgamma(asked + 1) - math.lgamma(k + 1) - math.lgamma(asked - k + 1)
        + k * math.log(rate) + (asked - k) * math.log1p(-rate)
        for k in range(found + 1)
    )  # fmt: skip
    return math.fsum(math.exp(term) for term in terms)


@cache
def measured() -> dict[str, Any]:
    """Return what was counted, by the kind of pictures."""
    counted: dict[str, Any] = json.loads(files("provenance.attribution").joinpath("measured.json").read_text())
    return counted


def chance_of_a_stranger(grade: str, *, pictures: int) -> dict[str, Any]:
    """Return how often a query among so many pictures meets a stranger by chance: what was counted, and its bound.

    The bound grows with the number of pictures (no query can meet more strangers than the sum of its comparisons) and
    is of unrelated pictures: for those that share a style, a prompt or a set it says nothing.
    """
    counted = measured()["varied"]
    asked, found = counted["with_codes"], counted["strangers"][grade]
    among = asked - 1
    bound = min(1.0, upper_bound(found, asked) * max(1.0, pictures / among))
    return {
        "pictures": pictures,
        "rate_at_most": f"{bound:.2g}",
        "confidence": str(CONFIDENCE),
        "measured": {"queries": asked, "pictures": among, "found": found},
        "said": _said(bound, pictures=pictures),
    }


def _said(bound: float, *, pictures: int) -> dict[str, str]:
    """Return the bound as a sentence, in both languages; one in so many, never more than it is."""
    often = _rounded_down(1 / bound)
    held, held_zh = f"one of the {pictures:,} pictures", f"此处所存的 {pictures:,} 张图片之一"
    if pictures == 1:
        held, held_zh = "the one picture", "此处所存的唯一一张图片"
    return {
        "en": f"Of unrelated pictures that are checked, at most 1 in {often:,} comes this close to {held} held here.",
        "zh-Hans": f"核验无关图片时，至多每 {often:,} 张中有 1 张会与{held_zh}如此相近。",
    }


def _rounded_down(number: float) -> int:
    """Return a number of at least 1 with its first two digits alone."""
    step = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return int(number // step * step)
