"""Credentials that are not in the file: handed in beside it, or kept at an address that it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenance.credentials.reading import LARGEST_STORE
from provenance.credentials.signing import PemKey
from provenance.credentials.timestamps import TimestampAuthority
from provenance.verification.__main__ import main
from provenance.verification.trust import trust_in
from provenance.verification.verdict import Verdict
from provenance.verification.verify import verify
from tests.simulators.pictures import ENCODINGS, listed, picture, signed, xmp_naming
from tests.simulators.tampering import with_other_pixel
from tests.simulators.timestamps import NAME, authority

ADDRESS = "https://manifests.example/one.c2pa"


def present(verdict: Verdict) -> tuple[str, str]:
    check = verdict.check("manifest.present")
    return check.result, check.en


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_a_file_is_verified_with_the_store_beside_it(key: PemKey, media_type: str) -> None:
    data = picture(media_type)
    beside = listed(key, data, media_type=media_type)
    verdict = verify(data, trust_pem=key.root_pem, store=beside.store)
    assert verdict.outcome == "trusted"
    assert verdict.check("manifest.present").evidence == {"manifest": beside.manifest_id}
    assert "beside the file" in present(verdict)[1]
    assert verify(with_other_pixel(data), trust_pem=key.root_pem, store=beside.store).outcome == "failed"


def test_a_store_beside_a_file_is_read_in_place_of_the_one_in_it(key: PemKey) -> None:
    data = signed(key).data
    beside = listed(key, data)
    assert beside.manifest_id == verify(data, store=beside.store).check("manifest.present").evidence["manifest"]


@pytest.mark.parametrize("store", [b"", b"no store", bytes(1000), bytes(LARGEST_STORE + 1)])
def test_what_is_no_store_is_said_to_be_none(store: bytes) -> None:
    verdict = verify(picture(), store=store)
    assert (verdict.outcome, present(verdict)[0]) == ("failed", "failed")
    assert "beside this file" in present(verdict)[1]
    assert "kept beside this picture" in verdict.summary("en"), "the picture itself carries none"


def test_a_timestamp_in_a_store_beside_a_file_counts(key: PemKey, tmp_path: Path) -> None:
    data = picture()
    with authority(tmp_path) as server:
        beside = listed(key, data, timestamps=TimestampAuthority(server.url))
        trust = trust_in(key.root_pem, timestamps_pem=server.root_pem)
    check = verify(data, trust=trust, store=beside.store).check("timestamp")
    assert check.result == "passed" and NAME in check.en


def test_credentials_at_an_address_are_read_where_they_may_be_fetched(key: PemKey) -> None:
    data = picture("image/jpeg", xmp=xmp_naming(ADDRESS))
    beside = listed(key, data, media_type="image/jpeg")
    stores = {ADDRESS: beside.store}
    verdict = verify(data, trust_pem=key.root_pem, fetched=stores.get)
    assert verdict.outcome == "trusted"
    assert verdict.check("manifest.present").evidence == {"manifest": beside.manifest_id, "fetched_from": ADDRESS}
    changed = verify(picture("image/jpeg", seed=2, xmp=xmp_naming(ADDRESS)), trust_pem=key.root_pem, fetched=stores.get)
    assert changed.outcome == "failed"
    elsewhere = verify(data, trust_pem=key.root_pem, fetched={}.get)
    assert (elsewhere.outcome, elsewhere.check("manifest.present").evidence) == ("no_manifest", {"url": ADDRESS})


def test_a_file_with_credentials_in_it_has_nothing_fetched_for_it(key: PemKey) -> None:
    data = signed(key, media_type="image/jpeg", data=picture("image/jpeg", xmp=xmp_naming(ADDRESS))).data
    assert verify(data, trust_pem=key.root_pem, fetched={}.__getitem__).outcome == "trusted", "else a KeyError"


def test_the_command_takes_a_store_beside_the_file(key: PemKey, tmp_path: Path) -> None:
    files = {"work.png": picture(), "work.c2pa": listed(key, picture()).store, "trust.pem": key.root_pem.encode()}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    file = [str(tmp_path / "work.png"), "--trust", str(tmp_path / "trust.pem")]
    for more, code in (([], 2), (["work.c2pa"], 0), (["nowhere.c2pa"], 3)):
        beside = ["--manifest", *(str(tmp_path / name) for name in more)] if more else []
        assert main([*file, *beside]) == code
