"""What the records credit a picture with, as a verification shows it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from generation.actions.rendering import render_next
from generation.evidence import Records
from provenance import storage
from provenance.licensing.queries.crediting import all_credited_today, credited_today
from provenance.verification.copy import Copy
from provenance.verification.verify import verify
from provenance.works.actions.listing import credit_authors
from tests.factories.pictures import encoded
from tests.factories.records import a_model, a_party, a_request, a_style, a_work, a_worker, an_artist, in_style
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_record_found_credits_in_both_languages(keys: Path) -> None:
    generation = a_request(an_artist(), **in_style(a_style(a_model())))
    render_next(worker=a_worker(keys))
    data = storage.load(generation.outputs.get().digest)
    verdict = verify(data, evidence=Records(keeper="here")).as_json()
    (credit,) = verdict["records"][0]["credits"]
    assert credit["en"].startswith("Made with Fx Emoji") and credit["zh-Hans"].startswith("使用 效果表情 风格生成")


def an_unnamed_author_s_pictures(keys: Path, *, count: int) -> Any:
    """Deliver so many pictures in a style, all alike, and let the author of its work ask not to be named then."""
    ada, mara = an_artist("ada"), an_artist("mara")
    party = a_party("Ada Painter", member=ada)
    work = a_work(ada, party, licence="CC-BY-4.0")
    style = a_style(a_model(), party=party, works=[work])
    generations = [a_request(mara, **in_style(style)) for _ in range(count)]
    for _ in generations:
        render_next(worker=a_worker(keys))
    credit_authors(actor=ada.actor(), work=work, authors=[None])
    return mara, [one.outputs.get() for one in generations]


def statements_on_works(asked: CaptureQueriesContext) -> int:
    return sum('FROM "works_work"' in one["sql"] for one in asked.captured_queries)


def test_many_records_found_are_credited_with_as_many_statements_as_one(keys: Path) -> None:
    _, outputs = an_unnamed_author_s_pictures(keys, count=3)
    first = storage.load(outputs[0].digest)
    counted = []
    for data, count in ((first, 1), (encoded(Image.open(io.BytesIO(first)), "JPEG", quality=50), 3)):
        with CaptureQueriesContext(connection) as asked:
            found = Records(keeper="here").find(Copy(data))
        assert len(found) == count
        counted.append(statements_on_works(asked))
    assert counted[0] == counted[1] > 0
    assert not any("Ada" in credit["en"] for record in found for credit in record.credits)


@pytest.mark.parametrize("address", ["/api/v1/generations", "/api/v1/images"])
def test_a_list_is_credited_with_as_many_statements_however_long(keys: Path, address: str) -> None:
    mara, _ = an_unnamed_author_s_pictures(keys, count=3)
    caller = Caller(mara)
    caller.get(address)  # a process reads the words of each model once
    counted = []
    for size in (1, 3):
        with CaptureQueriesContext(connection) as asked:
            rows = caller.get(f"{address}?page_size={size}").json()["results"]
        assert len(rows) == size and "Ada" not in str([row["credits"] for row in rows])
        counted.append(statements_on_works(asked))
    assert counted[0] == counted[1] > 0


def test_each_decision_is_credited_as_it_would_be_alone(keys: Path) -> None:
    _, outputs = an_unnamed_author_s_pictures(keys, count=1)
    decision = outputs[0].generation.decision
    other = {**decision, "references": [one for one in decision["references"] if one["kind"] == "model"]}
    assert all_credited_today([decision, other, decision]) == [
        credited_today(decision), other, credited_today(decision),
    ]  # fmt: skip
    assert credited_today(decision) != decision
