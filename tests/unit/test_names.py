"""Registered names in a prompt: found however they are written, and only where they stand."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from provenance.licensing.names import folded, names_in

FX = [("style", "Fx Emoji")]
INVISIBLE = [
    chr(code)
    for code in range(0x110000)
    if unicodedata.category(chr(code)) == "Cf" and not 0x600 <= code < 0x900 and code < 0x11000
]
letters = st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=10)


@pytest.mark.parametrize(
    "prompt",
    [
        "a cat, fx emoji",
        "FX EMOJI cat",
        "fxemoji",
        "a FxEmoji cat",
        "fx-emoji", "fx_emoji", "fx.emoji!", "(fx emoji)", "fx\nemoji", "fx  emoji",
        "ｆｘ ｅｍｏｊｉ",
        "fx émöji",
        "fx e\u0301moji",
        "f\u200bx e\u200dmoji",
        "\ufefffx\u00ademoji",
        "f\u2061x\u2062e\u2063m\u2064oji",
        "f\u202ex em\u202coji",
        "f\u034fx emoji",
        "fx e\ufe0fmoji",
        "ｆｘ　ｅｍｏｊｉ",
        "𝐟𝐱 𝒆𝒎𝒐𝒋𝒊",
        "ⓕⓧ emoji",
    ],
    ids=ascii,
)  # fmt: skip
def test_a_name_is_found_however_it_is_written(prompt: str) -> None:
    assert names_in(prompt, FX) == ["style"]


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("a notorious cat", "Noto"),
        ("prefx emojis", "Fx Emoji"),
        ("a catalogue", "cat"),
        ("bobcat", "cat"),
        ("a painting", "pain"),
        ("", "Noto"),
        ("noto", ""),
        ("noto", " \u200b-"),
    ],
)
def test_a_name_inside_another_word_is_not_there(prompt: str, name: str) -> None:
    assert names_in(prompt, [("style", name)]) == []


@pytest.mark.parametrize("prompt", ["一只水墨风格的猫", "水 墨", "水\u200b墨", "水-墨 cat", "一只水　墨猫"], ids=ascii)
def test_a_chinese_name_is_found_anywhere_in_the_text(prompt: str) -> None:
    assert names_in(prompt, [("ink", "水墨")]) == ["ink"]


def test_another_chinese_text_does_not_hold_the_name() -> None:
    assert names_in("一幅水彩和墨镜", [("ink", "水墨")]) == []


@pytest.mark.parametrize("name", ["José Núñez", "Łukasz", "Ærø", "Straße", "Мария", "さくら", "김민수"])
def test_names_of_every_script_are_found_as_registered_and_in_capitals(name: str) -> None:
    for written in (name, name.upper(), name.lower(), unicodedata.normalize("NFD", name)):
        assert names_in(f"a portrait, {written}, oil", [(1, name)]) == [1]


def test_what_several_names_stand_for_comes_once_and_in_order() -> None:
    names = [("b", "Noto"), ("a", "水墨"), ("b", "Noto Emoji"), ("c", "absent")]
    assert names_in("noto emoji 水墨 noto", names) == ["b", "a"]


@given(letters, st.lists(st.tuples(st.integers(0, 10), st.sampled_from(INVISIBLE)), max_size=8))
def test_no_invisible_character_hides_a_name(name: str, inserted: list[tuple[int, str]]) -> None:
    written = name
    for place, character in inserted:
        written = written[:place] + character + written[place:]
    assert names_in(f"a cat {written} hat", [(1, name)]) == [1]


@given(letters, letters, letters)
def test_a_name_stands_only_where_all_of_a_word_is_that_name(name: str, before: str, after: str) -> None:
    assert names_in(before + name + after, [(1, name)]) == []


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assume(folded(text))
    assert folded(folded(text)) == folded(text)


@given(st.text(max_size=30), st.text(max_size=30))
def test_every_name_is_found_in_a_prompt_that_quotes_it(prompt: str, name: str) -> None:
    assume(folded(name))
    assert names_in(f"{prompt} {name} {prompt}", [(1, name)]) == [1]
