"""The container's health: the site answers, or a worker's process is there and its broker can be reached."""

from __future__ import annotations

import os
import socket
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit


def site_answers() -> bool:
    """Say whether the site says that it is ready; the Host header is one that it accepts."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:8000/health/ready", timeout=4) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def celery_runs() -> bool:
    """Say whether a Celery process runs here and the broker that it needs accepts connections."""
    address = urlsplit(os.environ["CELERY_BROKER_URL"])
    try:
        with socket.create_connection((address.hostname or "", address.port or 5672), timeout=4):
            return any(b"celery" in file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline"))
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if (site_answers() if sys.argv[1:] == ["web"] else celery_runs()) else 1)
