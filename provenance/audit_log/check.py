"""``python -m provenance.audit_log.check FOLDER_OR_URL --key VKEY``: check a whole log without trusting its keeper.

Checked: the checkpoint's signature; every entry bundle against every hash tile and the signed root; that each entry is
a leaf of version 1 and stands once; that an older checkpoint which you hold (``--since``) is a beginning of this log
and no fork; a proof file and its leaf (``--proof``, ``--leaf``); openings against their leaves (``--openings``).

Exit codes: 0 nothing is wrong; 1 something was changed, is missing or does not fit, and is named; 2 nothing could be
checked: unreadable, empty, or not signed by the key; 64 the command itself was wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from provenance.audit_log.errors import LogError, NoteForged, NoteNotSigned, ProofFails
from provenance.audit_log.log_source import WebLog
from provenance.audit_log.note import LARGEST_NOTE, Checkpoint, OpenedCheckpoint, VerifierKey, open_checkpoint
from provenance.audit_log.offline.command import LARGEST_OPENINGS, Parser, as_json, told
from provenance.audit_log.offline.comparing import LARGEST_ENTRIES, LARGEST_TILE, LogCheck
from provenance.audit_log.offline.files import UNREADABLE, Folder, lines_of
from provenance.audit_log.offline.findings import Findings
from provenance.audit_log.offline.openings import read_openings
from provenance.audit_log.proof import LARGEST_PROOF, LogProof, verify_proof
from provenance.audit_log.tiles import LARGEST_ENTRY, entries_path, tile_path, tiles_of
from provenance.audit_log.tree import leaf_hash


class LogFiles(Protocol):
    """Where a log's files are."""

    def read(self, path: str, most: int) -> bytes:
        """Return at most so many bytes of a file and one more; raise FileNotFoundError where there is none."""
        ...


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody holds a log against."""

    keys: Sequence[VerifierKey]
    witnesses: Sequence[VerifierKey] = ()
    held: Sequence[tuple[str, bytes]] = ()
    """Older checkpoints, each with the name under which findings tell of it."""
    proofs: Sequence[tuple[str, bytes, bytes]] = ()
    """Proof files with their names and leaves."""
    openings: tuple[str, bytes] | None = None


@dataclass
class _Held:
    """Tree heads that must be beginnings of the log, and leaves that must be in it."""

    heads: list[tuple[str, Checkpoint]] = field(default_factory=list)
    leaves: list[tuple[str, int, bytes]] = field(default_factory=list)


def check_log(files: LogFiles, asked: Asked, *, findings: Findings | None = None) -> dict[str, Any]:
    """Return the report on a log: ``findings``, and where its checkpoint is signed what was checked of it.

    Raises OSError where its keeper cannot be asked; what was found until then is in the findings that were given.
    """
    findings = Findings() if findings is None else findings
    report: dict[str, Any] = {"findings": findings}
    opened = _opened(files, asked, findings)
    if opened is None:
        return report
    head = opened.checkpoint
    held = _held(asked, findings)
    name, data = asked.openings or ("", b"")
    openings = read_openings(lines_of(data), path=name, findings=findings)
    keep = [*(each.size for _, each in held.heads), *(index for _, index, _ in held.leaves)]
    check = LogCheck(files.read, size=head.size, findings=findings, openings=openings, keep=keep)
    check.run(head.root)
    _compare(check, head, held, findings)
    report.update(
        key=head.origin, entries=head.size, root=head.root.hex(), witnesses=opened.witnesses, openings=len(openings)
    )
    return report


def _opened(files: LogFiles, asked: Asked, findings: Findings) -> OpenedCheckpoint | None:
    try:
        note = files.read("checkpoint", LARGEST_NOTE)
    except FileNotFoundError:
        findings.tell("checkpoint-missing", path="checkpoint")
        return None
    opened = _signed("checkpoint", note, asked, findings)
    if opened is not None and opened.checkpoint.size == 0:
        findings.tell("log-empty")
        return None
    if opened is not None and isinstance(files, WebLog):
        files.expect(_all_files(opened.checkpoint.size))
    return opened


def _signed(path: str, note: bytes, asked: Asked, findings: Findings) -> OpenedCheckpoint | None:
    try:
        return open_checkpoint(note.decode(), keys=asked.keys, witnesses=asked.witnesses)
    except NoteForged as fault:
        findings.tell("checkpoint-forged", path=path, name=fault.values["name"])
    except NoteNotSigned:
        findings.tell("checkpoint-unsigned", path=path, name=", ".join(each.name for each in asked.keys))
    except (LogError, UnicodeDecodeError):
        findings.tell("checkpoint-malformed", path=path)
    return None


def _held(asked: Asked, findings: Findings) -> _Held:
    held = _Held()
    for path, note in asked.held:
        opened = _signed(path, note, asked, findings)
        if opened is not None:
            held.heads.append((path, opened.checkpoint))
    for path, text, leaf in asked.proofs:
        try:
            proof = LogProof.parse(text.decode())
            head = verify_proof(proof, leaf_hash=leaf_hash(leaf), keys=asked.keys).checkpoint
        except ProofFails:
            findings.tell("proof-fails", path=path)
        except (LogError, UnicodeDecodeError) as error:
            reason = {"en": error.said("en"), "zh": error.said("zh-Hans")} if isinstance(error, LogError) else {}
            findings.tell("proof-malformed", path=path, reason_en=reason.get("en", ""), reason_zh=reason.get("zh", ""))
        else:
            held.heads.append((path, head))
            held.leaves.append((path, proof.index, leaf_hash(leaf)))
    return held


def _compare(check: LogCheck, head: Checkpoint, held: _Held, findings: Findings) -> None:
    for path, each in held.heads:
        check.compare_held(path, size=each.size, root=each.root, newer=head.root)
    for path, index, leaf in held.leaves:
        if index < head.size and check.leaf_hash_at(index) != leaf:
            findings.tell("proof-elsewhere", path=path, index=index)


def _all_files(size: int) -> Iterator[tuple[str, int]]:
    """Yield every file of a log in the order in which they are compared."""
    for index, width in tiles_of(size):
        yield tile_path(0, index, width), LARGEST_TILE
        yield entries_path(index, width), LARGEST_ENTRIES
    level = 1
    while size >> (8 * level):
        yield from ((tile_path(level, index, width), LARGEST_TILE) for index, width in tiles_of(size, level=level))
        level += 1


def main(arguments: list[str] | None = None) -> int:
    """Check a log, print the report and return the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if len(chosen.proof) != len(chosen.leaf):
        parser.error("each --proof takes one --leaf")
    try:
        asked = _asked(chosen)
        files = WebLog(chosen.log) if "://" in chosen.log else Folder(chosen.log)
    except (LogError, ValueError, OSError) as error:
        parser.error(error.said(chosen.lang) if isinstance(error, LogError) else str(error))
    findings = Findings()
    try:
        report = check_log(files, asked, findings=findings)
    except UNREADABLE as error:
        findings.tell("cannot-read", path=chosen.log, reason=str(error) or type(error).__name__)
        report = {"findings": findings}
    finally:
        if isinstance(files, WebLog):
            files.close()
    print(as_json(report) if chosen.json else told(report, chosen.lang), end="")
    return findings.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m provenance.audit_log.check", description="Check a whole log; trust no keeper.")
    parser.add_argument("log", metavar="FOLDER_OR_URL", help="where checkpoint and tile/ are")
    many: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument(
        "--key", metavar="VKEY", required=True, action="append", help="the log's key; again after rotation"
    )
    parser.add_argument("--witness", metavar="VKEY", **many, help="the key of a witness whom you trust")
    parser.add_argument("--since", metavar="FILE", **many, help="an older checkpoint that you hold")
    parser.add_argument("--proof", metavar="FILE", **many, help="a .tlog-proof file that you hold, with --leaf")
    parser.add_argument(
        "--leaf", metavar="FILE", **many, help="the entry that the proof is of, as it stands in the log"
    )
    parser.add_argument("--openings", metavar="FILE", help="openings as in an export bundle, a line of JSON each")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--lang", choices=["en", "zh-Hans"], default="en", help="language of the sentences")
    return parser


def _asked(chosen: argparse.Namespace) -> Asked:
    pairs = zip(chosen.proof, chosen.leaf, strict=True)
    return Asked(
        keys=[VerifierKey.parse(each) for each in chosen.key],
        witnesses=[VerifierKey.parse(each) for each in chosen.witness],
        held=[(path, _bytes_of(path, LARGEST_NOTE)) for path in chosen.since],
        proofs=[(path, _bytes_of(path, LARGEST_PROOF), _bytes_of(leaf, LARGEST_ENTRY + 1)) for path, leaf in pairs],
        openings=(chosen.openings, _bytes_of(chosen.openings, LARGEST_OPENINGS)) if chosen.openings else None,
    )


def _bytes_of(path: str, most: int) -> bytes:
    with open(path, "rb") as file:
        return file.read(most)


if __name__ == "__main__":
    sys.exit(main())
