"""The visible label: where it stands, how large it is, and that people can read it on any picture."""

from __future__ import annotations

import itertools
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFont

from provenance.credentials.label import LINES, LabelLanguage, Position, VisibleLabel
from provenance.credentials.lettering import FONT, draw_label
from provenance.credentials.marking import mark
from provenance.picture import decode_picture

POSITIONS = get_args(Position)
LANGUAGES: tuple[LabelLanguage, ...] = get_args(LabelLanguage)
SIZES = [(512, 512), (1024, 768), (300, 900), (256, 64), (1024, 1024), (128, 128)]


def plain(width: int, height: int, colour: int | tuple[int, int, int] = 128) -> Any:
    return np.full((height, width, 3), colour, np.uint8)


def changed(before: Any, after: Any) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of all that changed."""
    rows, columns = np.nonzero((before != after).any(axis=2))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def lines_of_ink(drawn: Any) -> list[int]:
    """Return the height of each line of white letters, top to bottom."""
    inked = (drawn > 200).all(axis=2).any(axis=1)
    return [len(list(rows)) for is_ink, rows in itertools.groupby(inked) if is_ink]


def luminance(colour: Any) -> float:
    """Return the relative luminance of WCAG 2.2 of an RGB colour, 0 to 255 each."""
    parts = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in map(float, colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
def test_letters_are_at_least_five_percent_of_the_shortest_side(size: tuple[int, int], language: LabelLanguage) -> None:
    drawn = draw_label(plain(*size, 40), VisibleLabel("bottom-right", language))
    heights = lines_of_ink(drawn)
    assert len(heights) == len(LINES[language])
    # A line is as high as its letters, with what hangs below: one that hangs below has a higher box.
    assert min(heights) >= 0.05 * min(size)


@pytest.mark.parametrize("position", POSITIONS)
def test_the_label_stands_whole_at_the_edge_that_was_asked_for(position: Position) -> None:
    width, height = 640, 480
    before = plain(width, height)
    left, top, right, bottom = changed(before, draw_label(before, VisibleLabel(position)))
    assert (top < height * 0.03) == position.startswith("top")
    assert (height - bottom < height * 0.03) == position.startswith("bottom")
    assert (left < width * 0.03) == position.endswith("left")
    assert (width - right < width * 0.03) == position.endswith("right")
    if position in {"top", "bottom"}:
        assert abs((left + right) / 2 - width / 2) <= 1


@pytest.mark.parametrize("colour", [0, 128, 255, (255, 255, 0), (0, 255, 255), (255, 220, 210)])
def test_letters_stand_out_from_their_plate_on_any_colour(colour: Any) -> None:
    before = plain(400, 300, colour)
    drawn = draw_label(before, VisibleLabel())
    left, top, right, bottom = changed(plain(400, 300, 99), draw_label(plain(400, 300, 99), VisibleLabel()))
    plate, ink = drawn[top, left], drawn[top:bottom, left:right].reshape(-1, 3).max(axis=0)
    contrast = (luminance(ink) + 0.05) / (luminance(plate) + 0.05)
    assert contrast >= 4.5


def test_letters_stand_out_on_noise_too() -> None:
    noise = np.random.default_rng(5).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    left, top, right, bottom = changed(plain(400, 300), draw_label(plain(400, 300), VisibleLabel()))
    part = draw_label(noise, VisibleLabel())[top:bottom, left:right]
    plate = part[:2].reshape(-1, 3).max(axis=0)
    assert (1.05) / (luminance(plate) + 0.05) >= 4.5
    assert (part == 255).all(axis=2).sum() > 100


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [(64, 64), (64, 900), (48, 48)])
def test_where_legible_letters_have_no_room_they_are_as_large_as_fits(
    size: tuple[int, int], language: LabelLanguage
) -> None:
    before = plain(*size)
    left, _, right, _ = changed(before, draw_label(before, VisibleLabel("bottom-right", language)))
    assert right - left > 0.9 * size[0]


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 700), height=st.integers(1, 700),
    position=st.sampled_from(POSITIONS), language=st.sampled_from(LANGUAGES),
)  # fmt: skip
def test_a_picture_of_any_size_keeps_its_size_and_is_labelled(
    width: int, height: int, position: Position, language: LabelLanguage
) -> None:
    before = plain(width, height)
    drawn = draw_label(before, VisibleLabel(position, language))
    assert drawn.shape == before.shape
    assert (drawn != before).any()
    assert (before == 128).all(), "the picture that came in was changed"


def test_the_font_has_every_letter_of_every_label() -> None:
    font = ImageFont.truetype(FONT, 40, layout_engine=ImageFont.Layout.BASIC)
    unknown = font.getmask("\u2603").getbbox(), bytes(font.getmask("\u2603"))
    for letter in set("".join(itertools.chain(*LINES.values()))):
        assert (font.getmask(letter).getbbox(), bytes(font.getmask(letter))) != unknown, letter


def test_each_label_says_both_ai_and_generated() -> None:
    assert "AI" in VisibleLabel(language="en").text and "generated" in VisibleLabel(language="en").text
    assert "人工智能" in VisibleLabel(language="zh").text and "生成" in VisibleLabel(language="zh").text
    assert VisibleLabel(language="both").text == "AI-generated 人工智能生成"


def test_the_raw_digest_is_of_the_picture_without_its_label() -> None:
    pixels = plain(200, 150)
    bare, labelled = (mark(pixels, media_type="image/png", label=label) for label in (None, VisibleLabel()))
    assert bare.raw_pixels == labelled.raw_pixels
    assert bare.delivered_pixels != labelled.delivered_pixels
    assert (decode_picture(labelled.data).pixels == draw_label(pixels, VisibleLabel())).all()


def test_the_font_carries_its_licence_beside_it() -> None:
    assert "SIL OPEN FONT LICENSE" in (FONT.parent / "OFL.txt").read_text()


@pytest.mark.parametrize("text", ["", "middle/both", "top", "top/fr", "top/"])
def test_a_label_that_an_operator_misspelt_is_not_taken(text: str) -> None:
    with pytest.raises(ValueError, match="a label is a position"):
        VisibleLabel.parse(text)


def test_an_operator_s_label_is_a_position_and_a_language() -> None:
    assert VisibleLabel.parse("top-left/zh") == VisibleLabel(position="top-left", language="zh")
