"""TrustMark in small: its published files with random weights, of networks a hundredth of its size."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import yaml
from pytest_django import Settings

from generation.trustmark.codec import packet_of
from generation.trustmark.networks import HidingNetwork, ReadingNetwork
from generation.trustmark.weights import convert
from provenance.credentials.watermark.contract import watermark_at

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


@contextmanager
def trustmark_chosen(folder: Path, *, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Choose TrustMark with small random weights that read one id; and let that be the id that is drawn."""
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(
        update={"home": folder / "home", "trustmark_weights": placed_weights(folder / "weights")}
    )
    settings.COLOPHON_WATERMARK = "generation.trustmark.watermark.placed"
    settings.COLOPHON_WATERMARK_LEAST_SIDE = 64
    drawn = secrets.token_bytes
    monkeypatch.setattr(secrets, "token_bytes", lambda length: KNOWN if length == len(KNOWN) else drawn(length))
    watermark_at.cache_clear()
    yield
    watermark_at.cache_clear()
