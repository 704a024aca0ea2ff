"""Giving a style an adapter that was trained elsewhere, once the file is known to fit its model."""

from __future__ import annotations

import tempfile
from pathlib import Path

from generation import queries
from generation.pipelines.adapter_files import require_fitting
from provenance.actor import Actor
from provenance.works.actions.parties import require_member
from provenance.works.actions.styles import carry_by_adapter
from provenance.works.models import Style

LARGEST_ADAPTER = 64 * 2**20


def carry_by_uploaded_adapter(*, actor: Actor, style: Style, adapter: bytes, model: str = "") -> Style:
    """Let an uploaded adapter carry a style, on all the works that the style lists; say which model it is for.

    Without a model's name it is for the one that the style was registered with. Raises NotTheOwner, WrongState,
    AdapterUnfit, PickleRefused; nothing is then kept.
    """
    require_member(actor, style.owner)
    carrying = queries.model_named(model) if model else queries.model_with(style.model_digest)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "adapter"
        path.write_bytes(adapter)
        require_fitting(path, name="adapter", model=queries.model_source(carrying))
    return carry_by_adapter(
        actor=actor, style=style, adapter=adapter, model_digest=carrying.digest, works=list(style.works.all())
    )
