"""Keys that sign, and pictures that are signed."""

from __future__ import annotations

import io
import logging
import multiprocessing
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from PIL import Image

from provenance.canonical import pixel_digest, sha256_digest
from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.errors import DevelopmentKeysDamaged, KeyUnfit, SigningFailed
from provenance.credentials.manifest import InputUsed, ManifestError, Prompt
from provenance.credentials.marking import NoSuchEncoding, mark
from provenance.credentials.reading import read
from provenance.credentials.signing import PemKey, SigningKey, pem_chain, sign_image
from provenance.picture import decode_picture
from tests.simulators import certificates
from tests.simulators.pictures import ENCODINGS, PROMPT, colophon, picture, signed
from tests.simulators.tampering import with_other_pixel

NOW = datetime.now(UTC)


def leaf_of(key: SigningKey) -> x509.Certificate:
    return x509.load_pem_x509_certificates(key.certificates_pem.encode())[0]


# ---- the development authority -------------------------------------------------------------------------------


def test_the_development_authority_calls_itself_untrusted_in_every_name(tmp_path: Path) -> None:
    key = DevelopmentCA(tmp_path).signing_key(now=NOW)
    names = [one.subject.rfc4514_string() for one in x509.load_pem_x509_certificates(key.certificates_pem.encode())]
    names += [one.subject.rfc4514_string() for one in x509.load_pem_x509_certificates(key.root_pem.encode())]
    assert len(names) == 3
    assert all("not trusted by anyone" in name for name in names)
    assert key.is_development


def test_a_restart_signs_with_the_same_key_under_the_same_root(tmp_path: Path) -> None:
    assert DevelopmentCA(tmp_path).signing_key(now=NOW) == DevelopmentCA(tmp_path).signing_key(now=NOW)


def test_the_root_lasts_ten_years_and_the_leaf_no_more_than_366_days(tmp_path: Path) -> None:
    key = DevelopmentCA(tmp_path).signing_key(now=NOW)
    root = x509.load_pem_x509_certificates(key.root_pem.encode())[0]
    assert root.not_valid_after_utc - NOW > timedelta(days=3650)
    assert leaf_of(key).not_valid_after_utc - leaf_of(key).not_valid_before_utc <= timedelta(days=366)


def test_the_leaf_is_kept_for_300_days_and_renewed_then(tmp_path: Path) -> None:
    authority = DevelopmentCA(tmp_path)
    first = authority.signing_key(now=NOW)
    assert authority.signing_key(now=NOW + timedelta(days=299)).key_id == first.key_id
    assert authority.signing_key(now=NOW + timedelta(days=301)).key_id != first.key_id


def test_a_clock_400_days_on_renews_the_leaf_under_the_same_root(tmp_path: Path) -> None:
    authority = DevelopmentCA(tmp_path)
    first = authority.signing_key(now=NOW)
    later = DevelopmentCA(tmp_path).signing_key(now=NOW + timedelta(days=400))
    assert later.root_pem == first.root_pem
    for key in (first, later):
        leaf, middle = x509.load_pem_x509_certificates(key.certificates_pem.encode())
        leaf.verify_directly_issued_by(middle)
        middle.verify_directly_issued_by(x509.load_pem_x509_certificates(first.root_pem.encode())[0])
    assert leaf_of(later).not_valid_before_utc > leaf_of(first).not_valid_after_utc - timedelta(days=1)


def test_pictures_signed_before_and_after_a_renewal_are_trusted_by_the_one_root(tmp_path: Path) -> None:
    old = DevelopmentCA(tmp_path).signing_key(now=NOW - timedelta(days=320))
    before = signed(old, number=1)
    new = DevelopmentCA(tmp_path).signing_key(now=NOW)
    after = signed(new, number=2)
    assert old.key_id != new.key_id
    for image in (before, after):
        assert read(image.data, trust_pem=old.root_pem).validation_state == "Trusted"


def test_every_key_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    DevelopmentCA(folder).signing_key(now=NOW)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes.keys() == {".lock", "authority.pem", "signer.pem", "root.pem"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_key_file_that_was_opened_to_others_is_closed_again(tmp_path: Path) -> None:
    DevelopmentCA(tmp_path).signing_key(now=NOW)
    (tmp_path / "signer.pem").chmod(0o644)
    DevelopmentCA(tmp_path).signing_key(now=NOW)
    assert stat.S_IMODE((tmp_path / "signer.pem").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["authority.pem", "signer.pem"])
@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:200], lambda data: b"nonsense"])
def test_a_damaged_key_is_refused_and_never_replaced(
    tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    DevelopmentCA(tmp_path).signing_key(now=NOW)
    broken = damage((tmp_path / name).read_bytes())
    (tmp_path / name).write_bytes(broken)
    with pytest.raises(DevelopmentKeysDamaged, match=name):
        DevelopmentCA(tmp_path).signing_key(now=NOW)
    assert (tmp_path / name).read_bytes() == broken


def test_a_root_file_that_was_lost_is_written_again(tmp_path: Path) -> None:
    root = DevelopmentCA(tmp_path).root_pem(now=NOW)
    (tmp_path / "root.pem").unlink()
    DevelopmentCA(tmp_path).signing_key(now=NOW)
    assert (tmp_path / "root.pem").read_text() == root


def test_an_authority_whose_ten_years_are_over_says_so(tmp_path: Path) -> None:
    DevelopmentCA(tmp_path).signing_key(now=NOW)
    with pytest.raises(DevelopmentKeysDamaged, match="ten years"):
        DevelopmentCA(tmp_path).signing_key(now=NOW + timedelta(days=3700))


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        ids = pool.map(_first_key_id, [str(tmp_path / "keys")] * 8)
    assert len(set(ids)) == 1
    assert not list((tmp_path / "keys").glob(".draft-*"))


def _first_key_id(folder: str) -> str:
    return DevelopmentCA(Path(folder)).signing_key(now=NOW).key_id


# ---- a configured chain --------------------------------------------------------------------------------------


def test_a_chain_that_meets_the_profile_signs_and_is_trusted() -> None:
    chain = certificates.chain(now=NOW)
    key = pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(), root_pem=chain.root_pem, now=NOW)
    assert not key.is_development
    assert read(signed(key).data, trust_pem=chain.root_pem).validation_state == "Trusted"


def test_an_encrypted_key_opens_with_its_password() -> None:
    chain = certificates.chain(now=NOW)
    key = pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(b"secret"), password=b"secret", now=NOW)
    assert read(signed(key).data, trust_pem=key.root_pem).validation_state == "Trusted"


@pytest.mark.parametrize("password", [None, b"wrong"])
def test_an_encrypted_key_stays_shut_without_its_password(password: bytes | None) -> None:
    chain = certificates.chain(now=NOW)
    with pytest.raises(KeyUnfit, match="password") as refused:
        pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(b"secret"), password=password, now=NOW)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        (lambda: ec.generate_private_key(ec.SECP384R1()), "es384"),
        (lambda: ec.generate_private_key(ec.SECP521R1()), "es512"),
        (ed25519.Ed25519PrivateKey.generate, "ed25519"),
        (lambda: rsa.generate_private_key(65537, 2048), "ps256"),
    ],
)
def test_every_kind_of_key_that_c2pa_takes_signs(kind: Callable[[], object], algorithm: str) -> None:
    chain = certificates.chain(now=NOW, key=kind())
    key = pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(), now=NOW)
    assert key.algorithm == algorithm
    assert read(signed(key).data, trust_pem=chain.root_pem).validation_state == "Trusted"


FAULTS: dict[str, Callable[[], certificates.Chain]] = {
    "no-email-protection": lambda: certificates.chain(now=NOW, uses=(certificates.CLAIM_SIGNING,)),
    "no-claim-signing": lambda: certificates.chain(now=NOW, uses=(ExtendedKeyUsageOID.EMAIL_PROTECTION,)),
    "forbidden-use": lambda: certificates.chain(
        now=NOW, uses=(*certificates.RIGHT_USES, ExtendedKeyUsageOID.TIME_STAMPING)
    ),
    "expired": lambda: certificates.chain(now=NOW, starts=timedelta(days=-301)),
    "not-yet-valid": lambda: certificates.chain(now=NOW, starts=timedelta(days=2)),
    "lives-too-long": lambda: certificates.chain(now=NOW, days=400),
    "is-authority": lambda: certificates.chain(now=NOW, is_authority=True),
    "no-authority-key-identifier": lambda: certificates.chain(now=NOW, names_issuer=False),
    "no-subject-key-identifier": lambda: certificates.chain(now=NOW, names_subject=False),
    "no-digital-signature": lambda: certificates.chain(now=NOW, signs=False),
    "key-usage-not-critical": lambda: certificates.chain(now=NOW, is_usage_critical=False),
    "chain-broken": lambda: certificates.chain(now=NOW, wrong_issuer=True),
    "weak-hash": lambda: certificates.chain(
        now=NOW, issuer_key=rsa.generate_private_key(65537, 2048), hashed=hashes.SHA224()
    ),
    "unknown-critical-extension": lambda: certificates.chain(
        now=NOW, more=(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00"),)
    ),
    "not-an-authority": lambda: certificates.chain(now=NOW, is_issuer_authority=False),
    "authority-key": lambda: certificates.chain(now=NOW, issuer_key=ec.generate_private_key(ec.SECP256K1())),
    "key-algorithm": lambda: certificates.chain(now=NOW, key=rsa.generate_private_key(65537, 4104)),
    "self-signed": lambda: certificates.self_signed(now=NOW),
    "no-intermediate": lambda: certificates.self_signed(now=NOW),
}


@pytest.mark.parametrize("code", FAULTS)
def test_each_fault_of_a_chain_is_named_in_both_languages(code: str) -> None:
    chain = FAULTS[code]()
    with pytest.raises(KeyUnfit) as refused:
        pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(), now=NOW)
    assert code in refused.value.values["faults"]
    assert refused.value.said("en") != refused.value.said("zh-Hans")


@pytest.mark.parametrize("code", sorted(set(FAULTS) - {"self-signed", "no-intermediate", "is-authority"}))
def test_a_chain_with_one_fault_has_only_that_one_named(code: str) -> None:
    chain = FAULTS[code]()
    with pytest.raises(KeyUnfit) as refused:
        pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(), now=NOW)
    assert refused.value.values["faults"] == (code,)


def test_a_key_that_belongs_to_another_certificate_is_refused() -> None:
    chain, other = certificates.chain(now=NOW), certificates.chain(now=NOW)
    with pytest.raises(KeyUnfit) as refused:
        pem_chain(chain_pem=chain.pem, key_pem=other.key_pem(), now=NOW)
    assert refused.value.values["faults"] == ("key-mismatch",)


@pytest.mark.parametrize("kind", [ec.generate_private_key(ec.SECP256K1()), rsa.generate_private_key(65537, 1024)])
def test_a_key_that_c2pa_does_not_take_is_refused(kind: object) -> None:
    chain = certificates.chain(now=NOW, key=kind)
    with pytest.raises(KeyUnfit, match="ECDSA"):
        pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(), now=NOW)


@pytest.mark.parametrize("text", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_a_chain_that_is_no_pem_is_refused(text: str) -> None:
    with pytest.raises(KeyUnfit, match="PEM"):
        pem_chain(chain_pem=text, key_pem=certificates.chain(now=NOW).key_pem(), now=NOW)


def test_no_repr_and_no_log_line_shows_a_private_key(key: PemKey, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    signed(key)
    secret = key._private_pem.decode().splitlines()[1]
    assert secret not in repr(key)
    assert secret not in caplog.text


def test_a_key_id_is_the_digest_of_the_leaf_s_public_key(key: PemKey) -> None:
    encoded = (
        leaf_of(key)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    assert key.key_id == sha256_digest(encoded)


# ---- signing a picture ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_a_signed_picture_reads_back_trusted_with_everything_it_said(key: PemKey, media_type: str) -> None:
    image = signed(key, media_type=media_type)
    reading = read(image.data, trust_pem=key.root_pem)
    assert (reading.media_type, reading.validation_state) == (media_type, "Trusted")
    assert reading.manifest_id == image.manifest_id == colophon().manifest_id
    assert [one.text for one in reading.ingredients if one.text] == [PROMPT]
    assert reading.assertion("org.colophon.generation")["seed"] == str(2**63 - 1)


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_signing_leaves_the_pixels_alone(key: PemKey, media_type: str) -> None:
    before = picture(media_type)
    after = signed(key, media_type=media_type, data=before).data
    assert pixel_digest(decode_picture(after).pixels) == pixel_digest(decode_picture(before).pixels)


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_a_manifest_costs_less_than_twelve_thousand_bytes(key: PemKey, media_type: str) -> None:
    before = picture(media_type)
    assert len(signed(key, media_type=media_type, data=before).data) - len(before) < 12_000


@pytest.mark.parametrize("media_type", ENCODINGS)
@pytest.mark.parametrize("prompt", [Prompt.private(), Prompt.committed(PROMPT, salt=b"s" * 32)])
def test_no_byte_of_an_undisclosed_prompt_is_in_the_file(key: PemKey, media_type: str, prompt: Prompt) -> None:
    image = signed(key, media_type=media_type, prompt=prompt)
    for written in (image.data, image.manifest_store):
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            assert PROMPT.encode(encoding) not in written
            assert "fox asleep".encode(encoding) not in written
    assert PROMPT.encode() in signed(key, media_type=media_type).data, "the search would find nothing anyway"


def test_every_ingredient_and_assertion_is_stated_by_the_signer(key: PemKey) -> None:
    assert signed(key).manifest_store.count(b"gathered_assertions") == 0


def test_no_picture_of_the_picture_is_put_into_the_manifest(key: PemKey) -> None:
    assert b"c2pa.thumbnail" not in signed(key).manifest_store


def test_a_parent_brings_its_own_manifest_along(key: PemKey) -> None:
    parent = signed(key, number=1).data
    child = signed(key, number=2, inputs=(_over(parent),))
    reading = read(child.data, trust_pem=key.root_pem)
    assert reading.validation_state == "Trusted"
    assert len(reading.manifests) == 2
    (own,) = [one for one in reading.ingredients if one.relationship == "parentOf"]
    assert own.own_manifest_id == colophon(number=1).manifest_id
    assert not own.faults


def test_a_parent_that_was_tampered_with_says_so_for_ever(key: PemKey) -> None:
    parent = with_other_pixel(signed(key, number=1).data)
    reading = read(signed(key, number=2, inputs=(_over(parent),)).data, trust_pem=key.root_pem)
    assert reading.validation_state == "Trusted", "the outer picture alone does not tell"
    faults = {fault.code for one in reading.ingredients for fault in one.faults}
    assert faults == {"assertion.dataHash.mismatch"}


def test_a_parent_whose_manifest_is_elsewhere_is_not_fetched(key: PemKey) -> None:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:dcterms="http://purl.org/dc/terms/" '
        'dcterms:provenance="http://127.0.0.1:9/never.c2pa"/></rdf:RDF></x:xmpmeta>'
    )
    parent = picture("image/jpeg", xmp=packet.encode())
    reading = read(signed(key, inputs=(_over(parent),)).data, trust_pem=key.root_pem)
    assert reading.validation_state == "Trusted"
    assert len(reading.manifests) == 1


def _over(data: bytes) -> InputUsed:
    return InputUsed(
        role="image", name="Sketch", digest=sha256_digest(data), licence="CC0-1.0", credit_line="", data=data
    )


def test_nothing_is_signed_that_is_no_picture(key: PemKey) -> None:
    with pytest.raises(SigningFailed):
        sign_image(b"no picture", media_type="image/png", colophon=colophon(), key=key)


def test_nothing_is_signed_whose_manifest_cannot_be_written(key: PemKey) -> None:
    with pytest.raises(ManifestError):
        signed(key, settings={"prompt": "hidden"})


def test_a_key_whose_root_is_another_does_not_deliver_a_picture() -> None:
    chain, other = certificates.chain(now=NOW), certificates.chain(now=NOW)
    key = pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(), root_pem=other.root_pem, now=NOW)
    with pytest.raises(SigningFailed, match=r"signingCredential\.untrusted"):
        signed(key)


def test_a_process_forked_after_signing_signs_as_well(key: PemKey) -> None:
    signed(key, number=1)
    child = os.fork()
    if child == 0:
        try:
            state = read(signed(key, number=2).data, trust_pem=key.root_pem).validation_state
            os._exit(0 if state == "Trusted" else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# ---- encoding ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_a_marked_picture_knows_its_pixels_before_and_after_encoding(media_type: str) -> None:
    pixels = decode_picture(picture()).pixels
    marked = mark(pixels, media_type=media_type)
    assert marked.raw_pixels == pixel_digest(pixels)
    assert marked.delivered_pixels == pixel_digest(decode_picture(marked.data).pixels)
    assert (marked.raw_pixels == marked.delivered_pixels) == (media_type == "image/png")
    with Image.open(io.BytesIO(marked.data)) as image:
        assert image.format == ENCODINGS[media_type]


def test_a_media_type_that_is_not_delivered_is_refused() -> None:
    with pytest.raises(NoSuchEncoding, match="image/gif"):
        mark(decode_picture(picture()).pixels, media_type="image/gif")
