"""The export bundle: a zip with which an outsider checks the log offline.

::

    log/checkpoint                  the signed note
    log/tile/...                    every entry bundle and hash tile that the checkpoint's size needs
    log.vkey                        the log's verifier key; compare it with what its keeper publishes elsewhere
    other.vkeys                     its keys before and after that one, a line each; absent where there are none
    openings.jsonl                  {"index", "id", "salt" (hex), "details"} a line: what this recipient may read
    manifests/<sha256 hex>.c2pa     manifest stores
    manifests.jsonl                 {"manifest" (its urn), "file" (path), "digest"} a line
    verify.py                       checks all of the above; needs Python alone
    README.txt                      how, in English and Chinese
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from provenance.audit_log.export_verifier import verifier

README = Path(__file__).with_name("export_readme.txt")


def write_bundle(
    target: BinaryIO,
    *,
    log_files: Iterable[tuple[str, bytes]],
    vkey: str,
    openings: Iterable[Mapping[str, Any]],
    manifests: Iterable[tuple[str, bytes]],
    other_vkeys: Sequence[str] = (),
) -> None:
    """Write an export bundle to a file or stream, holding one file of it in memory at a time.

    ``log_files`` are paths as under ``/log/`` (``checkpoint``, ``tile/...``); ``manifests`` are a manifest's urn and
    its store. The same contents make the same bytes.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in log_files:
            archive.writestr(_member(f"log/{path}"), data)
        archive.writestr(_member("log.vkey"), vkey.strip() + "\n")
        if others := [each.strip() for each in other_vkeys if each.strip() != vkey.strip()]:
            archive.writestr(_member("other.vkeys"), "\n".join(others) + "\n")
        with archive.open(_member("openings.jsonl"), "w", force_zip64=True) as file:
            for opening in openings:
                file.write(_line(opening))
        index = []
        for urn, data in manifests:
            digest = hashlib.sha256(data).hexdigest()
            path = f"manifests/{digest}.c2pa"
            if path not in archive.NameToInfo:
                archive.writestr(_member(path), data)
            index.append(_line({"manifest": urn, "file": path, "digest": f"sha256:{digest}"}))
        archive.writestr(_member("manifests.jsonl"), b"".join(index))
        archive.writestr(_member("verify.py"), verifier())
        archive.writestr(_member("README.txt"), README.read_bytes())


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _member(path: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info
