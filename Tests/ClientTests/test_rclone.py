"""rclone of Debian 12, which compares by MD5 and by downloading."""

import pytest

import material
import skerry
from material import MIB
from tools import run


@pytest.fixture
def rclone(server, tool_env):
    env = {
        **{name: value for name, value in tool_env.items() if not name.startswith("AWS_")},
        "RCLONE_CONFIG_STORE_TYPE": "s3",
        "RCLONE_CONFIG_STORE_PROVIDER": "Other",
        "RCLONE_CONFIG_STORE_ENDPOINT": server.endpoint,
        "RCLONE_CONFIG_STORE_ACCESS_KEY_ID": skerry.ACCESS_KEY,
        "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY": skerry.SECRET_KEY,
        "RCLONE_CONFIG_STORE_REGION": skerry.REGION,
        "RCLONE_CONFIG_STORE_FORCE_PATH_STYLE": "true",
        # Otherwise rclone takes the two spellings of one name for the same file.
        "RCLONE_NO_UNICODE_NORMALIZATION": "true",
        "RCLONE_RETRIES": "1",
        "RCLONE_LOW_LEVEL_RETRIES": "1",
    }

    def call(*arguments, **options):
        return run("rclone", *arguments, env=env, **options)

    return call


def test_rclone_syncs_a_tree_and_finds_it_identical_by_download(rclone, bucket, tmp_path):
    tree = material.odd_tree(tmp_path / "tree")
    rclone("sync", str(tree), f"store:{bucket}/tree")
    rclone("check", "--download", str(tree), f"store:{bucket}/tree")
    rclone("check", str(tree), f"store:{bucket}/tree")
    rclone("sync", f"store:{bucket}/tree", str(tmp_path / "back"))
    material.assert_same_tree(tree, tmp_path / "back")


def test_rclone_keeps_the_time_of_change_and_moves_nothing_twice(rclone, bucket, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "file").write_bytes(b"once")
    rclone("sync", str(tree), f"store:{bucket}")
    done = rclone("sync", "--stats-one-line", "-v", str(tree), f"store:{bucket}", expect=None)
    assert done.returncode == 0 and "Copied" not in done.stderr
    rclone("copy", f"store:{bucket}/file", str(tmp_path / "back"))
    assert abs((tmp_path / "back/file").stat().st_mtime - (tree / "file").stat().st_mtime) < 1e-3


def test_rclone_sends_a_hundred_mebibytes_in_parts(rclone, s3, bucket, tmp_path):
    (tmp_path / "up").mkdir()
    digest = material.write_noise(tmp_path / "up/big", 100 * MIB, seed="rclone")
    rclone("copy", "--s3-upload-cutoff", "8M", "--s3-chunk-size", "8M", str(tmp_path / "up"), f"store:{bucket}")
    assert s3.head_object(Bucket=bucket, Key="big")["ETag"].endswith('-13"')
    rclone("copy", "--multi-thread-streams", "4", "--multi-thread-cutoff", "10M", f"store:{bucket}/big", str(tmp_path / "down"))
    assert material.sha256((tmp_path / "down/big").read_bytes()) == digest


def test_rclone_streams_and_lists_and_purges(rclone, s3, bucket):
    rclone("rcat", f"store:{bucket}/streamed/from standard+input", input="some text")
    assert rclone("cat", f"store:{bucket}/streamed/from standard+input") == "some text"
    assert sorted(rclone("lsf", "-R", f"store:{bucket}").splitlines()) == ["streamed/", "streamed/from standard+input"]
    rclone("moveto", f"store:{bucket}/streamed/from standard+input", f"store:{bucket}/moved")
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["moved"]
    rclone("purge", f"store:{bucket}")
    assert bucket not in rclone("lsd", "store:")
