"""A cheap guess at the colours that latents will decode to, learned from pictures as they are finished."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generation.pipelines.contract import Pixels

Grid = NDArray[np.float32]
"""Latents of one picture: shape (rows, columns, channels)."""

PICTURES_ENOUGH = 32


class LatentColours:
    """Fits a linear map from latent channels to colours by least squares.

    A decoder worth seconds is replaced by a matrix of a few numbers: blurry, and free. It knows nothing
    until the first picture is finished.
    """

    def __init__(self) -> None:
        self._squares: NDArray[np.float64] | None = None
        self._products: NDArray[np.float64] | None = None
        self._map: NDArray[np.float64] | None = None
        self._pictures = 0

    def wants_more(self) -> bool:
        """Say whether another picture would still teach anything."""
        return self._pictures < PICTURES_ENOUGH

    def learn(self, latents: Grid, picture: Pixels) -> None:
        """Take in the last latents of a picture and what they became."""
        rows = _with_one(latents)
        colours = _shrunk(picture, rows=latents.shape[0], columns=latents.shape[1]).reshape(-1, 3)
        if self._squares is None or self._products is None:
            self._squares = np.zeros((rows.shape[1], rows.shape[1]))
            self._products = np.zeros((rows.shape[1], 3))
        self._squares += rows.T @ rows
        self._products += rows.T @ colours
        self._pictures += 1
        self._map = None

    def picture(self, latents: Grid) -> Pixels | None:
        """Return a guess at the picture, one pixel for each latent; None before the first lesson."""
        if self._squares is None or self._products is None:
            return None
        if self._map is None:
            ridge = np.eye(len(self._squares)) * max(1e-6 * float(np.trace(self._squares)), 1e-9)
            self._map = np.asarray(np.linalg.solve(self._squares + ridge, self._products), np.float64)
        colours = (_with_one(latents) @ self._map).reshape(*latents.shape[:2], 3)
        guess: Pixels = np.rint(np.clip(colours, 0, 255)).astype(np.uint8)
        return guess


def _with_one(latents: Grid) -> NDArray[np.float64]:
    rows = latents.reshape(-1, latents.shape[-1]).astype(np.float64)
    return np.concatenate([rows, np.ones((len(rows), 1))], axis=1)


def _shrunk(picture: Pixels, *, rows: int, columns: int) -> NDArray[np.float64]:
    height, width, _ = picture.shape
    blocks = picture.reshape(rows, height // rows, columns, width // columns, 3)
    means: NDArray[np.float64] = blocks.mean(axis=(1, 3))
    return means
