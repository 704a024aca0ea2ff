"""What a prompt asks for that its model cannot hear is said, in both languages, with what it does know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.vocabulary import Notice, known_words, notices_about, unknown_words, words_cut

VOCABULARY: dict[str, Any] = {
    "styles": ["Noto", "Fluent"],
    "colours": [["blue", "蓝色"]],
    "counts": [["two", "两个"]],
    "kin": {"en": {"dragon": ["snake"]}, "zh": {"龙": ["蛇"]}},
    "subjects": [
        {"en": "puppy", "zh": "小狗", "synonyms": ["dog", "狗"], "names": {"en": "dog face", "zh": "狗脸"}},
        {"en": "snake", "zh": "蛇", "synonyms": [], "hints": {"en": ["serpent"], "zh": ["爬行动物"]}},
        {"en": "cherry", "zh": "樱桃", "synonyms": ["cherries"]},
    ],
}
OWN = (128, 128)


def said_of(prompt: str, *, size: tuple[int, int] = OWN, cut: str = "") -> list[Notice]:
    return notices_about(prompt, known=known_words(VOCABULARY), size=size, own_size=OWN, cut=cut)


@pytest.mark.parametrize(
    "prompt",
    ["a puppy", "Two blue dogs, Noto style", "the puppy's snake", "蓝色的小狗，Fluent 风格", "画两个蛇", "SNAKES!"],
)
def test_nothing_is_said_of_a_prompt_that_is_known_throughout(prompt: str) -> None:
    assert said_of(prompt) == []


@pytest.mark.parametrize(
    ("prompt", "word", "near"),
    [
        ("a pupy, Noto style", "pupy", ("puppy",)),
        ("a dragon", "dragon", ("snake",)),
        ("a serpent", "serpent", ("snake",)),
        ("一条龙", "龙", ("蛇",)),
        ("爬行动物", "爬行动物", ("蛇",)),
        ("ein Flugzeug", "flugzeug", None),
    ],
)
def test_an_unknown_word_is_named_with_near_ones_in_both_languages(prompt: str, word: str, near: Any) -> None:
    (notice,) = said_of(prompt)
    assert notice.code == "nothing-known" and word in notice.words
    assert notice.near.get(word) == near
    assert word in notice.en and word in notice.zh
    for other in near or ():
        assert other in notice.en and other in notice.zh


def test_an_unknown_word_beside_a_known_thing_is_said_otherwise() -> None:
    (notice,) = said_of("a puppy on a skateboard")
    assert (notice.code, notice.words) == ("unknown-words", ("skateboard",))
    assert "names nothing" not in notice.en


def test_a_style_alone_names_nothing_to_draw() -> None:
    (notice,) = said_of("Fluent style")
    assert (notice.code, notice.words) == ("nothing-known", ())


def test_of_many_unknown_words_some_are_named_and_the_rest_counted() -> None:
    (notice,) = said_of(" ".join(f"zyx{letter}" for letter in "abcdefghijklmnop"))
    assert len(notice.words) == 12 and "and 4 more" in notice.en and "另外 4 个" in notice.zh


def test_another_size_is_told_with_the_models_own() -> None:
    (notice,) = said_of("a puppy", size=(192, 128))
    assert notice.code == "size-not-its-own" and "192 × 128" in notice.en and "128 × 128" in notice.zh


def test_what_is_cut_off_is_quoted() -> None:
    (notice,) = said_of("a puppy", cut="Noto style")
    assert notice.code == "prompt-cut" and "Noto style" in notice.en and notice.words == ("Noto", "style")


@pytest.mark.parametrize("vocabulary", [{}, {"subjects": ["cat"]}, {"subjects": []}, {"subjects": 3}, [], None])
def test_of_a_model_without_a_list_of_words_nothing_is_claimed(vocabulary: Any) -> None:
    known = known_words(vocabulary)
    assert known is None
    assert notices_about("a dragon", known=known, size=(64, 64), own_size=OWN) == []


@given(st.text(max_size=300))
def test_every_prompt_is_answered_and_unknown_words_stand_in_it(prompt: str) -> None:
    known = known_words(VOCABULARY)
    assert known
    assert all(word in prompt.lower() for word in unknown_words(prompt, known=known))
    for notice in said_of(prompt):
        assert json.dumps(notice.as_json()) and notice.en and notice.zh


def tokenizer_of_words(folder: Path, *, length: int) -> Path:
    tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed: cut words are not tested")
    words = {word: number for number, word in enumerate(["a", "snake", "?"])}
    reader = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="?"))
    reader.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    reader.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": length}))
    return folder


def test_the_end_that_does_not_fit_is_found_word_for_word(tmp_path: Path) -> None:
    folder = tokenizer_of_words(tmp_path, length=6)
    assert words_cut("a snake A SNAKE and more  of 它", tokenizer=folder) == "and more  of 它"
    assert words_cut("a snake A SNAKE", tokenizer=folder) == ""


def test_without_a_readable_tokenizer_nothing_is_claimed_to_be_cut(tmp_path: Path) -> None:
    assert words_cut("word " * 500, tokenizer=tmp_path) == ""
    (tmp_path / "tokenizer.json").write_text("{")
    (tmp_path / "tokenizer_config.json").write_text("{}")
    assert words_cut("word " * 500, tokenizer=tmp_path) == ""
