"""Finding registered names in a prompt, however they are written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterable
from functools import lru_cache
from typing import TypeVar

Named = TypeVar("Named", bound=Hashable)

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
    unspaced, runs = spaced.replace(" ", ""), _runs(spaced.split())
    found: dict[Named, None] = {}
    for what, name in names:
        wanted = _wanted(name)
        if not wanted or what in found:
            continue
        joined = wanted.replace(" ", "")
        if (joined in unspaced) if _UNSPACED.search(wanted) else (joined in runs or f" {wanted} " in spaced):
            found[what] = None
    return list(found)


@lru_cache(maxsize=65_536)
def _wanted(name: str) -> str:
    """Return a registered name as it is looked for; the same ones are, in every prompt."""
    return folded(name)


def _runs(words: list[str]) -> set[str]:
    """Return the words of a prompt, and what those that follow each other spell together."""
    longest = 4  # a name taken apart by spaces or hyphens into at most this many pieces
    return {
        "".join(words[start : start + size])
        for size in range(1, longest + 1)
        for start in range(len(words) - size + 1)
    }
