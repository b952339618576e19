"""Conditions on reads and writes, alone and against each other."""

import concurrent.futures
import datetime

import botocore.exceptions
import pytest

from expect import refused
from material import MIB, noise

WRONG = '"00000000000000000000000000000000"'


def test_reads_obey_their_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    before, after = modified - datetime.timedelta(days=1), modified + datetime.timedelta(seconds=1)
    for method in (s3.get_object, s3.head_object):
        method(Bucket=bucket, Key="k", IfMatch=etag)
        method(Bucket=bucket, Key="k", IfNoneMatch=WRONG)
        method(Bucket=bucket, Key="k", IfModifiedSince=before)
        method(Bucket=bucket, Key="k", IfUnmodifiedSince=after)
        # The tags decide where both are given (RFC 9110, section 13.2.2).
        method(Bucket=bucket, Key="k", IfMatch=etag, IfUnmodifiedSince=before)
        for conditions, status in [
            ({"IfMatch": WRONG}, 412), ({"IfNoneMatch": etag}, 304), ({"IfUnmodifiedSince": before}, 412),
            ({"IfNoneMatch": etag, "IfModifiedSince": before}, 304),
        ]:
            with pytest.raises(botocore.exceptions.ClientError) as caught:
                method(Bucket=bucket, Key="k", **conditions)
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status, conditions


def test_not_modified_has_no_body_and_names_the_etag(s3, raw, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    answer = raw.send("GET", f"/{bucket}/k", headers={"If-None-Match": etag})
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", etag)


def test_writes_obey_their_conditions(s3, bucket):
    with refused("NoSuchKey", 404):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", IfMatch=WRONG)
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"one", IfNoneMatch="*")["ETag"]
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"two", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"two", IfMatch=WRONG)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"one"
    s3.put_object(Bucket=bucket, Key="k", Body=b"two", IfMatch=etag)
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"two"
    s3.delete_object(Bucket=bucket, Key="k", IfMatch="*")
    s3.put_object(Bucket=bucket, Key="k", Body=b"three", IfNoneMatch="*")


def test_completing_and_copying_obey_their_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"here")["ETag"]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"part")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    with refused("PreconditionFailed", 412):
        s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload=parts, IfNoneMatch="*")
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload=parts, IfMatch=etag)
    source = {"Bucket": bucket, "Key": "k"}
    with refused("PreconditionFailed", 412):
        s3.copy_object(Bucket=bucket, Key="c", CopySource=source, CopySourceIfMatch=WRONG)
    with refused("PreconditionFailed", 412):
        s3.copy_object(Bucket=bucket, Key="k", CopySource=source, MetadataDirective="REPLACE", IfNoneMatch="*")
    s3.copy_object(Bucket=bucket, Key="c", CopySource=source, CopySourceIfNoneMatch=WRONG, IfNoneMatch="*")


def test_of_many_racing_creations_exactly_one_wins(s3, bucket):
    def create(index):
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=noise(MIB // 8, index), IfNoneMatch="*")
            return index
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"), error
            return None

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        winners = [index for index in pool.map(create, range(32)) if index is not None]
    assert len(winners) == 1
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == noise(MIB // 8, winners[0])


def test_a_counter_kept_by_compare_and_swap_loses_no_step(s3, bucket):
    s3.put_object(Bucket=bucket, Key="counter", Body=b"0")

    def step(_):
        while True:
            got = s3.get_object(Bucket=bucket, Key="counter")
            value = int(got["Body"].read())
            try:
                s3.put_object(Bucket=bucket, Key="counter", Body=str(value + 1).encode(), IfMatch=got["ETag"])
                return
            except botocore.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"), error

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(step, range(40)))
    assert s3.get_object(Bucket=bucket, Key="counter")["Body"].read() == b"40"
