"""``python3 verify.py``: check an exported log offline, with Python alone.

    python3 verify.py [FOLDER_OR_ZIP] [--key VKEY] [--witness VKEY] [--since CHECKPOINT] [--json] [--lang zh-Hans]

Checked: the checkpoint's signature; every entry against every hash tile and the signed root; that each entry is a leaf
of version 1 and stands once; each opening against its leaf; each manifest against its listed digest and its name; and
the whole against an older checkpoint that you hold. Exit code 0: nothing is wrong. 1: something was changed, is missing
or does not fit, and is named. 2: nothing could be checked: unreadable, empty, or not signed by the key. 64: the command
was wrong. The bundle's own log.vkey does not prove who keeps the log: compare it with the key published elsewhere, or
give that one with --key.
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
from provenance.audit_log.offline.notes import Head, Key, open_head, parse_key
from provenance.audit_log.offline.openings import read_openings

LARGEST_OPENINGS = 2**30
LARGEST_CHECKPOINT = 2**20
WRONG_USE = 64


def check_bundle(
    files: Files, *, key: str | None, witnesses: Sequence[Key], since: Sequence[str], findings: Findings
) -> dict[str, Any]:
    """Return the report on a whole bundle, findings included."""
    report: dict[str, Any] = {"findings": findings}
    if isinstance(files, Archive):
        for name, count in Counter(files.names()).items():
            if count > 1:
                findings.tell("file-twice", path=name)
    trusted = _key(files, key, findings)
    head = _head(files, trusted, witnesses, findings) if trusted else None
    if head is not None and trusted is not None:
        report.update(key=trusted.name, entries=head.size, root=head.root.hex(), witnesses=head.witnesses)
        _check_log(files, head, trusted, since, findings, report)
    return report


def _key(files: Files, given: str | None, findings: Findings) -> Key | None:
    path = "log.vkey"
    try:
        listed = files.read(path, 4_096).decode()
        if given is not None and listed.strip() != given.strip():
            findings.tell("key-differs")
        path = "--key" if given is not None else path
        return parse_key(listed if given is None else given)
    except FileNotFoundError:
        findings.tell("file-missing", path=path)
        return parse_key(given) if given is not None else None
    except ValueError:
        findings.tell("key-malformed", path=path)
        return None


def _head(files: Files, key: Key, witnesses: Sequence[Key], findings: Findings) -> Head | None:
    try:
        data = files.read("log/checkpoint", LARGEST_CHECKPOINT)
    except FileNotFoundError:
        findings.tell("checkpoint-missing", path="log/checkpoint")
        return None
    head = open_head(data, path="log/checkpoint", key=key, witnesses=witnesses, findings=findings)
    if head is not None and head.size == 0:
        findings.tell("log-empty")
        return None
    return head


def _check_log(
    files: Files, head: Head, key: Key, since: Sequence[str], findings: Findings, report: dict[str, Any]
) -> None:
    try:
        lines = lines_of(files.read("openings.jsonl", LARGEST_OPENINGS))
    except FileNotFoundError:
        findings.tell("file-missing", path="openings.jsonl")
        lines = []
    openings = read_openings(lines, path="openings.jsonl", findings=findings)
    held = [(path, found) for path in since if (found := _held(path, key, findings)) is not None]
    check = LogCheck(
        lambda path, most: files.read(f"log/{path}", most), size=head.size, findings=findings, openings=openings,
        keep=[each.size for _, each in held],
    )  # fmt: skip
    check.run(head.root)
    for path, each in held:
        check.compare_held(path, size=each.size, root=each.root, newer=head.root)
    report.update(openings=len(openings), manifests=check_manifests(files, findings))


def _held(path: str, key: Key, findings: Findings) -> Head | None:
    with open(path, "rb") as file:
        data = file.read(LARGEST_CHECKPOINT)
    return open_head(data, path=path, key=key, witnesses=(), findings=findings)


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
    parser.add_argument("--key", metavar="VKEY", help="the log's key as published elsewhere")
    parser.add_argument("--witness", metavar="VKEY", action="append", default=[], help="the key of a witness you trust")
    parser.add_argument(
        "--since", metavar="FILE", action="append", default=[], help="an older checkpoint that you hold"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--lang", choices=["en", "zh-Hans"], default="en", help="language of the sentences")
    chosen = parser.parse_args(arguments)
    try:
        witnesses = [parse_key(each) for each in chosen.witness]
        if chosen.key is not None:
            parse_key(chosen.key)
    except ValueError:
        parser.error("a key is not name+id+base64")
    findings = Findings()
    try:
        files = open_files(chosen.bundle)
        report = check_bundle(files, key=chosen.key, witnesses=witnesses, since=chosen.since, findings=findings)
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
