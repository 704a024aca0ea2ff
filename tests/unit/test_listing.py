"""The manifest beside a listed work, and how it nests in a picture that was made from the work."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import c2pa
import pytest

from provenance.canonical import sha256_digest
from provenance.credentials.errors import SigningFailed
from provenance.credentials.listing import LISTING, listing_record, read_listing, sign_listing
from provenance.credentials.manifest import Software
from provenance.credentials.reading import read, settings
from provenance.credentials.signing import PemKey
from provenance.credentials.timestamps import TimestampAuthority
from provenance.verification.verify import verify
from tests.simulators.pictures import (
    ENCODINGS,
    digest,
    listed,
    listing,
    on_listed,
    over_listed,
    picture,
    signed,
)
from tests.simulators.tampering import with_other_pixel
from tests.simulators.timestamps import authority


def report_on(data: bytes, store: bytes, *, media_type: str, key: PemKey) -> dict[str, Any]:
    """Return what the library tells an outsider of a file and the manifest beside it."""
    with (
        c2pa.Context.from_dict(settings(trust_pem=key.root_pem)) as context,
        c2pa.Reader(media_type, io.BytesIO(data), manifest_data=store, context=context) as reader,
    ):
        told: dict[str, Any] = json.loads(reader.json())
        return told


@pytest.mark.parametrize("media_type", [*ENCODINGS, "image/svg+xml"])
def test_a_listed_file_of_any_kind_gets_a_manifest_beside_it_and_stays_as_it_is(key: PemKey, media_type: str) -> None:
    data = b"<svg xmlns='http://www.w3.org/2000/svg'/>" if "svg" in media_type else picture(media_type)
    beside = listed(key, data, media_type=media_type)
    report = report_on(data, beside.store, media_type=beside.media_type, key=key)
    assert (report["validation_state"], report["active_manifest"]) == ("Trusted", beside.manifest_id)
    assert len(beside.store) <= 3_400


def test_it_states_who_listed_the_work_its_credit_and_its_licence_and_claims_no_author(key: PemKey) -> None:
    data = picture()
    manifest = report_on(data, listed(key, data).store, media_type="image/png", key=key)
    (active,) = manifest["manifests"].values()
    told = {one["label"]: one["data"] for one in active["assertions"]}
    assert told[LISTING] == listing_record(listing(data))
    assert (told[LISTING]["listed_by"], told[LISTING]["credit"], told[LISTING]["licence"]) == (
        "Ada Painter", "Ada Painter", "CC-BY-4.0",
    )  # fmt: skip
    assert [one["action"] for one in told["c2pa.actions.v2"]["actions"]] == ["c2pa.opened"]
    words = json.dumps(told)
    assert not any(claim in words for claim in ("creator", "author", "digitalSourceType", "c2pa.created"))


def test_who_listed_the_work_of_an_author_who_stays_anonymous_is_not_named() -> None:
    record = listing_record(listing(picture(), listed_by="", credit="anonymous · 佚名"))
    assert "listed_by" not in record and "Ada" not in json.dumps(record)


def test_a_changed_work_no_longer_fits_the_manifest_beside_it(key: PemKey) -> None:
    data = picture()
    beside = listed(key, data)
    read_again = read_listing(
        with_other_pixel(data), store=beside.store, media_type="image/png", trust_pem=key.root_pem
    )
    assert not read_again.is_trusted
    assert "assertion.dataHash.mismatch" in json.dumps(read_again.results["activeManifest"]["failure"])


def test_a_file_that_is_not_the_listed_one_is_not_signed(key: PemKey) -> None:
    with pytest.raises(SigningFailed, match="not the one"):
        sign_listing(picture(seed=2), listing=listing(picture()), software=Software("Colophon", "0.1.0"), key=key)


def test_bytes_that_are_no_manifest_store_are_refused() -> None:
    with pytest.raises(SigningFailed):
        read_listing(picture(), store=b"no store", media_type="image/png", trust_pem=None)


def test_a_preview_that_stands_for_a_file_kept_elsewhere_is_named_beside_it(key: PemKey) -> None:
    preview = picture("image/webp")
    statement = listing(preview, media_type="image/webp", digest=digest("9"))
    assert listing_record(statement)["digest"] == digest("9")
    assert listing_record(statement)["bound_file"] == sha256_digest(preview)
    assert sign_listing(preview, listing=statement, software=Software("Colophon", "0.1.0"), key=key).is_trusted


def test_another_credit_or_licence_is_another_statement() -> None:
    data = picture()
    statements = {listing(data, **change).statement for change in ({}, {"credit": "A. P."}, {"licence": "CC0-1.0"})}
    assert len(statements) == 3


def test_a_listing_is_stamped_where_an_authority_answers_and_not_where_it_is_down(key: PemKey, tmp_path: Path) -> None:
    data = picture()
    statement = {"listing": listing(data), "software": Software("Colophon", "0.1.0"), "key": key}
    with authority(tmp_path / "authority") as server:
        stamped = sign_listing(data, **statement, timestamps=TimestampAuthority(server.url))
    assert "timeStamp.validated" in json.dumps(stamped.results)
    down = TimestampAuthority("http://127.0.0.1:9/", attempts=1)
    assert "timeStamp" not in json.dumps(sign_listing(data, **statement, timestamps=down).results)


def test_a_token_for_something_else_is_no_stamp_of_a_listing(
    key: PemKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = picture()
    with authority(tmp_path / "authority") as server:
        known = TimestampAuthority(server.url, sleep=lambda seconds: None)
        other = known.token(b"another signature")
        monkeypatch.setattr(TimestampAuthority, "token", lambda self, message: other)
        unstamped = listed(key, data, timestamps=known)
    assert unstamped.is_trusted and "timeStamp" not in json.dumps(unstamped.results)
    assert other not in unstamped.store and not known.is_awake


# ---- inside another picture ------------------------------------------------------------------------------------


def test_a_picture_over_a_listed_work_carries_the_manifest_that_stands_beside_the_work(key: PemKey) -> None:
    inputs = over_listed(key, picture(seed=5))
    reading = read(signed(key, inputs=inputs).data, trust_pem=key.root_pem)
    (parent,) = [one for one in reading.ingredients if one.relationship == "parentOf" and one.title == "Sketch"]
    assert reading.validation_state == "Trusted"
    assert inputs[0].manifest is not None and parent.own_manifest_id == inputs[0].manifest.manifest_id
    assert parent.metadata["org.colophon.digest"] == sha256_digest(picture(seed=5))
    nested = {one["label"]: one["data"] for one in reading.manifests[parent.own_manifest_id]["assertions"]}
    assert nested[LISTING]["listed_by"] == "Ada Painter"


def test_a_style_on_few_works_brings_each_of_their_manifests(key: PemKey) -> None:
    works = [picture(seed=number) for number in (5, 6, 7)]
    references = on_listed(key, *works)
    reading = read(signed(key, references=references).data, trust_pem=key.root_pem)
    behind = [one for one in reading.ingredients if one.label and one.title.startswith("Wave") and one.own_manifest_id]
    assert [one.own_manifest_id for one in behind if one.manifest_id == reading.manifest_id] == [
        work.manifest.manifest_id for work in references[0].works
    ]
    assert {one.metadata["org.colophon.style"] for one in behind if one.metadata} == {"Quiet ink"}


def test_the_same_work_as_image_and_mask_nests_and_verifies(key: PemKey) -> None:
    (image,) = over_listed(key, picture(seed=5))
    mask = type(image)(**{**vars(image), "role": "mask"})
    data = signed(key, inputs=(image, mask)).data
    assert read(data, trust_pem=key.root_pem).validation_state == "Trusted"


def test_the_verdict_says_of_a_nested_work_that_it_is_unchanged_since_it_was_signed(key: PemKey) -> None:
    data = signed(key, inputs=over_listed(key, picture(seed=5))).data
    told = [check for check in verify(data, trust_pem=key.root_pem).checks if check.subject == "Sketch"]
    assert [check.result for check in told] == ["passed"]


def test_what_was_found_against_a_work_when_it_went_in_stays_in_the_picture(key: PemKey) -> None:
    (image,) = over_listed(key, picture(seed=5))
    assert image.manifest is not None
    changed = with_other_pixel(picture(seed=5))
    found = read_listing(changed, store=image.manifest.store, media_type="image/png", trust_pem=key.root_pem)
    tampered = type(image)(**{**vars(image), "manifest": found})
    told = verify(signed(key, inputs=(tampered,)).data, trust_pem=key.root_pem)
    assert [check.result for check in told.checks if check.subject == "Sketch"] == ["failed"]


def test_a_picture_without_nested_works_stays_within_12_kb_and_one_with_three_within_30(key: PemKey) -> None:
    plain = len(signed(key).manifest_store)
    three = len(signed(key, references=on_listed(key, *(picture(seed=n) for n in (5, 6, 7)))).manifest_store)
    assert plain <= 12_000 and three <= 30_000
