from django.db import migrations, models


class Migration(migrations.Migration):
    """Let a split say who offers; those from before said nothing of it, so nobody offers alone under them."""

    dependencies = [("works", "0006_let_a_split_name_who_would_lose_by_it")]

    operations = [
        migrations.AddField(
            model_name="splitagreement",
            name="offered_by",
            field=models.CharField(
                choices=[("together", "Together"), ("owner", "Owner")], default="together", max_length=8
            ),
        ),
    ]
