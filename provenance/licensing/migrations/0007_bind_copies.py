from django.db import migrations, models


class Migration(migrations.Migration):
    """Say how conditions came to a file, from what, and whether an auditor lifted them."""

    dependencies = [("licensing", "0006_offer_in_versions")]

    operations = [
        migrations.AddField(
            model_name="inheritedterms",
            name="came_by",
            field=models.CharField(
                choices=[("making", "Making"), ("pixels", "Pixels"), ("likeness", "Likeness")],
                default="making",
                max_length=8,
            ),
        ),
        migrations.AddField(model_name="inheritedterms", name="sources", field=models.JSONField(default=list)),
        migrations.AddField(model_name="inheritedterms", name="lifted_at", field=models.DateTimeField(null=True)),
    ]
