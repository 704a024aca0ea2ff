"""Reading strangers' files: bounded, offline, never trusting what a file says of itself."""

from __future__ import annotations

import io
import socket
import struct
import zlib
from datetime import UTC, datetime

import pytest
from PIL import Image

from provenance.credentials.manifest import InputUsed
from provenance.credentials.reading import Finding, media_type_of, read, settings
from provenance.credentials.signing import PemKey
from provenance.picture import NotAPicture, PictureTooLarge
from tests.simulators.pictures import ENCODINGS, PROMPT, colophon, digest, picture, signed, xmp_naming
from tests.simulators.tampering import joined, stripped, with_other_pixel, with_two_stores


def elsewhere(url: str) -> bytes:
    """Return a JPEG whose XMP says that its manifest is kept at an address."""
    return picture("image/jpeg", xmp=xmp_naming(url))


def huge(width: int, height: int) -> bytes:
    """Return a small PNG whose header promises a great many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return joined([(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 10_000)), (b"IEND", b"")])


def test_a_damaged_header_that_pillow_breaks_over_is_read_for_its_manifest_all_the_same() -> None:
    broken = picture("image/avif").replace(b"pitm", b"xxxx")
    with pytest.raises(RuntimeError):
        Image.open(io.BytesIO(broken))
    assert media_type_of(broken) == "image/avif"
    assert read(broken).state in {"absent", "unreadable"}


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_the_kind_of_a_file_is_read_from_its_bytes(media_type: str) -> None:
    assert media_type_of(picture(media_type)) == media_type


def test_a_camera_s_jpeg_with_further_pictures_behind_the_first_is_a_jpeg() -> None:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(picture())) as image:
        image.save(buffer, "MPO", save_all=True, append_images=[image])
    assert media_type_of(buffer.getvalue()) == "image/jpeg"
    assert read(buffer.getvalue()).state == "absent"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"GIF89a" + b"\0" * 40,
        b"II*\0" + b"\0" * 40,
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%PDF-1.7\n",
        b"\0\0\0\x1cftypheic\0\0\0\0mif1heic" + b"\0" * 40,
        b"RIFF\x10\0\0\0WAVEfmt ",
        "不是图片".encode(),
    ],
)
def test_what_is_no_picture_of_ours_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(NotAPicture):
        read(data)


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (2**31 - 1, 2**31 - 1), (200_000_001, 1)])
def test_a_picture_that_promises_too_many_pixels_is_refused_undecoded(width: int, height: int) -> None:
    with pytest.raises(PictureTooLarge):
        read(huge(width, height))


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(PictureTooLarge, match="101 MB"):
        read(picture() + bytes(100 * 2**20))


def test_a_manifest_kept_elsewhere_is_reported_and_nobody_is_asked_for_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/picture.c2pa"
        reading = read(elsewhere(address))
        assert (reading.state, reading.problem) == ("remote", address)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_no_setting_lets_the_library_reach_the_network() -> None:
    for trust_pem in (None, "pem"):
        chosen = settings(trust_pem=trust_pem)
        assert chosen["verify"]["remote_manifest_fetch"] is False
        assert chosen["verify"]["ocsp_fetch"] is False
        assert chosen["core"]["allowed_network_hosts"] == []


def test_a_file_without_a_manifest_is_absent_not_broken(key: PemKey) -> None:
    for data in (picture(), stripped(signed(key).data)):
        reading = read(data, trust_pem=key.root_pem)
        assert (reading.state, reading.manifest_id, reading.signer) == ("absent", "", None)


def test_two_manifest_stores_are_not_read_at_all(key: PemKey) -> None:
    reading = read(with_two_stores(signed(key).data), trust_pem=key.root_pem)
    assert reading.state == "unreadable"
    assert "more than one" in reading.problem


def test_an_unknown_signer_is_valid_and_only_untrusted(key: PemKey) -> None:
    reading = read(signed(key).data)
    assert reading.validation_state == "Valid"
    assert reading.codes("failure") == {"signingCredential.untrusted"}
    assert reading.faults == ()


def test_a_root_is_trusted_only_where_it_is_given(key: PemKey) -> None:
    assert read(signed(key).data, trust_pem=key.root_pem).validation_state == "Trusted"
    assert read(signed(key).data).validation_state == "Valid", "no earlier call's trust may linger"


def test_the_signer_is_told_with_issuer_and_term(key: PemKey) -> None:
    signer = read(signed(key).data).signer
    assert signer is not None
    assert signer.name == "Colophon development signer"
    assert signer.issuer == "Colophon Development CA (not trusted by anyone)"
    assert signer.is_development
    assert signer.algorithm == "es256"
    assert signer.not_before < datetime.now(UTC).isoformat() < signer.not_after
    assert signer.signed_at == ""


def test_ingredients_are_read_at_every_depth_with_what_is_wrong_about_them(key: PemKey) -> None:
    def over(data: bytes) -> tuple[InputUsed, ...]:
        name, licence = "Below", "CC0-1.0"
        return (InputUsed(role="image", name=name, digest=digest("f"), licence=licence, credit_line="", data=data),)

    lowest = with_other_pixel(signed(key, number=1).data)
    middle = signed(key, number=2, inputs=over(lowest)).data
    top = signed(key, number=3, inputs=over(middle)).data
    reading = read(top, trust_pem=key.root_pem)
    assert reading.validation_state == "Trusted"
    broken = {(one.manifest_id, one.title) for one in reading.ingredients if one.faults}
    assert (colophon(number=2).manifest_id, "Below") in broken
    assert len(reading.manifests) == 3


def test_a_finding_of_trust_is_told_from_one_of_change() -> None:
    assert Finding("signingCredential.untrusted", "failure").is_about_trust
    assert Finding("timeStamp.untrusted", "informational").is_about_trust
    assert not Finding("assertion.dataHash.mismatch", "failure").is_about_trust
    assert not Finding("signingCredential.revoked", "failure").is_about_trust


def test_a_prompt_is_read_back_from_its_ingredient(key: PemKey) -> None:
    texts = {one.title: one.text for one in read(signed(key).data).ingredients}
    assert texts["Prompt"] == PROMPT
    assert texts["Starter"] == ""
