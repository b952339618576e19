"""The AWS command line as it comes today, with its default CRC checksums."""

import json

import material
from material import MIB
from tools import run


def aws(env, *arguments, **options):
    return run("aws", *arguments, env=env, **options)


def s3api(env, *arguments):
    out = aws(env, "s3api", *arguments, "--output", "json")
    return json.loads(out) if out.strip() else {}


def test_a_bucket_is_made_listed_and_removed(tool_env, bucket_name):
    assert aws(tool_env, "s3", "mb", f"s3://{bucket_name}").strip() == f"make_bucket: {bucket_name}"
    assert bucket_name in aws(tool_env, "s3", "ls")
    aws(tool_env, "s3", "rb", f"s3://{bucket_name}")
    assert bucket_name not in aws(tool_env, "s3", "ls")


def test_a_bucket_with_objects_is_not_removed_unless_forced(tool_env, bucket, tmp_path):
    (tmp_path / "one").write_bytes(b"one")
    aws(tool_env, "s3", "cp", str(tmp_path / "one"), f"s3://{bucket}/one")
    refused = aws(tool_env, "s3", "rb", f"s3://{bucket}", expect=None)
    assert refused.returncode != 0 and "BucketNotEmpty" in refused.stderr
    aws(tool_env, "s3", "rb", "--force", f"s3://{bucket}")


def test_a_file_goes_up_and_comes_back_byte_for_byte(tool_env, bucket, tmp_path):
    for size in (0, 1, 4096, 262_145, 5 * MIB):
        source, target = tmp_path / f"source-{size}", tmp_path / f"target-{size}"
        source.write_bytes(material.noise(size, size))
        aws(tool_env, "s3", "cp", str(source), f"s3://{bucket}/size {size}")
        aws(tool_env, "s3", "cp", f"s3://{bucket}/size {size}", str(target))
        assert target.read_bytes() == source.read_bytes()


def test_a_tree_with_odd_names_survives_sync_and_a_second_sync_moves_nothing(tool_env, bucket, tmp_path):
    tree = material.odd_tree(tmp_path / "tree")
    aws(tool_env, "s3", "sync", str(tree), f"s3://{bucket}/tree", "--only-show-errors")
    assert aws(tool_env, "s3", "sync", str(tree), f"s3://{bucket}/tree").strip() == ""
    aws(tool_env, "s3", "sync", f"s3://{bucket}/tree", str(tmp_path / "back"), "--only-show-errors")
    material.assert_same_tree(tree, tmp_path / "back")


def test_sync_with_delete_removes_what_left_the_tree(tool_env, bucket, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("kept", "gone"):
        (tree / name).write_bytes(name.encode())
    aws(tool_env, "s3", "sync", str(tree), f"s3://{bucket}", "--only-show-errors")
    (tree / "gone").unlink()
    aws(tool_env, "s3", "sync", "--delete", str(tree), f"s3://{bucket}", "--only-show-errors")
    assert [line.split()[-1] for line in aws(tool_env, "s3", "ls", f"s3://{bucket}").splitlines()] == ["kept"]


def test_a_hundred_mebibytes_go_up_in_parts_and_come_back_whole(tool_env, bucket, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    digest = material.write_noise(source, 100 * MIB, seed="aws")
    aws(tool_env, "s3", "cp", str(source), f"s3://{bucket}/big", "--only-show-errors")
    head = s3api(tool_env, "head-object", "--bucket", bucket, "--key", "big")
    assert head["ContentLength"] == 100 * MIB and head["ETag"].endswith('-13"')
    aws(tool_env, "s3", "cp", f"s3://{bucket}/big", str(target), "--only-show-errors")
    assert material.sha256(target.read_bytes()) == digest


def test_a_presigned_link_works_in_curl_with_awkward_keys(tool_env, bucket, s3):
    for key in ("plain", "with space+plus%25", "a//b", "über/漢字"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
        link = aws(tool_env, "s3", "presign", f"s3://{bucket}/{key}", "--expires-in", "60").strip()
        # --path-as-is: what curl tidies is not what was signed.
        assert run("curl", "--silent", "--fail", "--path-as-is", link, env=tool_env, text=False) == key.encode()
        spoiled = run("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", link[:-1] + ("0" if link[-1] != "0" else "1"), env=tool_env)
        assert spoiled == "403"


def test_ls_groups_by_slash_and_pages(tool_env, bucket, s3):
    for key in ("a", "a/b", "a/b/c", "z/1", "z/2"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    lines = [line.split()[-1] for line in aws(tool_env, "s3", "ls", f"s3://{bucket}").splitlines()]
    assert lines == ["a/", "z/", "a"]
    listed = aws(tool_env, "s3", "ls", "--recursive", "--page-size", "2", f"s3://{bucket}")
    assert [line.split()[-1] for line in listed.splitlines()] == ["a", "a/b", "a/b/c", "z/1", "z/2"]


def test_rm_recursive_leaves_an_empty_bucket(tool_env, bucket, s3):
    for key in [key for key in material.ODD_KEYS if len(key) < 1000]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    aws(tool_env, "s3", "rm", "--recursive", f"s3://{bucket}", "--only-show-errors")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_conditional_put_wins_once(tool_env, bucket, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(b"first")
    s3api(tool_env, "put-object", "--bucket", bucket, "--key", "k", "--body", str(body), "--if-none-match", "*")
    again = aws(
        tool_env, "s3api", "put-object", "--bucket", bucket, "--key", "k", "--body", str(body), "--if-none-match", "*", expect=None
    )
    assert again.returncode != 0 and "PreconditionFailed" in again.stderr


def test_versions_come_back_by_their_ids(tool_env, bucket, tmp_path):
    s3api(tool_env, "put-bucket-versioning", "--bucket", bucket, "--versioning-configuration", "Status=Enabled")
    assert s3api(tool_env, "get-bucket-versioning", "--bucket", bucket)["Status"] == "Enabled"
    ids = []
    for text in (b"one", b"two"):
        (tmp_path / "body").write_bytes(text)
        ids.append(s3api(tool_env, "put-object", "--bucket", bucket, "--key", "k", "--body", str(tmp_path / "body"))["VersionId"])
    marker = s3api(tool_env, "delete-object", "--bucket", bucket, "--key", "k")
    assert marker["DeleteMarker"] is True
    listed = s3api(tool_env, "list-object-versions", "--bucket", bucket)
    assert [version["VersionId"] for version in listed["Versions"]] == ids[::-1]
    assert [entry["VersionId"] for entry in listed["DeleteMarkers"]] == [marker["VersionId"]]
    for text, version in zip((b"one", b"two"), ids):
        s3api(tool_env, "get-object", "--bucket", bucket, "--key", "k", "--version-id", version, str(tmp_path / "out"))
        assert (tmp_path / "out").read_bytes() == text
