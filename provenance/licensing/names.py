"""Finding registered names in a prompt, however they are written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import TypeVar

Named = TypeVar("Named")

_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
"""Characters that nobody sees, besides those of Unicode's category "format"."""
_SEPARATORS = re.compile(r"[\W_]+")
_UNSPACED = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")


def folded(text: str) -> str:
    """Return a text without case, width, accents, invisible characters and punctuation."""
    seen = "".join(character for character in text if unicodedata.category(character) != "Cf")
    plain = unicodedata.normalize("NFKD", _UNSEEN.sub("", seen)).casefold()
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return _SEPARATORS.sub(" ", plain).strip()


def names_in(prompt: str, names: Iterable[tuple[Named, str]]) -> list[Named]:
    """Return what the names found in a prompt stand for, each once, in the order given.

    Latin names match as whole words, also when written together or apart ("Fx Emoji", "fxemoji");
    names in scripts without spaces match anywhere.
    """
    spaced = f" {folded(prompt)} "
    found: list[Named] = []
    for what, name in names:
        wanted = folded(name)
        if wanted and what not in found and _stands_in(wanted, spaced):
            found.append(what)
    return found


def _stands_in(wanted: str, spaced: str) -> bool:
    if _UNSPACED.search(wanted):
        return wanted.replace(" ", "") in spaced.replace(" ", "")
    if f" {wanted} " in spaced:
        return True
    joined = wanted.replace(" ", "")
    words = spaced.split()
    longest = 4  # a name taken apart by spaces or hyphens into at most this many pieces
    return any(
        "".join(words[start : start + size]) == joined
        for size in range(1, longest + 1)
        for start in range(len(words) - size + 1)
    )
