"""What strangers send: bombs, huge and wrong files, foreign formats, addresses in manifests, and text that bites."""

from __future__ import annotations

import io
import json
import socket
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from provenance.credentials.manifest import Prompt
from provenance.credentials.signing import PemKey, pem_chain
from provenance.verification.printing import printed
from provenance.verification.verify import verify
from tests.factories.pictures import a_png_bomb, an_svg, polyglots
from tests.simulators import certificates
from tests.simulators.pictures import over, picture, signed, xmp_naming
from tests.simulators.tampering import moved_onto, stripped, with_two_stores

BITING = "<script>alert(1)</script>\x1b[2J\x07\u202e\u2066gnp.exe\u200b\r\n\x9b31m"


def as_kind(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((16, 16, 3), dtype=np.uint8)).save(buffer, kind)
    return buffer.getvalue()


FOREIGN = {
    "TIFF": as_kind("TIFF"),
    "GIF": as_kind("GIF"),
    "BMP": as_kind("BMP"),
    "SVG": an_svg(),
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
    "nothing": b"",
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_kind_of_file_that_is_not_read_is_said_so_whatever_it_holds(kind: str) -> None:
    verdict = verify(FOREIGN[kind])
    assert (verdict.outcome, verdict.exit_code) == ("unreadable", 3)
    assert verdict.check("manifest.present").result == "not_checked"


@pytest.mark.parametrize("kind", sorted(polyglots()))
def test_a_picture_that_goes_on_as_something_else_gets_a_verdict(kind: str) -> None:
    assert verify(polyglots()[kind]).outcome in {"no_manifest", "unreadable"}


def test_a_bomb_is_not_decoded_and_costs_little_memory() -> None:
    bomb = a_png_bomb()
    assert len(bomb) < 2**20
    tracemalloc.start()
    verdict = verify(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert verdict.outcome == "unreadable"
    assert peak < 64 * 2**20


def test_a_file_of_100_megabytes_is_refused_by_its_size() -> None:
    verdict = verify(picture() + bytes(100 * 2**20))
    assert verdict.outcome == "unreadable"
    assert "too large" in verdict.check("picture.readable").en


@contextmanager
def listening() -> Iterator[tuple[socket.socket, str]]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        yield server, f"http://127.0.0.1:{server.getsockname()[1]}/manifest.c2pa"


def nobody_came(server: socket.socket) -> bool:
    time.sleep(0.05)
    try:
        server.accept()
    except BlockingIOError:
        return True
    return False


def test_an_address_in_a_file_is_told_and_never_asked() -> None:
    with listening() as (server, address):
        verdict = verify(picture("image/jpeg", xmp=xmp_naming(address)))
        assert verdict.outcome == "no_manifest"
        assert verdict.check("manifest.present").evidence["url"] == address
        assert nobody_came(server)


def test_a_picture_over_one_whose_credentials_are_elsewhere_is_not_told_as_changed(key: PemKey) -> None:
    with listening() as (server, address):
        below = picture("image/jpeg", xmp=xmp_naming(address))
        verdict = verify(signed(key, inputs=over(below)).data, trust_pem=key.root_pem)
        check = next(one for one in verdict.checks if one.subject == "Sketch")
        assert (verdict.outcome, check.result) == ("trusted", "not_checked")
        assert "elsewhere" in check.en
        assert nobody_came(server)


def test_an_address_for_revocation_in_a_certificate_is_never_asked(key: PemKey) -> None:
    with listening() as (server, _):
        assert verify(signed(key).data, trust_pem=key.root_pem).outcome == "trusted"
        assert nobody_came(server)


def test_text_that_bites_reaches_neither_json_nor_terminal(tmp_path: Path) -> None:
    chain = certificates.chain(now=datetime.now(UTC), name="Signer \x1b[31m")
    stranger = pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(), now=datetime.now(UTC))
    data = signed(stranger, prompt=Prompt.public(BITING), title=BITING).data
    verdict = verify(data)
    told = json.dumps(verdict.as_json(), ensure_ascii=False)
    shown = printed(verdict, name=BITING, language="en", is_coloured=False)
    assert "<script>alert(1)</script>" in told, "markup is text, which a page escapes"
    for steering in ("\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\u200b", "\r"):
        assert steering not in told and steering not in shown
        assert json.dumps(steering)[1:-1] not in told


def test_two_stores_are_damage_and_a_store_on_another_picture_is_a_change(key: PemKey) -> None:
    data = signed(key).data
    assert verify(with_two_stores(data), trust_pem=key.root_pem).check("manifest.present").result == "failed"
    moved = verify(moved_onto(stripped(signed(key, data=picture(seed=3)).data), store_of=data), trust_pem=key.root_pem)
    assert moved.outcome == "failed"
    assert moved.check("manifest.integrity").result == "failed"


def test_a_torn_picture_without_credentials_is_not_told_that_they_are_damaged() -> None:
    for kind in ("image/png", "image/jpeg", "image/webp", "image/avif"):
        data = picture(kind)
        verdict = verify(data[: len(data) * 2 // 3])
        assert verdict.outcome in {"no_manifest", "unreadable"}, kind
        assert verdict.check("manifest.present").result == "not_checked", kind
