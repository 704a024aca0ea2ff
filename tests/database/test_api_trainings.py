"""Training over HTTP: who may ask, what is answered while it learns, and what can be taken home afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generation.actions.training.running import train_next
from generation.models import TrainingRun
from provenance.canonical import sha256_digest
from tests.factories.records import an_artist, an_auditor
from tests.factories.trainings import a_studio, a_trainer, asked, trained
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db(transaction=True)
TRAINING = "/api/v1/trainings"


def test_an_owner_asks_watches_and_takes_the_adapter_home_with_its_manifest(keys: Path) -> None:
    studio = a_studio()
    caller = Caller(studio.painter)
    answer = caller.post("/api/v1/styles/cut-paper/train", {"steps": 8, "rank": 4, "seed": "7", "held_out": 0.25})
    assert answer.status_code == 202 and answer["Location"] == f"{TRAINING}/{answer.json()['id']}"
    body = answer.json()
    assert body["recipe"]["rank"] == 4 and body["recipe"]["seed"] == "7"
    assert body["works"] == {"trained": 3, "held_out": 1, "left_out": 0} and len(body["report"]) == 4
    assert body["progress"] == {"step": 0, "of": 8, "seconds_left": None, "is_paused": False}
    assert train_next(worker=a_trainer(keys))
    done = caller.get(answer["Location"]).json()
    assert done["state"] == "done" and done["progress"]["step"] == 8 and len(done["losses"]) == 8
    assert done["samples"][0]["step"] == 1 and done["samples"][0]["jpeg"].startswith("/9j/")
    for name, digest in (("adapter", done["adapter_digest"]), ("manifest", None), ("sheet", done["sheet_digest"])):
        file = caller.get(done["links"][name])
        assert file.status_code == 200 and (digest is None or sha256_digest(file.content) == digest)
    assert [one["id"] for one in caller.get(TRAINING).json()["results"]] == [done["id"]]
    style = next(one for one in caller.get("/api/v1/styles").json()["results"] if one["slug"] == "cut-paper")
    assert style["adapter_digest"] == done["adapter_digest"] and style["carrier"] == "adapter"


def test_a_stranger_neither_trains_nor_sees_nor_cancels_and_an_auditor_sees(keys: Path) -> None:
    studio = a_studio()
    run = trained(studio, keys)
    stranger, auditor = Caller(an_artist("mallory")), Caller(an_auditor())
    refused = stranger.post("/api/v1/styles/cut-paper/train", {})
    assert refused.status_code == 403 and is_problem(refused, 403, "not-the-owner")
    for path in ("", "/adapter", "/manifest", "/sheet", "/events"):
        assert stranger.get(f"{TRAINING}/{run.pk}{path}").status_code == 404
    assert stranger.post(f"{TRAINING}/{run.pk}/cancel", {}).status_code == 404
    assert stranger.get(TRAINING).json()["results"] == []
    assert auditor.get(f"{TRAINING}/{run.pk}").json()["state"] == "done"
    assert auditor.post(f"{TRAINING}/{run.pk}/cancel", {}).status_code == 404
    assert TrainingRun.objects.count() == 1


@pytest.mark.parametrize(("body", "status", "code"), [
    ({"rank": 9000}, 422, "invalid-request"), ({"rang": 4}, 422, "invalid-request"),
    ({"seed": "-1"}, 422, "invalid-request"), ({"steps": 5, "minutes": 5}, 422, "invalid-request"),
    ({"model": "nobody"}, 422, "unknown-model"), ({"purpose": "war"}, 422, "invalid-request"),
])  # fmt: skip
def test_a_wrong_recipe_is_named_and_nothing_is_recorded(body: Any, status: int, code: str) -> None:
    answer = Caller(a_studio().painter).post("/api/v1/styles/cut-paper/train", body)
    assert answer.status_code == status and is_problem(answer, status, code)
    assert not TrainingRun.objects.exists()


def test_a_style_that_there_is_not_is_404_and_one_in_training_409() -> None:
    studio = a_studio()
    caller = Caller(studio.painter)
    assert caller.post("/api/v1/styles/nobodys/train", {}).status_code == 404
    run = asked(studio)
    again = caller.post("/api/v1/styles/cut-paper/train", {})
    assert again.status_code == 409 and is_problem(again, 409, "training-under-way")
    assert caller.post(f"{TRAINING}/{run.pk}/cancel", {}).json()["state"] == "cancelled"
    ended = caller.post(f"{TRAINING}/{run.pk}/cancel", {})
    assert ended.status_code == 409 and is_problem(ended, 409, "training-ended")
    assert caller.get(f"{TRAINING}/{run.pk}/adapter").status_code == 404
