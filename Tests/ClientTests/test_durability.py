"""Every 200 is on disk: the built program under strace, judged by `synced`.

A crash of the process cannot show this, since the kernel keeps what was written; so the system calls themselves are looked at. Only the
packs and files of settings count. The index, RocksDB, is written without a log of its own; a start replays from the packs what it lacks.
"""

import base64
import hashlib
import os
import platform
import shutil
import subprocess

import pytest

import material
import skerry
import synced
from conftest import raw_client_of
from material import MIB

pytestmark = [pytest.mark.skerry_only, pytest.mark.timeout(240)]

#: Set in the environment of a debug build, it leaves out the sync of the commit.
WITHOUT_SYNC = {"SKERRY_TEST_SKIP_SYNC": "1"}


@pytest.fixture(scope="module")
def strace(tmp_path_factory):
    if platform.system() != "Linux":
        pytest.skip("strace is Linux's; the file layer's own tests show the order of calls elsewhere")
    program = shutil.which("strace")
    if not program:
        pytest.skip("strace is not installed; `make deps` does it")
    probe = subprocess.run([program, "-f", "-o", os.devnull, "true"], capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip(f"ptrace is refused here: {probe.stderr.strip().splitlines()[:1]}")
    return program


class Traced:
    """A server under strace and one request after the other, each on a connection of its own."""

    def __init__(self, server, strace, trace):
        self.server, self.trace = server, trace
        # -D: the server stays our own child, so that signals reach it and not strace. -yy names files and both ends of connections.
        server.wrapper = [strace, "-f", "-D", "-yy", "-s", "48", "-e", f"trace={synced.CALLS}", "-e", "signal=none", "-o", str(trace)]

    def __enter__(self):
        self.before = [path for path in self.server.data.rglob("*")] if self.server.data.exists() else []
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop()

    def request(self, method, path, **options):
        client = raw_client_of(self.server, timeout=120)
        try:
            answer = client.send(method, path, **options)
        finally:
            client.close()
        assert answer.status in (200, 204), answer
        return answer

    def verdicts(self):
        """After the server has ended and strace has written its last line."""
        skerry.await_true(lambda: "+++ exited with" in self.trace.read_text(errors="replace")[-400:])
        judge = synced.Judge(self.server.data, synced.index_directories(self.server.data)).existing(self.before)
        with open(self.trace, errors="replace") as lines:
            judge.read(lines)
        if judge.unjudgeable:
            pytest.fail(judge.unjudgeable[0])
        return judge.verdicts


def write_in_every_way(traced):
    """Bucket, objects of three sizes, a multipart object, versioning, copy, delete and batch delete. Returns what was done, in order."""
    done = []

    def request(name, method, path, **options):
        done.append(name)
        return traced.request(method, path, **options)

    request("bucket", "PUT", "/bucket")
    request("100 B", "PUT", "/bucket/tiny", body=material.noise(100))
    request("4 KiB", "PUT", "/bucket/small", body=material.noise(4096))
    request("1 MiB", "PUT", "/bucket/large", body=material.noise(MIB))
    upload = request("multipart: create", "POST", "/bucket/parts", query=[("uploads", "")]).body
    upload = upload[upload.index(b"<UploadId>") + 10 : upload.index(b"</UploadId>")].decode()
    part = request("multipart: part", "PUT", "/bucket/parts", query=[("partNumber", "1"), ("uploadId", upload)], body=material.noise(MIB, 2))
    complete = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{part.headers['etag']}</ETag></Part></CompleteMultipartUpload>"
    request("multipart: complete", "POST", "/bucket/parts", query=[("uploadId", upload)], body=complete.encode())
    request("copy", "PUT", "/bucket/copy", headers={"x-amz-copy-source": "/bucket/large"})
    versioning = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    request("versioning", "PUT", "/bucket", query=[("versioning", "")], body=versioning)
    request("delete", "DELETE", "/bucket/small")
    batch = b"<Delete><Object><Key>tiny</Key></Object><Object><Key>copy</Key></Object></Delete>"
    md5 = base64.b64encode(hashlib.md5(batch).digest()).decode()
    request("batch delete", "POST", "/bucket", query=[("delete", "")], body=batch, headers={"Content-MD5": md5})
    return done


def test_every_acknowledged_write_was_synced_before_its_answer(fresh, strace, tmp_path):
    with Traced(fresh(), strace, tmp_path / "trace") as traced:
        names = write_in_every_way(traced)
    verdicts = traced.verdicts()
    assert len(verdicts) == len(names)
    for name, verdict in zip(names, verdicts):
        assert verdict.files, f"{name} was acknowledged and nothing was written"
        assert not verdict.complaints, (name, verdict.complaints)


def test_the_same_holds_on_a_directory_from_before(fresh, strace, tmp_path):
    server = fresh().start()
    server.stop()
    with Traced(server, strace, tmp_path / "trace") as traced:
        traced.request("PUT", "/bucket")
        traced.request("PUT", "/bucket/k", body=material.noise(4096))
    verdicts = traced.verdicts()
    assert len(verdicts) == 2
    assert all(verdict.files and not verdict.complaints for verdict in verdicts), verdicts


def test_with_the_sync_taken_out_the_judge_complains(fresh, debug_binary, strace, tmp_path):
    server = fresh(binary=debug_binary, env={**skerry.ROOT, **WITHOUT_SYNC})
    with Traced(server, strace, tmp_path / "trace") as traced:
        names = write_in_every_way(traced)
    verdicts = traced.verdicts()
    assert len(verdicts) == len(names)
    sound = [name for name, verdict in zip(names, verdicts) if not verdict.complaints]
    assert not sound, f"acknowledged without a sync and yet not found: {sound}"


def test_the_program_people_run_has_no_switch_for_the_sync(fresh, strace, tmp_path, binary):
    if binary.parent.name == "debug":
        pytest.skip("the program under test is a debug build")
    with Traced(fresh(env={**skerry.ROOT, **WITHOUT_SYNC}), strace, tmp_path / "trace") as traced:
        traced.request("PUT", "/bucket")
    assert [verdict.complaints for verdict in traced.verdicts()] == [[]]
