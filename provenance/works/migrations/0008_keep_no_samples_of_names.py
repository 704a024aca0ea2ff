"""The planner keeps no samples of names, titles and evidence that an erasure takes out."""

from django.db import migrations

from provenance.unsampled import unsampled


class Migration(migrations.Migration):
    dependencies = [("works", "0007_say_who_offers_what_is_shared")]

    operations = [
        unsampled("works_party", "name", "url", "capacity_evidence"),
        unsampled(
            "works_work",
            "title", "title_zh", "author_credit", "authors", "rights_evidence", "source_url",
        ),
        unsampled("works_style", "name", "name_zh", "slug"),
        unsampled("works_flag", "reason"),
    ]
