"""An answer says what the model does not know of the prompt, to whom may read that prompt and to nobody else."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from generation.models import Generation
from tests.factories.records import a_model, an_artist, an_auditor
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db
REQUESTS = "/api/v1/generations"
VOCABULARY = {"styles": ["Noto"], "subjects": [{"en": "puppy", "zh": "小狗", "synonyms": ["dog"]}]}


def asked(prompt: str, **more: Any) -> tuple[Caller, dict[str, Any]]:
    """Ask a model that lists its words; return who asked, and the answer."""
    a_model(vocabulary=VOCABULARY)
    caller = Caller(an_artist())
    answer = caller.post(REQUESTS, {"prompt": prompt, **more})
    assert answer.status_code == 202
    return caller, answer.json()


def test_an_unknown_word_is_told_with_a_near_one_and_the_picture_is_made_all_the_same() -> None:
    caller, body = asked("a pupy, Noto style")
    (notice,) = body["notices"]
    assert notice["code"] == "nothing-known" and notice["words"] == ["pupy"] and notice["near"] == {"pupy": ["puppy"]}
    assert "puppy" in notice["en"] and "puppy" in notice["zh-Hans"]
    assert body["state"] == "queued"
    read = caller.get(f"{REQUESTS}/{body['id']}").json()
    assert read["notices"] == body["notices"]


def test_a_known_prompt_has_no_notices_in_any_answer() -> None:
    caller, body = asked("a puppy, Noto style")
    assert body["notices"] == []
    assert [one["notices"] for one in caller.get(REQUESTS).json()["results"]] == [[]]


def test_an_auditor_reads_no_notices_of_a_prompt_that_is_private() -> None:
    _, body = asked("a dragon", disclosure="private")
    assert body["notices"]
    read = Caller(an_auditor()).get(f"{REQUESTS}/{body['id']}")
    assert read.status_code == 200 and read.json()["notices"] == [] and "dragon" not in read.content.decode()


def test_a_model_that_lists_no_words_is_not_spoken_for() -> None:
    a_model()
    body = Caller(an_artist()).post(REQUESTS, {"prompt": "a dragon"}).json()
    assert body["notices"] == [] and Generation.objects.count() == 1


def test_telling_needs_neither_torch_nor_transformers() -> None:
    before = {name for name in ("torch", "transformers") if name in sys.modules}
    asked("a pupy " * 300)
    assert {name for name in ("torch", "transformers") if name in sys.modules} == before
