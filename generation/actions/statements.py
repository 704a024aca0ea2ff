"""What the log's entries state of rows: which kind of entry, of which table, and how each column is spelt there."""

from __future__ import annotations

from typing import Any

from generation.actions.requesting import decision_to_log, in_entry
from generation.actions.statements_of_disputes import DISPUTE_AFTER, DISPUTES
from generation.actions.statements_of_money import MONEY
from generation.actions.statements_of_opt_outs import OPT_OUTS, STATE_AFTER_ABOUT_OPT_OUTS
from generation.actions.statements_of_trainings import TRAINING_AFTER, TRAININGS
from generation.actions.statements_of_works import PARTIES_WORKS_STYLES, STATE_AFTER_ABOUT_WORKS
from generation.actions.telling import Row, Says, Told, column, inside, number
from generation.models import Generation
from generation.pipelines.contract import WeightFile
from generation.pipelines.model_files import digest_of_files
from provenance.attribution.actions import codes_digest
from provenance.canonical import canonical_json, sha256_digest
from provenance.credentials.manifest import prompt_commitment
from provenance.errors import Fault


def _commitment(row: Row) -> str:
    try:
        return prompt_commitment(row["prompt"], salt=bytes.fromhex(row["prompt_salt"].removeprefix("\\x")))
    except Fault as fault:
        return fault.code


def _decision(row: Row) -> Any:
    generation = Generation(
        disclosure=row["disclosure"],
        decision=row["decision"],
        prompt_salt=bytes.fromhex(row["prompt_salt"].removeprefix("\\x")),
    )
    return decision_to_log(generation)


def _offer_state(row: Row) -> str:
    if row["withdrawn_at"]:
        return "withdrawn"
    if row["superseded_at"]:
        return "superseded"
    return "paused" if row["paused_at"] else "standing"


def _weights(row: Row) -> str:
    files = (
        WeightFile(path=one["path"], digest=one["digest"], size_bytes=int(one["size_bytes"])) for one in row["weights"]
    )
    return digest_of_files(files)


def _codes(row: Row) -> str:
    return codes_digest(bytes.fromhex(row["codes"].removeprefix("\\x")), row["iscc"])


def _settings(*names: str) -> Says:
    return {f"settings.{name}": column(name) for name in names}


GENERATION_AFTER = {
    "GenerationRequested": {"queued"},
    "RenderingStarted": {"rendering"},
    "MarkingStarted": {"marking"},
    "RenderingAbandoned": {"queued"},
    "GenerationRefused": {"refused"},
    "GenerationFailed": {"failed"},
    "GenerationCancelled": {"cancelled"},
    "GenerationDone": {"done"},
}
"""The states that a generation may be in after its newest entry."""
OFFER_AFTER = {
    "OfferPublished": {"standing", "superseded"},  # by a later version, which has an entry of its own
    "OfferPaused": {"paused", "superseded"},
    "OfferResumed": {"standing", "superseded"},
    "OfferWithdrawn": {"withdrawn"},
    "OfferEnded": {"withdrawn"},
}
STATE_AFTER = {
    **GENERATION_AFTER,
    **STATE_AFTER_ABOUT_WORKS,
    **STATE_AFTER_ABOUT_OPT_OUTS,
    **DISPUTE_AFTER,
    **OFFER_AFTER,
    **TRAINING_AFTER,
}
OFFER_STATES, GRANT_EVENTS = tuple(OFFER_AFTER), ("GrantApproved", "GrantDeclined", "GrantRevoked")

PERSONAL = frozenset(
    {
        "name",
        "title",
        "authors",
        "capacity_evidence",
        "prompt",
        "references",
        "inputs",
        "decision",
        "owner_id",
        "source",
        "evidence",
        "environment",
        "verdict.state",
        "codes",
    }
)
"""Columns that erasing a person's data may empty; of an erased row they are not compared."""

EVERYTHING: tuple[Told, ...] = (
    *PARTIES_WORKS_STYLES,
    Told(
        table="licensing_offer", kinds=("OfferPublished",), name="offer",
        says={
            "party": column("party_id"), "subject_kind": column("subject_kind"), "subject": column("subject_id"),
            "licence": column("licence"), "terms_digest": column("terms_digest"),
        },
    ),
    Told(
        table="licensing_offer", kinds=("OfferPublished",), name="offer", is_owed=False,
        says={"terms_digest": ("terms", lambda row: sha256_digest(canonical_json(row["terms"])))},
    ),
    Told(
        table="licensing_offer", kinds=OFFER_STATES, name="offer", is_newest_only=True, is_owed=False,
        says={"": ("withdrawn_at", _offer_state)},
    ),
    Told(
        table="licensing_grant", kinds=("GrantGiven", "GrantRequested"), name="grant",
        says={
            "offer": column("offer_id"), "licensee": column("licensee_id"), "terms_digest": column("terms_digest"),
        },
    ),
    Told(
        table="licensing_grant", kinds=("GrantGiven", "GrantRequested"), name="grant", is_owed=False,
        says={"terms_digest": ("terms", lambda row: sha256_digest(canonical_json(row["terms"])))},
    ),
    Told(table="licensing_grantevent", kinds=GRANT_EVENTS, name="grant", column="grant_id"),
    *OPT_OUTS,
    *MONEY,
    Told(
        table="generation_imagemodel", kinds=("ModelRegistered",), name="model",
        says={
            "name": column("name"), "digest": column("digest"), "licence": column("licence"),
            "training": column("training"),
        },
    ),
    Told(
        table="generation_imagemodel", kinds=("ModelRegistered",), name="model", is_owed=False,
        says={"digest": ("weights", _weights)},
    ),
    Told(
        table="generation_generation", kinds=tuple(GENERATION_AFTER), name="generation", is_newest_only=True,
        says={"": ("state", lambda row: row["state"])},
    ),
    Told(
        table="generation_generation", kinds=("GenerationRequested",), name="generation", is_owed=False,
        leaf_column="request_leaf",
        more="|| jsonb_build_object('model_digest', "
        "(SELECT digest FROM generation_imagemodel AS model WHERE model.id = subject.model_id))",
        says={
            "actor": column("owner_id"), "model": ("model_id", lambda row: row["model_digest"]),
            "prompt_commitment": ("prompt", _commitment), "references": column("references"),
            "inputs": column("inputs"), "seeds": ("seeds", lambda row: [str(seed) for seed in row["seeds"]]),
            **_settings("task", "width", "height", "steps", "scheduler", "disclosure"),
            "settings.media_type": ("media_type", lambda row: in_entry(row["media_type"], usual="image/png")),
            "settings.quality": column("quality"), "settings.label": column("label"),
            "settings.guidance_scale": ("guidance_scale", lambda row: str(float(row["guidance_scale"]))),
        },
    ),
    Told(
        table="generation_generation", kinds=("GenerationRequested", "DecisionRenewed", "GenerationRefused"),
        name="generation", is_newest_only=True, is_owed=False, says={"decision": ("decision", _decision)},
    ),
    Told(
        table="generation_generation", kinds=("GenerationRequested",), name="generation", is_owed=False,
        says={"prompt_commitment": column("prompt_commitment")},
    ),
    Told(
        table="generation_generation", kinds=("GenerationFailed",), name="generation", is_owed=False,
        says={"code": inside("fault", "code"), "attempt": column("attempt")},
    ),
    Told(
        table="generation_generation", kinds=("GenerationDone",), name="generation", is_owed=False,
        says={"environment": column("environment"), "attempt": column("attempt")},
    ),
    Told(
        table="generation_output", kinds=("OutputDelivered",), name="use", column="use_id",
        leaf_column="delivered_leaf",
        says={
            "generation": column("generation_id"), "index": column("index"), "digest": column("digest"),
            "manifest": column("manifest_id"), "raw_pixels": column("raw_pixels"),
            "delivered_pixels": column("delivered_pixels"), "seed": number("seed"),
            "watermark": column("watermark"),
        },
    ),
    Told(
        table="generation_rendition", kinds=("RenditionMade",), name="rendition", leaf_column="leaf",
        more="|| jsonb_build_object('image', (SELECT digest FROM generation_output AS output "
        "WHERE output.id = subject.output_id))",
        says={
            "image": ("output_id", lambda row: row["image"]), "parent": column("parent"), "reason": column("reason"),
            "digest": column("digest"), "manifest": column("manifest_id"),
            "delivered_pixels": column("delivered_pixels"),
        },
    ),
    Told(
        table="credentials_credential", kinds=("CredentialSigned",), name="image", column="image_digest",
        says={
            "manifest": column("manifest_id"), "store": column("store_digest"), "key": column("key_id"),
            "library": column("library_version"), "state": inside("verdict", "state"),
        },
    ),
    Told(
        table="credentials_workcredential", kinds=("WorkSigned",), name="manifest", column="manifest_id",
        says={
            "work": column("work_id"), "party": column("party_id"), "file": column("file_digest"),
            "store": column("store_digest"), "statement": column("statement"), "key": column("key_id"),
            "library": column("library_version"),
        },
    ),
    Told(
        table="attribution_keptfingerprint", kinds=("PictureFingerprinted",), name="fingerprint", is_newest_only=True,
        says={
            "of": column("kind"), "subject": column("subject_id"), "stage": column("stage"),
            "picture": column("digest"), "codes": ("codes", _codes),
        },
    ),
    *DISPUTES,
    *TRAININGS,
    Told(
        table="credentials_revokedkey", kinds=("SigningKeyRevoked",), name="key", column="key_id",
        says={"actor": column("revoked_by"), "reason": column("reason")},
    ),
    Told(table="audit_log_logkey", kinds=("LogKeyAdopted", "LogKeyRotated"), name="key", column="vkey"),
    Told(
        table="generation_reconciliation", kinds=("ReconciliationRequested",), name="reconciliation",
        says={"actor": column("asked_by")},
    ),
    Told(
        table="generation_reconciliation", kinds=("ReconciliationEnded",), name="reconciliation", is_owed=False,
        says={"differences": column("differences"), "report": column("report_digest")},
    ),
    Told(
        table="generation_replay", kinds=("ReplayRequested",), name="replay",
        says={"actor": column("asked_by"), "generation": column("generation_id")},
    ),
    Told(
        table="generation_replay", kinds=("ReplayEnded",), name="replay", is_owed=False,
        says={"result": column("result")},
    ),
    Told(
        table="generation_reverification", kinds=("ReverificationRequested",), name="reverification",
        says={
            "actor": column("asked_by"), "reason": column("reason"), "library": column("library_version"),
            "trust": column("trust_version"),
        },
    ),
    Told(
        table="generation_reverification", kinds=("ReverificationEnded",), name="reverification", is_owed=False,
        says={"changed": column("changed")},
    ),
    Told(
        table="generation_verdictchange", kinds=("VerdictChanged",), name="change",
        says={
            "image": column("image_digest"), "manifest": column("manifest_id"), "before": inside("before", "state"),
            "after": inside("after", "state"),
        },
    ),
)  # fmt: skip
