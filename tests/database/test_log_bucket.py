"""The log in an S3-compatible bucket: published, served and pruned as in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from django.test import Client
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from provenance.audit_log import files, queries
from provenance.audit_log.note import open_checkpoint
from provenance.audit_log.sequencing import sequence
from provenance.audit_log.tiles import TileReader
from provenance.audit_log.tree import root_at
from tests.factories.log import entries

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bucket(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Keep the log's files in a bucket on this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"endpoint_url": f"http://{host}:{port}", "region_name": "us-east-1"}
    boto3.client("s3", aws_access_key_id="t", aws_secret_access_key="t", **keys).create_bucket(Bucket="pictures")
    options = {"bucket_name": "pictures", "access_key": "t", "secret_key": "t", "file_overwrite": True, **keys}
    content = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {**options, "default_acl": None}}
    settings.STORAGES = {**settings.STORAGES, "content": content}
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"home": tmp_path / "home"})
    yield
    server.stop()


@pytest.mark.usefixtures("bucket")
def test_a_log_in_a_bucket_grows_is_served_and_drops_what_full_tiles_replaced(client: Client) -> None:
    assert files.published() is None
    for many in (99, 200):
        entries(many)
        sequence()
    head = open_checkpoint(client.get("/log/checkpoint").content.decode(), keys=queries.keys()).checkpoint
    assert head.size == 300 and head.root == root_at(300, TileReader(files.read, size=300).read_hash)
    with pytest.raises(FileNotFoundError):
        files.read("tile/0/000.p/100")
    assert len(client.get("/log/tile/0/000.p/100").content) == 3200
    assert client.get("/log/tile/0/009").status_code == 404
