"""Models named by a hub id: found in the local store, or fetched at a pinned commit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from generation.pipelines.errors import HubUnreachable
from generation.pipelines.model_files import CONFIG_SUFFIXES, read_json, weight_names

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_hub_id(source: str) -> bool:
    """Say whether a text has the form owner/name and is no path to a folder."""
    return _HUB_ID.fullmatch(source) is not None and not Path(source).exists()


def stored_snapshot(source: str, *, revision: str) -> Path:
    """Return the folder of a hub model that is stored here already; never goes to the network."""
    return _snapshot(source, revision=revision, local_files_only=True)


def fetched_snapshot(source: str, *, revision: str | None) -> tuple[Path, str]:
    """Return the folder and commit of a hub model, fetching only configuration and chosen safetensors.

    What would be loaded is decided from the list of files first, so a pickle is refused unfetched.
    """
    if revision and _COMMIT.fullmatch(revision):
        try:
            return stored_snapshot(source, revision=revision), revision
        except HubUnreachable:
            pass
    names, commit = _listing(source, revision=revision)
    patterns = [f"*{suffix}" for suffix in CONFIG_SUFFIXES] + ["README.md", "LICENSE*"]
    folder = _snapshot(source, revision=commit, allow_patterns=patterns)

    def read(name: str) -> Any:
        return read_json(folder / name, name=name)

    chosen, _ = weight_names(read("model_index.json"), names=names, read_json=read)
    return _snapshot(source, revision=commit, allow_patterns=[*patterns, *chosen]), commit


def _listing(source: str, *, revision: str | None) -> tuple[frozenset[str], str]:
    from huggingface_hub import HfApi

    try:
        listed = HfApi().model_info(source, revision=revision)
    except Exception as error:  # the client raises its transport's errors as they are
        raise HubUnreachable(source=source, reason=_reason(error)) from error
    return frozenset(file.rfilename for file in listed.siblings or ()), str(listed.sha)


def _snapshot(source: str, **options: Any) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(source, **options))
    except Exception as error:  # as above
        raise HubUnreachable(source=source, reason=_reason(error)) from error


def _reason(error: Exception) -> str:
    return type(error).__name__
