"""A style trained by a real training process on a tiny model, which is killed in the middle and goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.running import Colophon, manage, wait_until
from tests.simulators.visitor import Visitor

pytestmark = [pytest.mark.journey, pytest.mark.torch]
MAKE_A_STYLE = """
from generation.queries import model_named
from provenance.licensing.actions.styles import register_style
from provenance.works.actions.listing import register_work
from provenance.works.actions.parties import own_party
from server.accounts.models import Account
from tests.factories.pictures import a_png

actor = Account.objects.get(name="artist").actor()
party = own_party(actor=actor, name="artist")
works = [
    register_work(actor=actor, party=party, data=a_png(seed=n), title=f"Red cat {n}", rights_evidence="drawn by hand")
    for n in range(4)
]
register_style(
    actor=actor, party=party, slug="cats", name="Cats", works=works, model_digest=model_named("").digest,
    is_untrained=True,
)
"""


@pytest.fixture(scope="module")
def studio() -> Iterator[Colophon]:
    """Lend a Colophon with a tiny model of the starter's kind, and the real trainer."""
    from tests.factories.tiny_models import build_tiny_model

    folder = Path(tempfile.mkdtemp(prefix="colophon-training-"))
    folder.chmod(0o711)
    model = build_tiny_model("starter", folder / "tiny")
    (model / "colophon.json").write_text(json.dumps({"name": "Tiny", "licence_spdx": "CC0-1.0"}))
    running = Colophon(
        folder / "data", COLOPHON_STARTER_MODEL=str(model), COLOPHON_TRAINING_CHECKPOINT_SECONDS="0.2",
        OMP_NUM_THREADS="1",
        COLOPHON_LEASE_SECONDS="15",  # the product's own: loading torch may keep a renewal waiting for seconds
    )  # fmt: skip
    try:
        running.start()
        yield running
    finally:
        running.sweep()
        shutil.rmtree(folder, ignore_errors=True)


def holds_torch(process: psutil.Process) -> bool:
    """Say whether a running process has loaded torch: its library is then among its mapped files."""
    return any("libtorch" in part.path for part in process.memory_maps())


def test_a_style_is_trained_by_its_own_process_which_a_kill_only_delays(studio: Colophon) -> None:
    made = manage(studio.home, "shell", "-c", MAKE_A_STYLE, COLOPHON_PORT=str(studio.port))
    assert made.returncode == 0, made.stderr
    visitor = Visitor(studio)
    run = visitor.call("/api/v1/styles/cats/train", {"steps": 120, "rank": 2, "batch": 4, "warm_up": 2})
    path = f"/api/v1/trainings/{run['id']}"

    def at(step: int) -> dict[str, Any]:
        now = visitor.call(path)
        assert now["state"] in {"queued", "training"}, f"{now['fault']}\n{studio.logs()}"
        return now if now["progress"]["step"] >= step and now["losses"] else {}

    wait_until(lambda: at(20), what="a checkpoint of the training" + studio.logs())
    (child,) = psutil.Process(studio.pid("training")).children()
    child.suspend()  # it would be done before it was looked at
    assert holds_torch(child) and child.nice() >= 10
    for name in ("web", "housekeeping", "beat"):
        process = psutil.Process(studio.pid(name))
        assert not any(map(holds_torch, [process, *process.children(recursive=True)])), name
    os.kill(child.pid, signal.SIGKILL)

    def ended() -> dict[str, Any]:
        now = visitor.call(path)
        return now if now["state"] in {"done", "failed", "cancelled"} else {}

    done = wait_until(ended, what="the end of the training" + studio.logs())
    assert done["state"] == "done" and done["attempt"] == 2, done["fault"]
    heard = [int(point["step"]) for point in done["losses"]]
    assert heard == list(range(10, 121, 10)), "the curve goes on where the killed process left off"
    assert len(visitor.download(done["links"]["adapter"])) > 1_000
    record = visitor.ended(visitor.ask(references=[{"style": "cats"}]))
    assert record["state"] == "done" and record["references"][0]["adapter"] == done["adapter_digest"]


def test_a_watcher_is_told_each_step_and_shown_samples(studio: Colophon) -> None:
    visitor = Visitor(studio)
    run = visitor.call("/api/v1/styles/cats/train", {"steps": 30, "rank": 2, "batch": 4, "warm_up": 2})
    told = list(visitor.events(run["id"], of="trainings"))
    names = [name for name, _ in told]
    assert names[0] == "queued" and names[-1] == "done" and names.count("step") >= 25
    assert any("sample" in event for _, event in told) and any("seconds_left" in event for _, event in told)
