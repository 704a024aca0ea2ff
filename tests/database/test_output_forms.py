"""In what form pictures leave: the format, quality and visible label that were asked for or are prescribed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from generation.actions import reconciling
from generation.actions.rendering import render_next
from generation.models import Generation
from generation.request import MEDIA_TYPES, InvalidRequest
from provenance import storage
from provenance.actor import COLOPHON
from provenance.credentials.label import VisibleLabel
from provenance.credentials.reading import read
from provenance.verification.verify import verify
from tests.factories.records import a_model, a_request, a_worker, an_artist
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "zyzzyva quokka"


def delivered(keys: Path, **asked: Any) -> tuple[Generation, bytes]:
    generation = a_request(an_artist(), **asked)
    render_next(worker=a_worker(keys))
    generation.refresh_from_db()
    assert generation.state == Generation.State.DONE, generation.fault
    return generation, storage.load(generation.outputs.get().digest)


@pytest.mark.parametrize("name", sorted(MEDIA_TYPES))
def test_every_format_is_delivered_signed_and_silent_about_a_private_prompt(keys: Path, name: Any) -> None:
    a_model()
    generation, data = delivered(keys, output_format=name, prompt=SECRET, disclosure="private")
    output = generation.outputs.get()
    verdict = verify(data, trust_pem=None)
    assert (output.media_type, verdict.media_type) == (MEDIA_TYPES[name], MEDIA_TYPES[name])
    assert verdict.check("manifest.integrity").result == "passed"
    assert output.delivered_pixels == verdict.pixel_digest
    assert b"<?xpacket begin" in data
    for spelling in (word.encode(code) for word in SECRET.split() for code in ("utf-8", "utf-16-le", "utf-16-be")):
        assert spelling not in data


def test_a_lower_quality_makes_a_smaller_file_that_says_which_it_is(keys: Path) -> None:
    a_model()
    _, fine = delivered(keys, output_format="jpeg")
    generation = a_request(_artist_again(), output_format="jpeg", quality=40)
    render_next(worker=a_worker(keys))
    coarse = storage.load(generation.outputs.get().digest)
    assert len(coarse) < len(fine)
    assert read(coarse).assertion("org.colophon.generation")["settings"]["quality"] == "40"


def _artist_again() -> Any:
    return an_artist("ida")


def test_a_label_that_was_asked_for_stands_in_the_picture_and_in_its_manifest(keys: Path) -> None:
    a_model()
    generation, data = delivered(keys, label=VisibleLabel(position="top-left", language="zh"), width=128, height=128)
    actions = read(data).assertion("c2pa.actions.v2")["actions"]
    assert [one["action"] for one in actions] == ["c2pa.created", "c2pa.addedText"]
    assert "人工智能生成" in actions[1]["description"]
    corner = Image.open(io.BytesIO(data)).convert("L").crop((3, 3, 60, 20))
    assert corner.getextrema()[1] > 240  # the letters' white
    assert generation.label == {"position": "top-left", "language": "zh"}


def test_an_operator_s_label_is_in_every_picture_and_a_request_may_only_move_it(keys: Path, settings: Any) -> None:
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"label": "bottom/both"})
    a_model()
    generation, data = delivered(keys)
    assert generation.label == {"position": "bottom", "language": "both"}
    assert "c2pa.addedText" in str(read(data).assertion("c2pa.actions.v2"))
    moved = a_request(_artist_again(), label=VisibleLabel(position="top"))
    assert moved.label == {"position": "top", "language": "both"}


def test_a_picture_states_who_provides_it_and_its_permanent_page_where_others_can_reach_it(
    keys: Path, settings: Any
) -> None:
    known = {"public_url": "https://colophon.example", "provider": "Atelier Example"}
    a_model()
    _, silent = delivered(keys)
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update=known)
    generation = a_request(_artist_again())
    render_next(worker=a_worker(keys))
    output = generation.outputs.get()
    data = storage.load(output.digest)
    page = f"/provenance/{output.manifest_id}"
    assert f"<xmpRights:WebStatement>https://colophon.example{page}</xmpRights:WebStatement>".encode() in data
    assert read(data).assertion("cawg.metadata")["xmpRights:WebStatement"] == f"https://colophon.example{page}"
    assert Caller(None).get(page).status_code == 200
    assert read(data).assertion("org.colophon.generation")["provider"] == "Atelier Example"
    assert "provider" not in read(silent).assertion("org.colophon.generation")
    assert b"WebStatement" not in silent, "a page on this machine alone is no permanent page"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"output_format": "gif"}, "output_format"),
        ({"quality": 80}, "quality"),
        ({"output_format": "jpeg", "quality": 29}, "quality"),
        ({"output_format": "webp", "quality": 101}, "quality"),
    ],
)
def test_a_form_that_is_not_delivered_is_refused_and_nothing_is_recorded(asked: dict[str, Any], field: str) -> None:
    a_model()
    with pytest.raises(InvalidRequest) as refused:
        a_request(an_artist(), **asked)
    assert refused.value.field == field
    assert not Generation.objects.exists()


def test_the_api_takes_a_form_and_serves_the_file_under_its_own_name(keys: Path) -> None:
    a_model()
    caller = Caller(an_artist())
    asked = {"prompt": "a cat", "output_format": "webp", "quality": 70, "label": {"language": "en"}}
    record = caller.post("/api/v1/generations", asked).json()
    assert (record["media_type"], record["quality"]) == ("image/webp", 70)
    assert record["label"] == {"position": "bottom-right", "language": "en"}
    render_next(worker=a_worker(keys))
    (output,) = caller.get(f"/api/v1/generations/{record['id']}").json()["outputs"]
    file = caller.get(output["links"]["file"])
    assert file["Content-Type"] == "image/webp"
    assert file["Content-Disposition"].endswith('.webp"')
    wrong = caller.post("/api/v1/generations", asked | {"label": {"position": "middle"}})
    is_problem(wrong, 422, "invalid-request")
    assert Generation.objects.count() == 1


def test_a_form_changed_in_a_row_afterwards_is_told(keys: Path, home: Path) -> None:
    a_model()
    generation, _ = delivered(keys, output_format="jpeg", quality=80, label=VisibleLabel())
    assert reconciling.reconcile(reconciling.begin_here(actor=COLOPHON)).differences == 0
    Generation.objects.filter(pk=generation.pk).update(quality=90, media_type="image/png")
    run = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    assert set(run.found.values_list("field", flat=True)) == {"quality", "media_type"}
