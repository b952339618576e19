"""Listing: order, pages, delimiters, encodings."""

import pytest

from expect import keys, prefixes, refused

NAMES = ["a", "a/", "a/b", "a/b/c", "a0", "b//c", "b//d", "cc--x", "cc--y", "z"]


@pytest.fixture
def full(s3, bucket):
    for name in NAMES:
        s3.put_object(Bucket=bucket, Key=name, Body=b"x")
    return bucket


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("delimiter", [None, "/", "--", "//", "b/"])
@pytest.mark.parametrize("prefix", ["", "a", "a/", "b/", "c", "nothing"])
def test_pages_of_any_size_add_up_to_the_model(s3, full, size, delimiter, prefix):
    expected_keys, expected_prefixes = [], []
    for name in sorted(NAMES, key=str.encode):
        if not name.startswith(prefix):
            continue
        at = name.find(delimiter, len(prefix)) if delimiter else -1
        if at < 0:
            expected_keys.append(name)
        elif (group := name[: at + len(delimiter)]) not in expected_prefixes:
            expected_prefixes.append(group)
    for operation in ("list_objects_v2", "list_objects", "list_object_versions"):
        found_keys, found_prefixes = [], []
        options = {"Bucket": full, "Prefix": prefix, **({"Delimiter": delimiter} if delimiter else {})}
        for page in s3.get_paginator(operation).paginate(**options, PaginationConfig={"PageSize": size}):
            entries = page.get("Versions", []) if operation.endswith("versions") else page.get("Contents", [])
            assert len(entries) + len(prefixes(page)) <= size
            found_keys += [entry["Key"] for entry in entries]
            found_prefixes += prefixes(page)
        assert (found_keys, found_prefixes) == (expected_keys, expected_prefixes), operation


def test_a_page_counts_keys_and_prefixes_together(s3, full):
    page = s3.list_objects_v2(Bucket=full, Delimiter="/", MaxKeys=2)
    assert (keys(page), prefixes(page), page["KeyCount"], page["IsTruncated"]) == (["a"], ["a/"], 2, True)
    page = s3.list_objects_v2(Bucket=full, Delimiter="/", MaxKeys=2, ContinuationToken=page["NextContinuationToken"])
    assert (keys(page), prefixes(page)) == (["a0"], ["b/"])


def test_a_page_of_none_is_empty_and_whole(s3, full):
    page = s3.list_objects_v2(Bucket=full, MaxKeys=0)
    assert keys(page) == [] and page["IsTruncated"] is False


def test_a_marker_and_start_after_are_exclusive_and_need_not_exist(s3, full):
    assert keys(s3.list_objects_v2(Bucket=full, StartAfter="a/b")) == NAMES[3:]
    assert keys(s3.list_objects(Bucket=full, Marker="a/b/")) == NAMES[3:]
    # A marker inside of a group skips the group.
    assert prefixes(s3.list_objects(Bucket=full, Delimiter="/", Marker="a/b")) == ["b/"]


def test_keys_come_percent_encoded_when_asked(s3, raw, bucket):
    s3.put_object(Bucket=bucket, Key="a b+c/ü%&<>", Body=b"x")
    answer = raw.send("GET", f"/{bucket}", query=[("list-type", "2"), ("encoding-type", "url"), ("prefix", "a b")])
    assert answer.status == 200
    assert b"<EncodingType>url</EncodingType>" in answer.body
    assert b"a%20b%2Bc/%C3%BC%25%26%3C%3E</Key>" in answer.body or b"a+b%2Bc/%C3%BC%25%26%3C%3E</Key>" in answer.body


def test_more_than_a_thousand_keys_come_in_pages_of_a_thousand(s3, bucket, raw):
    for index in range(1005):
        assert raw.send("PUT", f"/{bucket}/{index:05}", body=b"x").status == 200
    first = s3.list_objects_v2(Bucket=bucket, MaxKeys=5000)
    assert (len(first["Contents"]), first["IsTruncated"], first["MaxKeys"]) == (1000, True, 1000)
    rest = s3.list_objects_v2(Bucket=bucket, ContinuationToken=first["NextContinuationToken"])
    assert keys(first) + keys(rest) == [f"{index:05}" for index in range(1005)]


def test_an_entry_names_size_etag_time_class_and_owner_when_asked(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"12345")
    entry = s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]
    assert (entry["Size"], entry["ETag"], entry["StorageClass"]) == (5, put["ETag"], "STANDARD")
    assert entry["Owner"]["ID"]
    assert "Owner" not in s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    head = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    assert abs((entry["LastModified"] - head).total_seconds()) < 1


def test_nonsense_is_refused(s3, raw, bucket):
    for query in ([("max-keys", "many")], [("max-keys", "-1")], [("list-type", "2"), ("encoding-type", "rot13")],
                  [("list-type", "2"), ("continuation-token", "not ours")]):
        answer = raw.send("GET", f"/{bucket}", query=query)
        assert (answer.status, answer.code) == (400, "InvalidArgument"), query
    with refused("NoSuchBucket", 404):
        s3.list_objects_v2(Bucket="no-such-bucket-here")


def test_buckets_are_listed_in_pages(s3, bucket_name):
    names = [f"{bucket_name}-{index}" for index in range(5)]
    for name in names:
        s3.create_bucket(Bucket=name)
    found, token = [], {}
    while True:
        page = s3.list_buckets(MaxBuckets=2, Prefix=bucket_name, **token)
        found += [entry["Name"] for entry in page["Buckets"]]
        if "ContinuationToken" not in page:
            break
        token = {"ContinuationToken": page["ContinuationToken"]}
    assert found == names
