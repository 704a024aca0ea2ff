"""The watermark of an image in its later forms: stated where it was read in the form itself, and nowhere else."""

from __future__ import annotations

from contextlib import suppress

from generation.actions.reading_watermarks import read_soon
from generation.image_files import Form
from provenance.credentials import actions as credentials
from provenance.credentials.manifest import WatermarkStated
from provenance.credentials.reading import read
from provenance.credentials.watermark.contract import WatermarkUnavailable, binding_value
from provenance.picture import decode_picture


def carried(form: Form, *, before: bytes, after: bytes) -> WatermarkStated | None:
    """Return an image's watermark where it is read in a later form of it; None where it is not, or cannot be for now.

    ``before`` is the file that the form was made from, ``after`` its own, not yet signed. A watermark that needs torch
    is read by a render process, which is waited for some seconds.
    """
    if form.output.watermark is None:
        return None
    id = bytes.fromhex(form.output.watermark)
    algorithm = _algorithm(before, manifest_id=form.output.manifest_id, id=id)
    return WatermarkStated(algorithm, id) if algorithm and _read(algorithm, after) == id else None


def _algorithm(file: bytes, *, manifest_id: str, id: bytes) -> str:
    """Return by which algorithm an id was laid, as the image's first manifest says, which every later one nests."""
    first = read(file).manifests.get(manifest_id, {})
    stated = [one["data"] for one in first.get("assertions", ()) if one["label"].startswith("c2pa.soft-binding")]
    return next((str(one["alg"]) for one in stated if one["blocks"][0]["value"] == binding_value(id)), "")


def _read(algorithm: str, file: bytes) -> bytes:
    at_once = credentials.reading_watermark()
    pixels = decode_picture(file).pixels
    if at_once.algorithm == algorithm:
        found = at_once.read(pixels)
        return found.id if found else b""
    return read_soon(pixels) if _is_read_by_render_processes(algorithm) else b""


def _is_read_by_render_processes(algorithm: str) -> bool:
    with suppress(WatermarkUnavailable):  # weights in disorder read nothing
        slow = credentials.slow_watermark()
        return slow is not None and slow.algorithm == algorithm
    return False
