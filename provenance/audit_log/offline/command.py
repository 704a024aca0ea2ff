"""``python3 verify.py``: check an exported log offline, with Python alone.

    python3 verify.py [FOLDER_OR_ZIP] [--key VKEY]... [--witness VKEY] [--since CHECKPOINT] [--json] [--lang zh-Hans]

Checked: the checkpoint's signature; every entry against every hash tile and the signed root; that each entry is a
leaf of version 1 and stands once; each opening against its leaf; each manifest against its listed digest, its name
and the entry that tells of it; and the whole against an older checkpoint that you hold. Exit code 0: nothing is
wrong. 1: something was changed, is missing or does not fit, and is named. 2: nothing could be checked: unreadable,
empty, or not signed by the key. 64: the command was wrong. The bundle's own log.vkey does not prove who keeps the
log: compare it with the key published elsewhere, or give that one with --key; several, where the log's key was
replaced. A checkpoint that you hold may also be signed by a key that only the bundle lists in other.vkeys: who holds
it vouches for it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from provenance.audit_log.offline.comparing import LogCheck
from provenance.audit_log.offline.files import UNREADABLE, Archive, Files, check_manifests, lines_of, open_files
from provenance.audit_log.offline.findings import Findings, said
from provenance.audit_log.offline.notes import Head, Key, key_that_signed, open_head, parse_key
from provenance.audit_log.offline.openings import Watch, read_openings

LARGEST_OPENINGS = 2**30
LARGEST_CHECKPOINT = 2**20
LARGEST_KEY = 4_096
LARGEST_KEYS = 2**20
WRONG_USE = 64


def check_bundle(
    files: Files,
    *,
    keys: Sequence[str],
    witnesses: Sequence[Key],
    since: Sequence[str],
    findings: Findings,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Return the report on a whole bundle, findings included; tell whoever watches what is read."""
    report: dict[str, Any] = {"findings": findings}
    if isinstance(files, Archive):
        for name, count in Counter(files.names()).items():
            if count > 1:
                findings.tell("file-twice", path=name)
    trusted = _keys(files, keys, findings)
    head = _head(files, trusted, witnesses, findings) if trusted else None
    if head is not None:
        report.update(key=trusted[0].name, entries=head.size, root=head.root.hex(), witnesses=head.witnesses)
        _check_log(files, head, [*trusted, *_other_keys(files, findings)], since, findings, report, watch)
    return report


def _keys(files: Files, given: Sequence[str], findings: Findings) -> list[Key]:
    path = "log.vkey"
    try:
        listed = files.read(path, LARGEST_KEY).decode()
        if given and listed.strip() not in {each.strip() for each in given}:
            findings.tell("key-differs")
        path = "--key" if given else path
        return [parse_key(each) for each in given or [listed]]
    except FileNotFoundError:
        findings.tell("file-missing", path=path)
        return [parse_key(each) for each in given]
    except ValueError:
        findings.tell("key-malformed", path=path)
        return []


def _other_keys(files: Files, findings: Findings) -> list[Key]:
    path = "other.vkeys"
    try:
        return [parse_key(line) for line in files.read(path, LARGEST_KEYS).decode().splitlines()]
    except FileNotFoundError:
        return []
    except ValueError:
        findings.tell("key-malformed", path=path)
        return []


def _head(files: Files, keys: Sequence[Key], witnesses: Sequence[Key], findings: Findings) -> Head | None:
    try:
        data = files.read("log/checkpoint", LARGEST_CHECKPOINT)
    except FileNotFoundError:
        findings.tell("checkpoint-missing", path="log/checkpoint")
        return None
    key = key_that_signed(data, keys)
    head = open_head(data, path="log/checkpoint", key=key, witnesses=witnesses, findings=findings)
    if head is not None and head.size == 0:
        findings.tell("log-empty")
        return None
    return head


def _check_log(
    files: Files,
    head: Head,
    keys: Sequence[Key],
    since: Sequence[str],
    findings: Findings,
    report: dict[str, Any],
    watch: Watch | None,
) -> None:
    try:
        lines = lines_of(files.read("openings.jsonl", LARGEST_OPENINGS))
    except FileNotFoundError:
        findings.tell("file-missing", path="openings.jsonl")
        lines = []
    openings = read_openings(lines, path="openings.jsonl", findings=findings, watch=watch)
    held = [(path, found) for path in since if (found := _held(path, keys, findings)) is not None]
    check = LogCheck(
        lambda path, most: files.read(f"log/{path}", most), size=head.size, findings=findings, openings=openings,
        keep=[each.size for _, each in held], watch=watch,
    )  # fmt: skip
    check.run(head.root)
    for path, each in held:
        check.compare_held(path, size=each.size, root=each.root, newer=head.root)
    report.update(openings=len(openings), manifests=check_manifests(files, findings, openings=openings))


def _held(path: str, keys: Sequence[Key], findings: Findings) -> Head | None:
    with open(path, "rb") as file:
        data = file.read(LARGEST_CHECKPOINT)
    return open_head(data, path=path, key=key_that_signed(data, keys), witnesses=(), findings=findings)


def told(report: dict[str, Any], language: str) -> str:
    """Return the report as text."""
    findings: Findings = report["findings"]
    lines = [said(each, language) for each in findings]
    if "key" in report:
        lines.append(_summary(report, language))
    verdicts = {
        0: ("Nothing is wrong.", "未发现问题。"),
        1: ("SOMETHING IS WRONG: see above.", "存在问题：见上文。"),
        2: ("NOT CHECKED: see above.", "未能核对：见上文。"),
    }
    return "\n".join([*lines, verdicts[findings.exit_code][language == "zh-Hans"]]) + "\n"


def _summary(report: dict[str, Any], language: str) -> str:
    names = ", ".join(report["witnesses"])
    zh = language == "zh-Hans"
    if names:
        keeper = f"见证者 {names} 已副署" if zh else f"cosigned by {names}"
    else:
        keeper = "日志仅由运营者保管" if zh else "log held by the operator alone"
    parts = [
        f"{report['entries']} 条，由 {report['key']} 签名"
        if zh
        else f"{report['entries']} entries, signed by {report['key']}"
    ]
    for code, chinese in (("openings", "披露记录"), ("manifests", "清单")):
        if code in report:
            parts.append(f"{chinese} {report[code]} 份" if zh else f"{report[code]} {code}")
    return ("；" if zh else "; ").join([*parts, keeper]) + ("。" if zh else ".")


class Parser(argparse.ArgumentParser):
    """Ends with 64 where the command is wrong; 2 means something else here."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(WRONG_USE, f"{self.prog}: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Check a bundle, print the report and return the exit code."""
    parser = Parser(description="Check an exported audit log offline.", epilog="Exit: 0 good, 1 wrong, 2 unchecked.")
    beside = str(Path(__file__).resolve().parent)
    parser.add_argument("bundle", nargs="?", default=beside, help="the bundle, a zip or its folder; else where this is")
    parser.add_argument(
        "--key", metavar="VKEY", action="append", default=[], help="the log's key as published elsewhere"
    )
    parser.add_argument("--witness", metavar="VKEY", action="append", default=[], help="the key of a witness you trust")
    parser.add_argument(
        "--since", metavar="FILE", action="append", default=[], help="an older checkpoint that you hold"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--lang", choices=["en", "zh-Hans"], default="en", help="language of the sentences")
    chosen = parser.parse_args(arguments)
    try:
        witnesses = [parse_key(each) for each in chosen.witness]
        for each in chosen.key:
            parse_key(each)
    except ValueError:
        parser.error("a key is not name+id+base64")
    findings = Findings()
    try:
        files = open_files(chosen.bundle)
        report = check_bundle(files, keys=chosen.key, witnesses=witnesses, since=chosen.since, findings=findings)
    except UNREADABLE as error:
        findings.tell("cannot-read", path=chosen.bundle, reason=str(error) or type(error).__name__)
        report = {"findings": findings}
    print(as_json(report) if chosen.json else told(report, chosen.lang), end="")
    return findings.exit_code


def as_json(report: dict[str, Any]) -> str:
    """Return the report as JSON text."""
    findings = [{**each, "en": said(each), "zh-Hans": said(each, "zh-Hans")} for each in report["findings"]]
    return json.dumps({**report, "findings": findings}, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
