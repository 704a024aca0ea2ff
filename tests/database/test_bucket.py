"""Files in an S3-compatible bucket: the same promises as in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from django.conf import settings
from django.test import override_settings
from moto.server import ThreadedMotoServer

from provenance import storage
from provenance.errors import FileAltered, FileMissing


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve an S3 interface on this machine, with one bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    where = f"http://{host}:{port}"
    _client(where).create_bucket(Bucket="pictures")
    yield where
    server.stop()


@pytest.fixture
def bucket(address: str) -> Iterator[str]:
    """Keep files in the bucket, as COLOPHON_BUCKET and its kin make the settings do."""
    options = {
        "bucket_name": "pictures",
        "endpoint_url": address,
        "region_name": "us-east-1",
        "access_key": "test",
        "secret_key": "test",
        "file_overwrite": True,
        "default_acl": None,
    }
    content = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    with override_settings(STORAGES={**settings.STORAGES, "content": content}):
        yield address


def _client(where: str) -> Any:
    return boto3.client(
        "s3", endpoint_url=where, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


def test_a_file_kept_in_a_bucket_comes_back_whole(bucket: str) -> None:
    digest = storage.store(b"a picture")

    assert storage.load(digest) == b"a picture"
    assert digest in {kept for kept, _ in storage.stored_files()}


def test_a_file_altered_in_the_bucket_is_noticed(bucket: str) -> None:
    digest = storage.store(b"as it was")
    code = digest.removeprefix("sha256:")
    _client(bucket).put_object(Bucket="pictures", Key=f"{code[:2]}/{code}", Body=b"as it is!")

    with pytest.raises(FileAltered):
        storage.load(digest)


def test_a_file_deleted_from_the_bucket_is_missing(bucket: str) -> None:
    digest = storage.store(b"not for long")
    storage.delete(digest)

    assert not storage.exists(digest)
    with pytest.raises(FileMissing):
        storage.load(digest)
