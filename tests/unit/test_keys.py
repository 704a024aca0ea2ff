"""Keys in files, tokens and services: installed with a sentence for each fault, replaced without a stop."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from pydantic import ValidationError

from provenance.credentials.errors import KeyUnfit, KeyUnreachable
from provenance.credentials.external_key import external_key
from provenance.credentials.installed_key import Configured, authority_at, installed_key
from provenance.credentials.keyring import Keyring
from provenance.credentials.reading import read
from provenance.credentials.signing import SigningKey, pem_chain
from server.environment import Environment
from tests.simulators import certificates
from tests.simulators.pictures import signed
from tests.simulators.tokens import PIN, SoftToken

NOW = datetime.now(UTC)


def state(key: SigningKey, **changes: Any) -> str:
    """Sign a picture and return how it reads to those who trust the key's root."""
    return read(signed(key, **changes).data, trust_pem=key.root_pem).validation_state


# ---- PKCS#11 -------------------------------------------------------------------------------------------------

KEYS: dict[str, Any] = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_in_a_token_signs_pictures_that_read_back_trusted(token: SoftToken, kind: str) -> None:
    chain = certificates.chain(now=NOW, key=KEYS[kind]())
    token.keep(kind, chain)
    key = external_key(chain_pem=chain.pem, sign=token.key(kind).sign, now=NOW)
    assert [state(key, number=number) for number in (1, 2)] == ["Trusted", "Trusted"]


def test_a_process_forked_after_the_token_was_used_signs_as_well(token: SoftToken) -> None:
    chain = certificates.chain(now=NOW)
    token.keep("forked", chain)
    key = external_key(chain_pem=chain.pem, sign=token.key("forked").sign, now=NOW)
    assert state(key) == "Trusted"
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if state(key, number=2) == "Trusted" else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert state(key, number=3) == "Trusted"


def test_a_session_that_the_token_dropped_is_opened_again(token: SoftToken) -> None:
    chain = certificates.chain(now=NOW)
    token.keep("dropped", chain)
    held = token.key("dropped")
    key = external_key(chain_pem=chain.pem, sign=held.sign, now=NOW)
    assert state(key) == "Trusted"
    assert held._opened is not None
    held._opened[1].close()
    assert state(key, number=2) == "Trusted"


def test_a_key_of_the_token_that_is_not_the_certificate_s_signs_nothing(token: SoftToken) -> None:
    chain, other = certificates.chain(now=NOW), certificates.chain(now=NOW)
    token.keep("other", other)
    key = external_key(chain_pem=chain.pem, sign=token.key("other").sign, now=NOW)
    with pytest.raises(KeyUnfit) as refused:
        signed(key)
    assert refused.value.values["faults"] == ("key-mismatch",)


def test_a_key_that_the_token_does_not_have_is_said_in_words(token: SoftToken) -> None:
    key = external_key(chain_pem=certificates.chain(now=NOW).pem, sign=token.key("nowhere").sign, now=NOW)
    with pytest.raises(KeyUnreachable, match="NoSuchKey"):
        signed(key)


def test_a_kind_of_key_that_a_token_cannot_use_here_is_said_in_words(token: SoftToken) -> None:
    token.keep("dsa", certificates.Chain(pem="", root_pem="", key=dsa.generate_private_key(2048)))
    with pytest.raises(KeyUnfit, match="ECDSA or RSA"):
        token.key("dsa").sign(b"message")


def test_no_repr_shows_a_pin(token: SoftToken) -> None:
    held = token.key("p256")
    key = external_key(chain_pem=certificates.chain(now=NOW).pem, sign=held.sign, now=NOW)
    assert PIN not in repr(held) and PIN not in repr(key)


# ---- a key service -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*KEYS, "ed25519"])
def test_a_key_service_s_answers_are_taken_in_every_algorithm(kind: str) -> None:
    private = KEYS[kind]() if kind in KEYS else ed25519.Ed25519PrivateKey.generate()
    chain = certificates.chain(now=NOW, key=private)
    assert state(external_key(chain_pem=chain.pem, sign=certificates.service(private), now=NOW)) == "Trusted"


def test_a_signature_in_der_and_one_of_two_numbers_are_told_the_same() -> None:
    chain = certificates.chain(now=NOW)
    der = external_key(chain_pem=chain.pem, sign=certificates.service(chain.key), now=NOW)

    def raw(message: bytes) -> bytes:
        return b"".join(
            number.to_bytes(32) for number in decode_dss_signature(certificates.service(chain.key)(message))
        )

    plain = external_key(chain_pem=chain.pem, sign=raw, now=NOW)
    assert len(der.sign(b"x")) == len(plain.sign(b"x")) == 64


def test_a_service_that_fails_is_named_by_its_error_and_never_quoted() -> None:
    def broken(message: bytes) -> bytes:
        raise ConnectionRefusedError("token=s3cret at https://kms.internal")

    key = external_key(chain_pem=certificates.chain(now=NOW).pem, sign=broken, now=NOW)
    with pytest.raises(KeyUnreachable, match="ConnectionRefusedError") as refused:
        signed(key)
    assert "s3cret" not in str(refused.value) + refused.value.said("zh-Hans")
    assert isinstance(refused.value.__cause__, ConnectionRefusedError)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"x",
        b"\x00" * 64,
        b"\x30\x06\x02\x01\x01\x02\x01\x01",
        b"\x30\x06\x02\x01\xff\x02\x01\xff",  # less than nothing
        encode_dss_signature(1 << 383, 1 << 383),  # a key on a larger curve made it
    ],
)
def test_an_answer_that_is_no_signature_signs_nothing(answer: bytes) -> None:
    key = external_key(chain_pem=certificates.chain(now=NOW).pem, sign=lambda message: answer, now=NOW)
    with pytest.raises(KeyUnfit, match="does not belong"):
        signed(key)


def test_a_chain_is_checked_before_its_key_is_ever_asked() -> None:
    chain = certificates.chain(now=NOW, days=400, names_issuer=False)

    def never(message: bytes) -> bytes:
        raise AssertionError("the key was asked")

    with pytest.raises(KeyUnfit) as refused:
        external_key(chain_pem=chain.pem, sign=never, now=NOW)
    assert refused.value.values["faults"] == ("lives-too-long", "no-authority-key-identifier")


# ---- rotation ------------------------------------------------------------------------------------------------


class Files:
    """A chain and a key in two files, as an operator keeps them."""

    def __init__(self, folder: Path) -> None:
        self.chain_file, self.key_file = folder / "chain.pem", folder / "key.pem"
        self.ring = Keyring(load=self.load, files=(self.chain_file, self.key_file))

    def load(self, now: datetime) -> SigningKey:
        return pem_chain(
            chain_pem=self.chain_file.read_text(), key_pem=self.key_file.read_bytes(), password=b"open", now=now
        )

    def put(self, chain: certificates.Chain, *, parts: tuple[str, ...] = ("chain", "key")) -> None:
        if "chain" in parts:
            self._replace(self.chain_file, chain.pem.encode())
        if "key" in parts:
            self._replace(self.key_file, chain.key_pem(b"open"))

    def _replace(self, path: Path, data: bytes) -> None:
        draft = path.with_suffix(".new")
        draft.write_bytes(data)
        draft.replace(path)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Return a place for a chain and its encrypted key."""
    return Files(tmp_path)


def test_a_new_key_in_the_same_files_signs_the_next_picture(files: Files) -> None:
    files.put(certificates.chain(now=NOW))
    first = files.ring.current(now=NOW)
    assert files.ring.current(now=NOW) is first, "an unchanged key is read once"
    files.put(certificates.chain(now=NOW))
    second = files.ring.current(now=NOW)
    assert second.key_id != first.key_id
    assert (state(first), state(second)) == ("Trusted", "Trusted")


@pytest.mark.parametrize("first_part", ["chain", "key"])
def test_while_only_one_file_is_replaced_the_old_key_goes_on(
    files: Files, first_part: str, caplog: pytest.LogCaptureFixture
) -> None:
    files.put(certificates.chain(now=NOW))
    first = files.ring.current(now=NOW)
    new = certificates.chain(now=NOW)
    files.put(new, parts=(first_part,))
    assert files.ring.current(now=NOW) is first
    assert "kept" in caplog.text
    files.put(new, parts=("key", "chain"))
    assert files.ring.current(now=NOW).key_id != first.key_id


@pytest.mark.parametrize("bad", [b"", b"no pem", None])
def test_a_key_that_cannot_be_used_never_replaces_one_that_can(files: Files, bad: bytes | None) -> None:
    files.put(certificates.chain(now=NOW))
    first = files.ring.current(now=NOW)
    files.key_file.unlink() if bad is None else files.key_file.write_bytes(bad)
    assert files.ring.current(now=NOW) is first


def test_a_chain_that_is_no_text_never_replaces_one_that_is(files: Files) -> None:
    files.put(certificates.chain(now=NOW))
    first = files.ring.current(now=NOW)
    files.chain_file.write_bytes(b"\x30\x82\xff\xfe")
    assert files.ring.current(now=NOW) is first


def test_without_a_key_before_a_bad_one_is_refused_in_words(files: Files) -> None:
    files.put(certificates.chain(now=NOW, signs=False))
    with pytest.raises(KeyUnfit, match="digitalSignature"):
        files.ring.current(now=NOW)


def test_a_key_whose_certificate_ends_while_the_server_runs_stops_signing(files: Files) -> None:
    files.put(certificates.chain(now=NOW, days=2))
    files.ring.current(now=NOW)
    with pytest.raises(KeyUnfit, match="no restart"):
        files.ring.current(now=NOW + timedelta(days=3))
    files.put(certificates.chain(now=NOW + timedelta(days=3)))
    assert files.ring.current(now=NOW + timedelta(days=3)).algorithm == "es256"


# ---- what the operator configures ----------------------------------------------------------------------------


class Settings(SimpleNamespace):
    """An operator's settings, told apart as the environment's own are."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def installed(folder: Path, **chosen: Any) -> SigningKey:
    """Return the key that an operator's settings put in force."""
    blank = dict.fromkeys(Configured.__annotations__)
    texts = dict.fromkeys((name for name in blank if name.endswith(("password", "pin", "callback"))), "")
    return installed_key(Settings(**blank | texts | {"keys_folder": folder / "keys"} | chosen), now=NOW)


def written(folder: Path, chain: certificates.Chain) -> dict[str, Path]:
    (folder / "chain.pem").write_text(chain.pem)
    (folder / "key.pem").write_bytes(chain.key_pem(b"open"))
    return {"signing_certificates": folder / "chain.pem", "signing_key": folder / "key.pem"}


def test_an_encrypted_key_signs_with_its_password(tmp_path: Path) -> None:
    files = written(tmp_path, certificates.chain(now=NOW))
    assert state(installed(tmp_path, **files, signing_key_password="open")) == "Trusted"


@pytest.mark.parametrize("password", ["", "wrong"])
def test_an_encrypted_key_is_refused_without_its_password(tmp_path: Path, password: str) -> None:
    files = written(tmp_path, certificates.chain(now=NOW))
    with pytest.raises(KeyUnfit, match="password"):
        installed(tmp_path, **files, signing_key_password=password)


def test_a_configured_token_signs(tmp_path: Path, token: SoftToken) -> None:
    chain = certificates.chain(now=NOW)
    token.keep("configured", chain)
    (tmp_path / "chain.pem").write_text(chain.pem)
    key = installed(
        tmp_path,
        signing_certificates=tmp_path / "chain.pem",
        signing_token_library=token.library,
        signing_token=token.label,
        signing_token_key="configured",
        signing_token_pin=PIN,
    )
    assert state(key) == "Trusted"


def test_a_configured_function_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = certificates.chain(now=NOW)
    monkeypatch.setitem(sys.modules, "operators_kms", SimpleNamespace(sign=certificates.service(chain.key)))
    (tmp_path / "chain.pem").write_text(chain.pem)
    key = installed(tmp_path, signing_certificates=tmp_path / "chain.pem", signing_callback="operators_kms.sign")
    assert state(key) == "Trusted"


@pytest.mark.parametrize("path", ["nowhere.sign", "os.no_such_function"])
def test_a_function_that_is_not_there_is_said_in_words(tmp_path: Path, path: str) -> None:
    (tmp_path / "chain.pem").write_text(certificates.chain(now=NOW).pem)
    with pytest.raises(KeyUnfit, match=path):
        installed(tmp_path, signing_certificates=tmp_path / "chain.pem", signing_callback=path)


def test_a_root_that_the_chain_does_not_lead_to_is_said_in_words(tmp_path: Path) -> None:
    chain = certificates.chain(now=NOW)
    files = {**written(tmp_path, chain), "signing_root": tmp_path / "root.pem"}
    (tmp_path / "root.pem").write_text(certificates.chain(now=NOW).root_pem)
    with pytest.raises(KeyUnfit, match="COLOPHON_SIGNING_ROOT"):
        installed(tmp_path, **files, signing_key_password="open")
    (tmp_path / "root.pem").write_text(chain.root_pem)
    for pem in (chain.pem, chain.pem.replace(chain.root_pem, "")):
        (tmp_path / "chain.pem").write_text(pem)
        assert state(installed(tmp_path, **files, signing_key_password="open")) == "Trusted"


def test_what_a_retired_key_signed_stays_trusted(tmp_path: Path) -> None:
    old, new = certificates.chain(now=NOW), certificates.chain(now=NOW)
    before = signed(installed(tmp_path, **written(tmp_path, old), signing_key_password="open")).data
    chosen: dict[str, Any] = {**written(tmp_path, new), "signing_key_password": "open"}
    assert read(before, trust_pem=installed(tmp_path, **chosen).root_pem).validation_state == "Valid"
    (tmp_path / "retired.pem").write_text(old.root_pem)
    key = installed(tmp_path, **chosen, signing_retired_roots=tmp_path / "retired.pem")
    assert read(before, trust_pem=key.root_pem).validation_state == "Trusted"
    assert state(key, number=2) == "Trusted"


def test_without_a_configured_key_the_development_key_signs(tmp_path: Path) -> None:
    assert installed(tmp_path).is_development


def test_a_process_knows_each_authority_once() -> None:
    assert authority_at("") is None
    assert authority_at("http://127.0.0.1:9/") is authority_at("http://127.0.0.1:9/")


def decided(**chosen: Any) -> Environment:
    """Return the environment with some decisions about signing."""
    return Environment(**chosen)


def test_the_environment_offers_everything_that_a_key_needs() -> None:
    assert set(Configured.__annotations__) <= set(dir(decided()))
    assert isinstance(hash(decided()), int)


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"signing_key"}, "COLOPHON_SIGNING_CERTIFICATES"),
        ({"signing_certificates"}, "COLOPHON_SIGNING_TOKEN_LIBRARY"),
        ({"signing_callback"}, "COLOPHON_SIGNING_CERTIFICATES"),
        ({"signing_certificates", "signing_key", "signing_callback"}, "only one"),
        ({"signing_certificates", "signing_token_library"}, "COLOPHON_SIGNING_TOKEN_KEY"),
    ],
)
def test_settings_that_leave_the_key_open_are_refused(tmp_path: Path, chosen: set[str], sentence: str) -> None:
    path = tmp_path / "some.pem"
    path.touch()
    values = {name: "operators.sign" if name == "signing_callback" else path for name in chosen}
    with pytest.raises(ValidationError, match=sentence):
        decided(**values)


@pytest.mark.parametrize("url", ["ftp://tsa.example", "tsa.example", "http://a b"])
def test_an_authority_s_address_is_a_web_address(url: str) -> None:
    with pytest.raises(ValidationError, match="timestamp_url"):
        decided(timestamp_url=url)


def test_no_repr_of_the_environment_shows_a_password_or_a_pin() -> None:
    assert "s3cret" not in repr(decided(signing_key_password="s3cret", signing_token_pin="s3cret"))
