"""What the log's entries state of disputes."""

from __future__ import annotations

from generation.actions.telling import Told, column

DISPUTE_AFTER = {
    "DisputeOpened": {"received"},
    "DisputeAssessed": {"complete", "incomplete"},
    "DisputeSupplemented": {"received", "incomplete", "complete", "answered"},
    "DisputeAnswered": {"answered"},
    "DisputeEnded": {"upheld", "dismissed", "withdrawn", "lapsed"},
}
"""The states that a dispute may be in after its newest entry."""

DISPUTES: tuple[Told, ...] = (
    Told(
        table="disputes_dispute", kinds=("DisputeOpened",), name="dispute",
        says={
            "subject_kind": column("subject_kind"), "subject": column("subject"), "ground": column("ground"),
            "opt_out": column("opt_out"),
        },
    ),
    Told(
        table="disputes_dispute", kinds=tuple(DISPUTE_AFTER), name="dispute", is_newest_only=True, is_owed=False,
        says={"": ("state", lambda row: row["state"])},
    ),
    Told(
        table="disputes_dispute", kinds=("DisputeEnded",), name="dispute", is_owed=False,
        says={"outcome": column("state"), "remedy": column("remedy"), "new_owner": column("new_owner")},
    ),
)  # fmt: skip
