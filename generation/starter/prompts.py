"""The sentences that the model is taught to draw from, in English and Chinese."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass

from generation.starter.variants import COLOURS, COUNTS

EMPTY_SHARE = 0.10
"""Share of prompts that say nothing: what guidance steers away from."""
STYLELESS_SHARE = 0.12

STYLED = {
    "en": (
        "{one}, {style} style",
        "{noun}, {style} style",
        "{noun} in {style} style",
        "{one} in the style of {style}",
        "a picture of {one}, {style} style",
        "a drawing of {one} in {style} style",
        "{style} {noun}",
        "{style} style {noun}",
        "an emoji of {one}, {style}",
        "draw {one} like {style}",
    ),
    "zh": (
        "{noun}，{style} 风格",
        "{one}，{style} 风格",
        "{style} 风格的{noun}",
        "画{one}，{style} 风格",
        "{noun}, {style} 风格",
    ),
}
STYLELESS = {
    "en": ("{one}", "{noun}", "a picture of {one}", "a drawing of {one}", "draw {one}"),
    "zh": ("{noun}", "{one}", "画{one}", "{noun}的图片"),
}
UNCOUNTED = {"cherries", "grapes", "fries", "chips", "coffee", "tea", "fire", "bread", "corn", "beer", "glasses"} | {
    "poo", "spectacles", "love", "sushi", "maize", "candy", "garden", "tree", "water", "flame"
}  # fmt: skip
"""Last words that take no article, or of which one does not say two."""
ARTICLELESS = {"cherries", "grapes", "fries", "chips", "coffee", "tea", "fire", "bread", "corn", "glasses"} | {
    "spectacles", "sushi", "maize", "poo"
}  # fmt: skip


@dataclass(frozen=True)
class Words:
    """What one picture can be asked for by."""

    en: Sequence[str]
    zh: Sequence[str]
    style: str


@dataclass(frozen=True)
class Variant:
    """How a copy differs from its picture: by colour, by count, or not at all."""

    colour: str | None = None
    count: int | None = None


AS_IT_IS = Variant()


def teach(words: Words, *, variant: Variant = AS_IT_IS, source: random.Random) -> str:
    """Return one of the many prompts that this picture answers; now and then an empty one."""
    chance = source.random()
    if chance < EMPTY_SHARE:
        return ""
    language = "en" if source.random() < 0.7 else "zh"
    nouns = sayable(words, language=language, variant=variant)
    # The usual word comes first, and most often.
    noun = nouns[0] if source.random() < 0.6 else source.choice(nouns)
    styleless = chance < EMPTY_SHARE + STYLELESS_SHARE
    template = source.choice((STYLELESS if styleless else STYLED)[language])
    return _said(template, noun, language=language, variant=variant, style=words.style)


def sayable(words: Words, *, language: str, variant: Variant) -> list[str]:
    """Return the nouns that go with a variant: no second colour, no plural of what is not counted."""
    nouns = list(words.en if language == "en" else words.zh)
    if variant.colour is not None:
        coloured = [en if language == "en" else zh[0] for _, en, zh in COLOURS.values()]
        return [noun for noun in nouns if not any(word in noun for word in coloured)] or nouns[:1]
    if variant.count is not None and language == "en":
        return [noun for noun in nouns if is_counted(noun)] or nouns[:1]
    return nouns


def is_counted(noun: str) -> bool:
    """Say whether one can ask for two of an English noun."""
    return not set(noun.split()) & UNCOUNTED


def ask(noun: str, *, style: str, variant: Variant = AS_IT_IS, language: str = "en") -> str:
    """Return the plain prompt that the model is measured with."""
    return _said(STYLED[language][0], noun, language=language, variant=variant, style=style)


def with_article(noun: str) -> str:
    """Return an English noun with the article it takes."""
    if noun.split()[-1] in ARTICLELESS:
        return noun
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def every_sentence(words: Sequence[Words]) -> list[str]:
    """Return every prompt of some pictures: what the vocabulary is learned from."""
    variants = [AS_IT_IS, *(Variant(colour=name) for name in COLOURS), *(Variant(count=count) for count in COUNTS)]
    return sorted(
        {
            _said(template, noun, language=language, variant=variant, style=one.style)
            for one in words
            for language in ("en", "zh")
            for variant in variants
            for noun in sayable(one, language=language, variant=variant)
            for template in (*STYLED[language], *STYLELESS[language])
        }
    )


def _said(template: str, noun: str, *, language: str, variant: Variant, style: str) -> str:
    """Fill a template in with a noun, its colour or its count."""
    if language == "en":
        if variant.count is not None:
            counted = f"{COUNTS[variant.count][0]} {_plural(noun)}"
            return template.format(one=counted, noun=counted, style=style)
        if variant.colour is not None:
            noun = f"{COLOURS[variant.colour][1]} {noun}"
        return template.format(one=with_article(noun), noun=noun, style=style)
    if variant.count is not None:
        counted = f"{COUNTS[variant.count][1]}{noun}"
        return template.format(one=counted, noun=counted, style=style)
    if variant.colour is not None:
        noun = f"{COLOURS[variant.colour][2]}的{noun}"
    return template.format(one=f"一个{noun}", noun=noun, style=style)


@functools.cache
def _plural(noun: str) -> str:
    # Here and not at the top: only training needs the package.
    import inflect

    plural: str = inflect.engine().plural(noun)
    return plural
