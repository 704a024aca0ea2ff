"""Gathers the starter collection: which pictures there are, what they are called, what they are for."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from generation.starter.errors import PictureMissing
from generation.starter.pictures import svg_of
from generation.starter.sources import NAMES, SETS, PictureSet, read_package

SUBJECTS = Path(__file__).with_name("subjects.toml")
Split = Literal["trained", "held-out", "not-in-training"]
HELD_OUT_EVERY = 6
"""Of every sixth trained subject, one style is left out, to see whether a style carries over."""

THINGS = (3, 4, 5, 6, 7)
"""CLDR's groups of animals and plants, food, places, activities and objects."""
FARTHEST_KIN = 20
"""Places in CLDR's order beyond which two things are not called kin."""


@dataclass(frozen=True)
class Subject:
    """Something that can be drawn, and the words for it."""

    slug: str
    en: tuple[str, ...]
    zh: tuple[str, ...]
    aliases: dict[str, str]
    """What a set calls its picture of this subject, where that is not the slug."""

    @property
    def is_trained(self) -> bool:
        """Say whether any part of the model is taught this subject's pictures."""
        return bool(self.en)


@dataclass(frozen=True)
class Gathered:
    """One picture of one set, as it came."""

    subject: Subject
    entry: PictureSet
    name_en: str
    name_zh: str
    svg: str
    split: Split

    @property
    def digest(self) -> str:
        """Return the digest of the SVG document."""
        return "sha256:" + hashlib.sha256(self.svg.encode()).hexdigest()


def subjects() -> tuple[Subject, ...]:
    """Return every subject of the collection, the trained ones first."""
    table = tomllib.loads(SUBJECTS.read_text(encoding="utf-8"))
    return tuple(
        Subject(
            slug=slug,
            en=tuple(row.get("en", ())),
            zh=tuple(row.get("zh", ())),
            aliases=row.get("names", {}),
        )
        for slug, row in table.items()
    )


def gather(cache: Path) -> Iterator[Gathered]:
    """Yield every picture of the collection in a fixed order; the packages must be in the cache."""
    names_en, names_zh = cldr_names(cache)
    icons = {entry.slug: read_package(cache, entry.icons) for entry in SETS}
    for number, subject in enumerate(subjects()):
        for entry in SETS:
            name = _name_in(icons[entry.slug], entry=entry, subject=subject)
            yield Gathered(
                subject=subject,
                entry=entry,
                name_en=names_en[subject.slug],
                name_zh=names_zh[subject.slug],
                svg=svg_of(icons[entry.slug], name),
                split=_split(subject, number=number, entry=entry),
            )


def cldr_names(cache: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the CLDR short names in English and in Chinese, by subject slug."""
    english, chinese = (read_package(cache, NAMES[language]) for language in ("en", "zh"))
    labels = {row["hexcode"]: row["label"] for row in chinese}
    in_english = {_slug(row["label"]): row for row in english}
    return (
        {slug: row["label"] for slug, row in in_english.items()},
        {slug: labels[row["hexcode"]] for slug, row in in_english.items() if row["hexcode"] in labels},
    )


def hints(cache: Path) -> dict[str, dict[str, list[str]]]:
    """Return CLDR's keywords of every taught subject by language, by subject slug; no word that is taught."""
    english, chinese = (read_package(cache, NAMES[language]) for language in ("en", "zh"))
    words = {language: {w for one in subjects() for w in getattr(one, language)} for language in ("en", "zh")}
    tags = {row["hexcode"]: row.get("tags", ()) for row in chinese}
    taught = {one.slug for one in subjects() if one.is_trained}
    return {
        slug: {
            "en": [tag for tag in row.get("tags", ()) if tag not in words["en"] and tag.isalpha()],
            "zh": [tag for tag in tags.get(row["hexcode"], ()) if tag not in words["zh"]],
        }
        for row in english
        if (slug := _slug(row["label"])) in taught
    }


def kin(cache: Path) -> dict[str, dict[str, list[str]]]:
    """Return for each thing that CLDR names and the model was not taught the two taught things listed nearest to it.

    CLDR lists what is alike together: a dragon stands among the reptiles, a violin among the instruments.
    """
    english, chinese = (read_package(cache, NAMES[language]) for language in ("en", "zh"))
    by_slug = {one.slug: one for one in subjects() if one.is_trained}
    things = [row for row in english if row.get("group") in THINGS]
    listed = [(row["group"], row["order"], by_slug[slug]) for row in things if (slug := _slug(row["label"])) in by_slug]
    labels = {row["hexcode"]: row["label"] for row in chinese}
    found: dict[str, dict[str, list[str]]] = {"en": {}, "zh": {}}
    for row in things:
        if _slug(row["label"]) in by_slug:
            continue
        near = sorted((abs(order - row["order"]), one.slug) for group, order, one in listed if group == row["group"])
        kindred = [by_slug[slug] for distance, slug in near[:2] if distance <= FARTHEST_KIN]
        if kindred and row["label"].isalpha():
            found["en"][row["label"].lower()] = [one.en[0] for one in kindred]
        if kindred and row["hexcode"] in labels:
            found["zh"][labels[row["hexcode"]]] = [one.zh[0] for one in kindred]
    return found


def _slug(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower().replace("’", "")).strip("-")


def _split(subject: Subject, *, number: int, entry: PictureSet) -> Split:
    if not subject.is_trained or not entry.trained:
        return "not-in-training"
    turn, place = divmod(number, HELD_OUT_EVERY)
    styles = [style.slug for style in SETS if style.trained]
    left_out = place == HELD_OUT_EVERY - 1 and styles[turn % len(styles)] == entry.slug
    return "held-out" if left_out else "trained"


def _name_in(icons: dict[str, Any], *, entry: PictureSet, subject: Subject) -> str:
    wanted = subject.aliases.get(entry.slug, subject.slug)
    # FxEmoji writes its names without hyphens.
    for name in (wanted, wanted.replace("-", "")):
        if name in icons["icons"]:
            return name
    raise PictureMissing(package=entry.icons.package, name=wanted, subject=subject.slug)
