"""What a style is taught with: recipes within their bounds, captions, and the set that this project draws itself."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.request import InvalidRequest
from generation.training.captions import caption, plain_caption
from generation.training.contract import Lesson
from generation.training.cut_paper import DRAWINGS, drawings, write
from generation.training.recipe import LEAST_WORKS, Recipe, held_out_of, settled_recipe
from provenance.canonical import sha256_digest
from provenance.picture import decode_picture


def lesson(title: str, title_zh: str = "") -> Lesson:
    return Lesson(digest="", pixels=np.zeros((1, 1, 3), np.uint8), title=title, title_zh=title_zh)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"rank": 0}, "rank"), ({"rank": 129}, "rank"), ({"learning_rate": 1.0}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"), ({"batch": 0}, "batch"), ({"steps": 0}, "steps"),
        ({"minutes": 0.0}, "minutes"), ({"minutes": 9.0, "steps": 9}, "minutes"), ({"held_out": 0.6}, "held_out"),
        ({"seed": -1}, "seed"), ({"seed": 2**32}, "seed"),
    ],
)  # fmt: skip
def test_a_recipe_out_of_bounds_is_refused_by_its_field(wrong: dict[str, float], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        settled_recipe(Recipe(**wrong), works=9)  # type: ignore[arg-type]  # what a stranger sends
    assert refused.value.values["field"] == field


def test_a_recipe_without_a_length_gets_one_for_its_works() -> None:
    assert settled_recipe(Recipe(), works=60).steps == 731
    assert settled_recipe(Recipe(), works=3).steps == 60
    assert settled_recipe(Recipe(), works=2_000).steps == 2_000
    assert settled_recipe(Recipe(minutes=3), works=60).steps is None


@given(
    rank=st.integers(1, 128), rate=st.floats(1e-6, 1e-2), held_out=st.floats(0, 0.5), seed=st.integers(0, 2**32 - 1),
    minutes=st.none() | st.floats(0.1, 1440),
)  # fmt: skip
def test_a_recipe_survives_being_recorded(
    rank: int, rate: float, held_out: float, seed: int, minutes: float | None
) -> None:
    recipe = Recipe(rank=rank, learning_rate=rate, held_out=held_out, seed=seed, minutes=minutes)
    assert Recipe.from_json(recipe.as_json()) == recipe


@given(many=st.integers(LEAST_WORKS, 80), share=st.floats(0, 0.5), seed=st.integers(0, 9))
def test_what_is_kept_back_is_a_share_that_leaves_enough_and_is_the_same_each_time(
    many: int, share: float, seed: int
) -> None:
    digests = [sha256_digest(str(n).encode()) for n in range(many)]
    recipe = Recipe(held_out=share, seed=seed)
    kept = held_out_of(digests, recipe=recipe)
    assert kept == held_out_of(digests[::-1], recipe=recipe)
    assert len(kept) <= round(many * share) and many - len(kept) >= LEAST_WORKS


def test_captions_say_the_title_in_both_languages_sometimes_with_the_style_and_sometimes_nothing() -> None:
    source = random.Random(3)
    said = {caption(lesson("Apple", "苹果"), style="Cut Paper", source=source) for _ in range(400)}
    assert {"", "an apple", "a picture of an apple", "an apple, Cut Paper style", "画一个苹果，Cut Paper 风格"} <= said
    assert plain_caption(lesson("Apple", "苹果")) == "an apple"


@pytest.mark.parametrize("title", ["", "  ", "{0}", "{style}", "海", "Wave no. 3 {", "É"])
def test_any_title_makes_a_caption(title: str) -> None:
    source = random.Random(1)
    for _ in range(50):
        assert isinstance(caption(lesson(title), style="{one}", source=source), str)


def test_the_set_that_this_project_draws_is_whole_and_its_list_names_author_and_licence(tmp_path: Path) -> None:
    assert write(tmp_path) == len(DRAWINGS) == 48
    files = [path.read_bytes() for path in sorted(tmp_path.glob("*.png"))]
    assert len(set(files)) == 48
    assert {decode_picture(data).pixels.shape for data in files} == {(256, 256, 3)}
    lines = (tmp_path / "works.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "file,title,title_zh,author,licence,rights_evidence" and len(lines) == 49
    assert lines[1].startswith("apple.png,apple,苹果,Colophon's authors,CC0-1.0,")
    assert next(drawings()).png == (tmp_path / "apple.png").read_bytes(), "the same bytes each time"
