"""Requests as such: who may, what is refused and how, links, and connections that end early."""

import base64
import datetime
import hashlib
import socket
import time
import urllib.error
import urllib.request

import pytest

import material
import sigv4
import skerry
from conftest import client_of
from expect import keys, refused
from material import MIB
from sigv4 import receive_until, signed_put


def test_what_is_missing_is_named(s3, bucket):
    with refused("NoSuchBucket", 404):
        s3.get_object(Bucket="no-such-bucket-here", Key="k")
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=bucket, Key="k")
    with refused("NoSuchUpload", 404):
        s3.list_parts(Bucket=bucket, Key="k", UploadId="none")
    # There is no body on HEAD, so the SDK only knows the status.
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="k")
    with refused("404", 404):
        s3.head_bucket(Bucket="no-such-bucket-here")


def test_an_error_carries_code_message_resource_and_request(raw, bucket):
    answer = raw.send("GET", f"/{bucket}/missing%20key")
    assert answer.status == 404 and answer.headers["content-type"] == "application/xml"
    for element in ("Code", "Message", "Resource", "RequestId"):
        assert f"<{element}>".encode() in answer.body, answer.body
    assert answer.headers["x-amz-request-id"].encode() in answer.body


def test_the_answer_to_head_has_the_headers_of_get_and_no_body(raw, bucket, s3):
    s3.put_object(Bucket=bucket, Key="k", Body=b"12345")
    got, head = raw.send("GET", f"/{bucket}/k"), raw.send("HEAD", f"/{bucket}/k")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "5")
    for name in ("etag", "last-modified", "content-type", "accept-ranges"):
        assert head.headers[name] == got.headers[name]
    missing = raw.send("HEAD", f"/{bucket}/missing")
    assert (missing.status, missing.body) == (404, b"")


def test_buckets_come_and_go(s3, bucket_name):
    s3.create_bucket(Bucket=bucket_name)
    assert s3.head_bucket(Bucket=bucket_name)["BucketRegion"] == skerry.REGION
    assert s3.get_bucket_location(Bucket=bucket_name)["LocationConstraint"] is None
    s3.put_object(Bucket=bucket_name, Key="k", Body=b"")
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=bucket_name)
    s3.delete_object(Bucket=bucket_name, Key="k")
    s3.delete_bucket(Bucket=bucket_name)
    with refused("NoSuchBucket", 404):
        s3.delete_bucket(Bucket=bucket_name)


@pytest.mark.parametrize("name", ["ab", "UPPER", "has_underscore", "-dash", "dash-", "192.168.0.1", "two..dots", "x" * 64])
def test_names_that_are_no_bucket_names_are_refused(raw, name):
    answer = raw.send("PUT", "/" + name)
    assert (answer.status, answer.code) == (400, "InvalidBucketName")


@pytest.mark.parametrize(
    ("method", "query"),
    [("PUT", "analytics"), ("PUT", "inventory"), ("PUT", "intelligent-tiering"), ("PUT", "metrics"),
     ("PUT", "accelerate"), ("PUT", "requestPayment"), ("PUT", "website"), ("PUT", "replication"), ("PUT", "logging"), ("PUT", "metadataConfiguration")],
)
def test_what_is_not_there_says_so_and_changes_nothing(raw, s3, bucket, method, query):
    answer = raw.send(method, f"/{bucket}", query=[(query, ""), ("id", "1")], body=b"<x/>" if method == "PUT" else b"")
    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []


def test_what_is_not_there_on_objects_says_so_and_changes_nothing(raw, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    for method, query in [("POST", "restore"), ("POST", "select"), ("GET", "torrent"), ("PUT", "encryption")]:
        answer = raw.send(method, f"/{bucket}/k", query=[(query, "")], body=b"<x/>" if method != "GET" else b"")
        assert (answer.status, answer.code) == (501, "NotImplemented"), query
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"


def test_the_sdk_hears_not_implemented(s3, bucket):
    configuration = {"Id": "1", "StorageClassAnalysis": {}}
    with refused("NotImplemented", 501):
        s3.put_bucket_analytics_configuration(Bucket=bucket, Id="1", AnalyticsConfiguration=configuration)


def test_strangers_and_forgers_are_told_apart(server, bucket):
    with refused("InvalidAccessKeyId", 403):
        client_of(server, access_key="NOBODYHERE1234567890").list_buckets()
    with refused("SignatureDoesNotMatch", 403):
        client_of(server, secret_key="wrong").list_buckets()


def test_nobody_reads_without_a_signature(server, bucket, s3):
    s3.put_object(Bucket=bucket, Key="k", Body=b"secret")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{server.endpoint}/{bucket}/k")
    assert caught.value.code == 403 and b"<Code>AccessDenied</Code>" in caught.value.read()


def test_a_clock_that_is_wrong_by_more_than_a_quarter_of_an_hour_is_refused(raw, bucket):
    now = datetime.datetime.now(datetime.timezone.utc)
    for minutes in (-16, 16):
        answer = raw.send("GET", f"/{bucket}", moment=now + datetime.timedelta(minutes=minutes))
        assert (answer.status, answer.code) == (403, "RequestTimeTooSkewed")
    for minutes in (-14, 14):
        assert raw.send("GET", f"/{bucket}", moment=now + datetime.timedelta(minutes=minutes)).status == 200


def test_a_changed_header_or_query_breaks_the_signature(raw, bucket):
    moment = datetime.datetime.now(datetime.timezone.utc)
    headers = {"Host": f"{raw.host}:{raw.port}", "x-amz-meta-a": "b"}
    raw.signer.authorize("PUT", f"/{bucket}/k", [], headers, sigv4.UNSIGNED, moment)
    assert raw.exchange("PUT", f"/{bucket}/k", [], {**headers, "x-amz-meta-a": "c"}, b"x").code == "SignatureDoesNotMatch"
    raw.close()
    assert raw.exchange("PUT", f"/{bucket}/other", [], headers, b"x").code == "SignatureDoesNotMatch"
    raw.close()
    assert raw.exchange("PUT", f"/{bucket}/k", [], headers, b"x").status == 200


# Links


@pytest.mark.parametrize("key", ["plain", "with space", "plus+percent%25", "a//b/../c", "über/漢字"])
def test_a_link_puts_and_gets_without_credentials(server, s3, bucket, key):
    put = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": key}, ExpiresIn=60)
    body = material.noise(300_000, key)
    assert urllib.request.urlopen(urllib.request.Request(put, data=body, method="PUT", headers={"Content-Type": ""})).status == 200
    get = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key, "ResponseContentType": "text/x-linked"}, ExpiresIn=60)
    with urllib.request.urlopen(get) as answer:
        assert answer.read() == body and answer.headers["Content-Type"] == "text/x-linked"


def _answer(url, method="GET"):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
            return answer.status, b""
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_a_link_is_for_one_method_one_key_and_its_time(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    link = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=2)
    assert _answer(link)[0] == 200
    assert _answer(link, "DELETE")[0] == 403
    assert _answer(link.replace(f"{bucket}/k?", f"{bucket}/l?"))[0] == 403
    assert _answer(link.replace("X-Amz-Expires=2", "X-Amz-Expires=3"))[0] == 403
    signed = time.monotonic()
    skerry.await_true(lambda: _answer(link)[0] == 403, timeout=10, interval=0.2)
    assert time.monotonic() - signed > 0.5 and b"AccessDenied" in _answer(link)[1]


def test_a_link_for_longer_than_a_week_is_refused(s3, bucket):
    link = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=604_801)
    status, body = _answer(link)
    assert status == 400 and b"AuthorizationQueryParametersError" in body


# Connections


def test_a_put_cut_short_leaves_no_trace(raw, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    for key, sent in (("k", 3 * MIB), ("new", 3 * MIB), ("new", 1)):
        with socket.create_connection((raw.host, raw.port)) as connection:
            connection.sendall(signed_put(raw, bucket, key, 4 * MIB) + material.noise(sent))
    assert raw.send("GET", f"/{bucket}/k").body == b"before"
    assert raw.send("GET", f"/{bucket}/new").status == 404
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["k"]


def test_continue_is_only_said_to_who_may_write(raw, s3, bucket):
    with socket.create_connection((raw.host, raw.port), timeout=10) as connection:
        connection.sendall(signed_put(raw, bucket, "k", 5, {"Expect": "100-continue"}))
        assert receive_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"12345")
        assert receive_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    forged = signed_put(raw, bucket, "k", 5, {"Expect": "100-continue"}).replace(b"Signature=", b"Signature=0")
    with socket.create_connection((raw.host, raw.port), timeout=10) as connection:
        connection.sendall(forged)
        assert receive_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 403 ")
    with socket.create_connection((raw.host, raw.port), timeout=10) as connection:
        connection.sendall(signed_put(raw, bucket, "k", 5, {"Expect": "100-continue", "If-None-Match": "*"}))
        assert receive_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 412 ")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"12345"


def test_continue_is_said_for_an_empty_body_too(raw, s3, bucket):
    """botocore keeps the status of an answer without it for the next request of the connection, which then waits until it gives up."""
    with socket.create_connection((raw.host, raw.port), timeout=10) as connection:
        connection.sendall(signed_put(raw, bucket, "empty", 0, {"Expect": "100-continue"}))
        assert receive_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
    for body in (b"", b"after it", b"", b"and again"):
        s3.put_object(Bucket=bucket, Key="k", Body=body)
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body


def test_a_put_without_a_length_is_refused(raw, bucket):
    headers = {"Host": f"{raw.host}:{raw.port}"}
    raw.signer.authorize("PUT", f"/{bucket}/k", [], headers, sigv4.UNSIGNED, datetime.datetime.now(datetime.timezone.utc))
    lines = [f"PUT /{bucket}/k HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    with socket.create_connection((raw.host, raw.port), timeout=10) as connection:
        connection.sendall("\r\n".join(lines).encode())
        answer = receive_until(connection, b"</Error>")
    assert answer.startswith(b"HTTP/1.1 411 ") and b"MissingContentLength" in answer


def test_a_refusal_before_the_body_has_a_whole_status_line(raw, s3, bucket):
    """botocore takes a status line without a reason phrase for no answer at all (RFC 9112, section 4, wants the blank at least)."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for condition, expected in ({"If-None-Match": "*"}, b"412 Precondition Failed"), ({"x-amz-checksum-crc32": "nonsense"}, b"400 Bad Request"):
        with socket.create_connection((raw.host, raw.port), timeout=10) as connection:
            connection.sendall(signed_put(raw, bucket, "k", 5, {"Expect": "100-continue", **condition}))
            assert receive_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 " + expected + b"\r\n")


def test_garbage_is_answered_or_dropped_and_the_server_lives(raw, s3, bucket):
    for garbage in (b"\x00" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"PUT /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                    b"GET / HTTP/1.1\r\n" + b"A: " + b"a" * 1_000_000 + b"\r\n\r\n"):
        with socket.create_connection((raw.host, raw.port), timeout=10) as connection:
            try:
                connection.sendall(garbage)
                connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(12)
            except ConnectionError:
                continue
            assert answer == b"" or answer.startswith(b"HTTP/1.1 4") or answer.startswith(b"HTTP/1.1 5"), (garbage[:20], answer)
    assert s3.head_bucket(Bucket=bucket)


def test_an_xml_body_is_bounded_and_no_entity_is_expanded(raw, bucket):
    def delete(body):
        md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
        return raw.send("POST", f"/{bucket}", query=[("delete", "")], body=body, headers={"Content-MD5": md5})

    huge = b"<Delete>" + b"<Object><Key>k</Key></Object>" * 100_000 + b"</Delete>"
    assert delete(huge).status in (400, 413)
    raw.close()
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">]><Delete><Object><Key>&b;</Key></Object></Delete>'
    answer = delete(bomb)
    assert (answer.status, answer.code) == (400, "MalformedXML")
