"""What binds a style in a picture's manifest: a file's digest, or that of what a prompt token stands for."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import transaction

from generation.actions.rendering import render_next
from generation.evidence import Records
from generation.models import Generation
from provenance import storage
from provenance.audit_log.models import Entry
from provenance.canonical import canonical_json, sha256_digest
from provenance.credentials.reading import read
from provenance.verification.verify import verify
from provenance.works.binding import token_style_digest, works_digest
from tests.factories.log import one_entry
from tests.factories.records import a_model, a_party, a_request, a_style, a_work, a_worker, an_artist, in_style

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_style_that_a_token_carries_is_bound_by_what_its_entry_states(keys: Path) -> None:
    ada = an_artist("ada")
    party = a_party("Ada Painter", member=ada)
    works = [a_work(ada, party, seed=seed, licence="CC-BY-4.0") for seed in (1, 2)]
    style = a_style(a_model(), party=party, slug="ink", name="Ink", token="ink", works=works)
    said = Entry.objects.filter(kind="StyleRegistered").latest("at").opening.details
    bound = sha256_digest(
        canonical_json({"v": 1, "model": said["model"], "token": said["token"], "works": said["works_digest"]})
    )
    generation = a_request(ada, **in_style(style))
    assert (generation.references[0]["digest"], generation.references[0]["digest_of"]) == (bound, "token-style")
    render_next(worker=a_worker(keys))
    data = storage.load(generation.outputs.get().digest)
    reading = read(data)
    (reference,) = reading.assertion("org.colophon.generation")["references"]
    assert (reference["kind"], reference["digest"], reference["digest_of"]) == ("style", bound, "token-style")
    (ingredient,) = [one for one in reading.ingredients if one.title == "Ink"]
    assert ingredient.metadata["org.colophon.digest"] == bound
    verdict = verify(data, evidence=Records(keeper="Colophon"))
    assert verdict.check("record.agrees").result == "passed", verdict.check("record.agrees").evidence


def test_other_works_another_model_or_another_token_bind_otherwise() -> None:
    works = [works_digest([one]) for one in ("sha256:1", "sha256:2")]
    bound = {
        token_style_digest(model=model, token=token, works=listed)
        for model in ("sha256:a", "sha256:b") for token in ("ink", "oil") for listed in works
    }  # fmt: skip
    assert len(bound) == 8


def test_a_picture_from_before_token_styles_were_bound_still_agrees_with_its_record(keys: Path) -> None:
    ada = an_artist("ada")
    generation = a_request(ada, **in_style(a_style(a_model())))
    older = [{k: v for k, v in row.items() if k not in {"digest", "digest_of"}} for row in generation.references]
    with transaction.atomic():
        one_entry("as an older version wrote it")
        Generation.objects.update(references=older)
    render_next(worker=a_worker(keys))
    data = storage.load(generation.outputs.get().digest)
    (reference,) = read(data).assertion("org.colophon.generation")["references"]
    assert not {"digest", "digest_of"} & reference.keys()
    assert verify(data, evidence=Records(keeper="Colophon")).check("record.agrees").result == "passed"
