"""TrustMark behind the seam of watermarks: 64 of our bits in a picture, hidden and read by its networks.

The weights are placed by the operator (``COLOPHON_TRUSTMARK_WEIGHTS``). Torch is loaded by the first picture, so a
process that only asks for the algorithm's name never has it.
"""

from __future__ import annotations

import threading
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors import SafetensorError

from generation.trustmark.codec import id_in, packet_of
from generation.trustmark.weights import FILES, TrustMarkConfig, config_in, unavailable
from provenance.credentials.watermark.contract import WatermarkRead

CODE_BITS = 96
LOOKED_AT = 256
"""No picture is given to the reading network with a larger least side."""


class TrustMarkWatermark:
    """Hides an id with TrustMark's networks, and reads it; needs torch."""

    reads_at_once = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    @cached_property
    def config(self) -> TrustMarkConfig:
        """Return the settings of the weights; raise WatermarkUnavailable where they are not in order."""
        return config_in(self._folder)

    @property
    def algorithm(self) -> str:
        """Return TrustMark's name in C2PA's list of soft bindings."""
        return f"com.adobe.trustmark.{self.config.variant}"

    def embed(self, pixels: Any, *, id: bytes) -> Any:
        """Return a copy of uint8 RGB of shape (height, width, 3) that carries an id of eight bytes."""
        torch, hiding = import_module("torch"), self._networks[0]
        side = self.config.side
        small = Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR)
        cover = self._as_input(small)
        secret = torch.tensor([packet_of(id)], dtype=torch.float32)
        with torch.inference_mode():
            added = hiding(cover, secret).clamp(-1, 1) - cover
            size = (int(pixels.shape[0]), int(pixels.shape[1]))
            wide = torch.nn.functional.interpolate(added, size=size, mode="bilinear")
        change = wide[0].permute(1, 2, 0).numpy() * self.config.strength
        marked = np.clip(pixels.astype(np.float32) / 127.5 - 1 + change, -1, 1) * 127.5 + 127.5
        return np.rint(marked).astype(np.uint8)

    def read(self, pixels: Any, *, thorough: bool = True) -> WatermarkRead | None:
        """Return the id in a picture; None where none is found, which proves nothing."""
        found = id_in(self.bits(pixels))
        return WatermarkRead(id=found[0], mended_bits=found[1], code_bits=CODE_BITS) if found else None

    def bits(self, pixels: Any) -> list[int]:
        """Return what the network reads in a picture, before anything is mended."""
        torch, reading = import_module("torch"), self._networks[1]
        image = Image.fromarray(pixels)
        if min(image.size) > LOOKED_AT:
            image = image.resize((LOOKED_AT, LOOKED_AT), Image.Resampling.BILINEAR)
        with torch.inference_mode():
            read: list[int] = (reading(self._as_input(image))[0] > 0).int().tolist()
        return read

    def _as_input(self, image: Image.Image) -> Any:
        torch = import_module("torch")
        array = np.asarray(image, dtype=np.float32) / 127.5 - 1
        return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)[None]))

    @property
    def _networks(self) -> tuple[Any, Any]:
        with self._lock:  # a batch is marked by several threads
            return self._loaded

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        networks, config = import_module("generation.trustmark.networks"), self.config
        hiding = networks.HidingNetwork(
            bits=100, side=config.side, width=config.width, down=config.down, middle=config.middle, then=config.then
        )
        reading = networks.ReadingNetwork(
            kind=config.kind, bits=100, side=config.reading_side, width=config.decoder_width
        )
        return self._filled(hiding, "encoder"), self._filled(reading, "decoder")

    def _filled(self, network: Any, part: str) -> Any:
        load_file = import_module("safetensors.torch").load_file
        try:
            network.load_state_dict(load_file(self._folder / FILES[part]), strict=True)
        except (RuntimeError, OSError, ValueError, SafetensorError) as error:
            raise unavailable(
                f"{FILES[part]} does not fit the network that its settings describe.",
                f"{FILES[part]} 与其设置所描述的网络不符。",
            ) from error
        return network.eval()


def placed() -> TrustMarkWatermark:
    """Return the watermark with the weights that the operator placed."""
    from django.conf import settings

    return TrustMarkWatermark(settings.ENVIRONMENT.trustmark_weights)
