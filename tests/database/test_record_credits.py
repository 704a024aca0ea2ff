"""What the records credit a picture with, as a verification shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.actions.rendering import render_next
from generation.evidence import Records
from provenance import storage
from provenance.verification.verify import verify
from tests.factories.records import a_model, a_request, a_style, a_worker, an_artist, in_style

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_record_found_credits_in_both_languages(keys: Path) -> None:
    generation = a_request(an_artist(), **in_style(a_style(a_model())))
    render_next(worker=a_worker(keys))
    data = storage.load(generation.outputs.get().digest)
    verdict = verify(data, evidence=Records(keeper="here")).as_json()
    (credit,) = verdict["records"][0]["credits"]
    assert credit["en"].startswith("Made with Fx Emoji") and credit["zh-Hans"].startswith("使用 效果表情 风格生成")
