from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('works', '0001_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='style',
            name='state',
            field=models.CharField(choices=[('active', 'Active'), ('withdrawn', 'Withdrawn'), ('left-behind', 'Left Behind')], default='active', max_length=12),
        ),
    ]
