"""Checksums: the five algorithms, in headers and trailers, signed and unsigned streams, and every way in which they can be wrong."""

import base64
import hashlib
import zlib

import pytest
from awscrt import checksums as crt

import material
import sigv4
from expect import refused
from material import MIB


def _big_endian(value, width):
    return base64.b64encode(value.to_bytes(width, "big")).decode()


#: Name in headers and field of boto3, with an implementation that is not ours.
ALGORITHMS = {
    "CRC32": lambda data: _big_endian(zlib.crc32(data), 4),
    "CRC32C": lambda data: _big_endian(crt.crc32c(data), 4),
    "CRC64NVME": lambda data: _big_endian(crt.crc64nvme(data), 8),
    "SHA1": lambda data: base64.b64encode(hashlib.sha1(data).digest()).decode(),
    "SHA256": lambda data: base64.b64encode(hashlib.sha256(data).digest()).decode(),
}
WRONG = {name: compute(b"something else") for name, compute in ALGORITHMS.items()}
STREAMS = [sigv4.STREAMING_TRAILER, sigv4.UNSIGNED_TRAILER]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_checksum_is_verified_kept_and_returned_when_asked_for(s3, bucket, algorithm):
    body = material.noise(400_000, algorithm)
    right = ALGORITHMS[algorithm](body)
    put = s3.put_object(Bucket=bucket, Key="k", Body=body, **{f"Checksum{algorithm}": right})
    assert put[f"Checksum{algorithm}"] == right
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head[f"Checksum{algorithm}"], head["ChecksumType"]) == (right, "FULL_OBJECT")


def test_checksums_are_silent_unless_asked_for(bucket, raw):
    raw.send("PUT", f"/{bucket}/k", body=b"x")
    assert not [name for name in raw.send("HEAD", f"/{bucket}/k").headers if name.startswith("x-amz-checksum")]
    asked = raw.send("HEAD", f"/{bucket}/k", headers={"x-amz-checksum-mode": "ENABLED"})
    assert asked.headers["x-amz-checksum-crc64nvme"] == ALGORITHMS["CRC64NVME"](b"x")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_wrong_checksum_leaves_nothing(s3, bucket, algorithm):
    with refused("BadDigest", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"the body", **{f"Checksum{algorithm}": WRONG[algorithm]})
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=bucket, Key="k")


def test_a_wrong_content_md5_leaves_nothing(bucket, raw):
    wrong = base64.b64encode(hashlib.md5(b"something else").digest()).decode()
    answer = raw.send("PUT", f"/{bucket}/k", body=b"the body", headers={"Content-MD5": wrong})
    assert (answer.status, answer.code) == (400, "BadDigest")
    answer = raw.send("PUT", f"/{bucket}/k", body=b"the body", headers={"Content-MD5": "nonsense"})
    assert (answer.status, answer.code) == (400, "InvalidDigest")
    right = base64.b64encode(hashlib.md5(b"the body").digest()).decode()
    assert raw.send("PUT", f"/{bucket}/k", body=b"the body", headers={"Content-MD5": right}).status == 200


def test_a_wrong_payload_hash_leaves_nothing(bucket, raw):
    answer = raw.send("PUT", f"/{bucket}/k", body=b"the body", payload=hashlib.sha256(b"something else").hexdigest())
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")
    assert raw.send("GET", f"/{bucket}/k").status == 404


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 300_000, 2 * MIB + 1])
def test_signed_chunks_are_joined(s3, bucket, raw, size):
    body = material.noise(size, size)
    answer = raw.send_streaming("PUT", f"/{bucket}/k", body, sigv4.STREAMING)
    assert answer.status == 200 and answer.headers["etag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body and "ContentEncoding" not in got


def test_aws_chunked_alone_is_taken_out_of_the_content_encoding(s3, bucket, raw):
    raw.send_streaming("PUT", f"/{bucket}/k", b"body", sigv4.STREAMING, headers={"Content-Encoding": "aws-chunked,gzip"})
    assert s3.head_object(Bucket=bucket, Key="k")["ContentEncoding"] == "gzip"


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_checksum_may_come_in_the_trailer(s3, bucket, raw, algorithm, stream):
    body = material.noise(150_000, algorithm)
    right = ALGORITHMS[algorithm](body)
    answer = raw.send_streaming("PUT", f"/{bucket}/k", body, stream, trailers=[(f"x-amz-checksum-{algorithm.lower()}", right)])
    assert answer.status == 200, answer.body
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[f"Checksum{algorithm}"] == right
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_wrong_trailer_leaves_nothing(bucket, raw, algorithm, stream):
    trailers = [(f"x-amz-checksum-{algorithm.lower()}", WRONG[algorithm])]
    answer = raw.send_streaming("PUT", f"/{bucket}/k", b"the body", stream, trailers=trailers)
    assert (answer.status, answer.code) == (400, "BadDigest")
    assert raw.send("GET", f"/{bucket}/k").status == 404


def _flip(framed, at):
    return framed[:at] + bytes([framed[at] ^ 1]) + framed[at + 1 :]


def _other_digit(framed, at):
    return framed[:at] + (b"0" if framed[at : at + 1] != b"0" else b"1") + framed[at + 1 :]


SPOILERS = {
    "a bit of the first chunk": lambda framed: _flip(framed, framed.index(b"\r\n") + 2),
    "a bit of the last data chunk": lambda framed: _flip(framed, framed.rindex(b"\r\n0;chunk-signature=") - 1),
    "a chunk signature": lambda framed: _other_digit(framed, framed.index(b"chunk-signature=") + len(b"chunk-signature=")),
    "the last chunk is missing": lambda framed: framed[: framed.rindex(b"0;chunk-signature=")],
}


@pytest.mark.parametrize("spoiler", SPOILERS)
def test_a_spoiled_signed_stream_leaves_nothing(bucket, raw, spoiler):
    raw.timeout = 15
    answer = raw.send_streaming("PUT", f"/{bucket}/k", material.noise(200_000), sigv4.STREAMING, spoil=SPOILERS[spoiler])
    assert answer.status in (400, 403), answer
    raw.close()
    assert raw.send("GET", f"/{bucket}/k").status == 404


def test_an_announced_length_that_is_wrong_leaves_nothing(bucket, raw):
    for claimed in (99_999, 100_001):
        answer = raw.send_streaming(
            "PUT", f"/{bucket}/k", material.noise(100_000), sigv4.STREAMING, headers={"x-amz-decoded-content-length": str(claimed)}
        )
        assert answer.status == 400, answer
        raw.close()
        assert raw.send("GET", f"/{bucket}/k").status == 404


def test_a_signed_trailer_with_another_signature_leaves_nothing(bucket, raw):
    body = material.noise(1000)

    def spoil(framed):
        return _other_digit(framed, framed.rindex(b"x-amz-trailer-signature:") + len(b"x-amz-trailer-signature:"))

    trailers = [("x-amz-checksum-crc32", ALGORITHMS["CRC32"](body))]
    answer = raw.send_streaming("PUT", f"/{bucket}/k", body, sigv4.STREAMING_TRAILER, trailers=trailers, spoil=spoil)
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    assert raw.send("GET", f"/{bucket}/k").status == 404


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [("CRC32", "COMPOSITE"), ("CRC32C", "COMPOSITE"), ("SHA1", "COMPOSITE"), ("SHA256", "COMPOSITE"),
     ("CRC32", "FULL_OBJECT"), ("CRC32C", "FULL_OBJECT"), ("CRC64NVME", "FULL_OBJECT")],
)
def test_the_checksum_of_a_multipart_object_is_composite_or_of_the_whole(s3, bucket, algorithm, kind):
    bodies = [material.noise(5 * MIB, "one"), material.noise(777, "two")]
    compute, field = ALGORITHMS[algorithm], f"Checksum{algorithm}"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind)["UploadId"]
    parts = []
    for number, body in enumerate(bodies, 1):
        sent = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm=algorithm)
        assert sent[field] == compute(body)
        parts.append({"PartNumber": number, "ETag": sent["ETag"], field: sent[field]})
    done = s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts}, ChecksumType=kind
    )
    if kind == "FULL_OBJECT":
        expected = compute(b"".join(bodies))
    else:
        expected = compute(b"".join(base64.b64decode(compute(body)) for body in bodies)) + "-2"
    assert (done[field], done["ChecksumType"]) == (expected, kind)
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head[field], head["ChecksumType"]) == (expected, kind)


def test_the_hashes_of_sha_are_never_of_a_whole_multipart_object(s3, bucket):
    with refused("InvalidRequest", 400):
        s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT")
