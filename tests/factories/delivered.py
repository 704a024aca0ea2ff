"""Images as a worker delivers them, of pixels that a test chose; their later forms and bare copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from generation.actions.rendering import render_next
from generation.actions.renditions import make_rendition
from generation.models import Output, Rendition
from generation.rendition import Box, Change
from provenance import storage
from provenance.picture import decode_picture
from server.accounts.models import Account
from tests.factories.pictures import encoded
from tests.factories.records import a_model, a_request, a_worker
from tests.simulators.drawn import DrawnPipeline

PART = Box(8, 8, 150, 150)
"""A part of the scene that is another picture to whoever has seen the whole."""


def a_scene() -> Any:
    """Return a picture with something else in every corner, so that a part of it is another picture."""
    small = np.random.default_rng(5).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((384, 384), Image.Resampling.BICUBIC))


def an_output(keys: Path, account: Account, pixels: Any = None, **asked: Any) -> Output:
    """Have one image delivered to an account: of these pixels, or of what the stand-in draws."""
    a_model()
    if pixels is not None:
        asked = {"height": pixels.shape[0], "width": pixels.shape[1], **asked}
    generation = a_request(account, **asked)
    render_next(worker=a_worker(keys, pipeline=None if pixels is None else DrawnPipeline(pixels)))
    generation.refresh_from_db()
    assert generation.state == "done", generation.fault
    return generation.outputs.get()


def maker_of_forms(keys: Path, account: Account) -> Callable[..., Rendition]:
    """Return a function that makes a later form of an account's image: of its digest, changed as the rest says."""
    key = a_worker(keys).signing_key()
    return lambda digest, **change: make_rendition(
        actor=account.actor(), digest=digest, change=Change(**change), key=key
    )


def stripped(digest: str, **encoding: Any) -> bytes:
    """Return a stored picture encoded again, without anything that came with it."""
    pixels = Image.fromarray(decode_picture(storage.load(digest)).pixels)
    return encoded(pixels, **({"kind": "JPEG", "quality": 60} | encoding))
