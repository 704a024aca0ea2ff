"""The planner keeps no samples of prompts, names and whatever else an erasure takes out of a record."""

from django.db import migrations

from provenance.unsampled import unsampled


class Migration(migrations.Migration):
    dependencies = [("generation", "0012_carry_watermarks")]

    operations = [
        unsampled(
            "generation_generation",
            "owner_name", "prompt", "expanded_prompt", "negative_prompt", "prompt_salt", "recipient", "decision",
            "fault", "notes", "settings",
        ),
        unsampled("generation_idempotencykey", "key", "body_digest"),
        unsampled("generation_reconciliation", "note"),
        unsampled("generation_reconciliationdifference", "recorded", "found"),
        unsampled("generation_replay", "comparison", "fault"),
        unsampled("generation_trainingrun", "works", "samples", "outcome", "fault"),
    ]
