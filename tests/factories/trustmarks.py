"""TrustMark in small: its published files with random weights, of networks a hundredth of its size."""

from __future__ import annotations

from pathlib import Path

import torch
import yaml

from generation.trustmark.codec import packet_of
from generation.trustmark.networks import HidingNetwork, ReadingNetwork
from generation.trustmark.weights import convert

WIDTH, DOWN, MIDDLE, SIDE = 4, 2, 1, 64
KNOWN = bytes.fromhex("0123456789abcdef")
"""The id that the reading network says whatever it is shown."""


def published(folder: Path, *, variant: str = "Q", says: bytes | None = None) -> Path:
    """Write a folder as TrustMark publishes it; with ``says`` its reading network says this id of every picture."""
    torch.manual_seed(3)
    folder.mkdir(parents=True, exist_ok=True)
    hiding = HidingNetwork(bits=100, side=SIDE, width=WIDTH, down=DOWN, middle=MIDDLE, then="silu")
    reading = ReadingNetwork(kind="resnet18", bits=100, side=32, width=4)
    if says is not None:
        with torch.no_grad():
            reading.decoder.fc.weight.zero_()
            reading.decoder.fc.bias.copy_(torch.tensor(packet_of(says), dtype=torch.float32) * 2 - 1)
    for part, network in (("encoder", hiding), ("decoder", reading)):
        state = {f"{part}.{name}": tensor for name, tensor in network.state_dict().items()}
        torch.save({"state_dict": state, "global_step": 7, "epoch": 1}, folder / f"{part}_{variant}.ckpt")
    settings = {
        "target": "trustmark.model.TrustMark_Arch",
        "params": {
            "secret_len": 100, "resolution": SIDE,
            "secret_encoder_config": {
                "target": "trustmark.unet.Unet1",
                "params": {"width": WIDTH, "ndown": DOWN, "nmiddle": MIDDLE, "activ": "silu"},
            },
            "secret_decoder_config": {
                "target": "trustmark.unet.SecretDecoder", "params": {"arch": "resnet18", "width": 4},
            },
        },
    }  # fmt: skip
    (folder / f"trustmark_{variant}.yaml").write_text(yaml.safe_dump({"model": settings}))
    return folder


def placed_weights(folder: Path, *, says: bytes | None = KNOWN) -> Path:
    """Write a folder of safetensors as the conversion does."""
    convert(published(folder / "published", says=says), folder / "placed", variant="Q")
    return folder / "placed"
