"""Writes NOTICE: whom the starter model owes a credit, on which terms, and what was changed."""

from __future__ import annotations

from pathlib import Path

from generation.starter.collection import COLLECTION, parties, styles

HEAD = """Colophon starter model
Its weights were trained, from nothing, on the pictures named below and on no others. Each set is used under
its own licence. No owner made, reviewed or endorsed this model or the pictures that it draws.

Changes made to every picture: drawn from SVG at 256 px, trimmed to its ink, scaled to 120 px, centred on
white; then cropped, mirrored and recoloured at random while the autoencoder was trained.
"""
MIT_TERMS = """
MIT licence (Fluent Emoji):
Copyright (c) Microsoft Corporation.
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation
the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and
to permit persons to whom the Software is furnished to do so, subject to the following conditions:
The above copyright notice and this permission notice shall be included in all copies or substantial portions of
the Software.
THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO
THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF
CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS
IN THE SOFTWARE.
"""


def write_notice(*, folder: Path, collection: Path = COLLECTION) -> None:
    """Write the credits of every set that was trained on."""
    owners = {party.slug: party for party in parties(collection)}
    credits = [
        f"{style.name_en}: {len(style.works)} pictures by {owners[style.party].name}, {style.licence}\n"
        f"  source  {owners[style.party].url}\n"
        f"  licence {owners[style.party].licence_url}\n"
        for style in styles(collection)
        if style.is_trained
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "NOTICE").write_text("\n".join([HEAD, *credits]) + MIT_TERMS, encoding="utf-8")
