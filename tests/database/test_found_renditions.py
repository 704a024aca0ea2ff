"""Copies of later forms are found as such; and a no to one file of an image is one to all of it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from PIL import Image
from pytest_django import Settings

from generation.actions import reconciling
from generation.actions.erasing import erase_person
from generation.actions.fingerprinting import fingerprint_older
from generation.actions.opting_out import other_forms
from generation.evidence import Records
from generation.models import Output, Rendition
from generation.recovery import with_same_iscc
from generation.rendition import Box, Size
from provenance import storage
from provenance.actor import COLOPHON
from provenance.attribution import actions as attribution
from provenance.attribution.models import KeptFingerprint
from provenance.audit_log.sequencing import sequence
from provenance.fingerprint import Look, apart, fingerprint_of
from provenance.licensing.actions.importing_opt_outs import import_opt_outs
from provenance.licensing.actions.opting_out import opt_out_picture
from provenance.licensing.models import OptOut, OptOutMatch
from provenance.picture import decode_picture
from provenance.verification.verdict import Verdict
from provenance.verification.verify import verify
from provenance.works.actions.listing import register_work
from provenance.works.models import Flag
from server.accounts.models import Account
from tests.factories.delivered import PART, a_scene, an_output, stripped
from tests.factories.pictures import encoded
from tests.factories.records import a_party, an_artist

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unmarked")]


def verdict_on(data: bytes) -> Verdict:
    return verify(data, evidence=Records(keeper="here"))


def forget_forms() -> None:
    """Leave the database as it was before later forms had fingerprints."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DELETE FROM attribution_keptfingerprint WHERE stage = 'rendition'")
        cursor.execute("SET session_replication_role = origin")


# ---- found as what they are ------------------------------------------------------------------------------------


def test_a_stripped_copy_of_a_cropped_form_is_found_as_that_form_of_the_image(output: Output, make: Any) -> None:
    form = make(output.digest, crop=PART)
    copy = stripped(form.digest)
    (record,) = verdict_on(copy).records
    assert (record.layer, record.image_digest, record.manifest_id) == ("fingerprint", form.digest, form.manifest_id)
    assert not record.is_possible
    match = record.as_json()["match"]
    assert (match["rendition_of"], match["reason"], match["stage"]) == (output.digest, "crop", "rendition")
    forget_forms()
    assert all(one.is_possible for one in verdict_on(copy).records), "so small a part was not surely found before"


def test_a_copy_of_the_image_itself_is_still_found_as_the_image(output: Output, make: Any) -> None:
    make(output.digest, crop=PART)
    (record,) = verdict_on(stripped(output.digest)).records
    assert record.image_digest == output.digest and "rendition_of" not in record.as_json()["match"]


@pytest.mark.parametrize("change", [{"output_format": "webp", "quality": 60}, {"size": Size(200, 200)}])
def test_a_stripped_copy_of_another_format_or_size_is_found_as_the_image_or_that_form(
    output: Output, make: Any, change: dict[str, Any]
) -> None:
    form = make(output.digest, **change)
    (exact,) = verdict_on(stripped(form.digest, kind="PNG", quality=None)).records
    assert (exact.layer, exact.image_digest) == ("pixels", form.digest)
    (near,) = verdict_on(stripped(form.digest)).records
    assert near.layer == "fingerprint" and near.image_digest in {output.digest, form.digest}


def test_a_retouched_form_s_stripped_copy_is_found_as_that_form(output: Output, make: Any) -> None:
    painted = decode_picture(storage.load(output.digest)).pixels.copy()
    painted[:150, :384] = painted[:150, :384] // 2 + 60
    form = make(output.digest, retouched=painted)
    (record,) = verdict_on(stripped(form.digest)).records
    assert record.image_digest == form.digest and record.as_json()["match"]["reason"] == "retouch"


@pytest.mark.parametrize("copied", ["image", "crop", "resize"])
def test_of_an_image_with_two_later_forms_a_copy_is_told_once_with_that_form_alone(
    output: Output, make: Any, copied: str
) -> None:
    digests = {"image": output.digest, "crop": make(output.digest, crop=PART).digest}
    digests["resize"] = make(output.digest, size=Size(300, 300)).digest
    verdict = verdict_on(stripped(digests[copied], quality=80))
    found = verdict.check("record.found")
    assert found.en == "This picture looks like one in here's records, with small changes at most."
    (told,) = found.evidence["images"]
    assert told["match"]["candidates"] == 1
    whole = {digests["image"], digests["resize"]}  # alike but for their size
    assert told["image"] in ({digests["crop"]} if copied == "crop" else whole)
    assert told["match"].get("rendition_of", output.digest) == output.digest
    results = {check.code: check.result for check in verdict.checks}
    assert results["licence.today"] == results["dispute"] == results["key.revoked"] == "passed", "one record answers"


def test_a_nearer_file_that_nothing_confirms_stands_back_behind_one_of_the_same_image_that_is_confirmed(
    output: Output, make: Any
) -> None:
    form = make(output.digest, crop=Box(10, 16, 350, 345))
    make(output.digest, size=Size(200, 200))
    copy = encoded(Image.fromarray(a_scene()[18:370, 6:358]), "JPEG", quality=60)
    (record,) = verdict_on(copy).records
    match = record.as_json()["match"]
    assert record.image_digest == form.digest and not record.is_possible
    assert match["methods"] == ["pdq", "iscc"] and match["candidates"] == 1
    look = Look(decode_picture(copy).pixels)
    assert apart(look.pdq, fingerprint_of(a_scene()).pdq, shifted=look.shifted)[0] < match["pdq"]["distance"]
    asked = Client().post("/c2pa/matches/byContent?alg=org.colophon.pdq-windows.v1", copy, content_type="image/jpeg")
    assert [one["manifestId"] for one in asked.json()["matches"]] == [form.manifest_id]


def test_where_the_watermark_survives_it_finds_the_image_before_the_fingerprint_finds_the_form(
    keys: Path, mara: Account, make: Any, settings: Settings
) -> None:
    settings.COLOPHON_WATERMARK_LEAST_SIDE = 256
    output = an_output(keys, mara, a_scene())
    form = make(output.digest, output_format="webp")
    (record,) = verdict_on(stripped(form.digest)).records
    assert (record.layer, record.image_digest) == ("watermark", output.digest)


def test_c2pa_s_soft_binding_service_names_the_manifest_of_the_form(output: Output, make: Any) -> None:
    form = make(output.digest, crop=PART)
    own = fingerprint_of(decode_picture(storage.load(form.digest)).pixels)
    value = base64.b64encode(b"".join(own.pdq)).decode()
    asked = {"alg": "org.colophon.pdq-windows.v1", "value": value}
    matches = Client().post("/c2pa/matches/byBinding", data=asked, content_type="application/json").json()["matches"]
    assert matches[0]["manifestId"] == form.manifest_id
    assert [one.file.digest for one in with_same_iscc(own.iscc)] == [form.digest]


def test_a_form_has_one_fingerprint_and_an_image_one_a_stage(output: Output, make: Any) -> None:
    form = make(output.digest, crop=PART)
    row = KeptFingerprint.objects.get(stage="rendition")
    assert (row.subject_id, row.digest) == (output.use_id, form.digest)
    own = fingerprint_of(a_scene())
    for stage, digest in (("rendition", form.digest), ("delivered", "sha256:" + "0" * 64)):
        with pytest.raises(IntegrityError):
            attribution.record(
                "image", subject=output.use_id, digest=digest, fingerprint=own, actor=COLOPHON, stage=stage
            )


def test_forms_from_before_get_their_fingerprints_once_and_late_stamps_none(output: Output, make: Any) -> None:
    form = make(output.digest, crop=PART)
    make(form.digest, output_format="jpeg")
    forget_forms()
    assert fingerprint_older() == 2 and fingerprint_older() == 0
    assert KeptFingerprint.objects.filter(stage="rendition", subject_id=output.use_id).count() == 2


def test_a_form_whose_file_is_gone_is_passed_over(output: Output, make: Any) -> None:
    form = make(output.digest, crop=PART)
    forget_forms()
    storage.delete(form.digest)
    assert fingerprint_older() == 0


def test_erasing_a_person_erases_what_their_forms_are_recognised_by_for_good(
    output: Output, make: Any, mara: Account
) -> None:
    form = make(output.digest, crop=PART)
    copy = stripped(form.digest)
    erase_person(actor=COLOPHON, account_id=mara.pk)
    assert not KeptFingerprint.objects.filter(erased_at=None).exists() and verdict_on(copy).records == ()
    assert fingerprint_older() == 0


def test_reconciling_knows_the_fingerprints_of_forms(output: Output, make: Any) -> None:
    make(output.digest, crop=PART)
    sequence()
    run = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    assert (run.state, run.differences) == ("done", 0), list(reconciling.report_lines(run))


# ---- one file stands for the image -----------------------------------------------------------------------------


def said_no(data: bytes, name: str = "noa") -> OptOut:
    noa = an_artist(name)
    return opt_out_picture(
        actor=noa.actor(), party=a_party(name.title(), member=noa), data=data, source="form", other_forms=other_forms
    )


def test_a_no_to_a_later_form_reaches_a_work_that_is_the_image_itself(output: Output, make: Any, mara: Account) -> None:
    form = make(output.digest, crop=PART)
    listed = register_work(
        actor=mara.actor(), party=a_party("Mara", member=mara), data=storage.load(output.digest), title="Scene"
    )
    opt_out = said_no(storage.load(form.digest))
    assert list(OptOutMatch.objects.filter(opt_out=opt_out).values_list("work_id", flat=True)) == [listed.pk]


def test_a_no_to_the_image_flags_a_later_form_that_is_listed_afterwards(
    output: Output, make: Any, mara: Account
) -> None:
    form = make(output.digest, crop=PART)
    opt_out = said_no(storage.load(output.digest))
    work = register_work(
        actor=mara.actor(), party=a_party("Mara", member=mara), data=storage.load(form.digest), title="Part"
    )
    assert [flag.against_id for flag in Flag.objects.filter(work=work, against_kind="opt-out")] == [opt_out.pk]


def test_a_list_that_names_one_file_by_its_digest_alone_names_the_image(
    output: Output, make: Any, mara: Account
) -> None:
    form = make(output.digest, crop=PART)
    listed = register_work(
        actor=mara.actor(), party=a_party("Mara", member=mara), data=storage.load(output.digest), title="Scene"
    )
    rows = f"kind,subject,digest\npicture,,{form.digest}\n".encode()
    (line,) = import_opt_outs(actor=COLOPHON, data=rows, source="a list", party=a_party("Noa"), other_forms=other_forms)
    assert line.result == "recorded", line
    assert OptOutMatch.objects.get().work_id == listed.pk


def test_a_no_to_somebody_s_own_picture_knows_no_other_file(output: Output) -> None:
    opt_out = said_no(encoded(Image.fromarray(a_scene()[::-1])))
    assert KeptFingerprint.objects.filter(kind="opt-out", subject_id=opt_out.pk).count() == 1
    assert not Rendition.objects.exists()
