"""A credential's manifest store and verdict can be erased; its digests stay."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("credentials", "0001_initial")]

    operations = [migrations.AddField("credential", "erased_at", models.DateTimeField(null=True))]
