"""Replays: drawn again on a render worker, compared, never delivered; both ends are entries."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from generation.actions.erasing import erase_person
from generation.actions.rendering import Worker, render_next
from generation.actions.replaying import is_one_waiting, replay_next
from generation.models import Generation, Output, Replay
from generation.pipelines.contract import Rendered
from generation.pipelines.errors import WeightsChanged
from generation.pipelines.seeded_noise import SeededNoisePipeline
from provenance.actor import COLOPHON
from provenance.audit_log.models import Entry, Opening
from server.accounts.models import Account
from tests.factories.records import a_model, a_request, a_token, a_worker, an_artist, an_auditor

pytestmark = pytest.mark.django_db(transaction=True)


class Otherwise(SeededNoisePipeline):
    """Draws one grey level off, as another machine might."""

    def render(self, order: Any, **more: Any) -> Rendered:
        drawn = super().render(order, **more)
        images = tuple((image // 2 * 2) ^ 1 for image in drawn.images)
        return replace(drawn, images=images, environment={**drawn.environment, "device": "another"})


class Changed(SeededNoisePipeline):
    """Finds other weights than were registered."""

    def render(self, order: Any, **more: Any) -> Rendered:
        raise WeightsChanged(file="unet/weights.safetensors", found="sha256:0")


@pytest.fixture
def made(keys: Path) -> Generation:
    """Lend a delivered private generation of two pictures."""
    a_model()
    generation = a_request(an_artist(), seeds=(1, 2), disclosure="private")
    render_next(worker=a_worker(keys))
    return Generation.objects.get(pk=generation.pk)


def bearer(account: Any) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {a_token(account)}"}


def ask(client: Client, generation: Generation, account: Account, **body: str) -> Any:
    place = f"/api/v1/generations/{generation.pk}/replay"
    return client.post(place, body, content_type="application/json", **bearer(account))


def told(client: Client, generation: Generation, account: Account) -> dict[str, Any]:
    answer = client.get(f"/api/v1/generations/{generation.pk}/replay", **bearer(account))
    return dict(answer.json()["results"][0])


def run(worker: Worker) -> bool:
    return replay_next(worker=worker, is_stopping=lambda: False)


def test_the_same_machine_replays_exactly_and_keeps_nothing(made: Generation, keys: Path, client: Client) -> None:
    mara, before = Account.objects.get(), [*Output.objects.values(), *Generation.objects.values()]
    assert ask(client, made, mara).status_code == 202
    assert run(a_worker(keys)) and not run(a_worker(keys))
    found = told(client, made, mara)
    assert (found["state"], found["result"], found["comparison"]["environment"]) == ("done", "exact", [])
    assert [(one["is_equal"], one["pdq_distance"]) for one in found["comparison"]["outputs"]] == [(True, None)] * 2
    assert [*Output.objects.values(), *Generation.objects.values()] == before
    said = Opening.objects.filter(entry__kind__startswith="Replay").order_by("entry__at")
    assert [one.details.get("result") for one in said] == [None, "exact"]


def test_another_machine_is_similar_and_what_differs_is_named(made: Generation, keys: Path, client: Client) -> None:
    ask(client, made, Account.objects.get())
    run(a_worker(keys, pipeline=Otherwise()))
    found = told(client, made, Account.objects.get())
    assert found["result"] == "similar"
    assert [(one["name"], one["now"]) for one in found["comparison"]["environment"]] == [("device", "another")]
    for one in found["comparison"]["outputs"]:
        # Half the values or more are one level off: between 48.13 dB, where all are, and 51.2 dB, where half are.
        assert not one["is_equal"] and 48.1 <= float(one["psnr_db"]) <= 52
        assert one["pdq_distance"] <= 31


def test_changed_weights_and_an_erased_prompt_are_told(made: Generation, keys: Path, client: Client) -> None:
    mara, vera = Account.objects.get(), an_auditor()
    ask(client, made, mara)
    run(a_worker(keys, pipeline=Changed()))
    assert told(client, made, mara)["result"] == "model-changed"
    erase_person(actor=COLOPHON, account_id=mara.pk)
    assert ask(client, made, vera, reason="a dispute").json()["result"] == "erased"


def test_an_auditor_gives_a_reason_for_a_private_prompt_and_it_is_an_entry(made: Generation, client: Client) -> None:
    vera, before = an_auditor(), Entry.objects.count()
    refused = ask(client, made, vera, reason="  ")
    assert refused.status_code == 422 and refused.json()["code"] == "reason-needed"
    assert (Replay.objects.count(), Entry.objects.count()) == (0, before)
    assert ask(client, made, vera, reason="a complaint").status_code == 202
    assert Opening.objects.get(entry__kind="ReplayRequested").details["reason"] == "a complaint"


def test_nobody_else_may_replay_nor_see_replays(made: Generation, client: Client) -> None:
    before = Entry.objects.count()
    other = an_artist("other")
    assert ask(client, made, other).status_code == 404
    assert client.get(f"/api/v1/generations/{made.pk}/replay", **bearer(other)).status_code == 404
    assert (Replay.objects.count(), Entry.objects.count()) == (0, before)


def test_what_was_not_delivered_cannot_be_replayed(client: Client) -> None:
    a_model()
    mara = an_artist()
    assert ask(client, a_request(mara), mara).json()["code"] == "not-replayable"
    assert not Replay.objects.exists()


def test_a_replay_gives_way_to_a_waiting_request_and_is_done_after_it(
    made: Generation, keys: Path, client: Client
) -> None:
    mara, worker = Account.objects.get(), a_worker(keys)
    ask(client, made, mara)
    a_request(mara)
    assert run(worker) and Replay.objects.get().state == "waiting" and is_one_waiting()
    assert render_next(worker=worker) and run(worker)
    assert Replay.objects.get().result == "exact"


def test_a_replay_that_took_two_workers_with_it_is_not_tried_again(
    made: Generation, keys: Path, client: Client
) -> None:
    ask(client, made, Account.objects.get())
    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE generation_replay SET state = 'running', beat_at = now() - interval '1 hour', lost_workers = 1"
            )
        if not Replay.objects.get().ended_at:
            assert run(a_worker(keys))
    assert Replay.objects.get().result == "worker-lost"
