"""What the log's entries state of parties, works, styles, flags and splits."""

from __future__ import annotations

from generation.actions.telling import Told, column, moment, state_unless_erased, text_digest

STATE_AFTER_ABOUT_WORKS = {
    "StyleRegistered": {"active", "untrained", "proposed"},
    "StyleAgreed": {"active", "untrained"},
    "StyleRebound": {"active"},
    "StyleCarried": {"active"},
    "StyleLeftBehind": {"left-behind"},
    "StyleWithdrawn": {"withdrawn"},
    "StyleBroughtBack": {"active", "untrained", "proposed"},
    "StyleDisputed": {"disputed"},
    "StyleDisputeOver": {"active", "withdrawn", "untrained", "proposed", "left-behind"},
    "StyleRejected": {"rejected"},
    "WorkRegistered": {"active"},
    "WorkFlagged": {"flagged"},
    "FlagCleared": {"active", "flagged", "withdrawn", "disputed", "rejected"},  # where the entry does not say it yet
    "FlagRejected": {"rejected", "disputed"},  # until the dispute is over
    "WorkWithdrawn": {"withdrawn"},
    "WorkBroughtBack": {"active", "flagged", "rejected"},
    "WorkDisputed": {"disputed"},
    "WorkDisputeOver": {"active", "withdrawn", "flagged", "rejected"},
    "WorkRejected": {"rejected"},
    "SplitProposed": {"proposed", "replaced"},  # by a later proposal, which has an entry of its own
    "SplitRefused": {"refused"},
    "SplitInForce": {"active", "replaced"},
}
"""The states that a work, style or split may be in after its newest entry."""
WORK_STATES = tuple(kind for kind in STATE_AFTER_ABOUT_WORKS if kind.startswith(("Work", "Flag")))
STYLE_STATES = tuple(kind for kind in STATE_AFTER_ABOUT_WORKS if kind.startswith("Style"))

SHARES = """|| jsonb_build_object('shares', (
    SELECT jsonb_agg(jsonb_build_object('party', share.party_id::text, 'basis_points', share.basis_points)
        ORDER BY share.party_id::text)
    FROM works_share AS share WHERE share.agreement_id = subject.id
))"""
"""SQL that adds to an agreement the shares that its entry states."""

PARTIES_WORKS_STYLES: tuple[Told, ...] = (
    Told(
        table="works_party", kinds=("PartyRecorded",), name="party",
        says={"name": column("name"), "origin": column("origin")},
    ),
    Told(
        table="works_party", kinds=("PartyRecorded", "CapacityDeclared", "ClaimReviewed"), name="party",
        is_newest_only=True, is_owed=False, says={"claim": column("claim")},
    ),
    Told(
        table="works_party", kinds=("CapacityDeclared",), name="party", is_newest_only=True, is_owed=False,
        says={
            "capacity": column("capacity"), "until": moment("capacity_until"),
            "evidence": ("capacity_evidence", lambda row: text_digest(row["capacity_evidence"])),
        },
    ),
    Told(
        table="works_party", kinds=("GuardianshipRecorded",), name="party", is_newest_only=True, is_owed=False,
        says={
            "is_minor": column("is_minor"), "guardian": ("guardian_id", lambda row: row["guardian_id"] or ""),
        },
    ),
    Told(
        table="works_work", kinds=("WorkRegistered", "WorkHandedOver"), name="work", is_newest_only=True,
        is_owed=False, says={"party": column("owner_id")},
    ),
    Told(
        table="works_work", kinds=("WorkRegistered",), name="work", is_owed=False,
        says={
            "digest": column("digest"), "pixel_digest": column("pixel_digest"),
            "title": column("title"), "licence": column("licence"),
        },
    ),
    Told(
        table="works_work", kinds=WORK_STATES, name="work", is_newest_only=True, is_owed=False,
        says={"": ("state", state_unless_erased)},
    ),
    Told(
        table="works_work", kinds=("WorkCredited",), name="work", is_newest_only=True, is_owed=False,
        says={"authors": column("authors")},
    ),
    Told(
        table="works_flag", kinds=("WorkFlagged",), name="flag",
        says={
            "work": column("work_id"), "against_kind": column("against_kind"), "against": column("against_id"),
            "distance": column("distance"),
        },
    ),
    Told(
        table="works_flag", kinds=("FlagCleared", "FlagRejected"), name="flag", is_owed=False,
        says={"actor": column("decided_by")},
    ),
    Told(
        table="works_style", kinds=("StyleRegistered",), name="style", says={"name": column("name")},
    ),
    Told(
        table="works_style", kinds=("StyleRegistered", "StyleHandedOver"), name="style", is_newest_only=True,
        is_owed=False, says={"party": column("owner_id")},
    ),
    Told(
        table="works_style", kinds=("StyleRegistered", "StyleCarried"), name="style", is_newest_only=True,
        is_owed=False,
        says={"adapter": column("adapter_digest")},
    ),
    Told(
        table="works_style", kinds=("StyleRegistered", "StyleRebound", "StyleCarried"), name="style",
        is_newest_only=True, is_owed=False,
        says={"token": column("token"), "model": column("model_digest"), "carrier": column("carrier")},
    ),
    Told(
        table="works_style", kinds=STYLE_STATES, name="style", is_newest_only=True, is_owed=False,
        says={"": ("state", state_unless_erased)},
    ),
    Told(
        table="works_splitagreement", kinds=("SplitProposed",), name="agreement", more=SHARES,
        says={
            "party": column("proposed_by_id"), "subject_kind": column("subject_kind"),
            "subject": column("subject_id"), "shares": column("shares"),
            "offered_by": ("offered_by", lambda row: row["offered_by"] if row["offered_by"] == "owner" else None),
        },
    ),
    Told(
        table="works_splitagreement", kinds=("SplitProposed", "SplitRefused", "SplitInForce"), name="agreement",
        is_newest_only=True, is_owed=False, says={"": ("state", lambda row: row["state"])},
    ),
)  # fmt: skip
