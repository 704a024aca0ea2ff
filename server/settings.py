"""Django's settings: everything variable comes from ``server.environment``."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import structlog
from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from server.environment import environment
from server.withheld import ArgumentFilter, take_over_loguru, without_words

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"
ENVIRONMENT = environment()
DEBUG = ENVIRONMENT.debug


def _kept_secret(path: Path) -> str:
    """Return the secret kept in a file, made on first use and readable by this user alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(50))
    try:
        os.link(draft, path)  # of two processes that start at once, one wins and both read the winner's
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()


def _kept_or_made_secret(path: Path) -> str:
    return path.read_text() if path.is_file() else _kept_secret(path)


SECRET_KEY = os.environ.get("COLOPHON_SECRET_KEY") or _kept_or_made_secret(ENVIRONMENT.keys_folder / "django.secret")
ALLOWED_HOSTS = [*ENVIRONMENT.allowed_hosts, "127.0.0.1", "localhost", "[::1]", "testserver"]
_public_host = ENVIRONMENT.address.split("://", 1)[-1].rsplit(":", 1)[0]
ALLOWED_HOSTS.append(_public_host)
CSRF_TRUSTED_ORIGINS = [ENVIRONMENT.public_url] if ENVIRONMENT.public_url else []
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENVIRONMENT.public_url.startswith("https://")
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "pgtrigger",
    "provenance.audit_log",
    "provenance.attribution",
    "provenance.works",
    "provenance.licensing",
    "provenance.credentials",
    "provenance.disputes",
    "generation",
    "server.accounts",
    "server.api",
    "server.web",
    "server.command_line",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "server.web.security.ContentSecurityPolicy",
]
ROOT_URLCONF = "server.urls"
ASGI_APPLICATION = "server.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# The database: our own over its unix socket, or the one that DATABASE_URL names.
EMBEDDED_DATABASE = {"host": str(ENVIRONMENT.socket_folder), "user": "postgres", "dbname": "colophon"}
DATABASE_CONNINFO: dict[str, Any] = (
    dict(EMBEDDED_DATABASE)
    if ENVIRONMENT.is_database_embedded
    else dict(conninfo_to_dict(ENVIRONMENT.database_url or ""))
)
_rest = {
    key: value for key, value in DATABASE_CONNINFO.items() if key not in {"host", "port", "user", "password", "dbname"}
}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE_CONNINFO.get("dbname", "colophon"),
        "HOST": DATABASE_CONNINFO.get("host", ""),
        "PORT": DATABASE_CONNINFO.get("port", ""),
        "USER": DATABASE_CONNINFO.get("user", ""),
        "PASSWORD": DATABASE_CONNINFO.get("password", ""),
        # A pool belongs to the web process alone: workers hold one connection each.
        "CONN_MAX_AGE": 0 if ENVIRONMENT.database_pool else 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **_rest,
            "application_name": "colophon",
            **({"pool": {"min_size": 1, "max_size": 8, "timeout": 10}} if ENVIRONMENT.database_pool else {}),
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.Account"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

# Files: a folder under the data folder, or an S3-compatible bucket.
_folder = {
    "BACKEND": "provenance.storage.FolderStorage",
    "OPTIONS": {"location": str(ENVIRONMENT.files_folder), "file_permissions_mode": 0o600},
}
_bucket = {
    "BACKEND": "storages.backends.s3.S3Storage",
    "OPTIONS": {
        "bucket_name": ENVIRONMENT.bucket,
        "endpoint_url": ENVIRONMENT.bucket_endpoint or None,
        "region_name": ENVIRONMENT.bucket_region or None,
        "access_key": ENVIRONMENT.bucket_access_key or None,
        "secret_key": ENVIRONMENT.bucket_secret_key or None,
        "file_overwrite": True,  # a file's name is its digest: the same name is the same bytes
        "default_acl": None,
    },
}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "content": _bucket if ENVIRONMENT.bucket else _folder,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
STATIC_URL = "/static/"
STATIC_ROOT = ENVIRONMENT.absolute_home / "static"
if DEBUG or not (STATIC_ROOT / "staticfiles.json").is_file():
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    WHITENOISE_USE_FINDERS = True
    WHITENOISE_AUTOREFRESH = DEBUG

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "server" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Wake-ups travel over the same PostgreSQL unless a broker is named.
CELERY_BROKER_URL = ENVIRONMENT.celery_broker_url or "pgmq://localhost"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
if ENVIRONMENT.celery_broker_url is None:
    CELERY_BROKER_TRANSPORT = "server.celery:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "conn_string": make_conninfo(**DATABASE_CONNINFO),
        "init_extension": False,
        "use_notify": True,
        "notify_throttle_interval_ms": 0,
        "visibility_timeout": 60,
        "wait_time_seconds": 0,
        "polling_interval": 0.5,  # a notification wakes before: this is for what came while the hands were full
        "pool_size": 2,
    }
else:
    # The second name is for queues that ``worker -Q`` names, which are all but the default one.
    CELERY_TASK_DEFAULT_QUEUE_TYPE = CELERY_TASK_CREATE_MISSING_QUEUE_TYPE = (
        "quorum" if ENVIRONMENT.celery_broker_url.startswith("amqp") else "classic"
    )
    CELERY_BROKER_TRANSPORT_OPTIONS = (
        {"confirm_publish": True} if ENVIRONMENT.celery_broker_url.startswith("amqp") else {}
    )
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # the row is the truth: a lost message is sent again by the reaper
CELERY_TASK_DEFAULT_QUEUE = "housekeeping"
CELERY_TASK_ROUTES = {
    "generation.jobs.render_next": {"queue": "render"},
    "generation.jobs.read_watermarks": {"queue": "render"},
    "generation.jobs.train_next": {"queue": "training"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "reap": {"task": "generation.jobs.reap", "schedule": 2.0, "options": {"expires": 10}},
    "sign-works": {"task": "generation.jobs.sign_works", "schedule": 60.0, "options": {"expires": 60}},
    "stamp": {"task": "generation.jobs.stamp", "schedule": 60.0, "options": {"expires": 60}},
    "sweep": {"task": "generation.jobs.sweep", "schedule": 3600.0},
    "fingerprint": {"task": "generation.jobs.fingerprint", "schedule": 600.0, "options": {"expires": 600}},
    "reverify": {"task": "generation.jobs.reverify", "schedule": 300.0, "options": {"expires": 300}},
    "sequence": {"task": "provenance.audit_log.jobs.sequence", "schedule": 1.0, "options": {"expires": 5}},
    "deadlines": {"task": "provenance.disputes.jobs.pass_deadlines", "schedule": 3600.0, "options": {"expires": 600}},
    "witnesses": {"task": "provenance.audit_log.jobs.ask_witnesses", "schedule": 15.0, "options": {"expires": 15}},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(ENVIRONMENT.run_folder / "beat-schedule")

COLOPHON_PIPELINE = ENVIRONMENT.pipeline
COLOPHON_TRAINER = ENVIRONMENT.trainer
COLOPHON_WATERMARK = ENVIRONMENT.watermark_path
COLOPHON_WATERMARK_LEAST_SIDE = ENVIRONMENT.watermark_least_side
COLOPHON_LEASE_SECONDS = ENVIRONMENT.lease_seconds

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "server.api.authentication.TokenAuthentication",
        "server.api.authentication.PageSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["server.api.parsers.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "server.api.parsers.OneForm",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "server.api.pages.NewestFirst",
    "DEFAULT_THROTTLE_CLASSES": ["server.api.throttles.PerAccount"],
    "DEFAULT_THROTTLE_RATES": {
        "account": "600/min",
        "request": ENVIRONMENT.request_rate,
        "verify": ENVIRONMENT.verify_rate,
        "reading": "120/min",  # a page asks 30 times a minute, and the visitor's own checks are not to pay for it
        "search": "12/min",
        "sign-in": "20/min",
        "notice": "20/hour",
    },
    "EXCEPTION_HANDLER": "server.api.errors.problem_response",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": True,
    "NUM_PROXIES": ENVIRONMENT.proxies,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Colophon",
    "DESCRIPTION": "Images that carry their colophon: what made them, on what terms, signed.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {},
}
# Throttles count per web process: a limit, not a bill.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_words,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                without_words,
                structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": [
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
        }
    },
    "filters": {"arguments": {"()": ArgumentFilter}},
    "handlers": {"stderr": {"class": "server.withheld.Handler", "formatter": "json", "filters": ["arguments"]}},
    "root": {"handlers": ["stderr"], "level": ENVIRONMENT.log_level},
    "loggers": {
        "pgmq": {"level": "WARNING"},
        # Through our own handler, which leaves the words of strangers' exceptions out.
        **{name: {"handlers": [], "propagate": True} for name in ("uvicorn", "uvicorn.error")},
        "uvicorn.access": {"level": "WARNING", "handlers": [], "propagate": False},  # who looked what picture up
        "django.request": {"level": "ERROR"},
        # At DEBUG these would write every statement with its values, prompts among them.
        "django.db.backends": {"level": "INFO"},
        "psycopg": {"level": "INFO"},
        "PIL": {"level": "INFO"},  # at DEBUG it would write what a picture's own metadata say
        "psycopg.pool": {"level": "WARNING"},  # three lines a request, of what it lends and takes back
    },
}
take_over_loguru()
