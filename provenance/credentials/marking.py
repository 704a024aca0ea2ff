"""From pixels to the file that gets signed: marked, encoded, told in XMP, with the digests that recognise it.

Order matters: the raw digest is taken before anything touches the pixels, the delivered digest of what the
encoded file decodes to; the C2PA signature comes after all of it and leaves the pixels alone.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from provenance.canonical import Digest, pixel_digest
from provenance.credentials.label import VisibleLabel
from provenance.credentials.lettering import draw_label
from provenance.errors import ProvenanceError
from provenance.fingerprint import Fingerprint, fingerprint_of
from provenance.picture import decode_picture

# PNG's filters leave runs and noise of a drawn picture: looking for longer repeats takes four times as long and saves
# nothing (decision 0029).
ENCODINGS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "image/png": ("PNG", {"compress_type": zlib.Z_RLE}),
    "image/jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    "image/webp": ("WEBP", {"quality": 92}),
    "image/avif": ("AVIF", {"quality": 90}),
}
LOSSLESS = "image/png"
ENDINGS: Mapping[str, str] = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/avif": "avif"}


class NoSuchEncoding(ProvenanceError):
    """Pictures are not delivered in this media type."""

    code = "no-such-encoding"
    en = "Pictures are not delivered as {media_type}. Ask for PNG, JPEG, WebP or AVIF."
    zh = "不提供 {media_type} 格式的图片。请选择 PNG、JPEG、WebP 或 AVIF。"


@dataclass(frozen=True)
class MarkedPicture:
    """An encoded picture, ready to be signed; digests and fingerprints of its pixels before marks and as delivered."""

    data: bytes = field(repr=False)
    media_type: str
    raw_pixels: Digest
    delivered_pixels: Digest
    raw_fingerprint: Fingerprint
    delivered_fingerprint: Fingerprint


def mark(
    pixels: Any,
    *,
    media_type: str,
    packet: bytes = b"",
    label: VisibleLabel | None = None,
    quality: int | None = None,
    watermarked: Any = None,
) -> MarkedPicture:
    """Return an RGB array of shape (height, width, 3), uint8, as a file without any metadata of a stranger's.

    ``watermarked`` is the same array with a watermark in it. Label and XMP packet are written where they are given;
    without ``quality`` (1 to 100) each lossy encoding takes its own. Raises NoSuchEncoding for a media type that
    is not delivered.
    """
    if media_type not in ENCODINGS:
        raise NoSuchEncoding(media_type=media_type)
    raw_pixels = pixel_digest(pixels)
    carrying = pixels if watermarked is None else watermarked
    labelled = draw_label(carrying, label) if label else carrying
    data = _encoded(labelled, media_type=media_type, packet=packet, quality=quality)
    # PNG gives back the pixels that it was given; every other encoding has to be decoded to be known.
    delivered = labelled if media_type == LOSSLESS else decode_picture(data).pixels
    raw = fingerprint_of(pixels)
    delivered_pixels = raw_pixels if delivered is pixels else pixel_digest(delivered)
    # Without a label and without loss they are the same pixels.
    as_delivered = raw if delivered_pixels == raw_pixels else fingerprint_of(delivered)
    return MarkedPicture(data, media_type, raw_pixels, delivered_pixels, raw, as_delivered)


def _encoded(pixels: Any, *, media_type: str, packet: bytes, quality: int | None) -> bytes:
    encoding, options = ENCODINGS[media_type]
    if quality is not None and media_type != LOSSLESS:
        options = {**options, "quality": quality}
    buffer = io.BytesIO()
    Image.fromarray(pixels, "RGB").save(buffer, encoding, **options, **_described(encoding, packet))
    return buffer.getvalue()


def _described(encoding: str, packet: bytes) -> Mapping[str, Any]:
    if not packet:
        return {}
    if encoding != "PNG":
        return {"xmp": packet}
    chunks = PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", packet.decode())
    return {"pnginfo": chunks}
