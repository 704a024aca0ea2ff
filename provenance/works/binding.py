"""The digest that binds a style in what was made with it: its adapter file, or what a prompt token stands for."""

from __future__ import annotations

from collections.abc import Iterable

from provenance.canonical import Digest, canonical_json, sha256_digest

VERSION = 1
ADAPTER_FILE = "adapter-file"
TOKEN_STYLE = "token-style"
"""Of what a reference's digest is."""


def works_digest(files: Iterable[Digest]) -> Digest:
    """Return the digest of the canonical, sorted list of some works' file digests."""
    return sha256_digest(canonical_json(sorted(files)))


def token_style_digest(*, model: Digest, token: str, works: Digest) -> Digest:
    """Return the digest of a style that no file carries: the model's weights, the token, and the list of its works.

    The entries ``StyleRegistered``, ``StyleRebound`` and ``StyleCarried`` state all three, so whoever has one can
    compute it again. SHA-256 of ``{"model": …, "token": …, "v": 1, "works": …}``, canonical JSON.
    """
    return sha256_digest(canonical_json({"v": VERSION, "model": model, "token": token, "works": works}))
