"""s3cmd of Debian 12 (2.3) with Signature Version 4 and its own way with `+`, `%` and `//`."""

import pytest

import material
import skerry
from material import MIB
from tools import run


@pytest.fixture
def s3cmd(server, tool_env, tmp_path):
    config = tmp_path / "s3cfg"
    config.write_text(
        "[default]\n"
        f"access_key = {skerry.ACCESS_KEY}\nsecret_key = {skerry.SECRET_KEY}\n"
        f"host_base = 127.0.0.1:{server.port}\nhost_bucket = 127.0.0.1:{server.port}\n"
        f"bucket_location = {skerry.REGION}\nuse_https = False\nsignature_v2 = False\n"
    )
    env = {name: value for name, value in tool_env.items() if not name.startswith("AWS_")}

    def call(*arguments, **options):
        return run("s3cmd", f"--config={config}", "--no-progress", *arguments, env=env, **options)

    return call


def test_s3cmd_makes_fills_lists_and_removes_a_bucket(s3cmd, bucket_name, tmp_path):
    s3cmd("mb", f"s3://{bucket_name}")
    assert f"s3://{bucket_name}" in s3cmd("ls")
    (tmp_path / "file").write_bytes(material.noise(300_000))
    s3cmd("put", str(tmp_path / "file"), f"s3://{bucket_name}/some/file")
    assert f"s3://{bucket_name}/some/file" in s3cmd("ls", "--recursive", f"s3://{bucket_name}")
    s3cmd("get", f"s3://{bucket_name}/some/file", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == (tmp_path / "file").read_bytes()
    assert "300000" in s3cmd("info", f"s3://{bucket_name}/some/file")
    s3cmd("del", f"s3://{bucket_name}/some/file")
    s3cmd("rb", f"s3://{bucket_name}")
    assert f"s3://{bucket_name}" not in s3cmd("ls")


@pytest.mark.parametrize("key", ["with space", "plus+plus", "100%", "%20", "a//b", "/leading", "über/漢字", "q?u&e=r#y", "tilde~star*"])
def test_s3cmd_keeps_an_odd_key(s3cmd, s3, bucket, tmp_path, key):
    (tmp_path / "file").write_bytes(key.encode())
    s3cmd("put", str(tmp_path / "file"), f"s3://{bucket}/{key}")
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3cmd("get", f"s3://{bucket}/{key}", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == key.encode()
    s3cmd("del", f"s3://{bucket}/{key}")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_s3cmd_syncs_a_tree_both_ways(s3cmd, bucket, tmp_path):
    # It strips blanks at the ends of names in its own file list, so the tree is without them.
    tree = material.odd_tree(tmp_path / "tree", trailing_spaces=False)
    s3cmd("sync", f"{tree}/", f"s3://{bucket}/tree/")
    (tmp_path / "back").mkdir()
    s3cmd("sync", f"s3://{bucket}/tree/", f"{tmp_path}/back/")
    material.assert_same_tree(tree, tmp_path / "back")
    assert "upload:" not in s3cmd("sync", f"{tree}/", f"s3://{bucket}/tree/")


def test_s3cmd_sends_a_hundred_mebibytes_in_parts(s3cmd, s3, bucket, tmp_path):
    digest = material.write_noise(tmp_path / "big", 100 * MIB, seed="s3cmd")
    s3cmd("put", "--multipart-chunk-size-mb=15", str(tmp_path / "big"), f"s3://{bucket}/big")
    assert s3.head_object(Bucket=bucket, Key="big")["ETag"].endswith('-7"')
    s3cmd("get", f"s3://{bucket}/big", str(tmp_path / "back"))
    assert material.sha256((tmp_path / "back").read_bytes()) == digest


def test_s3cmd_copies_and_moves_on_the_server(s3cmd, s3, bucket, tmp_path):
    (tmp_path / "file").write_bytes(b"moved")
    s3cmd("put", str(tmp_path / "file"), f"s3://{bucket}/a+b c")
    s3cmd("cp", f"s3://{bucket}/a+b c", f"s3://{bucket}/copy of a+b")
    s3cmd("mv", f"s3://{bucket}/a+b c", f"s3://{bucket}/moved")
    assert sorted(entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]) == ["copy of a+b", "moved"]
    assert s3.get_object(Bucket=bucket, Key="moved")["Body"].read() == b"moved"


def test_s3cmd_deletes_a_prefix_in_one_batch(s3cmd, s3, bucket):
    for index in range(25):
        s3.put_object(Bucket=bucket, Key=f"prefix/{index} + %", Body=b"x")
    s3.put_object(Bucket=bucket, Key="kept", Body=b"x")
    s3cmd("del", "--recursive", "--force", f"s3://{bucket}/prefix/")
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["kept"]
