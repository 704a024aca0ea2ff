"""Timestamps: taken from a real authority on this machine, done without while it is down, added later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from provenance.canonical import pixel_digest
from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.errors import KeyUnfit, SigningFailed
from provenance.credentials.external_key import external_key
from provenance.credentials.manifest import Edit, Software
from provenance.credentials.reading import read
from provenance.credentials.sealing import SPARE_BYTES
from provenance.credentials.signing import PemKey, SignedImage, SigningKey, sign_image
from provenance.credentials.timestamps import LATEST_TOKENS, REST_SECONDS, TimestampAuthority
from provenance.credentials.updating import NEVER_STAMPED_LATER, stamp_later
from provenance.picture import decode_picture
from provenance.verification.trust import trust_in
from provenance.verification.verify import verify
from tests import services
from tests.simulators import certificates
from tests.simulators.pictures import ENCODINGS, PROMPT, colophon, opened, picture
from tests.simulators.tampering import with_other_pixel
from tests.simulators.timestamps import NAME, Authority, authority

SOFTWARE = Software("Colophon", "0.1.0")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """Run a timestamp authority for this file's tests."""
    with authority(tmp_path_factory.mktemp("authority")) as found:
        yield found


@pytest.fixture
def server(running: Authority) -> Iterator[Authority]:
    """Return the authority as new: it answers, and was asked nothing."""
    running.is_down, running.says = False, None
    running.asked.clear()
    yield running


class Clock:
    """A clock that tests move, and a sleep that only notes how long."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def knows(self, server: Authority, **more: Any) -> TimestampAuthority:
        return TimestampAuthority(server.url, sleep=self.slept.append, clock=lambda: self.now, **more)


def signed(key: SigningKey, timestamps: TimestampAuthority | None, media_type: str = "image/png") -> SignedImage:
    said = colophon(media_type=media_type)
    return sign_image(picture(media_type), media_type=media_type, colophon=said, key=key, timestamps=timestamps)


def granting(token: bytes) -> bytes:
    """Return the answer of an authority that grants a token."""
    content = bytes.fromhex("3003020100") + token
    return b"\x30\x84" + len(content).to_bytes(4) + content


def later(data: bytes, key: SigningKey, timestamps: TimestampAuthority) -> SignedImage:
    manifest_id = f"urn:c2pa:{uuid4()}"
    return stamp_later(data, manifest_id=manifest_id, software=SOFTWARE, key=key, timestamps=timestamps)


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_a_signature_is_stamped_by_the_authority(key: PemKey, server: Authority, media_type: str) -> None:
    image = signed(key, Clock().knows(server), media_type)
    assert image.is_timestamped
    reading = read(image.data, trust_pem=key.root_pem)
    assert (reading.validation_state, reading.faults) == ("Trusted", ())
    assert "timeStamp.validated" in reading.codes("success")
    assert reading.signer is not None and reading.signer.timestamp_authority == NAME
    assert datetime.now(UTC) - datetime.fromisoformat(reading.signer.signed_at) < timedelta(hours=1)


def test_a_stamp_is_vouched_for_by_the_list_of_authorities_and_never_makes_a_signer_trusted(
    key: PemKey, server: Authority
) -> None:
    data = signed(key, Clock().knows(server)).data
    verdict = verify(data, trust=trust_in(key.root_pem, timestamps_pem=server.root_pem))
    assert (verdict.outcome, verdict.check("timestamp").result) == ("trusted", "passed")
    assert NAME in verdict.check("timestamp").en
    assert "as the timestamp shows" in verdict.check("signer.not_expired").en
    other = certificates.chain(now=datetime.now(UTC)).root_pem
    verdict = verify(data, trust=trust_in(other, timestamps_pem=key.root_pem))
    assert verdict.outcome == "untrusted", "a root listed for timestamps alone made a signer trusted"
    assert verdict.check("timestamp").result == "not_checked"
    assert "nobody on the list" in verdict.check("timestamp").en


def test_a_verdict_names_the_authority_and_does_not_vouch_for_it(key: PemKey, server: Authority) -> None:
    check = verify(signed(key, Clock().knows(server)).data, trust_pem=key.root_pem).check("timestamp")
    assert (check.result, check.evidence["authority"]) == ("not_checked", NAME)


def test_an_authority_s_root_signs_no_claim(key: PemKey, server: Authority) -> None:
    reading = read(signed(key, Clock().knows(server)).data, trust_pem=server.root_pem)
    assert reading.validation_state == "Valid"
    assert "signingCredential.untrusted" in reading.codes("failure")


def test_an_authority_that_fails_once_is_asked_again(key: PemKey, server: Authority) -> None:
    clock = Clock()

    def wake(seconds: float) -> None:
        clock.slept.append(seconds)
        server.is_down = False

    timestamps = TimestampAuthority(server.url, sleep=wake, clock=lambda: clock.now)
    assert timestamps.token_bytes() == timestamps.token_bytes()
    assert len(server.asked) == 1, "how long its tokens are is asked once"
    server.is_down = True
    assert signed(key, timestamps).is_timestamped
    assert (len(clock.slept), len(server.asked)) == (1, 3)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"0",
        b"\x30\x03\x02\x01",
        bytes.fromhex("3005300302010230"),  # refused, RFC 3161's status 2
        bytes.fromhex("30053003020100"),  # granted, but no token
        bytes.fromhex("3008300302010004010a"),  # granted, with something that is no token
        b"<html>a page</html>",
    ],
)
def test_an_answer_that_holds_no_token_costs_no_picture(key: PemKey, server: Authority, answer: bytes) -> None:
    server.says = answer
    assert not signed(key, Clock().knows(server)).is_timestamped


def test_a_token_for_something_else_is_no_stamp_of_the_picture(
    key: PemKey, server: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Clock().knows(server).token(b"another signature")
    monkeypatch.setattr(TimestampAuthority, "token", lambda self, message: other)
    assert not signed(key, Clock().knows(server)).is_timestamped


def test_a_token_that_is_longer_than_any_before_is_asked_for_again(key: PemKey, server: Authority) -> None:
    timestamps = Clock().knows(server)
    timestamps._lengths.append(100)
    assert signed(key, timestamps).is_timestamped
    assert len(server.asked) == 2


def test_one_odd_answer_does_not_make_every_later_picture_larger(key: PemKey, server: Authority) -> None:
    timestamps = Clock().knows(server)
    usual = len(signed(key, timestamps).data)
    server.says = granting(b"\x30\x82\xe0\x00" + bytes(0xE000))
    assert len(timestamps.token(b"")) > 0xE000
    server.says = None
    later_ones = [signed(key, timestamps) for _ in range(LATEST_TOKENS + 1)]
    assert all(one.is_timestamped for one in later_ones)
    assert abs(len(later_ones[-1].data) - usual) <= SPARE_BYTES


def test_what_follows_a_token_in_an_answer_is_left_out(server: Authority) -> None:
    token = b"\x30\x03\x02\x01\x05"
    server.says = granting(token + bytes(1000))
    assert Clock().knows(server).token(b"") == token


def test_while_the_authority_is_down_pictures_are_signed_without_it(key: PemKey, server: Authority) -> None:
    server.is_down = True
    clock = Clock()
    timestamps = clock.knows(server)
    for _ in range(3):
        image = signed(key, timestamps)
        assert not image.is_timestamped
        assert read(image.data, trust_pem=key.root_pem).validation_state == "Trusted"
    assert len(server.asked) == 2, "it is left alone once it has failed twice"


def test_an_authority_is_asked_again_after_its_rest(key: PemKey, server: Authority) -> None:
    server.is_down = True
    clock = Clock()
    timestamps = clock.knows(server)
    signed(key, timestamps)
    server.is_down = False
    assert not signed(key, timestamps).is_timestamped
    clock.now = REST_SECONDS
    assert signed(key, timestamps).is_timestamped


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://127.0.0.1:9/tsa?x=1"])
def test_an_authority_that_nobody_answers_for_costs_no_picture(key: PemKey, url: str) -> None:
    assert not signed(key, TimestampAuthority(url, sleep=lambda seconds: None)).is_timestamped


def test_a_key_that_does_not_sign_is_not_taken_for_an_authority_that_is_down(server: Authority) -> None:
    chain = certificates.chain(now=datetime.now(UTC))
    key = external_key(chain_pem=chain.pem, sign=lambda message: b"x", now=datetime.now(UTC))
    timestamps = Clock().knows(server)
    with pytest.raises(KeyUnfit):
        signed(key, timestamps)
    assert timestamps.is_awake


@pytest.mark.parametrize("media_type", sorted(set(ENCODINGS) - {"image/webp"}))
def test_a_timestamp_is_added_later_without_touching_the_picture(
    key: PemKey, server: Authority, media_type: str
) -> None:
    first = signed(key, None, media_type)
    image = later(first.data, key, Clock().knows(server))
    reading = read(image.data, trust_pem=key.root_pem)
    assert (reading.validation_state, reading.faults) == ("Trusted", ())
    assert reading.manifest_id == image.manifest_id
    assert set(reading.manifests) == {image.manifest_id, first.manifest_id}
    assert reading.assertion("c2pa.time-stamp").keys() == {first.manifest_id}
    (parent,) = [one for one in reading.ingredients if one.manifest_id == image.manifest_id]
    assert (parent.relationship, parent.own_manifest_id, parent.faults) == ("parentOf", first.manifest_id, ())
    assert pixel_digest(decode_picture(image.data).pixels) == pixel_digest(decode_picture(first.data).pixels)
    (told,) = [one for one in verify(image.data, trust_pem=key.root_pem).checks if one.code == "ingredient"][:1]
    assert told.en == "The ingredient fox.png is unchanged since it was signed."  # as its own manifest calls it


def test_a_webp_is_refused_in_words_rather_than_broken(key: PemKey, server: Authority) -> None:
    with pytest.raises(SigningFailed, match="WebP"):
        later(signed(key, None, "image/webp").data, key, Clock().knows(server))


def test_a_key_in_a_service_stamps_later_as_well(server: Authority) -> None:
    chain = certificates.chain(now=datetime.now(UTC))
    key = external_key(chain_pem=chain.pem, sign=certificates.service(chain.key), now=datetime.now(UTC))
    assert later(signed(key, None).data, key, Clock().knows(server)).is_timestamped


def test_nothing_is_added_later_while_the_authority_is_down(key: PemKey, server: Authority) -> None:
    server.is_down = True
    with pytest.raises(SigningFailed):
        later(signed(key, None).data, key, Clock().knows(server))


def test_a_changed_picture_gets_no_timestamp_later(key: PemKey, server: Authority) -> None:
    with pytest.raises(SigningFailed, match="whole file"):
        later(with_other_pixel(signed(key, None).data), key, Clock().knows(server))
    assert server.asked == []


def test_a_stranger_s_picture_gets_no_timestamp_of_ours(key: PemKey, server: Authority, tmp_path: Path) -> None:
    stranger = DevelopmentCA(tmp_path).signing_key(now=datetime.now(UTC))
    with pytest.raises(SigningFailed, match="trusted"):
        later(signed(stranger, None).data, key, Clock().knows(server))


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_an_independent_reader_finds_stamped_and_updated_files_whole(
    key: PemKey, server: Authority, media_type: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.require_tool("encypher")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    import encypher_c2pa

    timestamps = Clock().knows(server)
    files = {"stamped": signed(key, timestamps, media_type).data}
    if media_type not in NEVER_STAMPED_LATER:
        files["updated"] = later(signed(key, None, media_type).data, key, timestamps).data
    for name, data in files.items():
        path = tmp_path / f"{name}.{media_type.split('/')[1]}"
        path.write_bytes(data)
        report = encypher_c2pa.verify(
            str(path), trust_pem=key.root_pem, no_default_trust=True, telemetry=False, online=False
        )
        told = (report["integrity"], report["signature"], report["hard_binding"], report["trust"]["status"])
        assert told == ("valid", "valid", "match", "valid_for_supplied_material"), name


# ---- compact manifests -----------------------------------------------------------------------------------------


def overhead(key: SigningKey, timestamps: TimestampAuthority | None, media_type: str, *, is_compact: bool) -> int:
    """Return by how many bytes signing makes a picture larger; it reads back whole, or signing fails."""
    bare = picture(media_type)
    said = colophon(media_type=media_type)
    image = sign_image(
        bare, media_type=media_type, colophon=said, key=key, timestamps=timestamps, is_compact=is_compact
    )
    assert image.reading is not None and image.reading.validation_state == "Trusted"
    assert image.is_timestamped is (timestamps is not None)
    return len(image.data) - len(bare)


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg"])
def test_a_stamp_takes_its_own_room_alone_and_less_in_a_compact_manifest(
    key: PemKey, server: Authority, media_type: str
) -> None:
    known = Clock().knows(server)
    room = overhead(key, known, media_type, is_compact=False) - overhead(key, None, media_type, is_compact=False)
    assert room < known.token_bytes() + 2 * SPARE_BYTES
    assert overhead(key, known, media_type, is_compact=True) < 7_000
    assert overhead(key, None, media_type, is_compact=True) < 5_000


@pytest.mark.parametrize("media_type", ["image/webp", "image/avif"])
def test_where_the_library_compresses_nothing_a_compact_manifest_is_as_large_as_any(
    key: PemKey, media_type: str
) -> None:
    sizes = {overhead(key, None, media_type, is_compact=is_compact) for is_compact in (True, False)}
    assert len(sizes) == 1


def test_a_compact_manifest_reads_as_any_and_a_later_form_nests_it(key: PemKey, server: Authority) -> None:
    compact = sign_image(
        picture(), media_type="image/png", colophon=colophon(), key=key, timestamps=Clock().knows(server),
        is_compact=True,
    )  # fmt: skip
    verdict = verify(compact.data, trust_pem=key.root_pem)
    assert verdict.facts is not None and verdict.facts.prompt["text"] == PROMPT
    changed = verify(with_other_pixel(compact.data), trust_pem=key.root_pem)
    assert changed.check("manifest.integrity").result == "failed"
    form = colophon(number=2, opened=opened(compact.data, Edit("c2pa.cropped", "Cropped")))
    later_form = sign_image(picture(seed=3), media_type="image/png", colophon=form, key=key)
    reading = read(later_form.data, trust_pem=key.root_pem)
    assert reading.validation_state == "Trusted" and colophon().manifest_id in reading.manifests


def test_a_compact_file_that_was_not_stamped_is_stamped_later(key: PemKey, server: Authority) -> None:
    unstamped = sign_image(picture(), media_type="image/png", colophon=colophon(), key=key, is_compact=True)
    stamped = later(unstamped.data, key, Clock().knows(server))
    assert read(stamped.data, trust_pem=key.root_pem).validation_state == "Trusted"
