"""restic of Debian 12: signed streaming uploads, many small objects, and a check that reads every byte."""

import material
from tools import run


def test_restic_backs_up_checks_and_restores(server, tool_env, bucket, tmp_path):
    env = {**tool_env, "RESTIC_PASSWORD": "correct horse", "RESTIC_REPOSITORY": f"s3:{server.endpoint}/{bucket}/backups/one"}

    def restic(*arguments, **options):
        return run("restic", "--no-cache", *arguments, env=env, **options)

    tree = material.odd_tree(tmp_path / "tree")
    restic("init")
    restic("backup", ".", cwd=tree)
    restic("check", "--read-data")

    (tree / "added later.txt").write_bytes(material.noise(70_000, "later"))
    (tree / "plain.txt").unlink()
    restic("backup", ".", cwd=tree)
    restic("forget", "--keep-last", "1", "--prune")
    restic("check", "--read-data")

    restic("restore", "latest", "--target", str(tmp_path / "restored"))
    material.assert_same_tree(tree, tmp_path / "restored")
