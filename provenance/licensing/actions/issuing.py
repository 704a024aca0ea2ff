"""Giving a party its statement, signed by the log's key."""

from __future__ import annotations

from datetime import datetime
from typing import IO, Any
from uuid import UUID

from provenance.actor import Actor
from provenance.audit_log import exporting, sequencing
from provenance.audit_log import queries as log_queries
from provenance.audit_log.note import sign_note
from provenance.licensing.errors import PeriodBackwards, StatementTooLong
from provenance.licensing.queries import statements as queries
from provenance.licensing.statement.document import Statement
from provenance.works.errors import UnknownParty
from provenance.works.queries import parties_of

FORMAT = "colophon-statement/v1"
MOST_LINES = 200_000


def require_own(actor: Actor, party: UUID) -> None:
    """Raise UnknownParty unless the actor acts for the party, or is an auditor."""
    if not actor.has("auditor") and party not in parties_of(actor.account_id):
        raise UnknownParty(party=party)


def statement_for(actor: Actor, *, party: UUID, since: datetime, until: datetime) -> Statement:
    """Return the statement of a party that the actor acts for; an auditor gets anybody's.

    Raises UnknownParty for any other, PeriodBackwards, and StatementTooLong for more lines than go into one.
    """
    require_own(actor, party)
    if since >= until:
        raise PeriodBackwards()
    if (number := queries.lines_in(party, since=since, until=until)) > MOST_LINES:
        raise StatementTooLong(number=number, most=MOST_LINES)
    return queries.statement_of(party, since=since, until=until)


def signed(statement: Statement) -> dict[str, Any]:
    """Return a statement with the note that signs its digest; without one where this process has no key of the log.

    The note's second line is no number, so that it can never pass for a checkpoint.
    """
    told = statement.as_json()
    keys = log_queries.keys()
    folder = sequencing.key_folder()
    if not keys or not folder.has(keys[-1].vkey):
        return {**told, "note": None}
    signer = folder.signer_of(keys[-1].vkey)
    lines = [
        f"{FORMAT} {signer.name}",
        f"party {statement.party}",
        f"from {statement.since}",
        f"to {statement.until}",
        f"lines {len(statement.lines)}",
        f"digest {told['digest']}",
    ]
    return {**told, "note": sign_note("".join(f"{line}\n" for line in lines), [signer])}


def export_for(target: IO[bytes], *, actor: Actor, party: UUID) -> None:
    """Write an export bundle with what opens the entries of a party's money; that it was taken away is an entry.

    It opens no entry of who asked for what: the lines of a party tell of images by their digests.
    """
    require_own(actor, party)
    exporting.export_leaves(target, actor=actor, leaves=queries.leaves_of(party))
