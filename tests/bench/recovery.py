"""How many changed copies are found again, and how many strangers are taken for copies; writes the table of both.

``python -m tests.bench.recovery OUT.json [FOLDER]``: varied pictures are drawn here, the same for the same seed; the
folder holds outputs of a model (``*.npy``, uint8 of shape (n, height, width, 3)). ``BENCH_STRANGERS``,
``BENCH_COPIES`` and ``BENCH_MARKED`` say how many varied pictures are compared, copied, and copied with a watermark.
A model's outputs meet strangers among the varied pictures: among themselves they are of one set. What is measured is
kept in
``provenance/attribution/measured.json``, from which a verdict takes its rates.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from provenance.attribution.chances import upper_bound
from provenance.attribution.flat_codes import CODES, FlatCodes
from provenance.credentials.watermark.spread import SpreadWatermark
from provenance.fingerprint import (
    CONFIRMED_WITHIN,
    POSSIBLE_WITHIN,
    SHIFTED_WITHIN,
    SURE_WITHIN,
    Fingerprint,
    Look,
    apart,
    iscc_distance,
)

STRANGERS, COPIES = int(os.environ.get("BENCH_STRANGERS", "10000")), int(os.environ.get("BENCH_COPIES", "1000"))
MARKED = int(os.environ.get("BENCH_MARKED", "40"))
GRADES = ("within_31", "confirmed", "within_64")
WORKERS = int(os.environ.get("BENCH_WORKERS", "2"))


@dataclass(frozen=True)
class Seen:
    """What a search asks of a picture: its fingerprint, and its codes when it is moved a little."""

    fingerprint: Fingerprint
    shifted: tuple[bytes, ...]


Measured = tuple[Seen, dict[str, Seen]]


# ---- varied pictures -------------------------------------------------------------------------------------------


def a_varied_picture(seed: int) -> Image.Image:
    """Return one of five kinds of drawn picture, 256 to 384 pixels a side: clouds, shapes, waves, portraits, lines."""
    rng = np.random.default_rng([11, seed])
    size = tuple(int(side) for side in rng.integers(256, 385, 2))
    kinds = (_clouds, _shapes, _waves, _portrait, _lines)
    return kinds[seed % len(kinds)](rng, size)


def _clouds(rng: Any, size: tuple[int, int]) -> Image.Image:
    total = np.zeros((size[1], size[0], 3))
    for cells, weight in ((3, 1.0), (6, 0.7), (12, 0.5), (24, 0.35), (48, 0.25)):
        grid = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        total += weight * np.asarray(grid.resize(size, Image.Resampling.BICUBIC), dtype=float)
    low, high = total.min(), total.max()
    return Image.fromarray(((total - low) * 255 / (high - low)).astype(np.uint8))


def _shapes(rng: Any, size: tuple[int, int]) -> Image.Image:
    picture = Image.new("RGB", size, _colour(rng))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(8, 40))):
        left, top = (int(rng.integers(-20, side)) for side in size)
        box = (left, top, left + int(rng.integers(10, 150)), top + int(rng.integers(10, 150)))
        (draw.rectangle if rng.random() < 0.5 else draw.ellipse)(box, fill=_colour(rng))
    return picture


def _waves(rng: Any, size: tuple[int, int]) -> Image.Image:
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(float)
    bands = []
    for _ in range(3):
        total = np.zeros(x.shape)
        for _ in range(4):
            across, down, phase = rng.uniform(-0.12, 0.12), rng.uniform(-0.12, 0.12), rng.uniform(0, 6.3)
            total += np.sin(across * x + down * y + phase + rng.uniform(0, 2) * np.sin(x * rng.uniform(0.005, 0.03)))
        bands.append(128 + 30 * total)
    return Image.fromarray(np.clip(np.stack(bands, axis=2), 0, 255).astype(np.uint8))


def _portrait(rng: Any, size: tuple[int, int]) -> Image.Image:
    picture = _clouds(rng, size)
    draw = ImageDraw.Draw(picture)
    middle, level = size[0] * rng.uniform(0.35, 0.65), size[1] * rng.uniform(0.35, 0.6)
    wide, high = size[0] * rng.uniform(0.15, 0.3), size[1] * rng.uniform(0.2, 0.35)
    draw.ellipse((middle - wide, level - high, middle + wide, level + high), fill=_colour(rng))
    for side in (-1, 1):
        left, top = middle + side * wide * 0.4, level - high * 0.2
        draw.ellipse((left - wide / 8, top - wide / 8, left + wide / 8, top + wide / 8), fill=_colour(rng))
    draw.rectangle((middle - wide * 1.5, level + high, middle + wide * 1.5, size[1]), fill=_colour(rng))
    return picture


def _lines(rng: Any, size: tuple[int, int]) -> Image.Image:
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(15, 60))):
        corners = rng.integers(0, size, (int(rng.integers(2, 5)), 2))
        points = [(int(x), int(y)) for x, y in corners]
        draw.line(points, fill=_colour(rng), width=int(rng.integers(1, 9)))
    return picture


def _colour(rng: Any) -> tuple[int, ...]:
    return tuple(int(one) for one in rng.integers(0, 256, 3))


# ---- what copies went through ----------------------------------------------------------------------------------


def _encoded(picture: Image.Image, kind: str) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, kind, quality=50)
    return Image.open(buffer).convert("RGB")


def _resized(picture: Image.Image, factor: float) -> Image.Image:
    return picture.resize(tuple(max(8, round(side * factor)) for side in picture.size), Image.Resampling.BICUBIC)


def _cropped(picture: Image.Image, rng: Any) -> Image.Image:
    """Cut 10 % off each side's length, anywhere: the cut need not lie where a window does."""
    return _cut(picture, across=rng.random(), down=rng.random())


def _cropped_plainly(picture: Image.Image, rng: Any) -> Image.Image:
    """Cut 10 % off each side's length, around the centre or from a corner, as people and programs do."""
    across, down = ((0.5, 0.5), (0, 0), (0, 1), (1, 0), (1, 1))[int(rng.integers(5))]
    return _cut(picture, across=across, down=down)


def _cut(picture: Image.Image, *, across: float, down: float) -> Image.Image:
    wide, high = (round(side * 0.9) for side in picture.size)
    left, top = round(across * (picture.width - wide)), round(down * (picture.height - high))
    return picture.crop((left, top, left + wide, top + high))


def _labelled(picture: Image.Image, rng: Any) -> Image.Image:
    """Cover a corner with a black plate, 40 % wide and 10 % high, with light strokes on it."""
    copy = picture.copy()
    wide, high = round(picture.width * 0.4), round(picture.height * 0.1)
    left, top = (picture.width - wide) * int(rng.integers(2)), (picture.height - high) * int(rng.integers(2))
    draw = ImageDraw.Draw(copy)
    draw.rectangle((left, top, left + wide, top + high), fill="black")
    for stroke in range(8):
        at = left + wide * (stroke + 1) // 10
        draw.line((at, top + high // 4, at, top + high * 3 // 4), fill="white", width=max(1, wide // 40))
    return copy


CHANGES: Mapping[str, Callable[[Image.Image, Any], Image.Image]] = {
    "JPEG q50": lambda picture, rng: _encoded(picture, "JPEG"),
    "WebP q50": lambda picture, rng: _encoded(picture, "WEBP"),
    "resize 0.5": lambda picture, rng: _resized(picture, 0.5),
    "crop 10 %, anywhere": _cropped,
    "brightness + 30 %": lambda picture, rng: ImageEnhance.Brightness(picture).enhance(1.3),
    "brightness - 30 %": lambda picture, rng: ImageEnhance.Brightness(picture).enhance(0.7),
    "label box": _labelled,
    "resize 0.7 + crop 10 % anywhere + JPEG q50": lambda picture, rng: _encoded(
        _cropped(_resized(picture, 0.7), rng), "JPEG"
    ),
    "crop 10 %, centre or a corner": _cropped_plainly,
    "resize 0.7 + crop 10 %, centre or a corner + JPEG q50": lambda picture, rng: _encoded(
        _cropped_plainly(_resized(picture, 0.7), rng), "JPEG"
    ),
}


def copies_of(picture: Image.Image, *, seed: int) -> Iterator[tuple[str, Image.Image]]:
    """Yield a changed copy for every change, the same for the same seed."""
    for number, (name, change) in enumerate(CHANGES.items()):
        yield name, change(picture, np.random.default_rng([12, seed, number]))


# ---- measuring -------------------------------------------------------------------------------------------------


def of_varied(seed: int) -> Measured:
    """Return the fingerprint of a varied picture and, for the first of them, those of its copies."""
    return _of(a_varied_picture(seed), seed=seed, copied=seed < COPIES)


def of_output(numbered: tuple[int, Any]) -> Measured:
    """Return the fingerprint of a model's output and those of its copies."""
    return _of(Image.fromarray(numbered[1]), seed=numbered[0], copied=True)


def _of(picture: Image.Image, *, seed: int, copied: bool) -> Measured:
    copies = copies_of(picture, seed=seed) if copied else ()
    return _seen(picture), {name: _seen(copy) for name, copy in copies}


def _seen(picture: Image.Image) -> Seen:
    look = Look(np.asarray(picture))
    return Seen(Fingerprint(pdq=look.pdq, quality=look.quality, iscc=look.iscc), look.shifted)


def grades(copy: Seen, original: Seen) -> dict[str, bool]:
    """Return how sure a copy is known for what it is: by PDQ alone, by both methods, or possibly."""
    one, other = copy.fingerprint, original.fingerprint
    if not one.pdq or not other.pdq:
        return {"within_31": False, "confirmed": False, "within_64": False}
    distance, _ = apart(one.pdq, other.pdq, shifted=copy.shifted)
    is_possible = distance <= POSSIBLE_WITHIN
    is_sure = distance <= SURE_WITHIN and not (one.is_plain or other.is_plain)
    is_confirmed = is_possible and iscc_distance(one.iscc, other.iscc) <= CONFIRMED_WITHIN
    return {"within_31": is_sure, "confirmed": is_sure or is_confirmed, "within_64": is_possible}


def by_watermark(seed: int) -> dict[str, bool]:
    """Return by change whether the id is read out of the copies of a varied picture with a watermark."""
    watermark, id = SpreadWatermark(), np.random.default_rng([13, seed]).bytes(8)
    marked = Image.fromarray(watermark.embed(np.asarray(a_varied_picture(seed)), id=id))
    read = {name: watermark.read(np.asarray(copy)) for name, copy in copies_of(marked, seed=seed)}
    return {name: one is not None and one.id == id for name, one in read.items()}


def table_of(found: Sequence[Measured], *, among: Sequence[Measured] | None = None) -> dict[str, Any]:
    """Return how many copies are found, and how many pictures find a stranger, by how sure the match is.

    Strangers are the pictures ``among`` which is searched, where they are others than those found.
    """
    copies = {name: Counter({"of": 0}) for name in CHANGES}
    for original, changed in found:
        for name, copy in changed.items():
            copies[name].update({"of": 1, **{grade: int(is_met) for grade, is_met in grades(copy, original).items()}})
    asked = {row: original for row, (original, _) in enumerate(found) if original.fingerprint.pdq}
    known = asked if among is None else {row: one for row, (one, _) in enumerate(among) if one.fingerprint.pdq}
    flat = FlatCodes()
    flat.add(list(known), b"".join(b"".join(one.fingerprint.pdq) for one in known.values()))
    strangers = Counter({"within_31": 0, "confirmed": 0, "within_64": 0})
    for row, one in asked.items():
        others = [grades(one, known[other]) for other in _near(one, flat) - ({row} if among is None else set())]
        strangers.update({grade: int(any(other[grade] for other in others)) for grade in strangers})
    compared = len(known) - (among is None)
    return {
        "pictures": len(found), "with_codes": len(asked), "among": compared, "copies": copies, "strangers": strangers
    }  # fmt: skip


def _near(one: Seen, flat: FlatCodes) -> set[int]:
    """Return which pictures a search would look at, those of the moved codes too though a sure match needs none."""
    codes = one.fingerprint.pdq
    asked = [*((place, codes[0]) for place in range(CODES)), *list(enumerate(codes))[1:]]
    moved = [(place, code) for code in one.shifted for place in range(1, CODES)]
    return flat.rows_near(asked, within=POSSIBLE_WITHIN) | flat.rows_near(moved, within=SHIFTED_WITHIN)


def as_markdown(tables: Mapping[str, Any]) -> str:
    """Return the tables for ``docs/recovery.md``: shares of copies found, and strangers with their upper bound."""
    lines = []
    for kind, table in tables.items():
        lines += [f"**{kind}**: {table['pictures']} pictures, {table['with_codes']} of them with enough detail", ""]
        lines += ["| change | copies | within 31 | confirmed | within 64 |", "|---|---|---|---|---|"]
        for name, counted in table["copies"].items():
            shares = (f"{100 * counted[grade] / counted['of']:.1f} %" for grade in GRADES)
            lines.append(f"| {name} | {counted['of']} | {' | '.join(shares)} |")
        asked = table["with_codes"]
        lines += ["", "| a stranger is met by | of | within 31 | confirmed | within 64 |", "|---|---|---|---|---|"]
        met = (f"{table['strangers'][grade]} (at most {_bound(table, grade)})" for grade in GRADES)
        lines += [f"| queries among {table['among']} others | {asked} | {' | '.join(met)} |", ""]
    return "\n".join(lines)


def marks_as_markdown(read: Sequence[Mapping[str, bool]]) -> str:
    """Return the table of the watermark's share: how many copies of marked pictures tell their id."""
    lines = ["| change | copies of marked pictures | id read |", "|---|---|---|"]
    for name in CHANGES:
        lines.append(f"| {name} | {len(read)} | {100 * sum(one[name] for one in read) / len(read):.1f} % |")
    return "\n".join(lines)


def _bound(table: Mapping[str, Any], grade: str) -> str:
    return f"{100 * upper_bound(table['strangers'][grade], table['with_codes']):.2g} %"


def main(out: str, folder: str = "") -> None:
    """Measure varied pictures and a model's outputs, and write both tables."""
    with ProcessPoolExecutor(WORKERS) as processes:
        varied = list(processes.map(of_varied, range(STRANGERS), chunksize=50))
        tables = {"varied": table_of(varied)}
        if folder:
            drawn = [picture for path in sorted(Path(folder).glob("*.npy")) for picture in np.load(path)]
            outputs = list(processes.map(of_output, enumerate(drawn), chunksize=50))
            tables["starter"] = table_of(outputs, among=varied)
        marked = list(processes.map(by_watermark, range(MARKED)))
    Path(out).write_text(json.dumps(tables, indent=1) + "\n")
    print(as_markdown(tables))
    print(marks_as_markdown(marked))


if __name__ == "__main__":
    main(*sys.argv[1:])
