"""A watermark of our own: 64 bits as 128 spread-spectrum patterns and a pattern that gives away where a crop lies.

The picture's lightness is laid on a square grid of 128 or 256 cells, whatever its size, so that resizing changes
nothing. What is read there is the fine structure, with strong edges held down (a limiter): the id then hides in every
flat and textured part alike, and neither a label nor an edge drowns it. Each bit of a Reed-Solomon code word stands
for a sum of waves at frequencies that only this scheme names; the embedder sees the picture, so it adds no more than
each sum lacks (informed embedding, Cox, Miller and McKellips 1999). A pattern that is the same for every id is found
by correlation wherever a crop has moved it.

Nothing here is secret: whoever reads this can find and remove the mark. It answers "which of ours is this copy", not
"was this tampered with".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import reedsolo  # type: ignore[import-untyped]  # it ships no types
from PIL import Image

from provenance.credentials.watermark.contract import ID_BYTES, WatermarkRead

ALGORITHM = "org.colophon.spread-64.1"
PARITY_BYTES = 8
CODE_BITS = 8 * (ID_BYTES + PARITY_BYTES)
BIT_MARGIN = 16.0
"""How far from zero every sum is brought, in grey levels times cells; see docs/marks.md for what it costs and buys."""
SYNC_MARGIN = 70.0
LIMIT = 4.0
"""Grey levels beyond which fine structure counts no further."""
LOWEST, HIGHEST = 6.0, 36.0
"""Cycles a side between which the waves lie, on the small grid."""
SYNC_BAND = 14.0
SMOOTHED = 3
ROUNDS, STEPS = 2, 6
LEAST_READ_SIDE = 48
SEEN_SIDE = 512
"""Pixels to which a side is brought, or less than twice as many, before anything is read: two for each cell."""
SCALES = (1.0, 0.98, 0.96, 0.94, 0.92, 0.90)
"""Parts of a side that a crop may have kept."""
UNEVEN = 0.041
CANDIDATES = 3
ERASURES = ((0, 3), (2, 2), (4, 1))
"""How many of the weakest bytes are given up, and how many others may be wrong then."""

MASK = bytes.fromhex("6d1f93c48be2570a36f1d82c95ab40e7")
"""Laid over the code word: the word of a flat picture, which spells nothing, is then no word of the code."""

_CODE = reedsolo.RSCodec(PARITY_BYTES)


class SpreadWatermark:
    """Needs no weights, reads in tens of milliseconds, and survives what docs/marks.md measured."""

    algorithm = ALGORITHM
    reads_at_once = True

    def embed(self, pixels: Any, *, id: bytes) -> Any:
        """Return a copy of uint8 RGB of shape (height, width, 3) that carries an id of eight bytes."""
        height, width = pixels.shape[:2]
        grid = _grid_for(width, height)
        signs = _signs(id)
        base = pixels.astype(np.float32)
        added: Any = np.zeros((grid.cells, grid.cells), np.float32)
        weights = _weights(_laid(_lightness(base), grid.cells))
        marked = pixels
        for _ in range(ROUNDS):
            found = _laid(_lightness(marked.astype(np.float32)), grid.cells)
            added = added + _lacking(found, grid, signs, weights)
            wide = np.asarray(Image.fromarray(added).resize((width, height), Image.Resampling.BICUBIC))
            marked = np.rint(np.clip(base + wide[:, :, None], 0, 255)).astype(np.uint8)
        return marked

    def read(self, pixels: Any, *, thorough: bool = True) -> WatermarkRead | None:
        """Return the id in a picture; None where none is found, which proves nothing.

        Laying a crop back into place takes up to half a second; without ``thorough`` it is not tried.
        """
        if min(pixels.shape[:2]) < LEAST_READ_SIDE:
            return None
        seen = _Seen.of(pixels)
        for cells in _SIZES:
            grid = _grid(cells)
            found = _decoded(grid.sums(_spectrum(seen.laid(cells))))
            if found:
                return found
        for cells in _SIZES if thorough else ():
            if min(pixels.shape[:2]) * 2 >= cells:
                found = next(_searched(seen, _grid(cells)), None)
                if found:
                    return found
        return None


@dataclass(frozen=True, eq=False)
class _Grid:
    """Where on the plane of frequencies each bit and the common pattern lie."""

    cells: int
    bins: Any
    bit: Any
    phases: Any
    counts: Any
    sync: Any
    sync_phases: Any
    across: Any
    down: Any

    def sums(self, spectrum: Any) -> Any:
        """Return the projection on the unit pattern of each bit."""
        values = (spectrum[self.bins] * np.conj(self.phases)).real
        return np.bincount(self.bit, values, minlength=CODE_BITS) * np.sqrt(2 / self.counts) / self.cells

    def sync_sum(self, spectrum: Any) -> float:
        """Return the projection on the unit pattern that all pictures share."""
        values = (spectrum[self.sync] * np.conj(self.sync_phases)).real
        return float(values.sum() * np.sqrt(2 / len(self.sync)) / self.cells)

    def field(self, bits: Any, sync: float) -> Any:
        """Return the cells' change that adds these much to each bit's sum and to the common one."""
        spectrum = np.zeros(self.cells * (self.cells // 2 + 1), complex)
        spectrum[self.bins] = bits[self.bit] * self.phases * self.cells / np.sqrt(2 * self.counts[self.bit])
        spectrum[self.sync] = sync * self.sync_phases * self.cells / np.sqrt(2 * len(self.sync))
        return np.fft.irfft2(spectrum.reshape(self.cells, -1), (self.cells, self.cells))

    def moved(self, spectrum: Any, down: float, across: float) -> Any:
        """Return the spectrum of a picture moved by some cells."""
        return spectrum * np.exp(-2j * np.pi * (self.down * down + self.across * across) / self.cells)

    def sync_at(self, spectrum: Any, down: float, across: float) -> float:
        """Return how well the common pattern fits a picture moved by some cells."""
        waves = self.down[self.sync] * down + self.across[self.sync] * across
        turned = spectrum[self.sync] * np.conj(self.sync_phases) * np.exp(-2j * np.pi * waves / self.cells)
        return float(turned.real.sum())


_SIZES = (256, 128)
_BANDS = {128: (LOWEST, HIGHEST, SYNC_BAND), 256: (LOWEST * 1.5, HIGHEST * 1.8, SYNC_BAND + 6)}


def _grid_for(width: int, height: int) -> _Grid:
    return _grid(256 if min(width, height) >= 256 else 128)


@lru_cache(maxsize=2)
def _grid(cells: int) -> _Grid:
    lowest, highest, sync_band = _BANDS[cells]
    down = np.fft.fftfreq(cells, 1 / cells)[:, None] + np.zeros((1, cells // 2 + 1))
    across = np.fft.rfftfreq(cells, 1 / cells)[None, :] + np.zeros((cells, 1))
    radius = np.hypot(down, across)
    usable = np.flatnonzero((across > 0) & (radius >= lowest) & (radius < highest))
    # The order is part of the format: a fixed generator, never the default one of a NumPy version.
    order = np.random.Generator(np.random.PCG64(20261125))
    order.shuffle(usable)
    near = usable[radius.ravel()[usable] < lowest + sync_band]
    sync = near[: len(usable) * 12 // 100]
    bins = np.setdiff1d(usable, sync)
    order.shuffle(bins)
    bit = np.arange(len(bins)) % CODE_BITS
    quarter = np.array([1, 1j, -1, -1j])
    return _Grid(
        cells=cells,
        bins=bins,
        bit=bit,
        phases=quarter[order.integers(0, 4, len(bins))],
        counts=np.bincount(bit, minlength=CODE_BITS).astype(np.float64),
        sync=sync,
        sync_phases=quarter[order.integers(0, 4, len(sync))],
        across=across.ravel(),
        down=down.ravel(),
    )


def _signs(id: bytes) -> Any:
    return np.unpackbits(_masked(bytes(_CODE.encode(id)))) * 2.0 - 1


def _masked(word: bytes) -> Any:
    return np.frombuffer(word, np.uint8) ^ np.frombuffer(MASK, np.uint8)


def _lightness(pixels: Any) -> Any:
    return pixels @ np.array([0.299, 0.587, 0.114], np.float32)


def _laid(lightness: Any, cells: int) -> Any:
    """Return a whole picture's lightness on a grid."""
    rows, columns = lightness.shape
    return _Seen(Image.fromarray(lightness), columns, rows).laid(cells)


@dataclass(frozen=True, eq=False)
class _Seen:
    """A picture's lightness, made small once: what reading costs is then the same for every picture's size."""

    lightness: Image.Image
    columns: float
    """How many columns the picture fills; the last one in part, where its width did not divide."""
    rows: float

    @classmethod
    def of(cls, pixels: Any) -> _Seen:
        """Average blocks of uint8 RGB of shape (height, width, 3), so that no side has twice SEEN_SIDE."""
        height, width = pixels.shape[:2]
        across, down = max(1, width // SEEN_SIDE), max(1, height // SEEN_SIDE)
        small = np.asarray(Image.fromarray(pixels).reduce((across, down)))
        lightness = Image.fromarray(_lightness(small.astype(np.float32)))
        return cls(lightness, width / across, height / down)

    def laid(self, cells: int, *, height: int = 0, width: int = 0) -> Any:
        """Return it on a grid: averages where it is larger, smooth steps where it is smaller."""
        how = Image.Resampling.BOX if min(self.rows, self.columns) >= cells else Image.Resampling.BICUBIC
        size = (width or cells, height or cells)
        return np.asarray(self.lightness.resize(size, how, box=(0, 0, self.columns, self.rows)))


def _fine(cells: Any) -> Any:
    """Return the fine structure, strong edges held down."""
    rough = cells - _averaged(_averaged(cells))
    return LIMIT * np.tanh(rough / LIMIT)


def _averaged(cells: Any) -> Any:
    side = 2 * SMOOTHED + 1
    sums = np.pad(np.pad(cells, SMOOTHED, mode="edge"), ((1, 0), (1, 0))).astype(np.float64).cumsum(0).cumsum(1)
    return ((sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]) / side**2).astype(
        np.float32
    )


def _spectrum(cells: Any) -> Any:
    return np.fft.rfft2(_fine(cells)).ravel()


def _weights(cells: Any) -> Any:
    """Return where a change is seen least: more of it where the picture is busy; mean square 1."""
    rough = np.abs(cells - _averaged(cells))
    weights = np.clip(0.6 + _averaged(rough) / 6, 0.6, 2.2)
    return weights / np.sqrt((weights**2).mean())


def _lacking(cells: Any, grid: _Grid, signs: Any, weights: Any) -> Any:
    """Return the change of the cells that brings every sum to its margin, as near as a few steps come."""
    added: Any = np.zeros_like(cells)
    for _ in range(STEPS):
        spectrum = _spectrum(cells + added)
        lacks = np.maximum(BIT_MARGIN - signs * grid.sums(spectrum), 0) * signs
        lacks_sync = max(SYNC_MARGIN - grid.sync_sum(spectrum), 0.0)
        if np.abs(lacks).max() < BIT_MARGIN / 10 and lacks_sync < SYNC_MARGIN / 10:
            break
        added = added + (weights * grid.field(lacks, lacks_sync)).astype(np.float32)
    return added


def _decoded(sums: Any, *, was_searched: bool = False) -> WatermarkRead | None:
    """Return the id whose code word the sums spell, the weakest bytes given up first where that helps."""
    bits = (sums > 0).astype(np.uint8)
    word = _masked(np.packbits(bits).tobytes()).tobytes()
    weakest = np.argsort(np.abs(sums).reshape(-1, 8).min(1))
    for given_up, may_be_wrong in ERASURES:
        erased = [int(one) for one in weakest[:given_up]]
        try:
            id, whole, wrong = _CODE.decode(word, erase_pos=erased)
        except reedsolo.ReedSolomonError:
            continue
        if len(set(wrong) - set(erased)) <= may_be_wrong:
            spelt = np.unpackbits(_masked(bytes(whole)))
            return WatermarkRead(bytes(id), int((spelt != bits).sum()), CODE_BITS, was_searched, ALGORITHM)
    return None


def _searched(seen: _Seen, grid: _Grid) -> Iterator[WatermarkRead]:
    """Yield ids found by laying the picture back where the common pattern says that it was cut out of."""
    places = sorted(_places(seen, grid), reverse=True)[:CANDIDATES]
    near = (0.0, -0.01, 0.01)
    for _, tall, wide, down, across in places:
        for one in ((tall + more, wide + most) for more in near for most in near):
            spectrum = _placed(seen, grid, *one)
            around = ((down + a / 2, across + b / 2) for a in range(-2, 3) for b in range(-2, 3))
            best = max(around, key=lambda at, waves=spectrum: grid.sync_at(waves, *at))  # type: ignore[misc]  # bound now
            found = _decoded(grid.sums(grid.moved(spectrum, *best)), was_searched=True)
            if found:
                yield found


def _places(seen: _Seen, grid: _Grid) -> Iterator[tuple[float, float, float, int, int]]:
    """Yield how well the common pattern fits at the best place of every scale: score, scales, rows and columns."""
    for tall in SCALES:
        for wide in SCALES:
            if abs(tall - wide) > UNEVEN:
                continue
            spectrum = _placed(seen, grid, tall, wide)
            turned = np.zeros_like(spectrum)
            found = spectrum[grid.sync]
            turned[grid.sync] = found / np.maximum(np.abs(found), 1e-6) * np.conj(grid.sync_phases)
            fits = np.fft.irfft2(turned.reshape(grid.cells, -1), (grid.cells, grid.cells))
            fits = np.roll(fits[::-1, ::-1], (1, 1), (0, 1))
            rows, columns = grid.cells - round(grid.cells * tall) + 1, grid.cells - round(grid.cells * wide) + 1
            best = int(fits[:rows, :columns].argmax())
            down, across = divmod(best, columns)
            yield float(fits[down, across]), tall, wide, down, across


def _placed(seen: _Seen, grid: _Grid, tall: float, wide: float) -> Any:
    """Return the spectrum of a picture that fills this part of the grid, from its upper left corner."""
    height, width = round(grid.cells * min(tall, 1.0)), round(grid.cells * min(wide, 1.0))
    plane = np.zeros((grid.cells, grid.cells), np.float32)
    plane[:height, :width] = _fine(seen.laid(grid.cells, height=height, width=width))
    return np.fft.rfft2(plane).ravel()
