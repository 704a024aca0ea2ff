from django.db import migrations, models

REFUSE_CHANGES = """
CREATE FUNCTION generation_imagemodel_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - ARRAY['is_withdrawn', 'superseded_at']
        IS DISTINCT FROM to_jsonb(OLD) - ARRAY['is_withdrawn', 'superseded_at'] THEN
        RAISE EXCEPTION 'a registered model is never changed; register it anew';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER generation_imagemodel_refuse_change BEFORE UPDATE ON generation_imagemodel
    FOR EACH ROW EXECUTE FUNCTION generation_imagemodel_refuse_change();
"""
ALLOW_CHANGES = """
DROP TRIGGER generation_imagemodel_refuse_change ON generation_imagemodel;
DROP FUNCTION generation_imagemodel_refuse_change();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0001_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='imagemodel',
            name='slug',
            field=models.SlugField(max_length=80),
        ),
        migrations.AddField(
            model_name='imagemodel',
            name='superseded_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='imagemodel',
            name='named_at',
            field=models.DateTimeField(null=True),
        ),
        # Not by UPDATE: no row changes in the sense of the log, whose triggers would ask for an entry.
        migrations.RunSQL(
            'ALTER TABLE generation_imagemodel ALTER COLUMN named_at TYPE timestamp with time zone USING registered_at',
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name='imagemodel',
            name='named_at',
            field=models.DateTimeField(),
        ),
        migrations.AddConstraint(
            model_name='imagemodel',
            constraint=models.UniqueConstraint(condition=models.Q(('superseded_at', None)), fields=('slug',), name='one_current_model_a_name'),
        ),
        migrations.AddIndex(
            model_name='imagemodel',
            index=models.Index(fields=['digest'], name='model_by_digest'),
        ),
        migrations.RunSQL(REFUSE_CHANGES, ALLOW_CHANGES),
    ]
