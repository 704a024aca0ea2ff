"""Carrying a training out: the style is carried by what was learned, and nothing is half done whatever falls."""

from __future__ import annotations

import io
import json
import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from generation.actions import reconciling
from generation.actions.erasing import erase_person
from generation.actions.rendering import render_next
from generation.actions.training.requesting import cancel_training
from generation.actions.training.running import claim_one, train_next
from generation.actions.training.upkeep import is_one_waiting, reap, request_release
from generation.actions.upkeep import sweep
from generation.models import TrainingRun
from generation.queries import training_files
from generation.training.sheets import MOST_BYTES, jpeg_strip
from provenance import storage
from provenance.actor import COLOPHON
from provenance.canonical import sha256_digest
from provenance.credentials.adapter_manifest import TRAINING, read_sidecar
from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.reading import read
from provenance.errors import StorageFull
from provenance.licensing.actions.offering import offer_openly
from provenance.works.models import Style
from tests.database.test_training_requests import opt_out, uses
from tests.factories.pictures import a_picture
from tests.factories.records import a_request, a_worker, an_artist, in_style
from tests.factories.trainings import Studio, Watched, a_studio, a_trainer, asked, told_of, trained

pytestmark = pytest.mark.django_db(transaction=True)


def expired(run: TrainingRun) -> None:
    """Let a run's lease be over, as when its worker was killed."""
    TrainingRun.objects.filter(pk=run.pk).update(lease_expires=timezone.now() - timedelta(minutes=5))


def now(run: TrainingRun) -> TrainingRun:
    run.refresh_from_db()
    return run


def style_of(studio: Studio) -> Style:
    return Style.objects.get(pk=studio.style.pk)


# ---- what comes of it -----------------------------------------------------------------------------------------


def test_a_trained_style_is_carried_by_its_adapter_and_the_log_says_from_what(keys: Path) -> None:
    studio = a_studio()
    run = trained(studio, keys)
    style = style_of(studio)
    assert (style.state, style.carrier, style.adapter_digest) == ("active", "adapter", run.adapter_digest)
    assert sha256_digest(storage.load(run.adapter_digest)) == run.adapter_digest
    assert told_of(run) == ["TrainingRequested", "TrainingStarted", "StyleCarried", "TrainingEnded"]
    assert run.step == run.steps == 8 and len(run.losses) == 8 and run.seconds_left == 0
    assert [one["step"] for one in run.samples] == [1, 3, 5, 7]
    assert run.outcome["environment"] == {"backend": "stand-in"} and run.checkpoint_digest == ""


def test_the_manifest_beside_the_adapter_lists_every_work_and_fits_no_other_file(keys: Path) -> None:
    studio = a_studio()
    run = trained(studio, keys)
    adapter, store = storage.load(run.adapter_digest), storage.load(run.manifest_digest)
    root = DevelopmentCA(keys).signing_key(now=timezone.now()).root_pem
    report = read_sidecar(adapter, manifest_store=store, trust_pem=root)
    assert (report["validation_state"], report["active_manifest"]) == ("Trusted", run.manifest_id)
    manifest = report["manifests"][run.manifest_id]
    digests = {one["metadata"]["org.colophon.digest"] for one in manifest["ingredients"]}
    assert digests == {studio.model.digest, *(work.digest for work in studio.works)}
    said = next(one["data"] for one in manifest["assertions"] if one["label"] == TRAINING)
    assert said["adapter"] == run.adapter_digest and said["log"]["leaf_hash"] == run.request_leaf
    for other in (adapter + b" ", adapter[:-1], b""):
        try:
            other_report = read_sidecar(other, manifest_store=store, trust_pem=root)
        except Exception as error:
            assert type(error).__name__ == "SigningFailed"
        else:
            codes = {one["code"] for one in other_report["validation_results"]["activeManifest"]["failure"]}
            assert other_report["validation_state"] == "Invalid" and "assertion.dataHash.mismatch" in codes


def test_the_sheet_of_samples_carries_the_same_statement_inside(keys: Path) -> None:
    run = trained(a_studio(), keys)
    sheet = read(storage.load(run.sheet_digest), trust_pem=DevelopmentCA(keys).signing_key(now=timezone.now()).root_pem)
    assert (sheet.validation_state, sheet.manifest_id) == ("Trusted", run.sheet_manifest_id)
    assert sheet.assertion(TRAINING)["adapter"] == run.adapter_digest
    assert [one.relationship for one in sheet.ingredients] == ["inputTo"] * 5


def test_rows_files_and_log_agree_after_a_training(keys: Path) -> None:
    studio = a_studio()
    run = trained(studio, keys)
    report = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    assert list(map(json.loads, reconciling.report_lines(report))) == []
    TrainingRun.objects.filter(pk=run.pk).update(losses=[])
    storage.delete(run.manifest_digest)
    report = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    lines = list(map(json.loads, reconciling.report_lines(report)))
    assert {(line["kind"], line["field"]) for line in lines} == {
        ("row-differs", "losses"), ("file-missing", "manifest_digest")
    }  # fmt: skip


def test_the_sweeper_keeps_adapters_and_checkpoints_and_takes_nothing_that_a_training_needs(
    keys: Path, files: Path
) -> None:
    run = trained(a_studio(), keys)
    for path in files.rglob("*"):
        os.utime(path, (0, 0))
    sweep()
    needed = {run.adapter_digest, run.manifest_digest, run.sheet_digest}
    assert all(map(storage.exists, needed))
    with CaptureQueriesContext(connection) as asked_for:
        assert training_files([*needed, "sha256:" + "0" * 64]) == needed <= training_files()
    assert run.sheet_digest in asked_for[0]["sql"], "the database says which of some, not this process"


def test_erasing_a_person_takes_adapters_manifests_and_samples_and_calls_open_trainings_off(keys: Path) -> None:
    studio = a_studio()
    done, waiting = trained(studio, keys), asked(studio)
    erase_person(actor=COLOPHON, account_id=studio.painter.pk)
    assert now(done).erased_at and done.samples == [] and done.adapter_digest
    assert not any(map(storage.exists, (done.adapter_digest, done.manifest_digest, done.sheet_digest)))
    assert now(waiting).state == "cancelled"
    report = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    assert list(map(json.loads, reconciling.report_lines(report))) == []


# ---- works that leave ------------------------------------------------------------------------------------------


def test_a_work_that_opts_out_suspends_the_style_until_it_is_trained_without_it(keys: Path) -> None:
    studio = a_studio(works=5)
    first = trained(studio, keys)
    offer_openly(
        actor=studio.painter.actor(), party=studio.party, subject_kind="style", subject_id=studio.style.pk,
        licence="CC-BY-4.0",
    )  # fmt: skip
    artist = an_artist("mara")
    before = a_request(artist, **in_style(studio.style))
    assert before.state == "queued" and before.references[0]["adapter"] == first.adapter_digest
    assert render_next(worker=a_worker(keys))
    opt_out(studio, studio.works[0])
    assert a_request(artist, **in_style(studio.style)).state == "refused"
    second = trained(studio, keys)
    assert second.adapter_digest != first.adapter_digest
    assert set(style_of(studio).works.all()) == set(studio.works[1:])
    after = a_request(artist, **in_style(studio.style))
    assert after.state == "queued" and after.references[0]["adapter"] == second.adapter_digest
    before.refresh_from_db()
    assert before.references[0]["adapter"] == first.adapter_digest and storage.exists(first.adapter_digest)


def test_a_work_that_opts_out_while_the_training_waits_is_left_out_of_it(keys: Path) -> None:
    studio = a_studio(works=5)
    run, trainer = asked(studio), Watched()
    opt_out(studio, studio.works[0])
    assert train_next(worker=a_trainer(keys, trainer=trainer))
    assert uses(now(run))[str(studio.works[0].pk)] == "left-out" and run.state == "done"
    assert {lesson.digest for lesson in trainer.orders[0].lessons} == {work.digest for work in studio.works[1:]}


def test_a_work_that_opts_out_while_it_is_learned_from_ends_the_training_without_a_carrier(keys: Path) -> None:
    studio = a_studio(works=5)
    run, trainer = asked(studio), Watched()
    trainer.at[4] = lambda: opt_out(studio, studio.works[0])
    assert train_next(worker=a_trainer(keys, trainer=trainer))
    assert now(run).state == "failed" and run.fault["code"] == "works-changed"
    assert str(studio.works[0].pk) in run.fault["en"] and style_of(studio).state == "untrained"
    assert told_of(run)[-1] == "TrainingFailed"


def test_too_few_works_left_when_its_turn_comes_ends_it_with_the_reasons(keys: Path) -> None:
    studio = a_studio(works=4)
    run = asked(studio)
    for work in studio.works[:2]:
        opt_out(studio, work)
    assert train_next(worker=a_trainer(keys))
    assert now(run).state == "failed" and run.fault["code"] == "too-few-works" and "opted out" in run.fault["en"]


# ---- stopping and going on -------------------------------------------------------------------------------------


def test_nothing_waits_and_nothing_is_done(keys: Path) -> None:
    assert not train_next(worker=a_trainer(keys))
    assert not is_one_waiting()


def test_cancelled_between_two_steps_it_ends_without_a_carrier(keys: Path) -> None:
    studio = a_studio()
    run, trainer = asked(studio), Watched()
    trainer.at[3] = lambda: cancel_training(actor=studio.painter.actor(), training_id=run.pk)
    assert train_next(worker=a_trainer(keys, trainer=trainer))
    assert now(run).state == "cancelled" and trainer.steps == [1, 2, 3]
    assert told_of(run)[-1] == "TrainingCancelled" and style_of(studio).state == "untrained"


def test_a_worker_that_stops_hands_back_what_it_has_learned_and_the_next_goes_on_from_there(keys: Path) -> None:
    studio = a_studio()
    run, trainer = asked(studio), Watched()
    trainer.at[3] = lambda: request_release(["trainer"])
    assert train_next(worker=a_trainer(keys, trainer=trainer))
    assert now(run).state == "queued" and storage.exists(run.checkpoint_digest) and is_one_waiting()
    later = Watched()
    assert train_next(worker=a_trainer(keys, trainer=later))
    assert later.steps == [4, 5, 6, 7, 8] and now(run).state == "done" and run.attempt == 2


def test_a_killed_worker_costs_what_came_after_its_last_checkpoint(
    keys: Path,
) -> None:
    studio = a_studio()
    run, trainer = asked(studio), Watched()

    class Killed(BaseException):
        """Ends everything at once, as SIGKILL does."""

    def kill() -> None:
        raise Killed

    trainer.at[6] = kill
    with pytest.raises(Killed):
        train_next(worker=a_trainer(keys, trainer=trainer, checkpoint_seconds=1.0))
    assert now(run).state == "training" and reap() == 0, "its lease still runs"
    expired(run)
    assert reap() == 1 and now(run).state == "queued" and run.lost_workers == 1
    later = Watched()
    assert train_next(worker=a_trainer(keys, trainer=later))
    assert later.steps == [5, 6, 7, 8] and now(run).state == "done"
    assert told_of(run)[1:4] == ["TrainingStarted", "TrainingAbandoned", "TrainingStarted"]
    assert told_of(run)[4:] == ["StyleCarried", "TrainingEnded"]


def test_a_training_that_took_two_workers_with_it_is_not_tried_again(keys: Path) -> None:
    studio = a_studio()
    run = asked(studio)
    for _ in range(2):
        assert claim_one(worker=a_trainer(keys))
        expired(run)
        assert reap() == 1
    assert now(run).state == "failed" and run.fault["code"] == "training-workers-lost"
    assert claim_one(worker=a_trainer(keys)) is None and style_of(studio).state == "untrained"


def test_a_worker_whose_lease_is_over_writes_nothing_more(keys: Path) -> None:
    studio = a_studio()
    run, trainer = asked(studio), Watched()

    def taken_over() -> None:
        expired(run)
        reap()
        assert claim_one(worker=a_trainer(keys, name="another"))

    trainer.at[4] = taken_over
    assert train_next(worker=a_trainer(keys, trainer=trainer))
    assert now(run).state == "training" and run.worker == "another" and run.adapter_digest == ""
    assert trainer.steps == [1, 2, 3, 4] and style_of(studio).state == "untrained"


@pytest.mark.parametrize("name", ["[[out-of-memory]]", "[[diverge at step 3]]"])
def test_a_fault_of_the_trainer_ends_the_training_with_its_sentence(keys: Path, name: str) -> None:
    studio = a_studio(name=name)
    run = asked(studio)
    assert train_next(worker=a_trainer(keys))
    assert now(run).state == "failed" and run.fault["code"] in {"training-out-of-memory", "training-diverged"}
    assert run.fault["zh-Hans"] and told_of(run)[-1] == "TrainingFailed"


def test_a_fault_that_nobody_foresaw_is_said_as_one_of_ours(keys: Path) -> None:
    run, trainer = asked(a_studio()), Watched()
    trainer.at[2] = lambda: 1 / 0
    assert train_next(worker=a_trainer(keys, trainer=trainer))
    assert now(run).fault["code"] == "internal-fault"


def test_a_full_disk_costs_a_checkpoint_and_only_at_the_end_the_adapter(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = a_studio()
    run, trainer, honest = asked(studio), Watched(), storage.store
    room = {"is_there": False}

    def store(data: bytes) -> str:
        if not room["is_there"]:
            raise StorageFull()
        return honest(data)

    monkeypatch.setattr(storage, "store", store)
    assert train_next(worker=a_trainer(keys, trainer=trainer, checkpoint_seconds=1.0))
    assert trainer.steps == list(range(1, 9)), "it went on without checkpoints"
    assert now(run).state == "failed" and run.fault["code"] == "storage-full"
    assert style_of(studio).state == "untrained"
    room["is_there"] = True
    assert trained(studio, keys).state == "done"


def test_pictures_as_it_learns_fit_a_notification(keys: Path) -> None:
    noise = [np.asarray(a_picture(seed=n, width=300, height=200)) for n in range(6)]
    strip = jpeg_strip(noise)
    assert len(strip) <= MOST_BYTES and Image.open(io.BytesIO(strip)).size == (288, 72)
