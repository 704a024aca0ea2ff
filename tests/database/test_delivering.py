"""Delivery: file, manifest, rows and entries say the same, all of them or none, and no more than was disclosed."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import c2pa
import psycopg
import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from generation import queries
from generation.actions import delivering
from generation.actions.claiming import Claim, enter_marking
from generation.actions.rendering import claim_one, render_next
from generation.actions.requesting import cancel_generation
from generation.errors import AlreadyEnded, Cancelled, LeaseLost
from generation.models import Generation, Output
from generation.pipelines.contract import RenderOrder
from generation.pipelines.seeded_noise import SeededNoisePipeline
from generation.request import InputPicture
from provenance import storage
from provenance.actor import Actor
from provenance.audit_log.models import Entry
from provenance.canonical import pixel_digest, sha256_digest
from provenance.credentials.models import Credential
from provenance.credentials.queries import credential_of
from provenance.picture import decode_picture
from tests.factories.log import one_entry
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_work,
    a_worker,
    an_artist,
    in_style,
    kinds_of_entries,
)
from tests.running import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "zyzzyva quokka 落款"
SECRET_NEGATIVE = "xylograph numbat"


def rendered(keys: Path, **asked: Any) -> Generation:
    """Make a picture with a real worker and return the finished request."""
    if not Generation.objects.exists():
        a_model()
    generation = a_request(an_artist(f"artist{Generation.objects.count()}"), **asked)
    render_next(worker=a_worker(keys))
    generation.refresh_from_db()
    assert generation.state == "done", generation.fault
    return generation


def manifest_of(data: bytes) -> dict[str, Any]:
    with c2pa.Reader("image/png", io.BytesIO(data)) as reader:
        return dict(json.loads(reader.json()))


def test_the_row_names_the_stored_file_by_its_own_digest(keys: Path) -> None:
    output = rendered(keys).outputs.get()
    data = storage.load(output.digest)
    assert sha256_digest(data) == output.digest and len(data) == output.size_bytes
    picture = decode_picture(data)
    assert (picture.width, picture.height, picture.media_type) == (output.width, output.height, output.media_type)


def test_both_pixel_digests_are_those_of_the_drawn_and_the_delivered_pixels(keys: Path) -> None:
    generation = rendered(keys, seeds=(7,))
    output = generation.outputs.get()
    delivered = decode_picture(storage.load(output.digest)).pixels
    assert output.delivered_pixels == pixel_digest(delivered)
    assert output.raw_pixels == output.delivered_pixels, "PNG without marks leaves every pixel as it was drawn"


def test_the_credential_names_the_manifest_inside_the_file(keys: Path) -> None:
    output = rendered(keys).outputs.get()
    data = storage.load(output.digest)
    found = manifest_of(data)
    credential = credential_of(output.digest)
    assert credential and found["active_manifest"] == output.manifest_id == credential.manifest_id
    assert storage.load(credential.store_digest) in data
    assert credential.verdict["state"] and credential.key_id.startswith("sha256:")


def test_the_manifest_holds_the_receipt_of_the_request(keys: Path) -> None:
    generation = rendered(keys)
    data = storage.load(generation.outputs.get().digest)
    assert generation.request_leaf in str(manifest_of(data))


def test_every_output_has_its_entries_and_its_leaf(keys: Path) -> None:
    generation = rendered(keys, seeds=(1, 2, 3))
    assert kinds_of_entries(generation.pk) == [
        "GenerationRequested", "RenderingStarted", "MarkingStarted", *["OutputDelivered"] * 3, "GenerationDone",
    ]  # fmt: skip
    for output in generation.outputs.all():
        entry = Entry.objects.select_related("opening").get(leaf_hash=output.delivered_leaf)
        details = entry.opening.details
        assert (details["digest"], details["manifest"]) == (output.digest, output.manifest_id)
        assert (details["raw_pixels"], details["delivered_pixels"]) == (output.raw_pixels, output.delivered_pixels)
        assert (details["seed"], details["use"]) == (str(output.seed), str(output.use_id))
    assert Entry.objects.filter(kind="CredentialSigned").count() == 3
    done = Entry.objects.get(kind="GenerationDone").opening.details
    assert sorted(done["outputs"]) == sorted(output.digest for output in generation.outputs.all())


def test_styles_and_inputs_are_credited_inside_the_file(keys: Path) -> None:
    model = a_model()
    owner = an_artist("ada")
    work = a_work(owner, a_party("Bo Carver", member=owner), title="Wave", licence="CC-BY-4.0")
    style = a_style(model)
    image = InputPicture(role="image", work=str(work.pk))
    generation = a_request(an_artist(), inputs=(image,), **in_style(style))
    render_next(worker=a_worker(keys))
    told = str(manifest_of(storage.load(generation.outputs.get().digest)))
    assert "Made with Fx Emoji, trained on works by Ada Painter" in told
    assert "“Wave” by Bo Carver" in told and "did not make or endorse" in told


# ---- privacy --------------------------------------------------------------------------------------------------


def texts_outside_the_request() -> bytes:
    """Return every byte of every table, but for the three columns that keep a prompt."""
    allowed = {("generation_generation", name) for name in ("prompt", "expanded_prompt", "negative_prompt")}
    found = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
        for table, column in cursor.fetchall():
            if (table, column) not in allowed:
                cursor.execute(f'SELECT "{column}"::text FROM "{table}"')
                found += [row[0] or "" for row in cursor.fetchall()]
    return "\n".join(found).encode()


@pytest.mark.parametrize("disclosure", ["private", "committed"])
def test_an_undisclosed_prompt_is_nowhere_but_in_the_request(keys: Path, files: Path, disclosure: str) -> None:
    told: list[str] = []
    values = connection.get_connection_params()
    kept = {name: values[name] for name in ("dbname", "host", "port", "user", "password") if values.get(name)}
    with psycopg.connect(**kept, autocommit=True) as listening:
        listening.execute("LISTEN colophon_progress")
        generation = rendered(keys, prompt=SECRET, negative_prompt=SECRET_NEGATIVE, disclosure=disclosure)
        told = [one.payload for one in listening.notifies(timeout=2)]
    assert any('"done"' in payload for payload in told)
    everything = texts_outside_the_request() + "".join(told).encode()
    everything += b"".join(path.read_bytes() for path in files.rglob("*") if path.is_file())
    for text in (SECRET, SECRET_NEGATIVE, "zyzzyva", "numbat"):
        for written in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be"), json.dumps(text).encode()):
            assert written not in everything
    data = storage.load(generation.outputs.get().digest)
    has_commitment = "commitment" in str(manifest_of(data)["manifests"])
    assert has_commitment == (disclosure == "committed")


@pytest.mark.parametrize("disclosure", ["private", "committed"])
def test_a_name_found_in_an_undisclosed_prompt_does_not_leave_with_the_picture(
    keys: Path, files: Path, disclosure: str
) -> None:
    a_style(a_model(), licence="CC-BY-4.0")
    generation = a_request(an_artist(), prompt="a cat, fx emoji", disclosure=disclosure)
    render_next(worker=a_worker(keys))
    generation.refresh_from_db()
    assert generation.state == "done" and generation.decision["references"][1]["name"] == "Fx Emoji"
    everything = b"".join(path.read_bytes() for path in files.rglob("*") if path.is_file())
    assert b"Fx Emoji" not in everything and b"Ada Painter" not in everything


def test_a_public_prompt_is_quoted_inside_the_file(keys: Path) -> None:
    generation = rendered(keys, prompt="zyzzyva quokka", disclosure="public")
    assert b"zyzzyva quokka" in storage.load(generation.outputs.get().digest)


def test_no_path_of_this_machine_leaves_with_the_picture(keys: Path, files: Path) -> None:
    data = storage.load(rendered(keys).outputs.get().digest)
    for text in ("/models/Tiny", str(files), str(keys)):
        assert text.encode() not in data


# ---- all or nothing -------------------------------------------------------------------------------------------


def prepared(keys: Path, **asked: Any) -> tuple[Claim, delivering.Delivery, Generation]:
    """Take a request as far as its signed and stored files; nothing of them is recorded yet."""
    a_model()
    artist = an_artist()
    a_request(artist, **asked)
    worker = a_worker(keys)
    claim = claim_one(worker=worker)
    assert claim
    generation = Generation.objects.select_related("model").get()
    order = RenderOrder(
        model=queries.model_source(generation.model), task="text-to-image", prompt=generation.expanded_prompt,
        negative_prompt="", seeds=tuple(map(int, generation.seeds)), width=64, height=64, steps=3, guidance_scale=5.0,
    )  # fmt: skip
    drawn = SeededNoisePipeline().render(order, on_step=lambda step: None)
    return claim, delivering.prepare(generation, rendered=drawn, key=worker.signing_key()), generation


def nothing_is_delivered(entries: int) -> None:
    assert not Output.objects.exists() and not Credential.objects.exists()
    assert Entry.objects.count() == entries


def test_between_file_and_row_there_are_files_and_no_rows(keys: Path) -> None:
    _, delivery, generation = prepared(keys)
    assert storage.exists(delivery.outputs[0].credential.image_digest)
    assert not Output.objects.exists() and generation.state == "rendering"


LOST: list[dict[str, Any]] = [
    {"attempt": 2}, {"state": "queued"}, {"worker": "another"}, {"lease_expires": Now() - timedelta(seconds=1)}
]  # fmt: skip
"""What became of a claim that its worker no longer has."""


def changed(change: dict[str, Any]) -> None:
    with transaction.atomic():
        Generation.objects.update(**change)
        one_entry("of whoever changed it")


def is_taken_to_marking(claim: Claim) -> bool:
    with transaction.atomic():
        one_entry("of the worker that marks")
        return enter_marking(claim)


@pytest.mark.parametrize("change", LOST)
def test_an_attempt_that_was_overtaken_delivers_nothing(keys: Path, change: dict[str, Any]) -> None:
    claim, delivery, _ = prepared(keys)
    changed(change)
    before = Entry.objects.count()
    with pytest.raises(LeaseLost):
        delivering.deliver(claim, delivery=delivery)
    nothing_is_delivered(before)


def test_a_worker_that_holds_its_claim_takes_it_to_marking_once(keys: Path) -> None:
    claim, _, generation = prepared(keys)
    assert is_taken_to_marking(claim) and not is_taken_to_marking(claim)
    generation.refresh_from_db()
    assert generation.state == "marking"


@pytest.mark.parametrize("change", [*LOST, {"cancel_requested": True}])
def test_a_claim_that_was_lost_or_called_off_is_not_taken_to_marking(keys: Path, change: dict[str, Any]) -> None:
    claim, _, generation = prepared(keys)
    changed(change)
    generation.refresh_from_db()
    before = generation.state
    assert not is_taken_to_marking(claim)
    generation.refresh_from_db()
    assert generation.state == before


def test_a_request_cancelled_at_the_last_moment_delivers_nothing(keys: Path) -> None:
    claim, delivery, _ = prepared(keys)
    Generation.objects.update(cancel_requested=True)
    before = Entry.objects.count()
    with pytest.raises(Cancelled):
        delivering.deliver(claim, delivery=delivery)
    nothing_is_delivered(before)


def test_a_second_delivery_of_the_same_attempt_changes_nothing(keys: Path) -> None:
    claim, delivery, _ = prepared(keys)
    delivering.deliver(claim, delivery=delivery)
    before = Entry.objects.count()
    with pytest.raises(LeaseLost):
        delivering.deliver(claim, delivery=delivery)
    assert Output.objects.count() == 1 and Entry.objects.count() == before


def test_when_one_of_several_pictures_cannot_be_recorded_none_is(keys: Path) -> None:
    claim, delivery, _ = prepared(keys, seeds=(1, 2))
    first, second = delivery.outputs
    before = Entry.objects.count()
    twice = replace(delivery, outputs=(first, replace(second, use_id=first.use_id)))
    with pytest.raises(Exception, match="use_id"):
        delivering.deliver(claim, delivery=twice)
    nothing_is_delivered(before)
    assert Generation.objects.get().state == "rendering"


def test_a_file_swept_between_storing_and_recording_is_stored_again(keys: Path) -> None:
    claim, delivery, _ = prepared(keys)
    digest = delivery.outputs[0].credential.image_digest
    storage.delete(digest)
    delivering.deliver(claim, delivery=delivery)
    assert sha256_digest(storage.load(digest)) == digest


def test_a_delivery_waits_for_the_sweeper_and_has_its_file_afterwards(keys: Path) -> None:
    claim, delivery, _ = prepared(keys)
    digest = delivery.outputs[0].credential.image_digest

    def deliver() -> None:
        try:
            delivering.deliver(claim, delivery=delivery)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            storage.hold(digest)
            delivered = pool.submit(deliver)
            wait_until(waits_for_a_lock, what="the delivery to wait for the sweeper")
            storage.delete(digest)
        delivered.result(60)
    assert sha256_digest(storage.load(Output.objects.get().digest)) == digest


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])


def test_cancelling_after_the_delivery_is_too_late(keys: Path) -> None:
    generation = rendered(keys)
    with pytest.raises(AlreadyEnded):
        cancel_generation(actor=Actor(account_id=generation.owner_id), generation_id=generation.pk)
    assert Output.objects.count() == 1
