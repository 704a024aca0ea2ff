"""The sentences that a style's works answer while it is trained."""

from __future__ import annotations

import random

from generation.starter.prompts import with_article
from generation.training.contract import Lesson

UNSAID_SHARE = 0.10
"""Share of captions that say nothing: what guidance steers away from."""
PLAIN = {
    "en": ("{one}", "{noun}", "a picture of {one}", "a drawing of {one}", "draw {one}"),
    "zh": ("{noun}", "{one}", "画{one}", "{noun}的图片"),
}
STYLED = {
    "en": ("{one}, {style} style", "{noun} in {style} style", "{one} in the style of {style}", "{style} style {noun}"),
    "zh": ("{noun}，{style} 风格", "{style} 风格的{noun}", "画{one}，{style} 风格"),
}
"""An adapter is loaded only where its style is asked for, so its name need not be said: half of the captions do."""


def caption(lesson: Lesson, *, style: str, source: random.Random) -> str:
    """Return one of the many captions of a work, in English or Chinese; now and then an empty one."""
    if source.random() < UNSAID_SHARE:
        return ""
    language = "zh" if lesson.title_zh and source.random() < 0.3 else "en"
    template = source.choice((STYLED if source.random() < 0.5 else PLAIN)[language])
    return _said(template, lesson, language=language, style=style)


def plain_caption(lesson: Lesson) -> str:
    """Return the caption that samples are drawn from: what the work shows, and nothing of its style."""
    return _said(PLAIN["en"][0], lesson, language="en", style="")


def _said(template: str, lesson: Lesson, *, language: str, style: str) -> str:
    if language == "zh":
        return template.format(one=f"一个{lesson.title_zh}", noun=lesson.title_zh, style=style)
    noun = lesson.title.strip()
    if noun.isascii() and noun:
        noun = noun[0].lower() + noun[1:]
        return template.format(one=with_article(noun), noun=noun, style=style)
    return template.format(one=noun, noun=noun, style=style)
