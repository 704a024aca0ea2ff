"""Register the starter collection: its parties, works, styles and open-licence offers."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand
from django.db import transaction

from generation.queries import models_listed
from generation.starter import collection
from generation.starter.collection import PartyRecord, StyleRecord, WorkRecord
from provenance import storage
from provenance.actor import COLOPHON
from provenance.licensing.actions import offer_openly
from provenance.works import actions, queries

STARTER = "colophon-starter"
"""Slug of the starter model, whose prompt tokens carry these styles."""


class Command(BaseCommand):
    """Record the owners of the starter model's training pictures; what stands already is kept."""

    help = "Register the starter model's parties, works and styles. 登记入门模型的权利方、作品与风格。"

    def handle(self, *args: Any, **options: Any) -> None:
        """Register each set that is not there yet, in one transaction each."""
        model = models_listed().filter(slug=STARTER).first()
        if model is None or not collection.COLLECTION.is_file():
            self.stdout.write("The starter model is not registered here; nothing to load.")
            return
        known = {party.name for party, _ in queries.registered_party_names()}
        missing = [party for party in collection.parties() if party.name not in known]
        if not missing:
            return
        works = list(collection.works())
        styles = {style.party: style for style in collection.styles()}
        for party in missing:
            own = [work for work in works if work.style == party.slug]
            _register(party, style=styles[party.slug], works=own, model_digest=model.digest)
            self.stdout.write(f"  {party.name}: {len(own)} works, {party.licence}")


def _register(party: PartyRecord, *, style: StyleRecord, works: list[WorkRecord], model_digest: str) -> None:
    previews = {work.digest: storage.store(work.thumbnail) for work in works}
    with transaction.atomic():
        owner = actions.record_party(
            actor=COLOPHON, name=party.name, kind="organisation", origin="public-licence", url=party.url
        )
        listed = actions.register_collection(
            actor=COLOPHON,
            party=owner,
            manifest=collection.manifest_digest(),
            rows=[_row(work, party=party, preview=previews[work.digest]) for work in works],
        )
        offer_openly(
            actor=COLOPHON, party=owner, subject_kind="party", subject_id=owner.pk, licence=party.licence
        )
        if not style.is_trained:
            return
        taught = set(style.works)
        recorded = actions.register_style(
            actor=COLOPHON,
            party=owner,
            slug=style.slug,
            name=style.name_en,
            name_zh=style.name_zh,
            works=[work for work in listed if work.digest in taught],
            model_digest=model_digest,
            token=f"{style.token} style",
        )
        offer_openly(
            actor=COLOPHON, party=owner, subject_kind="style", subject_id=recorded.pk, licence=style.licence
        )


def _row(work: WorkRecord, *, party: PartyRecord, preview: str) -> dict[str, Any]:
    return {
        "title": work.name_en,
        "title_zh": work.name_zh,
        "author_credit": party.name,
        "digest": work.digest,
        "preview_digest": preview,
        "media_type": "image/svg+xml",
        "licence": work.licence,
        "rights_evidence": f"{party.note_en} {party.licence_url}",
        "source_url": party.url,
    }
