"""A signature that is put in by ourselves: what stands there is what COSE and C2PA ask for, in every kind of file."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.credentials import boxes, cose
from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.errors import KeyUnreachable, SigningFailed
from provenance.credentials.manifest import WHOLLY_GENERATED
from provenance.credentials.nesting import manifest_in
from provenance.credentials.reading import read
from provenance.credentials.sealing import _credential, sealed
from provenance.credentials.signing import (
    PemKey,
    SigningKey,
    new_builder,
    pem_chain,
    signing_context,
    signing_settings,
)
from tests.simulators import certificates
from tests.simulators.pictures import ENCODINGS, colophon, listed, over, picture, signed
from tests.simulators.tampering import with_other_pixel

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> PemKey:
    """Return a development key."""
    return DevelopmentCA(tmp_path_factory.mktemp("keys")).signing_key(now=NOW)


def chain_of(key: SigningKey) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(key.certificates_pem.encode())


def protected_of(key: SigningKey) -> bytes:
    return cose.protected_header(key.algorithm, [one.public_bytes(Encoding.DER) for one in chain_of(key)])


def signature_in(key: SigningKey, store: bytes) -> bytes:
    """Return a signature's own bytes, which stand last."""
    public: Any = chain_of(key)[0].public_key()
    return boxes.signature_of(store)[-cose.signature_bytes(public) :]


def composed(context: c2pa.Context) -> tuple[bytes, bytes]:
    """Return a picture and its store, signed with what the context lends."""
    created = {"action": "c2pa.created", "digitalSourceType": WHOLLY_GENERATED}
    actions = {"label": "c2pa.actions.v2", "created": True, "data": {"actions": [created]}}
    out = io.BytesIO()
    builder = new_builder({"claim_version": 2, "assertions": [actions]}, context)
    store = builder.sign("image/png", io.BytesIO(picture()), out)
    return out.getvalue(), store


def by_the_library(key: PemKey) -> bytes:
    """Return the manifest store of a picture that the C2PA library signed by itself."""
    with signing_context(key) as context:
        return composed(context)[1]


def test_it_is_byte_for_byte_what_the_library_writes_around_the_same_signature(key: PemKey) -> None:
    theirs = by_the_library(key)
    found = boxes.signature_of(theirs)
    assert cose.sign1(protected_of(key), signature_in(key, theirs), size=len(found)) == found


def test_what_is_signed_is_what_the_library_signs(key: PemKey) -> None:
    theirs = by_the_library(key)
    again = key.sign(cose.to_be_signed(protected_of(key), boxes.claim_of(theirs)))
    beside = boxes.with_signature(theirs, cose.sign1(protected_of(key), again, size=len(boxes.signature_of(theirs))))
    assert len(beside) == len(theirs)
    assert boxes.claim_of(beside) == boxes.claim_of(theirs)


@given(st.integers(0, 70_000))
def test_a_signature_fills_every_size_but_those_that_no_header_fits_into(spare: int) -> None:
    bare = cose.sign1(b"\xa0", bytes(64))
    if not cose.is_fillable(spare):
        assert 1 <= spare <= 4
        with pytest.raises(ValueError, match="filled"):
            cose.sign1(b"\xa0", bytes(64), size=len(bare) + spare)
        return
    filled = cose.sign1(b"\xa0", bytes(64), size=len(bare) + spare)
    assert (len(filled), filled[-64:]) == (len(bare) + spare, bare[-64:])


def test_a_signature_that_is_longer_than_its_room_is_refused() -> None:
    with pytest.raises(ValueError, match="filled"):
        cose.sign1(b"\xa0", bytes(64), size=10)


def test_a_long_chain_leaves_no_room_that_nothing_needs() -> None:
    chain = certificates.chain(now=NOW, key=rsa.generate_private_key(65537, 4096))
    key = pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(), now=NOW)
    store = signed(key).manifest_store
    needed = cose.sign1(protected_of(key), signature_in(key, store))
    assert 0 <= len(boxes.signature_of(store)) - len(needed) < 16


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_nothing_of_the_stand_in_is_in_the_file(key: PemKey, media_type: str) -> None:
    image = signed(key, media_type=media_type)
    size = len(cose.sign1(protected_of(key), signature_in(key, image.manifest_store)))
    stand_in = x509.load_pem_x509_certificate(_credential(size, datetime.now(UTC).date()).certificate_pem)
    assert stand_in.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) not in image.data
    assert chain_of(key)[0].public_bytes(Encoding.DER) in image.data, "the search would find nothing anyway"


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_a_manifest_that_a_jpeg_has_to_cut_into_segments_is_signed_as_well(key: PemKey, media_type: str) -> None:
    for notes in (65_000, 150_000):  # the signature within a segment, and across two
        image = signed(key, media_type=media_type, settings={"notes": "x" * notes})
        assert read(image.data, trust_pem=key.root_pem).validation_state == "Trusted"


def test_every_place_of_a_signature_in_a_jpeg_is_found(key: PemKey) -> None:
    store = signed(key).manifest_store
    begins = store.rindex(boxes.signature_of(store))
    # So that the segment ends before, within and after the signature.
    for more in range(65_500 - begins - 2_600, 65_500 - begins + 200, 400):
        image = signed(key, media_type="image/jpeg", settings={"notes": "x" * more})
        assert read(image.data, trust_pem=key.root_pem).validation_state == "Trusted", more


@pytest.mark.parametrize("number", [1, 0x0211])  # of the box; the C2PA library gives its own 0x0211
def test_a_jpeg_that_holds_boxes_of_somebody_else_is_signed_and_keeps_them(key: PemKey, number: int) -> None:
    described = b"\0\0\0\x21jumd" + bytes.fromhex("6a736f6e 0011 0010 8000 00aa00389b71 03") + b"another\0"
    box = bytes.fromhex("0000003a") + b"jumb" + described + bytes.fromhex("00000011") + b"json" + b"{'a': 1} "
    segment = b"JP" + number.to_bytes(2) + (1).to_bytes(4) + box
    theirs = b"\xff\xeb" + (2 + len(segment)).to_bytes(2) + segment
    bare = picture("image/jpeg")
    for notes in (0, 150_000):
        image = signed(key, media_type="image/jpeg", data=bare[:2] + theirs + bare[2:], settings={"notes": "x" * notes})
        assert image.reading is not None and image.reading.validation_state == "Trusted"
        assert theirs in image.data
        assert boxes.store_in(image.data) == image.manifest_store


@pytest.mark.parametrize("store", [b"", b"no store", bytes(64), b"\x00\x00\x00\x09jumb?"])
def test_bytes_that_are_no_store_are_refused(store: bytes) -> None:
    for read_it in (boxes.claim_of, boxes.signature_of):
        with pytest.raises(ValueError, match=r"."):
            read_it(store)


def test_a_store_goes_only_where_one_of_its_length_stands(key: PemKey) -> None:
    image = signed(key)
    with pytest.raises(ValueError, match="length"):
        boxes.with_store(image.data, old=image.manifest_store, new=b"shorter")
    other = bytes(len(image.manifest_store))
    for media_type in ("image/png", "image/jpeg"):
        with pytest.raises(ValueError, match=r"not found|does not stand"):
            boxes.with_store(picture(media_type), old=image.manifest_store, new=other)


def test_a_key_that_fails_is_told_from_a_file_that_cannot_be_signed(key: PemKey) -> None:
    class Silent:
        certificates_pem, algorithm = key.certificates_pem, key.algorithm

        def sign(self, message: bytes) -> bytes:
            raise TimeoutError

    with pytest.raises(KeyUnreachable, match="TimeoutError"):
        sealed(composed, key=Silent(), chosen=signing_settings(key))
    with pytest.raises(SigningFailed):
        sealed(lambda context: (picture(), b"no store"), key=key, chosen=signing_settings(key))


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_a_picture_whose_signature_is_not_its_key_s_is_never_returned(key: PemKey, media_type: str) -> None:
    class Wrong(PemKey):
        def sign(self, message: bytes) -> bytes:
            return super().sign(message + b"x")

    wrong = Wrong(**vars(key))
    with pytest.raises(SigningFailed, match=r"claimSignature\.mismatch"):
        signed(wrong, media_type=media_type)
    with pytest.raises(SigningFailed, match="does not verify"):
        listed(wrong, picture(media_type), media_type=media_type)


# ---- taking a store out of a file ------------------------------------------------------------------------------


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_the_store_that_stands_in_a_file_is_found_whole(key: PemKey, media_type: str) -> None:
    assert boxes.store_in(picture(media_type)) is None
    for notes in (0, 150_000):
        image = signed(key, media_type=media_type, settings={"notes": "x" * notes})
        assert boxes.store_in(image.data) == image.manifest_store
        assert boxes.manifest_id_of(image.manifest_store) == image.manifest_id


def test_bytes_that_only_look_like_a_file_s_store_never_go_into_another_picture(key: PemKey) -> None:
    other = signed(key, number=5, settings={"notes": "somebody else's"})
    webp, shown = picture("image/webp", seed=9), other.manifest_store + bytes(len(other.manifest_store) % 2)
    chunk = b"ABCD" + len(other.manifest_store).to_bytes(4, "little") + shown
    disguised = webp[:4] + (len(webp) - 8 + len(chunk)).to_bytes(4, "little") + webp[8:] + chunk
    image = signed(key, number=5, media_type="image/webp", data=disguised)  # under the same id
    assert boxes.store_in(image.data) == other.manifest_store != image.manifest_store
    assert manifest_in(image.data, media_type="image/webp", trust_pem=key.root_pem) is None
    over_it = signed(key, number=6, inputs=over(image.data))
    assert b"somebody else's" not in over_it.data
    assert over_it.reading is not None and image.manifest_id in over_it.reading.manifests


@given(st.sampled_from(sorted(ENCODINGS)), st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_gives_a_store_or_none_and_no_error(key: PemKey, media_type: str, data: st.DataObject) -> None:
    whole = bytearray(signed(key, media_type=media_type, data=picture(media_type, size=8)).data)
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    assert isinstance(boxes.store_in(damaged), bytes | None)
    found = manifest_in(damaged, media_type=media_type, trust_pem=key.root_pem)
    assert found is None or found.manifest_id == colophon().manifest_id or not found.is_trusted


def test_a_later_form_records_codes_of_its_parent_and_only_the_places_that_are_needed(key: PemKey) -> None:
    parent = signed(key).data
    for data, failures in ((parent, 0), (with_other_pixel(parent), 1)):
        manifest = manifest_in(data, media_type="image/png", trust_pem=key.root_pem)
        assert manifest is not None
        results = manifest.results["activeManifest"]
        told = [one for weight in ("success", "informational", "failure") for one in results[weight]]
        assert {"code": "claimSignature.validated"} in told
        placed = [one["code"] for one in told if "url" in one]
        assert placed == ["claimSignature.insideValidity", *(one["code"] for one in results["failure"])]
        assert len(results["failure"]) == failures
        assert not any("explanation" in one for one in told)
