"""Register the starter collection: its parties, works, styles and open-licence offers."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand
from django.db import transaction

from generation.actions.registering import leave_styles_behind
from generation.queries import models_listed
from generation.starter import collection
from generation.starter.collection import PartyRecord, StyleRecord, WorkRecord
from provenance import storage
from provenance.actor import COLOPHON
from provenance.canonical import Digest
from provenance.licensing.actions.offering import offer_openly
from provenance.licensing.actions.styles import rebind_style, register_style
from provenance.works import queries
from provenance.works.actions.listing import register_collection
from provenance.works.actions.parties import record_party

STARTER = "colophon-starter"
"""Slug of the starter model, whose prompt tokens carry these styles."""


class Command(BaseCommand):
    """Record the owners of the starter model's training pictures, and tie its styles to what it was trained on."""

    help = "Register the starter model's parties, works and styles. 登记入门模型的权利方、作品与风格。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take another collection than the shipped one."""
        parser.add_argument("--collection", type=Path, default=collection.COLLECTION)

    def handle(self, *args: Any, **options: Any) -> None:
        """Register what is not there yet and bind styles anew where the model is another; all or nothing."""
        path = options["collection"]
        model = models_listed().filter(slug=STARTER).first()
        if model is None or not path.is_file():
            self.stdout.write("The starter model is not registered here; nothing to load.")
            return
        manifest = collection.manifest_digest(path)
        is_trained_on = manifest in model.training_statement
        if not is_trained_on:
            self.stdout.write(
                "The starter model states other training works than this collection; no style is bound to it.\n"
                "入门模型声明的训练作品与此作品集不同，未绑定任何风格。"
            )
        styles = {style.party: style for style in collection.styles(path) if style.is_trained and is_trained_on}
        works = list(collection.works(path))
        with transaction.atomic():
            for party in collection.parties(path):
                own = [work for work in works if work.style == party.slug]
                fresh = _registered(party, works=own, manifest=manifest)
                is_bound = _bound(styles.get(party.slug), party=party, model_digest=model.digest)
                if fresh or is_bound:
                    self.stdout.write(f"  {party.name}: {fresh} new works, {party.licence}")
            if left := leave_styles_behind(actor=COLOPHON, model=model):
                self.stdout.write(f"  styles that the model does not know · 模型不再认识的风格: {', '.join(left)}")


def _registered(party: PartyRecord, *, works: Sequence[WorkRecord], manifest: Digest) -> int:
    """Record a party with its works and their open licence, as far as they are not there; return how many were not.

    An offer is made once, when the party is first recorded: one that was withdrawn since stays withdrawn.
    """
    owner = queries.public_licence_party(party.name)
    is_new = owner is None
    if owner is None:
        owner = record_party(
            actor=COLOPHON, name=party.name, kind="organisation", origin="public-licence", url=party.url
        )
    known = queries.digests_listed_by(owner)
    fresh = [work for work in works if work.digest not in known]
    register_collection(
        actor=COLOPHON, party=owner, manifest=manifest, rows=[_row(work, party=party) for work in fresh]
    )
    if is_new:
        offer_openly(actor=COLOPHON, party=owner, subject_kind="party", subject_id=owner.pk, licence=party.licence)
    return len(fresh)


def _bound(style: StyleRecord | None, *, party: PartyRecord, model_digest: Digest) -> bool:
    """Tie a style that the model was trained on to it and to exactly those works; say whether that was to be done."""
    owner = queries.public_licence_party(party.name)
    if style is None or owner is None:
        return False
    token = f"{style.token} style"
    taught = queries.works_of_party(owner, digests=style.works)
    standing = queries.style_of(style.slug)
    if standing is None:
        _register(style, owner=owner, works=taught, model_digest=model_digest, token=token)
        return True
    if standing.state in {"withdrawn", "disputed", "rejected"} or queries.stands_so(
        standing, works=taught, model_digest=model_digest, token=token
    ):
        return False
    rebind_style(actor=COLOPHON, style=standing, works=taught, model_digest=model_digest, token=token)
    return True


def _register(style: StyleRecord, *, owner: Any, works: Sequence[Any], model_digest: Digest, token: str) -> None:
    recorded = register_style(
        actor=COLOPHON,
        party=owner,
        slug=style.slug,
        name=style.name_en,
        name_zh=style.name_zh,
        works=works,
        model_digest=model_digest,
        token=token,
    )
    offer_openly(actor=COLOPHON, party=owner, subject_kind="style", subject_id=recorded.pk, licence=style.licence)


def _row(work: WorkRecord, *, party: PartyRecord) -> dict[str, Any]:
    return {
        "title": work.name_en,
        "title_zh": work.name_zh,
        "author_credit": party.name,
        "digest": work.digest,
        "preview_digest": storage.store(work.thumbnail),
        "media_type": "image/svg+xml",
        "licence": work.licence,
        "rights_evidence": f"{party.note_en} {party.licence_url}",
        "source_url": party.url,
    }
