"""Training adapters: what is learned is loaded where it is asked for, and an interruption costs nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from generation.pipelines.contract import AdapterFile
from generation.pipelines.registry import load_pipeline
from generation.training.contract import Lesson, StepTrained, Trained, TrainingOrder
from generation.training.errors import ModelNotTrainable, TrainingDiverged, TrainingOutOfMemory
from generation.training.recipe import Recipe
from provenance.canonical import pixel_digest, sha256_digest

pytestmark = [
    pytest.mark.torch,
    # Warnings of torch's, diffusers' and their kin's own making, about each other.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:peft"),
    pytest.mark.filterwarnings("ignore::UserWarning:torch"),
]


class Enough(Exception):
    """Stops a training from outside."""


@pytest.fixture(scope="module")
def trainer() -> Any:
    from generation.training.diffusers_lora import LoraTrainer

    return LoraTrainer(device="cpu", dtype="float32")


def order(tiny: Any, *, family: str = "starter", **recipe: Any) -> TrainingOrder:
    values = {"rank": 2, "batch": 4, "steps": 6, "warm_up": 2, "seed": 5, **recipe}
    return TrainingOrder(
        model=tiny.order(family).model, style="Cut Paper", recipe=Recipe(**values), lessons=lessons(4)
    )


def lessons(many: int, *, first: int = 0) -> tuple[Lesson, ...]:
    drawn = np.random.default_rng(first).integers(0, 256, (many, 40, 24, 3), dtype=np.uint8)
    return tuple(Lesson(sha256_digest(pixels.tobytes()), pixels, "Red cat", "红猫") for pixels in drawn)


def ignore(step: StepTrained) -> None:
    """Take a step as it comes."""


@pytest.fixture(scope="module")
def trained(tiny: Any, trainer: Any) -> Trained:
    made: Trained = trainer.train(order(tiny), on_step=ignore)
    return made


def test_a_trained_adapter_changes_the_pictures_that_ask_for_it_and_no_other(
    tiny: Any, trained: Trained, tmp_path: Any
) -> None:
    pipeline = load_pipeline("generation.pipelines.diffusers_backend.DiffusersPipeline", device="cpu", dtype="float32")
    path = tmp_path / "adapter.safetensors"
    # Six steps at a low rate teach next to nothing: a hundred times as strongly they show.
    path.write_bytes(trained.adapter)
    file = AdapterFile(path=path, digest=sha256_digest(trained.adapter), scale=100.0)
    wanted = tiny.order("starter")
    plain = [pixel_digest(image) for image in pipeline.render(wanted, on_step=ignore).images]
    loaded = pipeline.resident_models()
    styled = pipeline.render(dataclasses.replace(wanted, adapters=(file,)), on_step=ignore)
    assert [pixel_digest(image) for image in styled.images] != plain
    assert [pixel_digest(image) for image in pipeline.render(wanted, on_step=ignore).images] == plain
    assert pipeline.resident_models() == loaded, "the model stayed where it was"


def test_an_adapter_holds_two_matrices_for_every_layer_but_the_first_the_last_and_times(trained: Trained) -> None:
    names = load(trained.adapter)
    assert len(names) == 2 * int(trained.settings["layers"])
    layers = {name.removeprefix("unet.").split(".")[0] for name in names}
    assert layers.isdisjoint({"conv_in", "conv_out", "time_embedding"})
    assert {"down_blocks", "mid_block", "up_blocks"} <= layers


def test_every_step_tells_how_far_it_is_and_the_last_one_that_nothing_is_left(tiny: Any, trainer: Any) -> None:
    told: list[StepTrained] = []
    done = trainer.train(order(tiny, steps=12), on_step=told.append)
    assert [step.number for step in told] == list(range(1, 13)) and {step.of for step in told} == {12}
    assert told[-1].seconds_left == 0 < told[0].seconds_left
    assert [point["step"] for point in done.losses] == ["10", "12"]
    assert told[-1].samples()[0].shape == (64, 64, 3)


def test_minutes_end_a_training_as_steps_do(tiny: Any, trainer: Any) -> None:
    done = trainer.train(order(tiny, steps=None, minutes=0.002), on_step=ignore)
    assert done.steps >= 1 and done.seconds >= 0.12


def stopped_at(number: int) -> tuple[Callable[[StepTrained], None], list[bytes]]:
    kept: list[bytes] = []

    def on_step(step: StepTrained) -> None:
        if step.number == number:
            kept.append(step.checkpoint())
            raise Enough

    return on_step, kept


def test_a_training_gone_on_with_makes_the_same_bytes_as_one_never_interrupted(
    tiny: Any, trainer: Any, trained: Trained
) -> None:
    on_step, kept = stopped_at(3)
    with pytest.raises(Enough):
        trainer.train(order(tiny), on_step=on_step)
    steps: list[int] = []
    again = trainer.train(
        dataclasses.replace(order(tiny), checkpoint=kept[0]), on_step=lambda step: steps.append(step.number)
    )
    assert steps == [4, 5, 6] and again.adapter == trained.adapter


@pytest.mark.parametrize("what", ["other works", "another recipe", "damaged", "empty"])
def test_a_checkpoint_of_something_else_is_left_aside(tiny: Any, trainer: Any, trained: Trained, what: str) -> None:
    asked = order(tiny)
    other = {"other works": dataclasses.replace(asked, lessons=lessons(4, first=9))}
    other["another recipe"] = order(tiny, seed=6)
    on_step, kept = stopped_at(2)
    with pytest.raises(Enough):
        trainer.train(other.get(what, asked), on_step=on_step)
    data = {"damaged": kept[0][:-7], "empty": save({})}.get(what, kept[0])
    assert trainer.train(dataclasses.replace(asked, checkpoint=data), on_step=ignore).adapter == trained.adapter


def test_what_is_kept_back_is_measured_and_not_learned_from(tiny: Any, trainer: Any, trained: Trained) -> None:
    asked = dataclasses.replace(order(tiny), held_out=lessons(2, first=3))
    done = trainer.train(asked, on_step=ignore)
    assert done.adapter == trained.adapter and float(done.losses[-1]["held_out_loss"]) > 0
    assert "held_out_loss" not in trained.losses[-1]


def test_too_little_memory_is_named_with_what_to_ask_less_of(
    tiny: Any, trainer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from generation.training.lessons import Lessons

    def loss(self: Any) -> Any:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr(Lessons, "loss", loss)
    with pytest.raises(TrainingOutOfMemory, match="rank 2 and batch 4"):
        trainer.train(order(tiny), on_step=ignore)


def test_a_loss_that_is_no_number_ends_the_training(tiny: Any, trainer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from generation.training.lessons import Lessons

    honest = Lessons.loss
    monkeypatch.setattr(Lessons, "loss", lambda self: honest(self) * float("nan"))
    with pytest.raises(TrainingDiverged, match="step 1"):
        trainer.train(order(tiny), on_step=ignore)


def test_a_model_of_another_family_is_refused_with_its_name(tiny: Any, trainer: Any) -> None:
    with pytest.raises(ModelNotTrainable, match="FluxPipeline"):
        trainer.train(order(tiny, family="flux"), on_step=ignore)


def test_a_kl_autoencoder_and_plain_noise_prediction_train_too(tiny: Any, trainer: Any) -> None:
    done = trainer.train(order(tiny, family="stable-diffusion", steps=2), on_step=ignore)
    assert done.settings["prediction"] == "epsilon" and len(load(done.adapter)) > 20
