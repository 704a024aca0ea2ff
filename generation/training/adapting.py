"""A UNet with an adapter beside its weights: which layers, how it learns, and how it is written down."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import structlog
import torch
from peft import LoraConfig, get_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load, save

from generation.pipelines.diffusers_models import LoadedModel
from generation.training.contract import TrainingOrder

log = structlog.get_logger(__name__)
NOT_ADAPTED = ("conv_in", "conv_out", "time_embedding")
FORMAT = "colophon-training-checkpoint/v1"
WEIGHT_DECAY = 1e-2


@dataclass(frozen=True)
class LeftOff:
    """Where an earlier attempt stopped."""

    step: int
    seconds: float
    losses: Sequence[Mapping[str, str]]


class Adapted:
    """The one thing that learns; the weights beneath never change."""

    def __init__(self, order: TrainingOrder, *, model: LoadedModel) -> None:
        self._fingerprint = order.fingerprint()
        self.unet = model.components["unet"]
        self._layers = adapted_layers(self.unet)
        rank = order.recipe.rank
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(order.recipe.seed)
            self.unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=self._layers))
        self.unet.to(memory_format=torch.channels_last)
        self.unet.train()
        self._learned = {name: value for name, value in self.unet.named_parameters() if value.requires_grad}
        self._optimizer = torch.optim.AdamW(self._learned.values(), weight_decay=WEIGHT_DECAY)

    def step(self, loss: Callable[[], torch.Tensor], *, rate: float) -> float:
        """Learn from one batch at a rate, and return its loss."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        self._optimizer.step()
        return float(value.detach())

    def settings(self) -> Mapping[str, str]:
        """Return what was in force, as it is recorded."""
        return {
            "optimizer": f"AdamW, weight decay {WEIGHT_DECAY:g}",
            "layers": str(len(self._layers)),
            "parameters": str(sum(value.numel() for value in self._learned.values())),
        }

    def as_file(self) -> bytes:
        """Return the adapter as diffusers writes it, the same bytes for the same values."""
        learned = get_peft_model_state_dict(self.unet)
        layers = {name: value.detach().cpu().contiguous() for name, value in learned.items()}
        with tempfile.TemporaryDirectory(prefix="colophon-trained-") as folder:
            diffusers.StableDiffusionPipeline.save_lora_weights(folder, unet_lora_layers=layers)
            return Path(folder, "pytorch_lora_weights.safetensors").read_bytes()

    def checkpoint(
        self, *, random: torch.Generator, step: int, seconds: float, losses: Sequence[Mapping[str, str]]
    ) -> bytes:
        """Return all that a later attempt needs: values, the optimizer's memory, the generator's state."""
        tensors = {"random": random.get_state()}
        for name, value in self._learned.items():
            tensors[f"value.{name}"] = value.detach().cpu().contiguous()
            for key, kept in self._optimizer.state[value].items():
                tensors[f"{key}.{name}"] = torch.as_tensor(kept).cpu().contiguous()
        said = {"step": step, "seconds": seconds, "losses": list(losses)}
        return save(tensors, {"format": FORMAT, "fingerprint": self._fingerprint, "said": json.dumps(said)})

    @torch.no_grad()
    def restored(self, data: bytes, *, random: torch.Generator) -> LeftOff | None:
        """Go on from a checkpoint; None, with nothing changed, where it is not one of this very order."""
        try:
            said, tensors = _metadata(data), load(data)
        except (SafetensorError, ValueError, LookupError):
            said, tensors = {}, {}
        if said.get("format") != FORMAT or said.get("fingerprint") != self._fingerprint:
            log.warning("checkpoint left aside", reason="it is of other works, another recipe, or damaged")
            return None
        for name, value in self._learned.items():
            value.copy_(tensors[f"value.{name}"])
            self._optimizer.state[value] = {
                key: tensors[f"{key}.{name}"].to(value.device if key != "step" else "cpu", copy=True)
                for key in ("step", "exp_avg", "exp_avg_sq")
            }
        random.set_state(tensors["random"])
        found: dict[str, Any] = json.loads(said["said"])
        return LeftOff(step=int(found["step"]), seconds=float(found["seconds"]), losses=found["losses"])


def _metadata(data: bytes) -> dict[str, str]:
    """Return what the header of a safetensors file says beside its tensors."""
    length = int.from_bytes(data[:8], "little")
    found: dict[str, str] = json.loads(data[8 : 8 + length])["__metadata__"]
    return found


def adapted_layers(unet: torch.nn.Module) -> list[str]:
    """Return the names of the layers that learn: every linear layer and convolution but the first, last and time's."""
    return [
        name
        for name, part in unet.named_modules()
        if isinstance(part, torch.nn.Linear | torch.nn.Conv2d) and name.split(".")[0] not in NOT_ADAPTED
    ]
