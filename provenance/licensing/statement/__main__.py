"""``python -m provenance.licensing.statement EXPORT --party ID --period 2026-11``: recompute a statement.

EXPORT is an export bundle of the audit log, a zip or its folder. Its log is checked as its own verifier checks it;
then every line of the party is recomputed from prices and splits, in whole minor units, and with ``--statement FILE``
compared with the statement that the server gave. Python alone is needed, no database and no server.

Exit codes: 0 all agrees; 1 something was changed, is missing or differs, and is named; 2 not all could be checked;
64 the command itself was wrong.
"""

from __future__ import annotations

import gc
import json
import re
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from provenance.audit_log.offline.command import Parser
from provenance.audit_log.offline.files import UNREADABLE, open_files
from provenance.audit_log.offline.findings import DOUBTS, Findings
from provenance.audit_log.offline.notes import parse_key
from provenance.licensing.money import Money
from provenance.licensing.statement.document import Statement
from provenance.licensing.statement.exported import checked
from provenance.licensing.statement.findings import NOT_CHECKED, said
from provenance.licensing.statement.recomputing import Books, compare

MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d\.\d{6}Z)?", re.ASCII)
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
LARGEST_STATEMENT = 2**30
FIRST, LAST = "1970-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"


def recompute(
    export: str, *, party: str, since: str, until: str, keys: list[str], given: dict[str, Any] | None
) -> tuple[Statement | None, Findings]:
    """Return the statement that an export's entries give, and everything that disagrees."""
    findings = Findings()
    try:
        watch, _ = checked(open_files(export), keys=keys, findings=findings)
    except UNREADABLE as error:
        findings.tell("cannot-read", path=export, reason=str(error) or type(error).__name__)
        return None, findings
    books = Books(party=party, since=since, until=until, tell=findings.tell)
    books.enter(watch.entries())
    statement = books.statement()
    if closed := watch.closed():
        findings.tell("money-not-opened", count=len(closed), index=closed[0])
    if given is not None:
        compare(statement, given, tell=findings.tell)
    return statement, findings


def exit_code(findings: Findings) -> int:
    """Return 0 where all agrees, 2 where something could only not be checked, else 1."""
    if not findings:
        return 0
    return 2 if all(each["code"] in DOUBTS | NOT_CHECKED for each in findings) else 1


def told(statement: Statement | None, findings: Findings, language: str) -> str:
    """Return what was found as text."""
    is_zh = language == "zh-Hans"
    lines = [said(each, language) for each in findings]
    if statement is not None:
        lines += [_sum(total, is_zh=is_zh) for total in statement.totals()]
        count, digest = len(statement.lines), statement.digest()
        lines.append(f"{count} 条明细，摘要 {digest}" if is_zh else f"{count} lines, digest {digest}")
    verdicts = (
        ("Everything agrees.", "全部相符。"),
        ("SOMETHING DIFFERS: see above.", "存在不符：见上文。"),
        ("NOT ALL COULD BE CHECKED: see above.", "未能全部核对：见上文。"),
    )
    return "\n".join([*lines, verdicts[exit_code(findings)][is_zh]]) + "\n"


def _sum(total: dict[str, Any], *, is_zh: bool) -> str:
    def money(amount: str) -> str:
        written = Money(abs(int(amount)), total["currency"]).written()
        return f"-{written}" if amount.startswith("-") else written

    names = {
        "accrued": "计提", "reversed": "冲销", "paid": "已付", "held": "冻结", "payable": "应付", "repayable": "应退",
    }  # fmt: skip
    period = [f"{names[name] if is_zh else name} {money(total[name])}" for name in ("accrued", "reversed", "paid")]
    at_end = [
        f"{names[name] if is_zh else name} {money(amount)}" for name, amount in total["at_end"].items() if amount != "0"
    ]
    if is_zh:
        return f"期间：{'、'.join(period)}；期末：{'、'.join(at_end) or '无'}"
    return f"In the period: {', '.join(period)}; at its end: {', '.join(at_end) or 'nothing'}"


def as_json(statement: Statement | None, findings: Findings) -> str:
    """Return statement and findings as JSON text."""
    told = [{**each, "en": said(each), "zh-Hans": said(each, "zh-Hans")} for each in findings]
    whole = statement.as_json() if statement else None
    return json.dumps({"statement": whole, "findings": told}, ensure_ascii=False, indent=2) + "\n"


def _period(text: str) -> tuple[str, str]:
    """Return the moments at which a period begins and ends: of a month, of FROM/TO, or of all time."""
    if MONTH.fullmatch(text):
        year, month = int(text[:4]), int(text[5:])
        following = f"{year + month // 12:04}-{month % 12 + 1:02}"
        return _moment(f"{text}-01"), _moment(f"{following}-01")
    since, _, until = text.partition("/")
    return _moment(since or FIRST), _moment(until or LAST)


def _moment(text: str) -> str:
    if not MOMENT.fullmatch(text):
        raise ValueError(text)
    return text if "T" in text else f"{text}T00:00:00.000000Z"


def main(arguments: list[str] | None = None) -> int:
    """Recompute, print and return the exit code."""
    parser = Parser(description="Recompute a statement from an exported audit log, offline.")
    parser.add_argument("export", help="the export bundle, a zip or its folder")
    parser.add_argument("--party", required=True, help="id of the party")
    parser.add_argument("--period", default="", help="a month, or FROM/TO as days or moments (UTC), TO left out")
    parser.add_argument("--statement", metavar="FILE", help="the statement that the server gave, as JSON")
    parser.add_argument("--key", metavar="VKEY", action="append", default=[], help="the log's key, known elsewhere")
    parser.add_argument("--json", action="store_true", help="print statement and findings as JSON")
    parser.add_argument("--lang", choices=["en", "zh-Hans"], default="en", help="language of the sentences")
    chosen = parser.parse_args(arguments)
    given = _given(chosen.statement, parser)
    try:
        party = str(UUID(chosen.party))
        since, until = _period(chosen.period) if chosen.period or given is None else (given["from"], given["to"])
        for key in chosen.key:
            parse_key(key)
    except (ValueError, TypeError, KeyError):
        parser.error("give a party's id, a period as 2026-11 or 2026-11-01/2026-12-01, and keys as name+id+base64")
    statement, findings = recompute(chosen.export, party=party, since=since, until=until, keys=chosen.key, given=given)
    print(as_json(statement, findings) if chosen.json else told(statement, findings, chosen.lang), end="")
    return exit_code(findings)


def _given(path: str | None, parser: Parser) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        with Path(path).open("rb") as file:
            given = json.loads(file.read(LARGEST_STATEMENT))
    except (OSError, ValueError, RecursionError) as error:
        parser.error(f"{path} is no statement: {error}")
    if not isinstance(given, dict):
        parser.error(f"{path} is no statement")
    return given


if __name__ == "__main__":
    gc.disable()  # what is read has no cycles, and looking for them takes a fifth of the time
    sys.exit(main())
