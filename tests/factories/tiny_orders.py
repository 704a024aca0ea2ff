"""Orders for tiny models, complete for each task."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from generation.pipelines.contract import Pixels, RenderOrder
from generation.pipelines.loading import inspect_model
from tests.factories.tiny_models import SIDE, build_tiny_model


class TinyModels:
    """Tiny model folders under one folder, each built when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def folder_of(self, family: str) -> Path:
        """Return the folder of a family's tiny model."""
        folder = self.folder / family
        return folder if folder.exists() else build_tiny_model(family, folder)

    def order(self, family: str, **changes: Any) -> RenderOrder:
        """Return an order of two small pictures in two steps, with a picture and mask where its task needs them."""
        order = RenderOrder(
            model=inspect_model(self.folder_of(family)).source,
            task="text-to-image",
            prompt="a red cat in the house",
            negative_prompt="",
            seeds=(5, 6),
            width=SIDE,
            height=SIDE,
            steps=2,
            guidance_scale=3.0,
        )
        if changes.get("task", "text-to-image") != "text-to-image":
            changes = {"image": given_picture(), "steps": 4, "strength": 0.5, **changes}
        if changes.get("task") == "inpainting":
            changes = {"mask": upper_half(), **changes}
        return dataclasses.replace(order, **changes)


def given_picture() -> Pixels:
    """Return an input picture: a colour gradient."""
    row = np.linspace(0, 255, SIDE).astype(np.uint8)
    return np.stack(
        [np.tile(row, (SIDE, 1)), np.tile(row[:, None], (1, SIDE)), np.full((SIDE, SIDE), 90)], -1
    ).astype(np.uint8)


def upper_half() -> Pixels:
    """Return a mask that has the upper half painted anew."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[: SIDE // 2] = 255
    return mask
