"""A record can be erased, and an auditor can search: the prompt's commitment stands beside it and outlives it."""

import django.contrib.postgres.indexes
from django.db import migrations, models

COMMIT = """
UPDATE generation_generation
SET prompt_commitment = 'sha256:' || encode(sha256(prompt_salt || convert_to(prompt, 'UTF8')), 'hex')
"""


class Migration(migrations.Migration):
    dependencies = [("generation", "0002_keep_every_registration_of_a_model")]

    operations = [
        migrations.AddField("generation", "erased_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "generation", "prompt_commitment", models.CharField(blank=True, default="", max_length=71), preserve_default=False
        ),
        migrations.RunSQL(COMMIT, migrations.RunSQL.noop),
        *(
            migrations.AddIndex("generation", index)
            for index in (
                models.Index(fields=["-requested_at", "id"], name="generation_newest_first"),
                models.Index(fields=["state", "-requested_at", "id"], name="generation_by_state"),
                models.Index(fields=["model", "-requested_at", "id"], name="generation_by_model"),
                models.Index(fields=["prompt_commitment"], name="generation_by_commitment"),
                django.contrib.postgres.indexes.GinIndex(
                    fields=["references"], opclasses=["jsonb_path_ops"], name="generation_by_reference"
                ),
                django.contrib.postgres.indexes.GinIndex(
                    fields=["inputs"], opclasses=["jsonb_path_ops"], name="generation_by_input"
                ),
            )
        ),
    ]
