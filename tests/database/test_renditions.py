"""Later forms of a delivered image: each signed over the one before, recorded, and found like the first."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError
from PIL import Image

from generation.actions import reconciling, renditions
from generation.actions.erasing import erase_person
from generation.errors import RecordErased, TooManyRenditions, UnknownImage
from generation.evidence import Records
from generation.models import Output, Rendition
from generation.rendition import Box, Size
from generation.request import InvalidRequest
from provenance import storage
from provenance.actor import COLOPHON
from provenance.audit_log.models import Entry
from provenance.credentials.label import VisibleLabel
from provenance.credentials.queries import credential_of
from provenance.credentials.reading import read
from provenance.picture import decode_picture
from provenance.verification.verify import verify
from server.accounts.models import Account
from tests import services
from tests.factories.delivered import an_output, maker_of_forms
from tests.factories.records import an_artist, an_auditor
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db(transaction=True)
PROMPT = "zyzzyva quokka"


@pytest.fixture
def output(home: Path, keys: Path, mara: Account) -> Output:
    """Deliver a picture, 64 pixels each way, of a prompt that is private."""
    return an_output(keys, mara, prompt=PROMPT, disclosure="private")


@pytest.fixture
def make(keys: Path, mara: Account) -> Any:
    """Return a function that makes a later form of an image of the artist's."""
    return maker_of_forms(keys, mara)


def verdict_on(keys: Path, digest: str) -> Any:
    root = next(keys.rglob("root*.pem")).read_text()
    return verify(storage.load(digest), evidence=Records(keeper="here"), trust_pem=root)


def retouched(output: Output) -> Any:
    """Return an image's pixels with a part painted over."""
    pixels = np.array(decode_picture(storage.load(output.digest)).pixels)
    pixels[16:40, 16:40] = 90
    return pixels


CHANGES: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "format": ({"output_format": "jpeg", "quality": 80}, "image/jpeg", ["c2pa.opened", "c2pa.transcoded"]),
    "webp": ({"output_format": "webp"}, "image/webp", ["c2pa.opened", "c2pa.transcoded"]),
    "avif": ({"output_format": "avif"}, "image/avif", ["c2pa.opened", "c2pa.transcoded"]),
    "label": ({"label": VisibleLabel()}, "image/png", ["c2pa.opened", "c2pa.addedText"]),
    "crop": ({"crop": Box(4, 4, 40, 32)}, "image/png", ["c2pa.opened", "c2pa.cropped"]),
    "resize": ({"size": Size(128, 128)}, "image/png", ["c2pa.opened", "c2pa.resized.proportional"]),
    "stretch": ({"size": Size(128, 64)}, "image/png", ["c2pa.opened", "c2pa.resized"]),
    "crop and resize": (
        {"crop": Box(0, 0, 48, 32), "size": Size(96, 64)},
        "image/png",
        ["c2pa.opened", "c2pa.cropped", "c2pa.resized.proportional"],
    ),
    "retouch": ({}, "image/png", ["c2pa.opened", "c2pa.edited"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_later_form_is_signed_over_the_first_recorded_and_found(
    keys: Path, output: Output, make: Any, name: str
) -> None:
    change, media_type, actions = CHANGES[name]
    if name == "retouch":
        change = {"retouched": retouched(output)}
    rendition = make(output.digest, **change)
    verdict = verdict_on(keys, rendition.digest)
    reading = read(storage.load(rendition.digest))
    assert [one["action"] for one in reading.assertion("c2pa.actions.v2")["actions"]] == actions
    (parent,) = [one for one in reading.ingredients if one.relationship == "parentOf"]
    assert parent.own_manifest_id == output.manifest_id and not parent.faults
    assert reading.assertion("org.colophon.generation")["rendition"]["image"] == output.digest
    told = {one.code: one.result for one in verdict.checks}
    assert {told[code] for code in ("manifest.integrity", "signer.trusted", "record.found")} == {"passed"}
    assert told["record.agrees"] == "passed", verdict.check("record.agrees").evidence
    (record,) = verdict.records
    assert (record.layer, record.image_digest, len(record.leaf_hashes)) == ("file", rendition.digest, 3)
    assert record.match["rendition_of"] == output.digest
    assert rendition.media_type == media_type == verdict.media_type
    assert credential_of(rendition.digest) is not None
    assert Entry.objects.filter(kind="RenditionMade").count() == 1
    for spelling in (word.encode(code) for word in PROMPT.split() for code in ("utf-8", "utf-16-le", "utf-16-be")):
        assert spelling not in storage.load(rendition.digest)
    assert reconciling.reconcile(reconciling.begin_here(actor=COLOPHON)).differences == 0


def test_edits_follow_one_another_and_the_chain_reaches_the_first(output: Output, make: Any) -> None:
    cropped = make(output.digest, crop=Box(0, 0, 48, 48))
    labelled = make(cropped.digest, label=VisibleLabel(), output_format="webp")
    reading = read(storage.load(labelled.digest))
    assert {output.manifest_id, cropped.manifest_id, labelled.manifest_id} <= set(reading.manifests)
    assert (labelled.parent, labelled.output_id, labelled.reason) == (cropped.digest, output.pk, "label")


def test_a_retouched_picture_says_that_people_or_programs_elsewhere_changed_it(output: Output, make: Any) -> None:
    rendition = make(output.digest, retouched=retouched(output))
    data = storage.load(rendition.digest)
    assert b"compositeWithTrainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>" in data
    assert "retouching" in read(data).assertion("org.colophon.generation")["human_contribution"]


def test_whether_all_that_was_done_is_told_depends_on_whether_it_was_seen(output: Output, make: Any) -> None:
    painted = make(output.digest, retouched=retouched(output))
    cropped = make(painted.digest, crop=Box(0, 0, 40, 40))
    told = [read(storage.load(one.digest)).assertion("c2pa.actions.v2") for one in (painted, cropped)]
    assert [one["allActionsIncluded"] for one in told] == [False, True]


def test_what_was_painted_over_stays_a_composite_in_every_form_made_from_it(output: Output, make: Any) -> None:
    painted = make(output.digest, retouched=retouched(output))
    later = make(make(painted.digest, crop=Box(0, 0, 40, 40)).digest, output_format="jpeg")
    data = storage.load(later.digest)
    assert b"compositeWithTrainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>" in data
    assert "retouching" in read(data).assertion("org.colophon.generation")["human_contribution"]
    beside = storage.load(make(output.digest, crop=Box(0, 0, 40, 40)).digest)
    assert b"/trainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>" in beside


def test_a_lossy_file_that_is_only_encoded_again_says_so(output: Output, make: Any) -> None:
    jpeg = make(output.digest, output_format="jpeg")
    for change, told in {
        ("quality", 50): [("c2pa.transcoded", {"org.colophon.quality": "50"})],
        ("output_format", "jpeg"): [("c2pa.transcoded", {})],
        ("crop", Box(0, 0, 40, 40)): [("c2pa.cropped", {"org.colophon.box": "0,0,40,40"})],
    }.items():
        again = make(jpeg.digest, **dict([change]))
        _, *actions = read(storage.load(again.digest)).assertion("c2pa.actions.v2")["actions"]
        assert [(one["action"], _own(one["parameters"])) for one in actions] == told
    png = make(output.digest, output_format="png")
    (opened,) = read(storage.load(png.digest)).assertion("c2pa.actions.v2")["actions"]
    assert opened["action"] == "c2pa.opened", "a PNG that is saved as PNG is the same picture"


def _own(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name != "ingredients"}


def test_a_later_form_says_when_it_was_changed_and_where_it_is_told_of(
    output: Output, make: Any, settings: Any, tmp_path: Path
) -> None:
    exiftool = services.require_tool("exiftool")
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"public_url": "https://colophon.example/"})
    rendition = make(output.digest, output_format="webp")
    (tmp_path / "form.webp").write_bytes(storage.load(rendition.digest))
    asked = [exiftool, "-j", "-G1", "-d", "%s", "-XMP:all", str(tmp_path / "form.webp")]
    told = json.loads(subprocess.run(asked, capture_output=True, check=True, timeout=60).stdout)[0]
    assert told["XMP-xmpRights:WebStatement"] == f"https://colophon.example/provenance/{rendition.manifest_id}"
    assert told["XMP-xmp:ModifyDate"] == int(rendition.made_at.timestamp())
    assert told["XMP-xmp:CreateDate"] <= told["XMP-xmp:ModifyDate"]


def test_a_stripped_copy_of_a_later_form_is_found_by_its_pixels(keys: Path, output: Output, make: Any) -> None:
    rendition = make(output.digest, crop=Box(0, 0, 40, 40))
    buffer = io.BytesIO()
    Image.fromarray(decode_picture(storage.load(rendition.digest)).pixels).save(buffer, "PNG")
    (record,) = verify(buffer.getvalue(), evidence=Records(keeper="here")).records
    assert (record.layer, record.image_digest) == ("pixels", rendition.digest)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, "output_format"),
        ({"quality": 50}, "quality"),
        ({"output_format": "bmp"}, "output_format"),
        ({"crop": Box(40, 0, 40, 40)}, "crop"),
        ({"crop": Box(0, 0, 15, 64)}, "crop"),
        ({"size": Size(257, 64)}, "size"),
        ({"crop": Box(0, 0, 32, 32), "size": Size(200, 32)}, "size"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_and_leaves_nothing(
    output: Output, make: Any, change: dict[str, Any], field: str
) -> None:
    before = Entry.objects.count()
    with pytest.raises(InvalidRequest) as refused:
        make(output.digest, **change)
    assert refused.value.field == field
    assert not Rendition.objects.exists() and Entry.objects.count() == before


def test_nobody_makes_later_forms_of_somebody_else_s_image(keys: Path, output: Output, make: Any) -> None:
    for stranger in (an_artist("ida"), an_auditor()):
        answer = Caller(stranger).post(f"/api/v1/images/{output.digest}/renditions", {"output_format": "webp"})
        is_problem(answer, 404, "unknown-image")
    with pytest.raises(UnknownImage):
        make("sha256:" + "0" * 64, output_format="webp")
    assert not Rendition.objects.exists()


def test_over_http_a_form_is_asked_for_served_listed_and_proved(output: Output, mara: Account, settings: Any) -> None:
    caller = Caller(mara)
    made = caller.post(f"/api/v1/images/{output.digest}/renditions", {"output_format": "jpeg", "label": {}})
    assert made.status_code == 201, made.content
    body = made.json()
    assert made["Location"] == body["links"]["self"]
    file = caller.get(body["links"]["file"])
    assert (file["Content-Type"], file.content[:2]) == ("image/jpeg", b"\xff\xd8")
    assert caller.get(body["links"]["manifest"]).status_code == 200
    listed = caller.get(f"/api/v1/images/{body['digest']}").json()
    assert [one["digest"] for one in listed["renditions"]] == [body["digest"]]
    assert listed["digest"] == output.digest
    edits = f"/api/v1/images/{output.digest}/edits"
    cropped = caller.post(edits, {"crop": {"left": 0, "top": 0, "width": 32, "height": 20}}).json()
    assert (cropped["width"], cropped["height"], cropped["reason"]) == (32, 20, "crop")
    retouched = caller.upload(edits, storage.load(output.digest)).json()
    assert retouched["reason"] == "retouch"
    is_problem(caller.upload(edits, b"no picture"), 422, "not-a-picture")
    is_problem(caller.post(edits, {"rotate": 90}), 422, "invalid-request")


def test_erasing_its_owner_erases_every_form(keys: Path, output: Output, mara: Account, make: Any) -> None:
    rendition = make(output.digest, output_format="webp")
    erase_person(actor=mara.actor(), account_id=mara.pk)
    assert not storage.exists(output.digest) and not storage.exists(rendition.digest)
    with pytest.raises(RecordErased):
        make(output.digest, output_format="avif")
    assert reconciling.reconcile(reconciling.begin_here(actor=COLOPHON)).differences == 0


def test_two_forms_asked_for_at_once_do_not_pass_the_bound_together(
    output: Output, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renditions, "MOST_RENDITIONS", 1)
    changed = renditions._changed

    def overtaken(*form: Any, **change: Any) -> Any:
        monkeypatch.setattr(renditions, "_changed", changed)
        make(output.digest, output_format="webp")
        return changed(*form, **change)

    monkeypatch.setattr(renditions, "_changed", overtaken)
    with pytest.raises(TooManyRenditions):
        make(output.digest, output_format="jpeg")
    assert [rendition.media_type for rendition in Rendition.objects.all()] == ["image/webp"]
    assert Entry.objects.filter(kind="RenditionMade").count() == 1


def test_a_later_form_is_never_changed(output: Output, make: Any) -> None:
    rendition = make(output.digest, output_format="webp")
    with pytest.raises(IntegrityError, match="never changed"):
        Rendition.objects.filter(pk=rendition.pk).update(reason="crop")
