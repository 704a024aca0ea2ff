"""The planner keeps no samples of who disputes what, and what they say of it."""

from django.db import migrations

from provenance.unsampled import unsampled


class Migration(migrations.Migration):
    dependencies = [("disputes", "0002_decide_claims")]

    operations = [
        unsampled("disputes_dispute", "claimant_name", "claimant_contact", "secret_digest"),
        unsampled("disputes_disputeevent", "text", "evidence"),
    ]
