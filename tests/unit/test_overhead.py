"""How much a manifest adds to a picture as it is delivered, and that none of it is room which nothing needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.external_key import external_key
from provenance.credentials.listing import sign_listing
from provenance.credentials.manifest import Edit, Software
from provenance.credentials.marking import mark
from provenance.credentials.sealing import SPARE_BYTES
from provenance.credentials.signing import PemKey, SigningKey, pem_chain, sign_image
from provenance.credentials.timestamps import TimestampAuthority
from provenance.picture import decode_picture
from tests.simulators import certificates
from tests.simulators.pictures import colophon, listing, on_listed, opened, over_listed, picture, signed
from tests.simulators.timestamps import Authority, authority

NOW = datetime.now(UTC)
PLAIN, WORK, INPUT, BOTH, FORM = 8_700, 13_000, 13_200, 17_600, 9_400
"""Bytes that a manifest with fingerprints adds: the table of docs/formats/manifest.md, rounded up."""
OF_A_STAMP = 64
"""Bytes that a timestamp takes beside its token at most: its names, and what one token may be longer than another."""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> PemKey:
    """Return a development key."""
    return DevelopmentCA(tmp_path_factory.mktemp("keys")).signing_key(now=NOW)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """Run a timestamp authority for this file's tests."""
    with authority(tmp_path_factory.mktemp("authority")) as found:
        yield found


def added(key: SigningKey, media_type: str, timestamps: TimestampAuthority | None = None, **changes: Any) -> int:
    """Return how many bytes signing adds to a picture with every fingerprint; it reads back whole, or signing fails."""
    marked = mark(decode_picture(picture(size=256)).pixels, media_type=media_type)
    assert marked.delivered_fingerprint.pdq and marked.delivered_fingerprint.iscc_unit
    said = colophon(media_type=media_type, fingerprint=marked.delivered_fingerprint, **changes)
    image = sign_image(marked.data, media_type=media_type, colophon=said, key=key, timestamps=timestamps)
    assert image.is_timestamped is (timestamps is not None)
    return len(image.data) - len(marked.data)


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg"])
@pytest.mark.parametrize(("works", "inputs", "most"), [(0, 0, PLAIN), (1, 0, WORK), (0, 1, INPUT), (1, 1, BOTH)])
def test_a_manifest_adds_what_is_stated_and_no_more(
    key: PemKey, media_type: str, works: int, inputs: int, most: int
) -> None:
    behind = {"references": on_listed(key, picture(seed=5))} if works else {}
    over = {"inputs": over_listed(key, picture(seed=6))} if inputs else {}
    assert most - 300 < added(key, media_type, **behind, **over) <= most


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg"])
def test_a_later_form_adds_what_is_stated_beside_the_manifest_that_it_opens(key: PemKey, media_type: str) -> None:
    parent = signed(key, number=2, media_type=media_type)
    form = {"opened": opened(parent.data, Edit("c2pa.cropped", "Cropped"))}
    assert FORM - 300 < added(key, media_type, **form) - len(parent.manifest_store) <= FORM


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp", "image/avif"])
def test_a_timestamp_adds_its_own_bytes_alone(key: PemKey, running: Authority, media_type: str) -> None:
    known = TimestampAuthority(running.url)
    more = added(key, media_type, known) - added(key, media_type)
    assert 0 < more <= known.token_bytes() + OF_A_STAMP + SPARE_BYTES


def test_a_timestamp_beside_a_listed_work_leaves_no_spare_room_at_all(key: PemKey, running: Authority) -> None:
    data, known = picture(), TimestampAuthority(running.url)
    statement: dict[str, Any] = {"listing": listing(data), "software": Software("Colophon", "0.1.0"), "key": key}
    stamped, bare = (sign_listing(data, **statement, timestamps=one).store for one in (known, None))
    assert b"pad" not in bare[bare.rindex(b"c2pa.signature") :]
    assert abs(len(stamped) - len(bare) - known.token_bytes()) <= OF_A_STAMP


@pytest.mark.parametrize(
    "kind",
    [
        lambda: ec.generate_private_key(ec.SECP256R1()),
        lambda: ec.generate_private_key(ec.SECP521R1()),
        ed25519.Ed25519PrivateKey.generate,
        lambda: rsa.generate_private_key(65537, 3072),
    ],
)
def test_a_key_in_a_service_costs_as_much_as_the_same_key_in_a_file(kind: Callable[[], Any]) -> None:
    chain = certificates.chain(now=NOW, key=kind())
    held = pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(), now=NOW)
    served = external_key(chain_pem=chain.pem, sign=certificates.service(chain.key), now=NOW)
    assert len(signed(held).data) == len(signed(served).data)
