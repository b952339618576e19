"""Objects through boto3: bytes, headers, ranges, copies, and keys that stay as they are."""

import datetime
import hashlib
import socket

import pytest

import material
from conftest import client_of
from expect import keys, refused
from material import MIB


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 65_536, 262_144, 262_145, MIB, 3 * MIB + 17])
def test_an_object_comes_back_byte_for_byte(s3, bucket, size):
    body = material.noise(size, size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=body)
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert (got["ContentLength"], got["ETag"], got["AcceptRanges"]) == (size, put["ETag"], "bytes")
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ContentLength"], head["ETag"]) == (size, put["ETag"])
    assert abs((datetime.datetime.now(datetime.timezone.utc) - head["LastModified"]).total_seconds()) < 60


def test_keys_are_kept_byte_for_byte_and_listed_in_byte_order(s3, bucket):
    for key in material.ODD_KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    for key in material.ODD_KEYS:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode(), key
    in_byte_order = sorted(material.ODD_KEYS, key=str.encode)
    assert keys(s3.list_objects_v2(Bucket=bucket)) == in_byte_order
    assert keys(s3.list_objects(Bucket=bucket)) == in_byte_order
    s3.delete_object(Bucket=bucket, Key="double//slash")
    assert "double//slash" not in keys(s3.list_objects_v2(Bucket=bucket))
    # The other spellings of a name are other objects.
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=bucket, Key="double/slash")


def test_a_key_of_1025_bytes_is_too_long(s3, bucket):
    with refused("KeyTooLongError", 400):
        s3.put_object(Bucket=bucket, Key="é" * 512 + "x", Body=b"")


def test_headers_and_metadata_come_back(s3, bucket):
    sent = {
        "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="a b.txt"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de, en",
        "ContentType": "text/x-odd; charset=utf-8",
        "Expires": datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        "Metadata": {"plain": "value", "mixed-case": "Some Value", "empty": ""},
    }
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **sent)
    got = s3.get_object(Bucket=bucket, Key="k")
    for name in ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Metadata"):
        assert got[name] == sent[name]
    assert got["ExpiresString"] == "Wed, 02 Jan 2030 03:04:05 GMT"


def test_the_content_type_defaults_to_octets(s3, bucket, raw):
    assert raw.send("PUT", f"/{bucket}/k", body=b"x").status == 200
    assert s3.head_object(Bucket=bucket, Key="k")["ContentType"] == "binary/octet-stream"


def test_response_overrides_replace_headers_for_one_answer(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/plain")
    got = s3.get_object(
        Bucket=bucket, Key="k", ResponseContentType="application/x-other", ResponseCacheControl="no-store",
        ResponseContentDisposition="inline", ResponseContentEncoding="br", ResponseContentLanguage="fr", ResponseExpires="Wed, 02 Jan 2030 03:04:05 GMT",
    )
    assert (got["ContentType"], got["CacheControl"], got["ContentDisposition"]) == ("application/x-other", "no-store", "inline")
    assert (got["ContentEncoding"], got["ContentLanguage"], got["ExpiresString"]) == ("br", "fr", "Wed, 02 Jan 2030 03:04:05 GMT")
    assert s3.get_object(Bucket=bucket, Key="k")["ContentType"] == "text/plain"


@pytest.mark.parametrize("size", [1000, 700_001, 3 * MIB])
@pytest.mark.parametrize("asked", ["bytes=0-0", "bytes=0-", "bytes=10-99", "bytes=-7", "bytes=-99999999", "bytes=500-99999999"])
def test_a_range_is_a_slice(s3, bucket, size, asked):
    body = material.noise(size, size)
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    first, last = asked.removeprefix("bytes=").split("-")
    start = int(first) if first else max(0, size - int(last))
    end = min(size - 1, int(last)) if first and last else size - 1
    got = s3.get_object(Bucket=bucket, Key="k", Range=asked)
    assert got["Body"].read() == body[start : end + 1]
    assert got["ContentRange"] == f"bytes {start}-{end}/{size}" and got["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_ranges_across_the_chunks_of_a_large_object_agree_with_the_whole(s3, bucket):
    body = material.noise(5 * MIB, "ranges")
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    for start in range(0, len(body), 487_001):
        end = min(start + 300_000, len(body)) - 1
        assert s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={start}-{end}")["Body"].read() == body[start : end + 1]


def test_ranges_that_cannot_be_met(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    with refused("InvalidRange", 416):
        s3.get_object(Bucket=bucket, Key="k", Range="bytes=10-")
    with refused("InvalidRange", 416):
        s3.get_object(Bucket=bucket, Key="empty", Range="bytes=0-")
    # What is no range is no condition either: the whole object comes.
    for nonsense in ("bytes=5-2", "lines=1-2", "bytes=a-b"):
        got = s3.get_object(Bucket=bucket, Key="k", Range=nonsense)
        assert (got["ResponseMetadata"]["HTTPStatusCode"], got["Body"].read()) == (200, b"0123456789")


def test_deleting_is_idempotent_and_a_batch_names_what_it_deleted(s3, bucket):
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=bucket, Key="k")
    s3.delete_object(Bucket=bucket, Key="k")
    for key in material.ODD_KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    wanted = [*material.ODD_KEYS, "never was"]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in wanted]})
    assert sorted(entry["Key"] for entry in answer["Deleted"]) == sorted(wanted) and "Errors" not in answer
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []
    s3.put_object(Bucket=bucket, Key="quiet", Body=b"x")
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "quiet"}], "Quiet": True})
    assert "Deleted" not in quiet


def test_a_batch_of_more_than_a_thousand_keys_is_refused(s3, bucket):
    with refused("MalformedXML", 400):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": f"{index}"} for index in range(1001)]})


@pytest.mark.parametrize("key", [key for key in material.ODD_KEYS if len(key) < 500])
def test_a_copy_has_the_bytes_and_the_metadata(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode() * 3, Metadata={"a": "b"}, ContentType="text/x-kept")
    s3.copy_object(Bucket=bucket, Key="copy of " + key, CopySource={"Bucket": bucket, "Key": key})
    got = s3.get_object(Bucket=bucket, Key="copy of " + key)
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (key.encode() * 3, {"a": "b"}, "text/x-kept")


def test_a_copy_may_replace_metadata_and_a_copy_onto_itself_must(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "b"})
    with refused("InvalidRequest", 400):
        s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k"})
    s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k"}, MetadataDirective="REPLACE", Metadata={"c": "d"})
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"c": "d"}


def test_a_copy_between_buckets_of_a_large_object(s3, bucket, bucket_name):
    s3.create_bucket(Bucket=bucket_name)
    body = material.noise(7 * MIB, "copy")
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    copied = s3.copy_object(Bucket=bucket_name, Key="c", CopySource={"Bucket": bucket, "Key": "k"})
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    s3.delete_object(Bucket=bucket, Key="k")
    assert s3.get_object(Bucket=bucket_name, Key="c")["Body"].read() == body


def test_a_get_that_began_sees_its_version_to_the_end(s3, bucket):
    old, new = material.noise(24 * MIB, "old"), material.noise(24 * MIB, "new")
    s3.put_object(Bucket=bucket, Key="k", Body=old)
    body = s3.get_object(Bucket=bucket, Key="k")["Body"]
    seen = body.read(MIB)
    s3.put_object(Bucket=bucket, Key="k", Body=new)
    s3.delete_object(Bucket=bucket, Key="k")
    assert seen + body.read() == old


def test_an_attribute_request_names_size_etag_and_checksum(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm="SHA256")
    got = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ETag", "ObjectSize", "Checksum", "StorageClass"])
    assert (got["ETag"], got["ObjectSize"]) == (hashlib.md5(b"hello").hexdigest(), 5)
    assert got["Checksum"]["ChecksumSHA256"] == "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="


def test_the_virtual_host_style_reaches_the_same_bucket(server, s3, bucket, monkeypatch):
    # RFC 6761 gives every name below localhost to this machine, but not every resolver knows.
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest: resolve("127.0.0.1" if str(host).endswith("localhost") else host, *rest)
    )
    styled = client_of(server, endpoint=f"http://localhost:{server.port}", s3={"addressing_style": "virtual"})
    styled.put_object(Bucket=bucket, Key="a//b c", Body=b"virtual")
    assert s3.get_object(Bucket=bucket, Key="a//b c")["Body"].read() == b"virtual"
    assert keys(styled.list_objects_v2(Bucket=bucket)) == ["a//b c"]


def test_the_host_header_alone_selects_the_bucket(server, s3, raw, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"by host")
    answer = raw.send("GET", "/k", headers={"Host": f"{bucket}.localhost:{server.port}"})
    assert (answer.status, answer.body) == (200, b"by host")
