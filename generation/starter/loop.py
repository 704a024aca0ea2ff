"""One training loop for every part of the model: timed, resumable at any step, its losses kept."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from generation.starter.errors import CheckpointForeign

SAVE_EVERY_SECONDS = 60.0


class Training:
    """What the loop needs to know about one part of the model."""

    name: str
    batch: int
    model: torch.nn.Module
    optimizers: tuple[torch.optim.Optimizer, ...]

    def __init__(self, *, seed: int, device: str = "cpu") -> None:
        """Seed everything this part draws at random, always on the processor, whatever device computes."""
        torch.manual_seed(seed)
        self.device = torch.device(device)
        self.random = torch.Generator().manual_seed(seed)

    def rate_at(self, progress: float, *, step: int) -> float:
        """Return the learning rate when ``progress`` (0 to 1) of the time is spent."""
        raise NotImplementedError

    def loss(self) -> Tensor:
        """Return the loss of one batch."""
        raise NotImplementedError

    def after_step(self) -> None:
        """Do what follows each step."""

    def state(self) -> dict[str, Any]:
        """Return all that a later process needs to go on."""
        raise NotImplementedError

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from an earlier ``state()``."""
        raise NotImplementedError


class Average:
    """The running average of a model's values over its last steps: what is kept of a training."""

    def __init__(self, model: torch.nn.Module, *, decay: float) -> None:
        self.model, self.decay, self.steps = model, decay, 0
        self.values = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the model as it is now; the first steps weigh little, so the start is soon forgotten."""
        self.steps += 1
        weight = 1 - min(self.decay, self.steps / (self.steps + 10))
        now = self.model.state_dict()
        floating = [name for name, value in now.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.values[name] for name in floating], [now[name] for name in floating], weight)

    def state(self) -> dict[str, Any]:
        """Return all that a later process needs to go on."""
        return {"values": self.values, "steps": self.steps}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from an earlier ``state()``."""
        self.values, self.steps = state["values"], state["steps"]


class AveragedTraining(Training):
    """A training of which the running average of the weights is kept."""

    average: Average

    def after_step(self) -> None:
        """Keep the running average that becomes the model."""
        self.average.update()

    def state(self) -> dict[str, Any]:
        """Return all that a later process needs to go on."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.state(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from an earlier ``state()``."""
        self.model.load_state_dict(state["model"])
        self.average.restore(state["average"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)


def train(
    part: Training,
    *,
    folder: Path,
    seconds: float,
    fingerprint: str,
    clock: Callable[[], float] | None = None,
    on_save: Callable[[Training, float], None] = lambda part, progress: None,
    until_step: int | None = None,
) -> None:
    """Train a part until its seconds are spent, going on from its last checkpoint if there is one.

    The learning rate follows the time spent training, so that it reaches nothing on time on any machine.
    Time is what the processors worked for this training: what else the machine does costs it no steps. Where
    another device computes, it is the time on the wall.
    """
    clock = clock or (own_time if part.device.type == "cpu" else time.monotonic)
    path = folder / f"{part.name}.pt"
    step, spent, losses = _resume(part, path=path, fingerprint=fingerprint)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with bar:
        task = bar.add_task(part.name, total=round(seconds), completed=round(spent), note="")
        last, saved = clock(), spent
        while spent < seconds and step != until_step:
            value = _step(part, rate=part.rate_at(spent / seconds, step=step))
            step += 1
            now = clock()
            spent, last = spent + now - last, now
            if step % 10 == 0:
                losses.append([step, round(spent, 1), round(value, 5)])
                bar.update(task, completed=round(spent), note=f"step {step} loss {value:.4f}")
            if spent - saved >= SAVE_EVERY_SECONDS:
                _save(part, path=path, fingerprint=fingerprint, step=step, spent=spent, losses=losses)
                on_save(part, spent / seconds)
                last, saved = clock(), spent
    _save(part, path=path, fingerprint=fingerprint, step=step, spent=spent, losses=losses)


def _step(part: Training, *, rate: float) -> float:
    for optimizer in part.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("rate_scale", 1.0)
        optimizer.zero_grad(set_to_none=True)
    loss = part.loss()
    loss.backward()
    for optimizer in part.optimizers:
        optimizer.step()
    part.after_step()
    return float(loss.detach())


def _save(part: Training, *, path: Path, fingerprint: str, step: int, spent: float, losses: list[list[float]]) -> None:
    """Write a checkpoint whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "fingerprint": fingerprint,
        "step": step,
        "spent": spent,
        "losses": losses,
        "random": part.random.get_state(),
        "part": part.state(),
    }
    half = path.with_suffix(".half")
    torch.save(content, half)
    os.replace(half, path)
    curve = {"columns": ["step", "seconds", "loss"], "rows": losses, "batch": part.batch}
    path.with_suffix(".losses.json").write_text(json.dumps(curve) + "\n", encoding="utf-8")


def _resume(part: Training, *, path: Path, fingerprint: str) -> tuple[int, float, list[list[float]]]:
    if not path.is_file():
        return 0, 0.0, []
    content = torch.load(path, weights_only=True, map_location=part.device)
    if content["fingerprint"] != fingerprint:
        raise CheckpointForeign(path=str(path))
    part.restore(content["part"])
    part.random.set_state(content["random"].cpu())
    return content["step"], content["spent"], content["losses"]


def own_time() -> float:
    """Return the seconds that this process has worked, all its threads at once counted as one."""
    return time.process_time() / torch.get_num_threads()


def fast_arithmetic(device: torch.device | None = None) -> contextlib.AbstractContextManager[Any]:
    """Return bfloat16 autocast where the device has bfloat16 instructions, and nothing elsewhere.

    Without them bfloat16 is emulated, and a matrix product takes a hundred times as long as in float32.
    """
    if device is not None and device.type == "cuda":
        on_device: contextlib.AbstractContextManager[Any] = torch.autocast("cuda", torch.bfloat16)
        return on_device
    if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported():
        fast: contextlib.AbstractContextManager[Any] = torch.autocast("cpu", torch.bfloat16)
        return fast
    return contextlib.nullcontext()
