"""The sentences that the model is taught to draw from, in English and Chinese."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

EMPTY_SHARE = 0.10
"""Share of prompts that say nothing: what guidance steers away from."""
STYLELESS_SHARE = 0.12

STYLED = {
    "en": (
        "{a}, {style} style",
        "{noun}, {style} style",
        "{noun} in {style} style",
        "{a} in the style of {style}",
        "a picture of {a}, {style} style",
        "a drawing of {a} in {style} style",
        "{style} {noun}",
        "{style} style {noun}",
        "an emoji of {a}, {style}",
        "draw {a} like {style}",
    ),
    "zh": (
        "{noun}，{style} 风格",
        "一个{noun}，{style} 风格",
        "{style} 风格的{noun}",
        "画一个{style} 风格的{noun}",
        "{noun}, {style} 风格",
    ),
}
STYLELESS = {
    "en": ("{a}", "{noun}", "a picture of {a}", "a drawing of {a}", "draw {a}"),
    "zh": ("{noun}", "一个{noun}", "画一个{noun}", "{noun}的图片"),
}


@dataclass(frozen=True)
class Words:
    """What one picture can be asked for by."""

    en: Sequence[str]
    zh: Sequence[str]
    style: str


def teach(words: Words, *, source: random.Random) -> str:
    """Return one of the many prompts that this picture answers; now and then an empty one."""
    chance = source.random()
    if chance < EMPTY_SHARE:
        return ""
    language = "en" if source.random() < 0.7 else "zh"
    nouns = words.en if language == "en" else words.zh
    # The usual word comes first, and most often.
    noun = nouns[0] if source.random() < 0.6 else source.choice(list(nouns))
    styleless = chance < EMPTY_SHARE + STYLELESS_SHARE
    template = source.choice((STYLELESS if styleless else STYLED)[language])
    return template.format(a=with_article(noun), noun=noun, style=words.style)


def ask(noun: str, *, style: str) -> str:
    """Return the plain English prompt that the model is measured with."""
    return f"{with_article(noun)}, {style} style"


def with_article(noun: str) -> str:
    """Return an English noun with the article it takes."""
    if noun.split()[-1] in {"cherries", "grapes", "fries", "chips", "coffee", "tea", "fire"}:
        return noun
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def every_sentence(words: Sequence[Words]) -> list[str]:
    """Return every prompt of some pictures: what the vocabulary is learned from."""
    return sorted(
        {
            template.format(a=with_article(noun), noun=noun, style=one.style)
            for one in words
            for language, nouns in (("en", one.en), ("zh", one.zh))
            for template in (*STYLED[language], *STYLELESS[language])
            for noun in nouns
        }
    )
