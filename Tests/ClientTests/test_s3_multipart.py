"""Multipart uploads."""

import hashlib

import pytest

import material
from expect import keys, refused
from material import MIB

FIRST, SECOND, LAST = material.noise(5 * MIB, "m1"), material.noise(6 * MIB, "m2"), material.noise(1234, "m3")


def begin(s3, bucket, key="k", **options):
    return s3.create_multipart_upload(Bucket=bucket, Key=key, **options)["UploadId"]


def send(s3, bucket, upload, number, body, key="k"):
    return {"PartNumber": number, "ETag": s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=body)["ETag"]}


def complete(s3, bucket, upload, parts, key="k", **options):
    return s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **options)


def test_parts_sent_out_of_order_make_one_object(s3, bucket):
    upload = begin(s3, bucket, ContentType="text/x-parts", Metadata={"a": "b"})
    parts = {number: send(s3, bucket, upload, number, body) for number, body in ((30, LAST), (7, SECOND), (1, FIRST))}
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []
    done = complete(s3, bucket, upload, [parts[1], parts[7], parts[30]])
    digest = hashlib.md5(b"".join(hashlib.md5(body).digest() for body in (FIRST, SECOND, LAST))).hexdigest()
    assert done["ETag"] == f'"{digest}-3"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == FIRST + SECOND + LAST
    assert (got["ContentType"], got["Metadata"]) == ("text/x-parts", {"a": "b"})


def test_one_part_can_be_read_by_its_number(s3, bucket):
    upload = begin(s3, bucket)
    complete(s3, bucket, upload, [send(s3, bucket, upload, 1, FIRST), send(s3, bucket, upload, 2, LAST)])
    got = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert got["Body"].read() == LAST and got["PartsCount"] == 2 and got["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_a_second_identical_complete_succeeds(s3, bucket):
    upload = begin(s3, bucket)
    parts = [send(s3, bucket, upload, 1, FIRST), send(s3, bucket, upload, 2, LAST)]
    assert complete(s3, bucket, upload, parts)["ETag"] == complete(s3, bucket, upload, parts)["ETag"]
    with refused("NoSuchUpload", 404):
        send(s3, bucket, upload, 3, LAST)


def test_a_part_sent_again_replaces_the_first(s3, bucket):
    upload = begin(s3, bucket)
    old = send(s3, bucket, upload, 1, FIRST)
    new = send(s3, bucket, upload, 1, LAST)
    with refused("InvalidPart", 400):
        complete(s3, bucket, upload, [old])
    complete(s3, bucket, upload, [new])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == LAST


def test_what_cannot_be_completed_is_refused_and_the_upload_stays(s3, bucket):
    upload = begin(s3, bucket)
    one, two, three, four = (send(s3, bucket, upload, number, body) for number, body in enumerate((FIRST, LAST, LAST, SECOND), 1))
    with refused("EntityTooSmall", 400):
        complete(s3, bucket, upload, [one, two, three])
    with refused("InvalidPartOrder", 400):
        complete(s3, bucket, upload, [four, one])
    with refused("InvalidPart", 400):
        complete(s3, bucket, upload, [one, {"PartNumber": 9, "ETag": one["ETag"]}])
    with refused("MalformedXML", 400):
        complete(s3, bucket, upload, [])
    complete(s3, bucket, upload, [one, two])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == FIRST + LAST


def test_an_aborted_upload_is_gone(s3, bucket):
    upload = begin(s3, bucket)
    part = send(s3, bucket, upload, 1, LAST)
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    for call in (lambda: s3.list_parts(Bucket=bucket, Key="k", UploadId=upload), lambda: complete(s3, bucket, upload, [part])):
        with refused("NoSuchUpload", 404):
            call()
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    s3.delete_bucket(Bucket=bucket)


@pytest.mark.parametrize("number", [0, 10_001])
def test_part_numbers_run_from_one_to_ten_thousand(s3, bucket, number):
    upload = begin(s3, bucket)
    with refused("InvalidArgument", 400):
        send(s3, bucket, upload, number, LAST)


def test_parts_are_listed_in_pages(s3, bucket):
    upload = begin(s3, bucket)
    sent = [send(s3, bucket, upload, number, bytes([number % 251])) for number in (1, 2, 5, 9, 10_000)]
    found, marker = [], 0
    while True:
        page = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload, MaxParts=2, PartNumberMarker=marker)
        found += [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in page["Parts"]]
        assert all(part["Size"] == 1 for part in page["Parts"])
        if not page["IsTruncated"]:
            break
        marker = page["NextPartNumberMarker"]
    assert found == sent


def test_uploads_are_listed_in_pages_by_key_and_group_by_delimiter(s3, bucket):
    names = ["a", "a", "dir/x", "dir/y", "z"]
    uploads = sorted((name, begin(s3, bucket, name)) for name in names)
    found, markers = [], {}
    while True:
        page = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=2, **markers)
        found += [(entry["Key"], entry["UploadId"]) for entry in page["Uploads"]]
        if not page["IsTruncated"]:
            break
        markers = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
    assert sorted(found) == uploads and [key for key, _ in found] == names
    grouped = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [entry["Prefix"] for entry in grouped["CommonPrefixes"]] == ["dir/"]
    assert [entry["Key"] for entry in grouped["Uploads"]] == ["a", "a", "z"]


def test_parts_can_be_copied_from_objects_and_ranges(s3, bucket):
    source = FIRST + SECOND
    s3.put_object(Bucket=bucket, Key="source", Body=source)
    upload = begin(s3, bucket)
    ranges = [(0, 5 * MIB - 1), (5 * MIB, 10 * MIB + 76), (10, 99)]
    parts = []
    for number, (first, last) in enumerate(ranges, 1):
        copied = s3.upload_part_copy(
            Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, CopySource={"Bucket": bucket, "Key": "source"},
            CopySourceRange=f"bytes={first}-{last}",
        )
        parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
    whole = s3.upload_part_copy(Bucket=bucket, Key="w", UploadId=begin(s3, bucket, "w"), PartNumber=1, CopySource=f"{bucket}/source")
    assert whole["CopyPartResult"]["ETag"] == f'"{hashlib.md5(source).hexdigest()}"'
    complete(s3, bucket, upload, parts)
    expected = b"".join(source[first : last + 1] for first, last in ranges)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == expected
    with refused("InvalidRange", 416):
        s3.upload_part_copy(
            Bucket=bucket, Key="z", UploadId=begin(s3, bucket, "z"), PartNumber=1, CopySource=f"{bucket}/source",
            CopySourceRange=f"bytes=0-{len(source)}",
        )


def test_a_version_may_come_from_parts(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=bucket, Key="k", Body=b"old")["VersionId"]
    upload = begin(s3, bucket)
    new = complete(s3, bucket, upload, [send(s3, bucket, upload, 1, LAST)])["VersionId"]
    assert new != old
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=new)["Body"].read() == LAST


def test_attributes_list_the_parts(s3, bucket):
    upload = begin(s3, bucket, ChecksumAlgorithm="SHA256")
    sent = []
    for number, body in ((1, FIRST), (2, LAST)):
        part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        sent.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]})
    complete(s3, bucket, upload, sent)
    got = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts", "ObjectSize"])
    assert got["ObjectParts"]["TotalPartsCount"] == 2
    assert [part["Size"] for part in got["ObjectParts"]["Parts"]] == [len(FIRST), len(LAST)]
