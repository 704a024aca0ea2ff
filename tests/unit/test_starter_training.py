"""Training can stop anywhere and go on; what it is taught by is as it says."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: training is not tested")

from generation.starter.autoencoder import AutoencoderTraining  # noqa: E402 (torch may be absent)
from generation.starter.errors import CheckpointForeign  # noqa: E402
from generation.starter.loop import train  # noqa: E402
from generation.starter.muon import orthogonal  # noqa: E402
from generation.starter.prompts import Words, every_sentence, teach  # noqa: E402
from generation.starter.text import LENGTH, learn_vocabulary  # noqa: E402
from generation.starter.train import vocabulary_of  # noqa: E402

pytestmark = pytest.mark.torch
APPLE = Words(en=("apple", "red apple"), zh=("苹果",), style="Noto")


def seconds_of_two_a_step() -> Callable[[], float]:
    """Return a clock that says a second more each time it is read."""
    ticks = iter(range(10**6))
    return lambda: float(next(ticks))


def autoencoder() -> AutoencoderTraining:
    pictures = torch.arange(4 * 3 * 128 * 128).remainder(251).to(torch.uint8).view(4, 3, 128, 128)
    part = AutoencoderTraining(pictures=pictures, seed=5)
    part.batch = 2
    return part


def trained_for(steps: int, *, folder: Path, fingerprint: str = "a") -> AutoencoderTraining:
    part = autoencoder()
    train(
        part,
        folder=folder,
        seconds=1000,
        fingerprint=fingerprint,
        clock=seconds_of_two_a_step(),
        until_step=steps,
    )
    return part


def test_a_training_that_was_interrupted_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = trained_for(4, folder=tmp_path / "whole")
    trained_for(2, folder=tmp_path / "halves")
    resumed = trained_for(4, folder=tmp_path / "halves")
    for name, value in whole.model.state_dict().items():
        assert torch.allclose(value, resumed.model.state_dict()[name], atol=1e-6), name
    assert resumed.average.steps == 4


def test_a_checkpoint_of_other_pictures_is_refused_by_name(tmp_path: Path) -> None:
    trained_for(1, folder=tmp_path)
    with pytest.raises(CheckpointForeign) as refused:
        trained_for(2, folder=tmp_path, fingerprint="b")
    assert "autoencoder.pt" in str(refused.value)


def test_orthogonal_brings_every_singular_value_near_one() -> None:
    matrix = torch.randn(48, 300, generator=torch.Generator().manual_seed(1))
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert values.min() > 0.6 and values.max() < 1.3
    assert torch.allclose(orthogonal(matrix.mT), orthogonal(matrix).mT, atol=1e-4)


def test_prompts_come_in_both_languages_with_and_without_style_and_empty() -> None:
    source = random.Random(3)
    prompts = [teach(APPLE, source=source) for _ in range(2000)]
    assert 0.07 < prompts.count("") / 2000 < 0.13
    assert 0.15 < sum("苹果" in prompt for prompt in prompts) / 2000 < 0.4
    assert 0.6 < sum("Noto" in prompt for prompt in prompts) / 2000 < 0.9
    assert "an apple, Noto style" in prompts


def test_the_vocabulary_tells_every_prompt_apart_within_its_length(tmp_path: Path) -> None:
    sentences = every_sentence([APPLE, Words(en=("hat",), zh=("帽子",), style="Fluent")])
    tokenizer = learn_vocabulary(sentences, folder=tmp_path)
    encoded = {sentence: tuple(tokenizer(sentence).input_ids) for sentence in sentences}
    assert len(set(encoded.values())) == len({sentence.lower() for sentence in sentences})
    assert max(map(len, encoded.values())) <= LENGTH
    assert tokenizer.unk_token_id not in tokenizer("a dragon, 龙").input_ids[:-1]


def test_a_resumed_training_keeps_the_vocabulary_that_it_began_with(tmp_path: Path) -> None:
    begun = learn_vocabulary(["a hat, Noto style", "a cap"], folder=tmp_path)
    resumed = vocabulary_of([], folder=tmp_path)
    assert resumed.get_vocab() == begun.get_vocab()
    assert resumed("a hat").input_ids == begun("a hat").input_ids
