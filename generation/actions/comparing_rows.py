"""Rows against what the log states of them, kind by kind, each pair of one moment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection

from generation.actions.differences import Findings, streamed
from generation.actions.statements import EVERYTHING, PERSONAL, STATE_AFTER
from generation.actions.telling import ERASED, Row, Told
from provenance.works.binding import works_digest

SIDE_BY_SIDE = """
WITH said AS (
    SELECT {newest} opening.entry_id AS entry, entry.leaf_hash, entry.kind, opening.details,
        opening.details ->> %(name)s AS key
    FROM audit_log_opening AS opening LEFT JOIN audit_log_entry AS entry ON entry.id = opening.entry_id
    LEFT JOIN audit_log_position AS position ON position.entry_id = opening.entry_id
    WHERE ((entry.kind = ANY(%(kinds)s) AND NOT opening.entry_id = ANY(%(altered)s))
        OR opening.entry_id = ANY(%(restored)s)) {order}
), found AS (
    SELECT subject.{column}::text AS key, to_jsonb(subject.*) {more} AS row FROM {table} AS subject
)
SELECT said.entry, said.leaf_hash, said.kind, said.details::text, said.key, found.row::text
FROM said FULL JOIN found ON found.key = said.key
"""
NEWEST = "DISTINCT ON (opening.details ->> %(name)s)"
NEWEST_FIRST = "ORDER BY opening.details ->> %(name)s, position.index DESC NULLS FIRST, entry.at DESC"
"""What waits for its index is newer than what has one; clocks of two machines may disagree."""


def compare_rows(findings: Findings) -> None:
    """Tell what entries state otherwise than the rows do, rows without their entry, and entries without their row."""
    for told in EVERYTHING:
        _compare_table(findings, told)
    _compare_collections(findings)
    _compare_works_of_styles(findings)
    _compare_erasures(findings)


def pairs(findings: Findings, told: Told) -> Iterator[tuple[Any, ...]]:
    """Yield entry, leaf hash, kind, details, key and row; one side is missing where the other has no match."""
    altered = findings.true_kinds
    query = SIDE_BY_SIDE.format(
        table=told.table,
        column=told.column,
        more=told.more,
        newest=NEWEST if told.is_newest_only else "",
        order=NEWEST_FIRST if told.is_newest_only else "",
    )
    values = {
        "name": told.name,
        "kinds": list(told.kinds),
        "altered": list(altered),
        "restored": [entry for entry, kind in altered.items() if kind in told.kinds],
    }
    for entry, leaf_hash, kind, details, key, row in streamed(query, values):
        said = json.loads(details) if details else None
        yield entry, leaf_hash, altered.get(entry, kind), said, key, json.loads(row) if row else None


def _compare_table(findings: Findings, told: Told) -> None:
    for entry, leaf_hash, kind, said, key, row in pairs(findings, told):
        findings.step()
        if entry in findings.altered_openings:
            continue  # told already; what it says now is no evidence
        if row is None:
            if key is not None:
                _tell_row_missing(findings, told, key=key, entry=entry, kind=kind)
        elif said is None:
            if told.is_owed:
                _tell_unentered(findings, told, row=row)
        else:
            _compare_fields(findings, told, entry=entry, kind=kind, said=said, row=row)
            if told.leaf_column and entry not in findings.true_kinds and row[told.leaf_column] != leaf_hash:
                _tell(findings, told, row, told.leaf_column, leaf_hash, row[told.leaf_column], entry)


def _compare_fields(findings: Findings, told: Told, *, entry: Any, kind: str, said: Row, row: Row) -> None:
    for name, (where, value) in told.says.items():
        if where in PERSONAL and row.get("erased_at"):
            findings.count("erased values")
            continue
        found = value(row)
        if not name:  # a state follows from which entry is the newest
            after = {said["state"]} if said.get("state") else STATE_AFTER[kind]
            if found != ERASED and found not in after:
                _tell(findings, told, row, where, " or ".join(sorted(after)), found, entry)
            continue
        recorded: Any = said
        for part in name.split("."):
            recorded = recorded.get(part) if isinstance(recorded, dict) else None
        if recorded != found:
            _tell(findings, told, row, where, recorded, found, entry)


def _tell(findings: Findings, told: Told, row: Row, where: str, recorded: Any, found: Any, entry: Any) -> None:
    findings.tell(
        "row-differs", table=told.table, row=row["id"], field=where, recorded=recorded, found=found, entry=entry
    )


def _tell_row_missing(findings: Findings, told: Told, *, key: str, entry: Any, kind: str) -> None:
    findings.tell("row-missing", table=told.table, row=key, field=told.column, recorded=kind, entry=entry)


def _tell_unentered(findings: Findings, told: Told, *, row: Row) -> None:
    """Tell of a row without its entry, unless an opening that was erased or altered may be the one."""
    if _may_be_closed(findings, told, leaf_hash=row.get(told.leaf_column, "")):
        findings.count("rows whose entry cannot be opened")
    else:
        findings.tell("row-without-entry", table=told.table, row=row["id"], found=row[told.column])


def _may_be_closed(findings: Findings, told: Told, *, leaf_hash: str) -> bool:
    closed = (
        "SELECT EXISTS (SELECT FROM audit_log_entry AS entry WHERE (entry.kind = ANY(%s) AND (entry.id = ANY(%s) OR "
        "NOT EXISTS (SELECT FROM audit_log_opening AS opening WHERE opening.entry_id = entry.id)) "
        "OR entry.id = ANY(%s))"
    )
    altered = [entry for entry, kind in findings.true_kinds.items() if kind in {"", *told.kinds}]
    values: list[Any] = [list(told.kinds), list(findings.altered_openings), altered]
    if leaf_hash:  # the row itself names its entry
        closed, values = closed + " AND entry.leaf_hash = %s", [*values, leaf_hash]
    with connection.cursor() as cursor:
        cursor.execute(closed + ")", values)
        return bool(cursor.fetchone()[0])


# ---- what one entry states of many rows ------------------------------------------------------------------------

COLLECTED = """
WITH said AS (
    SELECT opening.details ->> 'party' AS party, sum((opening.details ->> 'works')::bigint) AS works
    FROM audit_log_opening AS opening JOIN audit_log_entry AS entry ON entry.id = opening.entry_id
    WHERE entry.kind = 'CollectionRegistered' AND NOT opening.entry_id = ANY(%(closed)s) GROUP BY 1
), found AS (
    SELECT coalesce(before.party, work.owner_id::text) AS party, count(*) AS works, min(work.id::text) AS one
    FROM works_work AS work LEFT JOIN LATERAL (
        SELECT opening.details ->> 'from_party' AS party
        FROM audit_log_opening AS opening JOIN audit_log_entry AS entry ON entry.id = opening.entry_id
        WHERE entry.kind = 'WorkHandedOver' AND opening.details ->> 'work' = work.id::text
        ORDER BY entry.at LIMIT 1
    ) AS before ON true
    WHERE NOT EXISTS (
        SELECT FROM audit_log_opening AS opening JOIN audit_log_entry AS entry ON entry.id = opening.entry_id
        WHERE entry.kind = 'WorkRegistered' AND opening.details ->> 'work' = work.id::text
    ) GROUP BY 1
)
SELECT coalesce(said.party, found.party), coalesce(said.works, 0), coalesce(found.works, 0), found.one
FROM said FULL JOIN found ON found.party = said.party
"""
STYLE_WORKS = """
SELECT style.id, said.entry, said.works_digest, array_agg(work.digest) FILTER (WHERE work.id IS NOT NULL),
    array_agg(work.id::text) FILTER (WHERE work.id IS NOT NULL)
FROM works_style AS style
JOIN LATERAL (
    SELECT opening.entry_id AS entry, opening.details ->> 'works_digest' AS works_digest
    FROM audit_log_opening AS opening JOIN audit_log_entry AS entry ON entry.id = opening.entry_id
    WHERE entry.kind IN ('StyleRegistered', 'StyleRebound', 'StyleCarried')
        AND opening.details ->> 'style' = style.id::text AND NOT opening.entry_id = ANY(%(closed)s)
    ORDER BY entry.at DESC, entry.id DESC LIMIT 1
) AS said ON true
LEFT JOIN works_style_works AS tie ON tie.style_id = style.id LEFT JOIN works_work AS work ON work.id = tie.work_id
GROUP BY style.id, said.entry, said.works_digest
"""


def _compare_collections(findings: Findings) -> None:
    """Tell where a party has more or fewer works than its entries listed; one alone too many is named."""
    closed = {"closed": [*findings.altered_openings, *findings.true_kinds]}
    for party, recorded, found, one in streamed(COLLECTED, closed):
        told = Told(table="works_work", kinds=("WorkRegistered", "CollectionRegistered"), name="work")
        if recorded == 0 and found == 1:
            _tell_unentered(findings, told, row={"id": one})
        elif recorded != found and not _may_be_closed(findings, told, leaf_hash=""):
            findings.tell(
                "rows-miscounted",
                table="works_party",
                row=party,
                field="works",
                recorded=str(recorded),
                found=str(found),
            )


def _compare_works_of_styles(findings: Findings) -> None:
    """Tell where a style stands on other works than its newest entry says; a work told of already explains it."""
    closed = {"closed": [*findings.altered_openings, *findings.true_kinds]}
    for style, entry, recorded, digests, works in streamed(STYLE_WORKS, closed):
        found = works_digest(digests or [])
        if recorded != found and not any(findings.knows_of(table="works_work", row=work) for work in works or []):
            findings.tell(
                "row-differs",
                table="works_style",
                row=style,
                field="works",
                recorded=recorded,
                found=found,
                entry=entry,
            )


# ---- what was erased, and said so --------------------------------------------------------------------------------

ERASABLE = (
    "generation_generation", "works_party", "works_work", "works_style", "credentials_credential", "disputes_dispute",
    "attribution_keptfingerprint", "generation_trainingrun", "credentials_workcredential",
)  # fmt: skip
ERASED_UNSAID = """
SELECT subject.id::text, subject.erased_at::text FROM {table} AS subject
WHERE subject.erased_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM audit_log_entry AS entry WHERE entry.kind IN ('PersonErased', 'NoticeErased')
        AND entry.at BETWEEN subject.erased_at AND subject.erased_at + interval '1 hour'
)
"""
"""Rows take the moment at which their erasure began, and its entry is written at its end, in one transaction."""


def _compare_erasures(findings: Findings) -> None:
    """Tell which rows call themselves erased when no entry tells of an erasure: hiding a change is no erasure."""
    for table in ERASABLE:
        for row, erased_at in streamed(ERASED_UNSAID.format(table=table)):
            findings.tell("erased-without-entry", table=table, row=row, field="erased_at", found=erased_at)
