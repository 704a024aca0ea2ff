"""The prompts that the starter model is measured by: which pictures are asked for, and in which words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generation.starter.gathering import Gathered
from generation.starter.measuring import Asked, Pictures
from generation.starter.prompts import Variant, ask, is_counted
from generation.starter.variants import COLOURS, COUNTS, colour_of, recoloured, repeated

SHEET = (
    ("an apple, Noto style", "a rocket, Noto style", "a sunflower, Twemoji style", "a panda, Noto style"),
    (
        "a cat, Noto style",
        "a cat, Twemoji style",
        "a cat, Fluent style",
        "a cat, FxEmoji style",
        "a cat, EmojiOne style",
    ),
    ("a house, Noto style", "a house, Twemoji style", "a house, Fluent style", "a house, FxEmoji style"),
    ("a frog, EmojiOne style", "a penguin, Fluent style", "an octopus, Noto style", "a turtle, Twemoji style"),
    ("a castle, FxEmoji style", "a tractor, Fluent style", "a camera, EmojiOne style", "a crown, Noto style"),
    ("a cactus", "a guitar", "a pizza", "a snowman"),
    (
        "向日葵，Noto 风格",
        "猫，Fluent 风格",
        "火箭，Twemoji 风格",
        "熊猫，EmojiOne 风格",
        "苹果",
        "一个西瓜，Noto 风格",
    ),
    ("a kitten, Noto style", "a donut, Twemoji style", "a bunny, Fluent style", "a bike, Noto style"),
    ("a blue apple, Noto style", "a green car, Twemoji style", "a purple balloon, Fluent style"),
    (
        "a pink elephant, Noto style",
        "a yellow heart, FxEmoji style",
        "红色的汽车，Noto 风格",
        "a blue rose, EmojiOne style",
    ),
    ("two apples, Noto style", "three stars, Twemoji style", "two cats, Fluent style", "三个气球，Noto 风格"),
    ("a dragon, Noto style", "a violin, Noto style", "a koala, Fluent style", "a teapot on a skateboard"),
    ("a house and a tree, Noto style", "a cat with a hat, Noto style", "portrait of a woman", "龙"),
)
"""The contact sheet, fixed before any picture was drawn: what the model was taught, and what it was not."""


def asked_of(pictures: Sequence[Gathered], *, language: str = "en") -> list[Asked]:
    """Return the plain prompt for each of some pictures, by its usual word; by its CLDR name where untaught."""
    return [
        Asked(ask(_usual(one, language), style=one.entry.style, language=language), one.subject.slug, one.entry.slug)
        for one in pictures
    ]


def _usual(one: Gathered, language: str) -> str:
    words = one.subject.en if language == "en" else one.subject.zh
    return words[0] if words else (one.name_en if language == "en" else one.name_zh)


def asked_by_synonym(pictures: Sequence[Gathered]) -> list[Asked]:
    """Return a prompt by another than the usual English word, for those pictures that have one."""
    return [
        Asked(ask(one.subject.en[-1], style=one.entry.style), one.subject.slug, one.entry.slug)
        for one in pictures
        if len(one.subject.en) > 1
    ]


def some_of(pictures: Sequence[Gathered], *, a_style: int, seed: int) -> list[Gathered]:
    """Return so many pictures of every style, drawn by lot."""
    order = np.random.default_rng(seed).permutation(len(pictures))
    taken: dict[str, list[Gathered]] = {}
    for number in order:
        of_style = taken.setdefault(pictures[number].entry.slug, [])
        if len(of_style) < a_style:
            of_style.append(pictures[number])
    return [one for slug in sorted(taken) for one in taken[slug]]


def asked_in_colour(
    real: Sequence[Gathered], pictures: Pictures, *, a_colour: int, seed: int = 5
) -> tuple[list[Asked], Pictures]:
    """Return prompts with colour words that are not the picture's own, and the recoloured real pictures for them."""
    source = np.random.default_rng(seed)
    asked, copies = [], []
    for colour in COLOURS:
        found = 0
        for number in source.permutation(len(real)):
            if found == a_colour:
                break
            one, copy = real[number], recoloured(pictures[number], colour=colour)
            if copy is None or colour_of(pictures[number]) == colour or _names_a_colour(one):
                continue
            prompt = ask(one.subject.en[0], style=one.entry.style, variant=Variant(colour=colour))
            asked.append(Asked(prompt, one.subject.slug, one.entry.slug, colour=colour))
            copies.append(copy)
            found += 1
    return asked, np.stack(copies) if copies else np.empty((0, 128, 128, 3), np.uint8)


def _names_a_colour(one: Gathered) -> bool:
    return any(colour in one.subject.en[0].split() for colour in COLOURS)


def asked_in_number(real: Sequence[Gathered], *, a_count: int, seed: int = 6) -> list[Asked]:
    """Return prompts for two and for three of something."""
    counted = [one for one in real if is_counted(one.subject.en[0])]
    order = np.random.default_rng(seed).permutation(len(counted))
    return [
        Asked(
            ask(counted[n].subject.en[0], style=counted[n].entry.style, variant=Variant(count=count)),
            counted[n].subject.slug,
            counted[n].entry.slug,
            count=count,
        )
        for count in COUNTS
        for n in order[:a_count]
    ]


def in_every_number(real: Sequence[Gathered], pictures: Pictures) -> tuple[Pictures, list[int], list[str]]:
    """Return real pictures once, twice and three times on one page, with that number and the subject of each."""
    pages = [*pictures, *(repeated(picture, count=count) for count in COUNTS for picture in pictures)]
    numbers = [1, *COUNTS]
    return np.stack(pages), [n for n in numbers for _ in real], [one.subject.slug for _ in numbers for one in real]
