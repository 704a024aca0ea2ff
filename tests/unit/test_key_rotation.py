"""Keys that stay in a token or a service, replaced while pictures are signed: none is lost on the way."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from provenance.credentials import hardware_token
from provenance.credentials.errors import KeyUnreachable
from provenance.credentials.external_key import answers_for, external_key
from provenance.credentials.installed_key import installed_key, installed_roots
from provenance.credentials.keyring import BETWEEN_TRIES
from provenance.credentials.reading import read
from provenance.credentials.signing import SigningKey
from server.environment import Environment
from tests.simulators import certificates
from tests.simulators.certificates import Chain
from tests.simulators.pictures import signed
from tests.simulators.tokens import PIN, SoftToken

NOW = datetime.now(UTC)


def signer(key: SigningKey) -> str:
    """Sign a picture and return whom it names as its signer, once it reads as trusted."""
    reading = read(signed(key).data, trust_pem=key.root_pem)
    assert reading.validation_state == "Trusted" and reading.signer is not None
    return reading.signer.name


def a_chain(name: str) -> Chain:
    return certificates.chain(now=NOW, name=name)


def of_token(folder: Path, token: SoftToken, label: str) -> Callable[[], SigningKey]:
    """Return what gives the key in force of an operator who keeps it in a token."""
    environment = Environment(
        home=folder, signing_certificates=folder / "chain.pem", signing_token_library=token.library,
        signing_token=token.label, signing_token_key=label, signing_token_pin=PIN,
    )  # fmt: skip
    return lambda: installed_key(environment, now=NOW)


def test_two_keys_of_one_label_sign_for_the_chain_that_is_theirs(token: SoftToken) -> None:
    old, new = a_chain("old"), a_chain("new")
    for chain in (old, new):
        token.keep("twice", chain)
    for chain, name in ((old, "old"), (new, "new")):
        held = token.key("twice", belongs=answers_for(chain.pem))
        assert signer(external_key(chain_pem=chain.pem, sign=held.sign, now=NOW)) == name


def test_a_token_that_was_away_signs_again_once_it_is_back(token: SoftToken) -> None:
    keys = []
    for name in ("away", "beside"):
        chain = a_chain(name)
        token.keep(name, chain)
        keys.append(external_key(chain_pem=chain.pem, sign=token.key(name).sign, now=NOW))
    assert [signer(key) for key in keys] == ["away", "beside"]
    tokens, elsewhere = token.folder / "tokens", token.folder / "elsewhere"
    tokens.rename(elsewhere)
    for _ in range(3):  # with the session from before, and without one
        with pytest.raises(KeyUnreachable):
            signed(keys[0])
    elsewhere.rename(tokens)
    assert [signer(key) for key in keys] == ["away", "beside"]


@pytest.mark.parametrize("first", ["key", "chain"])
def test_a_new_key_beside_the_old_one_in_a_token_takes_over_with_its_chain(
    tmp_path: Path, token: SoftToken, first: str, caplog: pytest.LogCaptureFixture
) -> None:
    old, new = a_chain("old"), a_chain("new")
    (tmp_path / "chain.pem").write_text(old.pem)
    token.keep(f"{first}-first", old)
    key = of_token(tmp_path, token, f"{first}-first")
    assert signer(key()) == "old"
    steps = [lambda: token.keep(f"{first}-first", new), lambda: (tmp_path / "chain.pem").write_text(new.pem)]
    one, other = steps if first == "key" else reversed(steps)
    one()
    assert [signer(key()), signer(key())] == ["old", "old"]
    assert caplog.text.count("does not sign yet") == (first == "chain"), "said once"
    other()
    assert signer(key()) == "new"


def test_a_chain_waits_for_its_key_service_and_no_word_of_that_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    old, new = a_chain("old"), a_chain("new")
    service = SimpleNamespace(sign=certificates.service(old.key))
    monkeypatch.setitem(sys.modules, "rotated_kms", SimpleNamespace(sign=lambda message: service.sign(message)))
    (tmp_path / "chain.pem").write_text(old.pem)
    environment = Environment(
        home=tmp_path, signing_certificates=tmp_path / "chain.pem", signing_callback="rotated_kms.sign"
    )
    held = installed_key(environment, now=NOW)
    (tmp_path / "chain.pem").write_text(new.pem)
    assert signer(installed_key(environment, now=NOW)) == "old"

    def away(message: bytes) -> bytes:
        raise ConnectionError("token s3cret refused")

    service.sign = away
    assert installed_key(environment, now=NOW) is held and "s3cret" not in caplog.text
    service.sign = certificates.service(new.key)
    assert signer(installed_key(environment, now=NOW)) == "new"


def test_verifications_while_a_chain_waits_for_its_key_do_not_have_the_service_asked_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = a_chain("old"), a_chain("new")
    asked: list[bytes] = []
    service = SimpleNamespace(sign=certificates.service(old.key))

    def sign(message: bytes) -> bytes:
        asked.append(message)
        return service.sign(message)

    monkeypatch.setitem(sys.modules, "watched_kms", SimpleNamespace(sign=sign))
    (tmp_path / "chain.pem").write_text(old.pem)
    environment = Environment(
        home=tmp_path, signing_certificates=tmp_path / "chain.pem", signing_callback="watched_kms.sign"
    )
    roots = installed_roots(environment, now=NOW)
    (tmp_path / "chain.pem").write_text(new.pem)
    assert [installed_roots(environment, now=NOW) for _ in range(3)] == [roots] * 3
    assert len(asked) == 1
    service.sign = certificates.service(new.key)
    later = NOW + BETWEEN_TRIES + timedelta(seconds=1)
    assert installed_roots(environment, now=later) == installed_key(environment, now=later).root_pem != roots
    assert len(asked) == 2


def test_a_pin_that_the_token_refused_is_not_tried_until_it_locks_itself(
    token: SoftToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pkcs11 import PinIncorrect

    tried: list[str] = []

    def refuse(_: object, pin: str) -> None:  # the token would let this process in, which is logged in already
        tried.append(pin)
        raise PinIncorrect

    monkeypatch.setattr(hardware_token, "_session", refuse)
    monkeypatch.setattr(hardware_token, "_refused", set())
    for pin in ("000000", "000000", "000000", "111111"):  # each from the settings anew, as when a file is replaced
        with pytest.raises(PinIncorrect):
            token.key("p256", pin=pin).sign(b"message")
    assert tried == ["000000", "111111"]


def test_a_token_that_was_away_signs_again_when_it_is_back(token: SoftToken) -> None:
    from pkcs11 import DeviceRemoved

    chain = a_chain("back")
    token.keep("back", chain)
    held = token.key("back")
    key = external_key(chain_pem=chain.pem, sign=held.sign, now=NOW)
    assert signer(key) == "back"
    assert held._opened is not None

    class Gone:
        """A key of a session from before, which a token that was pulled out no longer knows."""

        def __getattr__(self, name: str) -> object:
            raise DeviceRemoved

    held._opened = (*held._opened[:2], Gone())
    with pytest.raises(DeviceRemoved):
        held.sign(b"message")
    assert signer(key) == "back"
