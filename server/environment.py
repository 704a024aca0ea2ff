"""Every setting that comes from the environment, typed, checked at start, and said in one sentence when wrong."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import AliasChoices, DirectoryPath, Field, FilePath, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from provenance.credentials.label import VisibleLabel

LONGEST_SOCKET_FOLDER = 90
"""A unix socket's whole path must stay below 108 bytes, and PostgreSQL adds ``/.s.PGSQL.5432``."""
ADDRESS = r"^(https?://[^\s/]+(/[^\s]*)?)?$"
WATERMARKS = {
    "off": "provenance.credentials.watermark.contract.NoWatermark",
    "spread": "provenance.credentials.watermark.spread.SpreadWatermark",
    "trustmark": "generation.trustmark.watermark.placed",
}
VERIFIER_KEY = r"[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+"
RATE = r"^[1-9][0-9]*/(s|sec|second|m|min|minute|h|hour|d|day)$"
STATED = ("provider", "pipeline", "lease_seconds", "request_rate", "verify_rate")
SIGNING_KEYS = ("signing_key", "signing_token_library", "signing_callback")


def _named(name: str) -> AliasChoices:
    return AliasChoices(name)


class Environment(BaseSettings):
    """What the operator decided, read once from environment variables."""

    # A variable set to nothing counts as not set: compose files pass every name on.
    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True, env_ignore_empty=True)

    home: Path = Field(Path("data"), validation_alias=_named("COLOPHON_HOME"))
    host: str = Field("127.0.0.1", validation_alias=_named("COLOPHON_HOST"))
    port: int = Field(8000, ge=1, le=65535, validation_alias=_named("COLOPHON_PORT"))
    public_url: str = Field("", pattern=ADDRESS, validation_alias=_named("COLOPHON_PUBLIC_URL"))
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field((), validation_alias=_named("COLOPHON_ALLOWED_HOSTS"))
    debug: bool = Field(False, validation_alias=_named("COLOPHON_DEBUG"))
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", validation_alias=_named("COLOPHON_LOG_LEVEL")
    )

    database_url: str | None = Field(None, repr=False, validation_alias=_named("DATABASE_URL"))
    database_pool: bool = Field(False, validation_alias=_named("COLOPHON_DATABASE_POOL"))
    celery_broker_url: str | None = Field(None, repr=False, validation_alias=_named("CELERY_BROKER_URL"))

    bucket: str = Field("", validation_alias=_named("COLOPHON_BUCKET"))
    bucket_endpoint: str = Field("", validation_alias=_named("COLOPHON_BUCKET_ENDPOINT"))
    bucket_region: str = Field("", validation_alias=_named("COLOPHON_BUCKET_REGION"))
    bucket_access_key: str = Field("", repr=False, validation_alias=_named("COLOPHON_BUCKET_ACCESS_KEY"))
    bucket_secret_key: str = Field("", repr=False, validation_alias=_named("COLOPHON_BUCKET_SECRET_KEY"))

    pipeline: str = Field(
        "generation.pipelines.diffusers_backend.DiffusersPipeline",
        validation_alias=_named("COLOPHON_PIPELINE"),
    )
    model_memory_bytes: int = Field(8 * 2**30, ge=2**20, validation_alias=_named("COLOPHON_MODEL_MEMORY_BYTES"))
    starter_model: Path | None = Field(
        Path(__file__).resolve().parent.parent / "generation" / "starter" / "model",
        validation_alias=_named("COLOPHON_STARTER_MODEL"),
    )
    trainer: str = Field(
        "generation.training.diffusers_lora.LoraTrainer",
        validation_alias=_named("COLOPHON_TRAINER"),
    )
    training_yields: bool = Field(True, validation_alias=_named("COLOPHON_TRAINING_YIELDS"))
    training_checkpoint_seconds: float = Field(
        30.0, ge=0.0, le=3600.0, validation_alias=_named("COLOPHON_TRAINING_CHECKPOINT_SECONDS")
    )
    lease_seconds: int = Field(15, ge=2, le=600, validation_alias=_named("COLOPHON_LEASE_SECONDS"))

    request_rate: str = Field("120/min", pattern=RATE, validation_alias=_named("COLOPHON_REQUEST_RATE"))
    verify_addresses: Annotated[tuple[str, ...], NoDecode] = Field(
        (), validation_alias=_named("COLOPHON_VERIFY_ADDRESSES")
    )
    """Below which addresses pictures are fetched for verification; none unless set."""
    verify_rate: str = Field("60/min", pattern=RATE, validation_alias=_named("COLOPHON_VERIFY_RATE"))
    proxies: int = Field(0, ge=0, validation_alias=_named("COLOPHON_PROXIES"))
    web_processes: int = Field(1, ge=1, le=64, validation_alias=_named("COLOPHON_WEB_PROCESSES"))
    """How many processes answer the site's requests; rates are counted by each of them."""

    signing_certificates: FilePath | None = Field(None, validation_alias=_named("COLOPHON_SIGNING_CERTIFICATES"))
    signing_key: FilePath | None = Field(None, validation_alias=_named("COLOPHON_SIGNING_KEY"))
    signing_key_password: str = Field("", repr=False, validation_alias=_named("COLOPHON_SIGNING_KEY_PASSWORD"))
    signing_token_library: FilePath | None = Field(None, validation_alias=_named("COLOPHON_SIGNING_TOKEN_LIBRARY"))
    signing_token: str = Field("", validation_alias=_named("COLOPHON_SIGNING_TOKEN"))
    signing_token_key: str = Field("", validation_alias=_named("COLOPHON_SIGNING_TOKEN_KEY"))
    signing_token_pin: str = Field("", repr=False, validation_alias=_named("COLOPHON_SIGNING_TOKEN_PIN"))
    signing_callback: str = Field("", pattern=r"^([\w.]+\.\w+)?$", validation_alias=_named("COLOPHON_SIGNING_CALLBACK"))
    signing_root: FilePath | None = Field(None, validation_alias=_named("COLOPHON_SIGNING_ROOT"))
    signing_retired_roots: FilePath | None = Field(None, validation_alias=_named("COLOPHON_SIGNING_RETIRED_ROOTS"))
    timestamp_url: str = Field("", pattern=ADDRESS, repr=False, validation_alias=_named("COLOPHON_TIMESTAMP_URL"))
    compact_manifests: bool = Field(False, validation_alias=_named("COLOPHON_COMPACT_MANIFESTS"))
    trust_lists: Annotated[tuple[FilePath, ...], NoDecode] = Field((), validation_alias=_named("COLOPHON_TRUST_LISTS"))
    timestamp_roots: Annotated[tuple[FilePath, ...], NoDecode] = Field(
        (), validation_alias=_named("COLOPHON_TIMESTAMP_ROOTS")
    )
    watermark: str = Field(
        "spread", pattern=r"^(off|spread|trustmark|[\w.]+\.\w+)$", validation_alias=_named("COLOPHON_WATERMARK")
    )
    trustmark_weights: DirectoryPath | None = Field(None, validation_alias=_named("COLOPHON_TRUSTMARK_WEIGHTS"))
    watermark_least_side: int = Field(256, ge=48, validation_alias=_named("COLOPHON_WATERMARK_LEAST_SIDE"))
    label: str = Field("", validation_alias=_named("COLOPHON_LABEL"))
    provider: str = Field("", max_length=200, validation_alias=_named("COLOPHON_PROVIDER"))

    log_name: str = Field("", pattern=r"^[^\s+]*$", max_length=200, validation_alias=_named("COLOPHON_LOG_ORIGIN"))
    log_witnesses: Annotated[tuple[str, ...], NoDecode] = Field((), validation_alias=_named("COLOPHON_LOG_WITNESSES"))
    log_witnessed: Annotated[tuple[str, ...], NoDecode] = Field((), validation_alias=_named("COLOPHON_LOG_WITNESSED"))
    log_keys: Path | None = Field(None, validation_alias=_named("COLOPHON_LOG_KEYS"))

    @field_validator(
        "allowed_hosts", "log_witnesses", "log_witnessed", "trust_lists", "timestamp_roots", "verify_addresses",
        mode="before",
    )
    @classmethod
    def _separated(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    @field_validator("log_witnesses")
    @classmethod
    def _keys_with_addresses(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(f"{VERIFIER_KEY} https?://[^\\s]+", value) for value in values):
            raise ValueError("each witness is its verifier key, a space, and its address; commas between witnesses")
        return values

    @field_validator("log_witnessed")
    @classmethod
    def _only_keys(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(VERIFIER_KEY, value) for value in values):
            raise ValueError("each is the verifier key of a log: name+id+key; commas between them")
        return values

    @field_validator("label")
    @classmethod
    def _position_and_language(cls, value: str) -> str:
        if value:
            VisibleLabel.parse(value)
        return value

    @field_validator("verify_addresses")
    @classmethod
    def _addresses(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"https?://[^\s/@?#]+(/[^\s?#]*)?", value) for value in values):
            raise ValueError("each is an address that begins with http:// or https://, without a query")
        return values

    @field_validator("database_url")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        try:
            conninfo_to_dict(value or "")
        except ProgrammingError:
            # Without its cause: the driver's message quotes what it read, password and all.
            raise ValueError("this is no address of a PostgreSQL database") from None
        return value

    @model_validator(mode="after")
    def _sign_with_one_key(self) -> Self:
        keys = tuple(getattr(self, name) or None for name in SIGNING_KEYS)
        if self.signing_certificates is None and not any(keys):
            return self
        if self.signing_certificates is None or not any(keys):
            raise ValueError(
                "COLOPHON_SIGNING_CERTIFICATES is set together with one of COLOPHON_SIGNING_KEY, "
                "COLOPHON_SIGNING_TOKEN_LIBRARY and COLOPHON_SIGNING_CALLBACK, or none of them is set"
            )
        if sum(key is not None for key in keys) > 1:
            raise ValueError("only one signing key is set: a file, a token or a callback")
        if self.signing_token_library and not (self.signing_token and self.signing_token_key):
            raise ValueError("COLOPHON_SIGNING_TOKEN and COLOPHON_SIGNING_TOKEN_KEY name the token and its key")
        return self

    @model_validator(mode="after")
    def _trustmark_has_its_weights(self) -> Self:
        if self.watermark == "trustmark" and self.trustmark_weights is None:
            raise ValueError("COLOPHON_WATERMARK=trustmark needs COLOPHON_TRUSTMARK_WEIGHTS, the folder of its weights")
        return self

    @property
    def stated(self) -> dict[str, str]:
        """Return the settings that bear on what records and verdicts say: no secrets, none of the machine's paths."""
        key = next((name for name in SIGNING_KEYS if getattr(self, name)), "development")
        return {
            **{name: str(getattr(self, name)) for name in STATED},
            "address": self.address,
            "signing_key": key.removeprefix("signing_"),
            "timestamps": "on" if self.timestamp_url else "off",
            "log_witnesses": ", ".join(witness.partition("+")[0] for witness in self.log_witnesses),
        }

    @property
    def absolute_home(self) -> Path:
        """Return the data folder, absolute."""
        return self.home.expanduser().absolute()

    @property
    def database_folder(self) -> Path:
        """Return where the embedded database keeps its cluster."""
        return self.absolute_home / "postgres"

    @property
    def files_folder(self) -> Path:
        """Return where pictures and manifests are kept when no bucket is set."""
        return self.absolute_home / "files"

    @property
    def keys_folder(self) -> Path:
        """Return where private keys are kept, mode 0700."""
        return self.absolute_home / "keys"

    @property
    def logs_folder(self) -> Path:
        """Return where each process writes its log."""
        return self.absolute_home / "logs"

    @property
    def run_folder(self) -> Path:
        """Return where running processes keep sockets and pid files that only they need."""
        return self.absolute_home / "run"

    @property
    def socket_folder(self) -> Path:
        """Return a folder short enough for the embedded database's unix socket."""
        if len(os.fsencode(self.run_folder)) <= LONGEST_SOCKET_FOLDER:
            return self.run_folder
        name = hashlib.sha256(os.fsencode(self.absolute_home)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"colophon-{os.geteuid()}-{name}"

    @property
    def is_database_embedded(self) -> bool:
        """Say whether Colophon starts its own PostgreSQL."""
        return not self.database_url

    @property
    def watermark_path(self) -> str:
        """Return the dotted path of the watermark that new pictures get."""
        return WATERMARKS.get(self.watermark, self.watermark)

    @property
    def older_watermark_path(self) -> str:
        """Return the dotted path of the watermark that older pictures may carry: TrustMark where its weights are."""
        return WATERMARKS["trustmark"] if self.trustmark_weights else ""

    @property
    def visible_label(self) -> VisibleLabel | None:
        """Return the label that every picture gets whose request names none; None where that is left to requests."""
        return VisibleLabel.parse(self.label) if self.label else None

    @property
    def address(self) -> str:
        """Return the address that people and manifests are given, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def log_keys_folder(self) -> Path:
        """Return where the keys that sign the audit log are kept, mode 0700."""
        return (self.log_keys or self.keys_folder).expanduser().absolute()

    @property
    def log_vkey_file(self) -> Path:
        """Return where the audit log's verifier key is written for people to copy."""
        return self.absolute_home / "log.vkey"

    @property
    def witness_name(self) -> str:
        """Return the name under which this installation cosigns other logs' checkpoints."""
        return self.address.split("://", 1)[-1] + "/log/witness"

    @property
    def log_origin(self) -> str:
        """Return the audit log's name: as set, as the log was begun, else the public address and ``/log``.

        A log keeps its name for life, also where the address changes later.
        """
        if self.log_name:
            return self.log_name
        if self.log_vkey_file.is_file():
            return self.log_vkey_file.read_text().partition("+")[0]
        return self.address.split("://", 1)[-1] + "/log"


@cache
def environment() -> Environment:
    """Return the environment of this process; stop it with one sentence when a value is wrong."""
    try:
        return Environment()
    except ValidationError as error:
        faults = "; ".join(": ".join([*map(str, fault["loc"][:1]), fault["msg"]]) for fault in error.errors())
        sys.exit(f"Colophon cannot start, a setting is wrong / 设置有误，无法启动：{faults}")
