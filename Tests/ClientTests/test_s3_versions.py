"""Versioning: enabled, suspended, null versions and delete markers."""

from expect import keys, refused


def enable(s3, bucket, status="Enabled"):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def read(s3, bucket, key="k", **options):
    return s3.get_object(Bucket=bucket, Key=key, **options)["Body"].read()


def listed(s3, bucket):
    page = s3.list_object_versions(Bucket=bucket)
    return [(entry["Key"], entry["VersionId"], entry["IsLatest"]) for entry in page.get("Versions", [])]


def markers(s3, bucket):
    page = s3.list_object_versions(Bucket=bucket)
    return [(entry["Key"], entry["VersionId"], entry["IsLatest"]) for entry in page.get("DeleteMarkers", [])]


def test_a_new_bucket_has_no_versioning_and_names_no_version(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert "VersionId" not in s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert "VersionId" not in s3.get_object(Bucket=bucket, Key="k")
    assert listed(s3, bucket) == [("k", "null", True)]
    assert read(s3, bucket, VersionId="null") == b"x"


def test_every_put_is_a_version_and_the_newest_is_current(s3, bucket):
    enable(s3, bucket)
    ids = [s3.put_object(Bucket=bucket, Key="k", Body=str(number).encode())["VersionId"] for number in range(5)]
    assert len(set(ids)) == 5
    assert read(s3, bucket) == b"4"
    for number, version in enumerate(ids):
        got = s3.get_object(Bucket=bucket, Key="k", VersionId=version)
        assert (got["Body"].read(), got["VersionId"]) == (str(number).encode(), version)
    assert listed(s3, bucket) == [("k", version, version == ids[-1]) for version in reversed(ids)]


def test_a_delete_marker_hides_and_its_removal_restores(s3, bucket):
    enable(s3, bucket)
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    gone = s3.delete_object(Bucket=bucket, Key="k")
    assert gone["DeleteMarker"] and gone["VersionId"] != version
    with refused("NoSuchKey", 404) as caught:
        s3.get_object(Bucket=bucket, Key="k")
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-delete-marker"] == "true" and headers["x-amz-version-id"] == gone["VersionId"]
    with refused("MethodNotAllowed", 405) as caught:
        s3.get_object(Bucket=bucket, Key="k", VersionId=gone["VersionId"])
    assert "last-modified" in caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []
    assert markers(s3, bucket) == [("k", gone["VersionId"], True)]
    s3.put_object(Bucket=bucket, Key="again", Body=b"", IfNoneMatch="*")
    restored = s3.delete_object(Bucket=bucket, Key="k", VersionId=gone["VersionId"])
    assert restored["DeleteMarker"] is True
    assert read(s3, bucket) == b"x"


def test_the_version_from_before_versioning_is_the_null_version(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    enable(s3, bucket)
    new = s3.put_object(Bucket=bucket, Key="k", Body=b"after")["VersionId"]
    assert listed(s3, bucket) == [("k", new, True), ("k", "null", False)]
    assert read(s3, bucket, VersionId="null") == b"before"


def test_while_suspended_the_null_version_is_replaced_and_not_stacked(s3, bucket):
    enable(s3, bucket)
    kept = s3.put_object(Bucket=bucket, Key="k", Body=b"kept")["VersionId"]
    enable(s3, bucket, "Suspended")
    for body in (b"one", b"two"):
        s3.put_object(Bucket=bucket, Key="k", Body=body)
    assert listed(s3, bucket) == [("k", "null", True), ("k", kept, False)]
    assert read(s3, bucket) == b"two"
    gone = s3.delete_object(Bucket=bucket, Key="k")
    assert (gone["DeleteMarker"], gone["VersionId"]) == (True, "null")
    assert listed(s3, bucket) == [("k", kept, False)] and markers(s3, bucket) == [("k", "null", True)]
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert read(s3, bucket) == b"kept"


def test_deleting_a_version_makes_the_one_before_current(s3, bucket):
    enable(s3, bucket)
    first, second = (s3.put_object(Bucket=bucket, Key="k", Body=body)["VersionId"] for body in (b"1", b"2"))
    s3.delete_object(Bucket=bucket, Key="k", VersionId=second)
    assert read(s3, bucket) == b"1"
    with refused("NoSuchVersion", 404):
        s3.get_object(Bucket=bucket, Key="k", VersionId=second)
    s3.delete_object(Bucket=bucket, Key="k", VersionId=first)
    assert listed(s3, bucket) == []


def test_a_batch_deletes_versions(s3, bucket):
    enable(s3, bucket)
    ids = [s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"] for _ in range(3)]
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "VersionId": version} for version in ids[:2]] + [{"Key": "k"}]})
    assert len(gone["Deleted"]) == 3 and [entry for entry in gone["Deleted"] if entry.get("DeleteMarker")]
    assert [version for _, version, _ in listed(s3, bucket)] == ids[2:] and len(markers(s3, bucket)) == 1


def test_a_bucket_with_versions_is_not_deleted(s3, bucket):
    enable(s3, bucket)
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    for leftover in (version, marker):
        with refused("BucketNotEmpty", 409):
            s3.delete_bucket(Bucket=bucket)
        s3.delete_object(Bucket=bucket, Key="k", VersionId=leftover)
    s3.delete_bucket(Bucket=bucket)


def test_an_older_version_can_be_copied_back(s3, bucket):
    enable(s3, bucket)
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"2")
    copied = s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k", "VersionId": first})
    assert copied["CopySourceVersionId"] == first
    assert read(s3, bucket) == b"1"


def test_versions_are_listed_in_pages_without_loss(s3, bucket):
    enable(s3, bucket)
    expected = []
    for key in ("a", "a/b", "b"):
        ids = [s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"] for _ in range(3)]
        expected += [(key, version) for version in reversed(ids)]
    found = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2}):
        found += [(entry["Key"], entry["VersionId"]) for entry in page.get("Versions", [])]
    assert found == expected


def test_a_version_that_cannot_be_one_is_refused(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with refused("InvalidArgument", 400):
        s3.get_object(Bucket=bucket, Key="k", VersionId="no such thing")
