"""Make the bucket that COLOPHON_BUCKET names, unless it is there; without a bucket there is nothing to do."""

from __future__ import annotations

import boto3
from botocore.exceptions import ClientError

from server.environment import environment


def main() -> None:
    """Make the bucket once; somebody else's bucket of that name is an error."""
    settings = environment()
    if not settings.bucket:
        return
    store = boto3.client(
        "s3",
        endpoint_url=settings.bucket_endpoint or None,
        region_name=settings.bucket_region or None,
        aws_access_key_id=settings.bucket_access_key or None,
        aws_secret_access_key=settings.bucket_secret_key or None,
    )
    try:
        store.head_bucket(Bucket=settings.bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"404", "NoSuchBucket", "NotFound"}:
            raise
        store.create_bucket(Bucket=settings.bucket)


if __name__ == "__main__":
    main()
