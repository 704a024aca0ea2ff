"""What the log's entries state of opt-outs."""

from __future__ import annotations

from generation.actions.telling import Told, column

STATE_AFTER_ABOUT_OPT_OUTS = {
    "OptOutRecorded": {"active"},
    "OptOutClaimed": {"awaiting-review"},
    "OptOutUpheld": {"active"},
    "OptOutDismissed": {"dismissed"},
    "OptOutWithdrawn": {"withdrawn"},
}
"""The states that an opt-out may be in after its newest entry."""

OPT_OUTS: tuple[Told, ...] = (
    Told(
        table="licensing_optout", kinds=("OptOutRecorded", "OptOutClaimed"), name="opt_out",
        says={
            "party": column("party_id"), "subject_kind": column("subject_kind"), "subject": column("subject_id"),
            "source": column("source"),
        },
    ),
    Told(
        table="licensing_optout", kinds=tuple(STATE_AFTER_ABOUT_OPT_OUTS), name="opt_out", is_newest_only=True,
        is_owed=False, says={"": ("state", lambda row: row["state"])},
    ),
    Told(
        table="licensing_optoutmatch", kinds=("OptOutMatched",), name="match", column="id",
        says={
            "opt_out": column("opt_out_id"), "work": column("work_id"), "distance": column("distance"),
        },
    ),
)  # fmt: skip
