"""What the watermark survives, what it costs to look at, how often it speaks up in vain, and what marking takes."""

from __future__ import annotations

import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from provenance.attribution.chances import upper_bound
from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.label import VisibleLabel
from provenance.credentials.lettering import draw_label
from provenance.credentials.marking import mark
from provenance.credentials.signing import PemKey, sign_image
from provenance.credentials.watermark.spread import SpreadWatermark
from provenance.credentials.xmp import xmp_packet
from tests.simulators.pictures import colophon, on_listed, over_listed, picture

PICTURES, SIDE, UNMARKED = 20, 512, 60
UNMARKED_SIDES = (128, 200, 256, 384)


def main() -> None:
    """Print the table of docs/marks.md for a folder of pictures, cut to a side: ``-m tests.bench.marks FOLDER 512``.

    ``-m tests.bench.marks unmarked OUT.json FROM AT_ONCE SEARCHED`` reads pictures without a mark instead, drawn from a
    number on: so many at once, so many of them searched too.
    """
    if sys.argv[1] == "unmarked":
        first, at_once, searched = map(int, sys.argv[3:6])
        counted = read_in_unmarked(first, at_once=at_once, searched=searched)
        Path(sys.argv[2]).write_text(json.dumps({SpreadWatermark.algorithm: counted}, indent=1) + "\n")
        return
    folder, side = Path(sys.argv[1]), int(sys.argv[2])
    pictures = [_square(Image.open(path), side) for path in sorted(folder.iterdir())]
    for row in survived(pictures):
        print("  ".join(row))


def measured() -> list[tuple[str, str, str]]:
    """Return the rows of a run over drawn pictures."""
    pictures = [varied(number, SIDE) for number in range(PICTURES)]
    return [*marking(), *survived(pictures), unmarked()]


def varied(number: int, side: int) -> Any:
    """Return a picture of clouds, shapes and edges, another one for each number: uint8 RGB."""
    random = np.random.default_rng(number)
    waves = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    waves[0, 0] = 1
    planes = []
    for _ in range(3):
        spectrum = np.fft.rfft2(random.normal(size=(side, side))) / waves ** random.uniform(1.0, 2.2)
        cloud = np.fft.irfft2(spectrum, (side, side))
        planes.append(128 + random.uniform(15, 60) * (cloud - cloud.mean()) / cloud.std())
    image = Image.fromarray(np.clip(np.stack(planes, 2), 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(0, 12))):
        corners = [tuple(int(one) for one in random.integers(0, side, 2)) for _ in range(int(random.integers(3, 7)))]
        draw.polygon(corners, fill=tuple(int(one) for one in random.integers(0, 256, 3)))
    return np.asarray(image)


def _square(image: Image.Image, side: int) -> Any:
    layer = image.convert("RGBA")
    ground = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    least = min(ground.size)
    left, top = (ground.width - least) // 2, (ground.height - least) // 2
    cut = ground.crop((left, top, left + least, top + least))
    return np.asarray(cut.resize((side, side), Image.Resampling.LANCZOS))


def _encoded(kind: str, quality: int) -> Callable[[Any], Any]:
    def encode(pixels: Any) -> Any:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, kind, quality=quality)
        return np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB"))

    return encode


def _resized(factor: float) -> Callable[[Any], Any]:
    def resize(pixels: Any) -> Any:
        size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
        return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))

    return resize


def _cropped(part: float, *, corner: bool = False) -> Callable[[Any], Any]:
    def crop(pixels: Any) -> Any:
        height, width = pixels.shape[:2]
        gone = int(part * height), int(part * width)
        if corner:
            return np.ascontiguousarray(pixels[gone[0] :, : width - gone[1]])
        top, left = gone[0] // 2, gone[1] // 2
        return np.ascontiguousarray(pixels[top : height - gone[0] + top, left : width - gone[1] + left])

    return crop


def _brighter(factor: float) -> Callable[[Any], Any]:
    return lambda pixels: np.clip(pixels * factor, 0, 255).astype(np.uint8)


def _turned(degrees: float) -> Callable[[Any], Any]:
    return lambda pixels: np.asarray(Image.fromarray(pixels).rotate(degrees, Image.Resampling.BICUBIC))


CHANGES: Mapping[str, Callable[[Any], Any]] = {
    "unchanged": lambda pixels: pixels,
    "JPEG q90": _encoded("JPEG", 90),
    "JPEG q75": _encoded("JPEG", 75),
    "JPEG q50": _encoded("JPEG", 50),
    "WebP q80": _encoded("WEBP", 80),
    "WebP q50": _encoded("WEBP", 50),
    "AVIF q60": _encoded("AVIF", 60),
    "resize 0.5": _resized(0.5),
    "resize 2": _resized(2),
    "crop 10 %, middle": _cropped(0.1),
    "crop 10 %, corner": _cropped(0.1, corner=True),
    "crop 20 %": _cropped(0.2),
    "brightness +30 %": _brighter(1.3),
    "brightness -30 %": _brighter(0.7),
    "label box": lambda pixels: draw_label(pixels, VisibleLabel()),
    "rotation 0.5 degrees": _turned(0.5),
    "rotation 1 degree": _turned(1),
    "rotation 5 degrees": _turned(5),
    "mirrored": lambda pixels: np.ascontiguousarray(pixels[:, ::-1]),
    "resize 0.5 + crop 10 % + JPEG q75": lambda pixels: _encoded("JPEG", 75)(_resized(0.5)(_cropped(0.1)(pixels))),
}


def survived(pictures: list[Any]) -> Iterator[tuple[str, str, str]]:
    """Yield, for each change, in how many copies the right id was read, and what the mark costs to look at."""
    watermark = SpreadWatermark()
    ids = [np.random.default_rng(number).bytes(8) for number in range(len(pictures))]
    began = time.perf_counter()
    marked = [watermark.embed(pixels, id=id) for pixels, id in zip(pictures, ids, strict=True)]
    milliseconds = 1000 * (time.perf_counter() - began) / len(pictures)
    noise = [psnr(before, after) for before, after in zip(pictures, marked, strict=True)]
    alike = [ssim(before, after) for before, after in zip(pictures, marked, strict=True)]
    side = pictures[0].shape[0]
    yield (f"watermark {side} px: embedding", f"{milliseconds:.0f} ms", "")
    yield (f"watermark {side} px: PSNR mean / least", f"{np.mean(noise):.1f} / {min(noise):.1f} dB", "")
    yield (f"watermark {side} px: SSIM mean / least", f"{np.mean(alike):.4f} / {min(alike):.4f}", "")
    for name, change in CHANGES.items():
        began = time.perf_counter()
        found = [watermark.read(change(pixels)) for pixels in marked]
        took = 1000 * (time.perf_counter() - began) / len(marked)
        right = sum(bool(one and one.id == id) for one, id in zip(found, ids, strict=True))
        wrong = sum(bool(one and one.id != id) for one, id in zip(found, ids, strict=True))
        yield (f"watermark {side} px: {name}", f"{right}/{len(marked)}", f"{wrong} wrong, {took:.0f} ms")


def unmarked() -> tuple[str, str, str]:
    """Return in how many pictures without a mark an id was read, with the upper bound of the rate (95 %)."""
    spoke = read_in_unmarked(10_000, at_once=UNMARKED, searched=UNMARKED)["searched"]["found"]
    bound = upper_bound(spoke, UNMARKED)
    return ("watermark: ids read in unmarked pictures", f"{spoke}/{UNMARKED}", f"at most {bound:.1%} at 95 %")


def read_in_unmarked(first: int, *, at_once: int, searched: int) -> dict[str, dict[str, int]]:
    """Return how many pictures without a mark were read, at once and searched too, and in how many an id was found."""
    watermark = SpreadWatermark()
    counted = {way: {"pictures": 0, "found": 0} for way in ("at_once", "searched")}
    for number in range(at_once):
        pixels = varied(first + number, UNMARKED_SIDES[number % len(UNMARKED_SIDES)])
        found = watermark.read(pixels, thorough=False) is not None
        _count(counted["at_once"], found)
        if number < searched:
            _count(counted["searched"], found or watermark.read(pixels) is not None)
    return counted


def _count(row: dict[str, int], found: bool) -> None:
    row["pictures"] += 1
    row["found"] += found


def marking() -> Iterator[tuple[str, str, str]]:
    """Yield what marking and signing one picture of 1024 pixels takes, and what a manifest weighs.

    Processor time, of a drawn picture and of noise, each beside Pillow's PNG encoding alone as it comes.
    """
    statement = colophon()
    kinds = {
        "drawn": drawn(4, 1024),
        "grain": varied(1, 1024),
        "noise": np.random.default_rng(1).integers(0, 256, (1024, 1024, 3), dtype=np.uint8),
    }
    with tempfile.TemporaryDirectory() as folder:
        key = DevelopmentCA(Path(folder)).signing_key(now=datetime.now(UTC))

        def marked(pixels: Any) -> bytes:
            made = mark(pixels, media_type="image/png", packet=xmp_packet(statement)).data
            return sign_image(made, media_type="image/png", colophon=statement, key=key).data

        for name, pixels in kinds.items():
            whole = _median_of(lambda: marked(pixels))  # noqa: B023  # called at once
            plain = _median_of(lambda: Image.fromarray(pixels).save(io.BytesIO(), "PNG"))  # noqa: B023  # likewise
            yield (f"marks + signature, 1024 px PNG, {name} (CPU)", f"{whole:.0f} ms", "<= 80 ms")
            yield ("  PIL.save alone, as it comes (CPU)", f"{plain:.0f} ms", "the bare minimum")
        yield from overheads(kinds["grain"], key=key)


def overheads(pixels: Any, *, key: PemKey) -> Iterator[tuple[str, str, str]]:
    """Yield what manifests with fingerprints add to a PNG, without thumbnail and timestamp, and what XMP adds."""
    bare = mark(pixels, media_type="image/png")
    works = [picture(seed=number) for number in range(4)]
    reference, image = on_listed(key, works[0]), over_listed(key, works[3])
    kinds: dict[str, dict[str, Any]] = {
        "prompt, model, one style": {},
        "its style on one listed work": {"references": reference},
        "over a listed work": {"inputs": image},
        "both": {"references": reference, "inputs": image},
        "its style on three listed works": {"references": on_listed(key, *works[:3])},
    }
    for name, over in kinds.items():
        said = colophon(fingerprint=bare.delivered_fingerprint, **over)
        signed = sign_image(bare.data, media_type="image/png", colophon=said, key=key)
        yield (f"manifest: {name}", f"{(len(signed.data) - len(bare.data)) / 1000:.1f} kB", "<= 12 kB")
    told = mark(pixels, media_type="image/png", packet=xmp_packet(colophon()))
    yield ("XMP beside it", f"{(len(told.data) - len(bare.data)) / 1000:.1f} kB", "")


def drawn(seed: int, side: int) -> Any:
    """Return a picture of smooth clouds and flat shapes, without grain: uint8 RGB."""
    random = np.random.default_rng(seed)
    grid = Image.fromarray(random.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    image = grid.resize((side, side), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        left, top = (int(one) for one in random.integers(0, side * 3 // 4, 2))
        box = (left, top, left + side // 5, top + side // 6)
        draw.ellipse(box, fill=tuple(int(one) for one in random.integers(0, 256, 3)))
    return np.asarray(image)


def _median_of(call: Callable[[], object]) -> float:
    took = []
    for _ in range(5):
        began = time.process_time()
        call()
        took.append(1000 * (time.process_time() - began))
    return sorted(took)[2]


def psnr(before: Any, after: Any) -> float:
    """Return the peak signal-to-noise ratio in dB."""
    return float(10 * np.log10(255**2 / np.mean((before.astype(np.float64) - after) ** 2)))


def ssim(before: Any, after: Any) -> float:
    """Return the structural similarity of two pictures' lightness (Wang et al. 2004), windows of 8 by 8 pixels."""
    one, other = (pixels.astype(np.float64) @ [0.299, 0.587, 0.114] for pixels in (before, after))
    side = 8
    blocks = [
        plane[: plane.shape[0] // side * side, : plane.shape[1] // side * side]
        .reshape(plane.shape[0] // side, side, plane.shape[1] // side, side)
        .swapaxes(1, 2)
        .reshape(-1, side * side)
        for plane in (one, other)
    ]
    means = [block.mean(1) for block in blocks]
    spreads = [block.var(1) for block in blocks]
    together = ((blocks[0] - means[0][:, None]) * (blocks[1] - means[1][:, None])).mean(1)
    small, smaller = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(
        np.mean(
            (2 * means[0] * means[1] + small)
            * (2 * together + smaller)
            / ((means[0] ** 2 + means[1] ** 2 + small) * (spreads[0] + spreads[1] + smaller))
        )
    )


if __name__ == "__main__":
    main()
