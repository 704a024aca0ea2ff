from django.db import migrations, models


class Migration(migrations.Migration):
    """Let disputes decide claims: opt-outs of what is listed by a party that was checked."""

    dependencies = [("disputes", "0001_initial")]

    operations = [
        migrations.AddField(model_name="dispute", name="opt_out", field=models.UUIDField(null=True)),
        migrations.AlterField(
            model_name="dispute",
            name="remedy",
            field=models.CharField(
                blank=True,
                choices=[("withdraw", "withdraw"), ("reassign", "reassign"), ("opt-out", "opt-out")],
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="dispute",
            index=models.Index(
                condition=models.Q(("opt_out__isnull", False)), fields=["opt_out"], name="dispute_by_opt_out"
            ),
        ),
    ]
