"""What the log's entries state of trainings."""

from __future__ import annotations

from generation.actions.telling import Told, column
from generation.actions.training.works_taught import taught_digest
from provenance.canonical import canonical_json, sha256_digest

TRAINING_AFTER = {
    "TrainingRequested": {"queued"},
    "TrainingStarted": {"training"},
    "TrainingNarrowed": {"training"},
    "TrainingAbandoned": {"queued"},
    "TrainingEnded": {"done"},
    "TrainingFailed": {"failed"},
    "TrainingCancelled": {"cancelled"},
}
"""The states that a training may be in after its newest entry."""

TRAININGS: tuple[Told, ...] = (
    Told(
        table="generation_trainingrun", kinds=tuple(TRAINING_AFTER), name="training", is_newest_only=True,
        says={"": ("state", lambda row: row["state"])},
    ),
    Told(
        table="generation_trainingrun", kinds=("TrainingRequested",), name="training", is_owed=False,
        leaf_column="request_leaf",
        says={"actor": column("asked_by"), "style": column("style_id"), "recipe": column("recipe")},
    ),
    Told(
        table="generation_trainingrun", kinds=("TrainingStarted", "TrainingNarrowed"), name="training", is_owed=False,
        is_newest_only=True, says={"works_digest": ("works", lambda row: taught_digest(row["works"]))},
    ),
    Told(
        table="generation_trainingrun", kinds=("TrainingEnded",), name="training", is_owed=False,
        says={
            "adapter": column("adapter_digest"), "manifest": column("manifest_digest"),
            "manifest_id": column("manifest_id"), "sheet": column("sheet_digest"),
            "sheet_manifest_id": column("sheet_manifest_id"), "outcome": column("outcome"),
            "losses": ("losses", lambda row: sha256_digest(canonical_json(row["losses"]))),
        },
    ),
)  # fmt: skip
