"""The measures measure what they say, and the text-image model is taught what belongs together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="torch is not installed: the starter model's measures are not tested")

from generation.starter.contact_sheet import contact_sheet, sheet_prompts  # noqa: E402 (torch may be absent)
from generation.starter.denoiser import Taught  # noqa: E402
from generation.starter.loop import _step  # noqa: E402
from generation.starter.matching import (  # noqa: E402
    Shown,
    TextImageTraining,
    altered,
    matching_loss,
    relations,
)
from generation.starter.measuring import (  # noqa: E402
    Asked,
    colours_right,
    counts_right,
    drawn_instead,
    features,
    gaps,
    share_found,
)
from generation.starter.prompts import AS_IT_IS, Variant, Words  # noqa: E402
from generation.starter.retrieval import hits  # noqa: E402
from generation.starter.text import learn_vocabulary  # noqa: E402
from generation.starter.text_image import TextImage  # noqa: E402
from generation.starter.variants import COLOURS, colour_of, recoloured, repeated  # noqa: E402

pytestmark = pytest.mark.torch
NOTO, FLUENT = (Words(en=("apple",), zh=("苹果",), style=style) for style in ("Noto", "Fluent"))
PEAR = Words(en=("pear",), zh=("梨",), style="Noto")


def blot(colour: tuple[int, int, int], *, at: int = 32, side: int = 64) -> np.ndarray:
    picture = np.full((128, 128, 3), 255, np.uint8)
    picture[at : at + side, at : at + side] = colour
    return picture


def test_a_share_counts_subject_style_and_both_apart() -> None:
    asked = [
        Asked("p", "cat", "noto"),
        Asked("p", "cat", "fluent"),
        Asked("p", "dog", "noto"),
        Asked("p", "dog", "noto"),
    ]
    found = [("cat", "noto"), ("cat", "noto"), ("cat", "noto"), ("dog", "fluent")]
    assert share_found(asked, found).as_json() == {"samples": 4, "subject": 0.75, "style": 0.5, "both": 0.25}


def test_a_colour_is_right_only_where_the_main_hue_is_called_so() -> None:
    red = blot((220, 20, 20))
    blue = recoloured(red, colour="blue")
    assert blue is not None and (colour_of(red), colour_of(blue)) == ("red", "blue")
    assert colour_of(blot((128, 128, 128))) is None
    asked = [Asked("p", "apple", "noto", colour=name) for name in ("blue", "blue", "red")]
    report = colours_right(asked, np.stack([blue, red, red]))
    assert report == {"samples": 3, "right": 0.667, "by_colour": {"red": 1.0, "blue": 0.5}}


@pytest.mark.parametrize("colour", COLOURS)
def test_a_recoloured_picture_is_called_by_its_new_colour(colour: str) -> None:
    copy = recoloured(blot((30, 160, 60)), colour=colour)
    assert copy is not None and colour_of(copy) == colour


def test_a_count_is_right_only_where_as_many_are_seen() -> None:
    single = blot((220, 20, 20))
    pages = features(np.stack([single, repeated(single, count=2), repeated(single, count=3)]))
    asked = [Asked("p", "apple", "noto", count=2), Asked("p", "apple", "noto", count=3)]
    drawn = features(np.stack([repeated(single, count=2), single]))
    report = counts_right(asked, drawn, references=pages, counts=[1, 2, 3], subjects=["apple"] * 3)
    assert report == {"samples": 2, "count": 0.5, "subject": 1.0, "both": 0.5}


def test_gaps_are_to_the_nearest_other_picture() -> None:
    pictures = np.stack([np.full((128, 128, 3), value, np.uint8) for value in (0, 51, 255)])
    assert gaps(features(pictures)) == pytest.approx([0.2, 0.2, 0.8], abs=1e-3)


def test_what_is_drawn_instead_of_an_unknown_subject_is_the_most_frequent() -> None:
    asked = [Asked("p", "koala", "noto")] * 3
    assert drawn_instead(asked, [("bear", "noto"), ("panda", "noto"), ("bear", "fluent")]) == {"koala": "bear (2 of 3)"}


def test_hits_count_the_right_column_first_and_among_five() -> None:
    likeness = np.array([[9, 1, 2, 3, 4, 5], [9, 8, 7, 6, 5, 4], [9, 8, 7, 6, 5, 0]], float)
    assert hits(likeness, np.array([0, 1, 5])) == {"top_1": 0.333, "top_5": 0.667}


def test_a_prompt_without_a_style_describes_every_style_and_other_colours_teach_nothing() -> None:
    blue = Variant(colour="blue")
    shown = [
        Shown(NOTO, 0, AS_IT_IS, "an apple"),
        Shown(FLUENT, 1, AS_IT_IS, "an apple, Fluent style"),
        Shown(NOTO, 2, blue, "a blue apple, Noto style"),
        Shown(PEAR, 3, AS_IT_IS, "a pear, Noto style"),
    ]
    describes, unsaid = relations(shown)
    assert describes.tolist() == [
        [True, True, False, False],
        [False, True, False, False],
        [False, False, True, False],
        [False, False, False, True],
    ]
    assert unsaid.nonzero().tolist() == [[0, 2]]


def test_the_loss_wants_every_right_answer_and_does_not_mind_the_unsaid() -> None:
    describes = torch.tensor([[True, True, False], [True, True, False], [False, False, True]])
    unsaid = torch.zeros(3, 3, dtype=torch.bool)
    good = torch.where(describes, 9.0, 0.0)
    assert matching_loss(good, describes, unsaid) < matching_loss(good.flip(1), describes, unsaid)
    wrong = good.clone()
    wrong[0, 2] = 30.0
    masked = unsaid.clone()
    masked[0, 2] = True
    assert matching_loss(wrong, describes, unsaid) > 5 > matching_loss(wrong, describes, masked)
    assert torch.isfinite(matching_loss(wrong, describes, masked))


def test_altered_pictures_stay_white_outside_and_come_again_from_the_same_seed() -> None:
    pictures = torch.from_numpy(np.stack([blot((220, 20, 20))] * 6)).permute(0, 3, 1, 2)
    first, second = (altered(pictures, random=torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(first, second) and first.min() >= -1 and first.max() <= 1
    corners = first[:, :, :3, :3]
    assert torch.allclose(corners, corners[:, :1, :1, :1].expand_as(corners)) and corners.min() > 0.75
    assert not torch.allclose(first[0], first[1], atol=0.05)


def test_the_text_image_model_learns_which_words_go_with_which_picture(tmp_path: Path) -> None:
    tokenizer = learn_vocabulary(["an apple, Noto style", "a pear, Noto style", "苹果", "梨"], folder=tmp_path)
    pictures = torch.from_numpy(np.stack([blot((220, 20, 20)), blot((30, 160, 60), at=8, side=110)]))
    part = TextImageTraining(
        pictures=pictures.permute(0, 3, 1, 2), taught=[Taught(NOTO, 0), Taught(PEAR, 1)], tokenizer=tokenizer, seed=2
    )
    part.batch = 16
    threads = torch.get_num_threads()
    # One thread waits for no other: on a busy machine two take far longer than one.
    torch.set_num_threads(1)
    for step in range(35):
        _step(part, rate=1e-3 * min(1.0, (step + 1) / 10))
    torch.set_num_threads(threads)
    judge = TextImage(part.model.eval(), tokenizer)
    images = [Image.fromarray(picture.permute(1, 2, 0).numpy()) for picture in part.pictures]
    assert judge.rank(images, "an apple, Noto style")[0][0] == 0
    assert judge.rank(images, "a pear, Noto style")[0][0] == 1


def test_the_contact_sheet_shows_at_least_forty_prompts_and_every_kind_of_them() -> None:
    prompts = sheet_prompts()
    assert len(prompts) == len(set(prompts)) >= 40
    assert sum(not prompt.isascii() for prompt in prompts) >= 6
    assert any("blue" in prompt for prompt in prompts) and any("two" in prompt for prompt in prompts)
    assert "a dragon, Noto style" in prompts
    page = contact_sheet(["a cat", "一只猫，Noto 风格"], np.stack([blot((9, 9, 9))] * 2), columns=2)
    assert page.getpixel((6 + 64, 6 + 64)) == (9, 9, 9)
    labels = np.asarray(page)[6 + 128 :]
    assert (labels[:, : page.width // 2] < 128).any() and (labels[:, page.width // 2 :] < 128).any()
