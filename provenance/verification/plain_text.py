"""Strangers' strings made harmless: no control characters, no reversed text, no endless length.

What is shown in a page must still be escaped there; this is what no escaping takes care of.
"""

from __future__ import annotations

import unicodedata
from typing import Any

LONGEST = 8_000
DEEPEST = 8
MOST_ITEMS = 200
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_KEPT = {"\u200c", "\u200d"}
"""Joiners: Persian, Hindi and emoji families are misspelt without them."""


def plain_text(text: str, *, longest: int = LONGEST) -> str:
    """Return a text on one line, without characters that steer a terminal or hide from the eye."""
    if len(text) <= longest and text.isprintable():  # none of what is taken out counts as printable
        return text
    shown = "".join(_shown(character) for character in text[: longest + 1])
    return shown if len(text) <= longest else shown[:longest] + "…"


def plain_json(value: Any, *, depth: int = 0) -> Any:
    """Return a JSON value with every string in it made plain, and its breadth and depth bounded."""
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, bool | int | float) or value is None:
        return value
    if depth >= DEEPEST:
        return "…"
    if isinstance(value, dict):
        items = list(value.items())[:MOST_ITEMS]
        return {plain_text(str(name), longest=200): plain_json(item, depth=depth + 1) for name, item in items}
    if isinstance(value, list | tuple):
        return [plain_json(item, depth=depth + 1) for item in value[:MOST_ITEMS]]
    return plain_text(str(value))


def _shown(character: str) -> str:
    if character in "\n\r\t":
        return " "
    if character in _KEPT:
        return character
    return "" if unicodedata.category(character) in _INVISIBLE else character
