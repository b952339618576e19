"""What the tests say about refusals."""

import contextlib

import botocore.exceptions
import pytest


@contextlib.contextmanager
def refused(code, status=None):
    """The block must be answered with this S3 error code (and HTTP status)."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        yield caught
    error = caught.value.response
    found = (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"])
    assert found[0] == code and status in (None, found[1]), f"expected {code} {status}, got {found}"


def keys(page):
    return [entry["Key"] for entry in page.get("Contents", [])]


def prefixes(page):
    return [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
