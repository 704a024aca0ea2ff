"""An operator who wants small files gets compact manifests, in pictures and in their later forms."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from generation.actions.rendering import render_next
from generation.actions.renditions import make_rendition
from generation.evidence import Records
from generation.rendition import Change, Size
from provenance import storage
from provenance.credentials.queries import credential_of
from provenance.credentials.reading import read
from provenance.verification.verify import verify
from tests.factories.records import a_model, a_request, a_worker, an_artist

pytestmark = pytest.mark.django_db(transaction=True)


def test_delivered_files_and_later_forms_are_compact_where_the_operator_says_so(
    keys: Path, settings: Settings, tmp_path: Path
) -> None:
    a_model()
    mara, worker, sizes = an_artist(), a_worker(keys), {}
    root = worker.signing_key().root_pem
    for is_compact in (False, True):
        settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(
            update={"compact_manifests": is_compact, "home": tmp_path / "home"}
        )
        generation = a_request(mara, prompt="a lamp")
        render_next(worker=worker)
        output = generation.outputs.get()
        form = make_rendition(
            actor=mara.actor(), digest=output.digest, change=Change(size=Size(48, 48)), key=worker.signing_key()
        )
        for digest in (output.digest, form.digest):
            assert read(storage.load(digest), trust_pem=root).validation_state == "Trusted"
            kept = credential_of(digest)
            assert kept is not None
            sizes.setdefault(is_compact, []).append(len(storage.load(kept.store_digest)))
        verdict = verify(storage.load(form.digest), evidence=Records(keeper="here"), trust_pem=root)
        assert verdict.check("record.agrees").result == "passed"
    assert sizes[True][0] < 5_000 < sizes[False][0]
    assert sizes[True][1] < sizes[False][1]
