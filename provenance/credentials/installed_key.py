"""The signing key that an operator configured: in files, in a token, or behind a function of his own."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

from cryptography.exceptions import InvalidSignature

from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.errors import KeyUnfit
from provenance.credentials.external_key import ExternalKey, Sign, answers_for, external_key
from provenance.credentials.hardware_token import HardwareToken
from provenance.credentials.keyring import Keyring, Seen, seen
from provenance.credentials.profile import ProfileFault
from provenance.credentials.signing import PemKey, SigningKey, certificates_in, pem_chain, pem_text, unfit
from provenance.credentials.timestamps import TimestampAuthority


class Configured(Protocol):
    """What the operator decided about signing; hashable, and the same for the life of a process."""

    keys_folder: Path
    signing_certificates: Path | None
    signing_key: Path | None
    signing_key_password: str
    signing_token_library: Path | None
    signing_token: str
    signing_token_key: str
    signing_token_pin: str
    signing_callback: str
    signing_root: Path | None
    signing_retired_roots: Path | None

    def __hash__(self) -> int:
        """Return what tells these settings from others."""
        ...


def installed_key(environment: Configured, *, now: datetime) -> SigningKey:
    """Return the key that signs now: the configured one, else this installation's development key.

    Files replaced while the server runs are taken up with the next picture. Its ``root_pem`` holds the roots of
    retired keys too, so that what they signed stays trusted. Raises KeyUnfit, a sentence for each fault.
    """
    if environment.signing_certificates is not None:
        return _keyring(environment).current(now=now)
    return _with_retired_roots(DevelopmentCA(environment.keys_folder).signing_key(now=now), environment)


def installed_roots(environment: Configured, *, now: datetime) -> str:
    """Return the roots that whoever trusts this installation trusts (PEM), read again only where files changed.

    A verification asks for them each time, and needs no private key: one that has ended, or cannot be used, stops
    signing and no verdict. Raises KeyUnfit where certificates cannot be read.
    """
    if environment.signing_certificates is not None:
        with contextlib.suppress(KeyUnfit, OSError):
            return _keyring(environment).current(now=now, is_to_sign=False).root_pem
        return _roots_in_files(environment, environment.signing_certificates)
    paths = [environment.keys_folder / "authority.pem", environment.keys_folder / "root.pem"]
    paths += [environment.signing_retired_roots] if environment.signing_retired_roots else []
    held = _roots.get(environment)
    # Looked at before they are read: a file replaced meanwhile is then read again, never missed.
    found = [seen(path) for path in paths]
    if held is None or held[0] != found:
        held = _roots[environment] = (found, installed_key(environment, now=now).root_pem)
    return held[1]


_roots: dict[Configured, tuple[list[Seen], str]] = {}
"""Development roots as they were read, beside the state of the files before they were read."""


@lru_cache(maxsize=4)
def authority_at(url: str) -> TimestampAuthority | None:
    """Return the timestamp authority at an address, one for each process; None where there is no address."""
    return TimestampAuthority(url) if url else None


@lru_cache(maxsize=4)
def _keyring(environment: Configured) -> Keyring:
    files = (
        environment.signing_certificates,
        environment.signing_key,
        environment.signing_root,
        environment.signing_retired_roots,
    )
    return Keyring(
        load=lambda now: _with_retired_roots(_configured_key(environment, now), environment),
        files=tuple(path for path in files if path is not None),
        try_out=_try_out,
    )


def _roots_in_files(environment: Configured, chain: Path) -> str:
    if environment.signing_root is not None:
        root_pem = environment.signing_root.read_text()
    else:
        root_pem = pem_text(certificates_in(chain.read_text())[-1:])
    return root_pem + _retired_roots(environment)


def _try_out(key: SigningKey) -> None:
    """Have a token or service sign something, so that a chain which came before its key is not taken up."""
    if isinstance(key, ExternalKey):
        key.sign(b"Colophon tries a key out before it signs with it.")


def _configured_key(environment: Configured, now: datetime) -> PemKey | ExternalKey:
    assert environment.signing_certificates is not None
    chain_pem = environment.signing_certificates.read_text()
    root_pem = environment.signing_root.read_text() if environment.signing_root else ""
    if root_pem:
        _require_root_of(chain_pem, root_pem)
    if environment.signing_key is not None:
        password = environment.signing_key_password.encode() or None
        key_pem = environment.signing_key.read_bytes()
        return pem_chain(chain_pem=chain_pem, key_pem=key_pem, root_pem=root_pem, password=password, now=now)
    return external_key(chain_pem=chain_pem, sign=_outside(environment, chain_pem), root_pem=root_pem, now=now)


def _require_root_of(chain_pem: str, root_pem: str) -> None:
    """Raise KeyUnfit unless the named root is the last certificate of the chain or issued it."""
    last = certificates_in(chain_pem)[-1]
    for root in certificates_in(root_pem):
        with contextlib.suppress(ValueError, TypeError, InvalidSignature):
            if root != last:
                last.verify_directly_issued_by(root)
            return
    raise unfit([_ANOTHER_ROOT])


def _outside(environment: Configured, chain_pem: str) -> Sign:
    """Return the function that signs outside this process: the token's, or the one that the operator named."""
    if environment.signing_token_library is None:
        try:
            module, _, name = environment.signing_callback.rpartition(".")
            return cast(Sign, getattr(import_module(module), name))
        except (ImportError, AttributeError, ValueError) as error:
            raise unfit([_no_callback(environment.signing_callback)]) from error
    if find_spec("pkcs11") is None:
        raise unfit([_NO_TOKEN_PACKAGE])
    return HardwareToken(
        library=environment.signing_token_library,
        token=environment.signing_token,
        key=environment.signing_token_key,
        pin=environment.signing_token_pin,
        belongs=answers_for(chain_pem),
    ).sign


def _with_retired_roots(key: PemKey | ExternalKey, environment: Configured) -> PemKey | ExternalKey:
    return replace(key, root_pem=key.root_pem + _retired_roots(environment))


def _retired_roots(environment: Configured) -> str:
    if environment.signing_retired_roots is None:
        return ""
    return pem_text(certificates_in(environment.signing_retired_roots.read_text()))


def _no_callback(path: str) -> ProfileFault:
    return ProfileFault(
        "no-callback",
        f"There is no function {path}; COLOPHON_SIGNING_CALLBACK is a module's dotted path and a function's name.",
        f"找不到函数 {path}；COLOPHON_SIGNING_CALLBACK 应为模块的点分路径加函数名。",
    )


_ANOTHER_ROOT = ProfileFault(
    "another-root",
    "COLOPHON_SIGNING_ROOT is not the root that the chain leads to; name the one that issued its last certificate.",
    "COLOPHON_SIGNING_ROOT 不是该证书链所属的根证书；请指定签发链中最后一张证书的根证书。",
)
_NO_TOKEN_PACKAGE = ProfileFault(
    "no-token-package",
    "A token needs the package python-pkcs11: pip install 'colophon[hsm]'.",
    "使用令牌需要 python-pkcs11 软件包：pip install 'colophon[hsm]'。",
)
