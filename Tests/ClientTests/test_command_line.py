"""The command line: first start, refusals that change nothing, draining, the other subcommands, and where settings come from."""

import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import sys

import pytest

import material
import skerry
from conftest import client_of, raw_client_of
from expect import keys, refused
from material import MIB
from sigv4 import receive_until, signed_put

pytestmark = pytest.mark.skerry_only


# First start


def test_the_first_start_makes_credentials_and_prints_them_once(fresh):
    server = fresh(env={}, arguments=["--bucket", "first-bucket"]).start()
    text = "\n".join(server.lines + server.errors)
    access = re.search(r"access key\W+([A-Z0-9]{16,})", text, re.IGNORECASE).group(1)
    secret = re.search(r"secret key\W+([A-Za-z0-9/+]{30,})", text, re.IGNORECASE).group(1)
    assert any(re.search(r"\baws\b.* s3 ", line) and server.endpoint in line for line in text.splitlines()), text

    s3 = client_of(server, access_key=access, secret_key=secret)
    assert [entry["Name"] for entry in s3.list_buckets()["Buckets"]] == ["first-bucket"]
    server.stop()

    holders = [path for path in server.data.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert any(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in holders), "no file of mode 0600 holds the credentials"
    for path in holders:
        # A file that others may read by its own mode must lie behind a directory that lets nobody in.
        behind = [path, *(parent for parent in path.parents if parent.is_relative_to(server.data))]
        assert any(stat.S_IMODE(one.stat().st_mode) & 0o077 == 0 for one in behind), path

    server.start()
    assert secret not in "\n".join(server.lines + server.errors)
    assert client_of(server, access_key=access, secret_key=secret).list_buckets()["Buckets"]


def test_the_printed_aws_line_works_as_it_stands(fresh, tool_env_alone):
    server = fresh(env={}, arguments=["--bucket", "first-bucket"]).start()
    line = next(line.strip() for line in server.lines + server.errors if re.search(r"\baws\b.* s3 ", line))
    path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(["sh", "-c", line], env={**tool_env_alone, "PATH": path}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (line, done.stderr)


@pytest.fixture
def tool_env_alone(tmp_path):
    """A home with nothing in it and no settings for aws."""
    (tmp_path / "empty-home").mkdir()
    return skerry.environment({"HOME": str(tmp_path / "empty-home"), "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": ""})


def test_credentials_from_the_environment_are_not_printed(fresh):
    server = fresh().start()
    assert skerry.SECRET_KEY not in "\n".join(server.lines + server.errors)


# Refusals


def assert_refused(server, about):
    """The server must say one line about `about` on standard error, nothing on standard output, and end with 1."""
    done = subprocess.run(
        server.command(), env=skerry.environment(server.env), capture_output=True, text=True, timeout=skerry.READY_TIMEOUT,
        stdin=subprocess.DEVNULL,
    )
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1, done
    assert len(lines) == 1 and about in lines[0], done.stderr
    assert "serving" not in done.stdout


def test_a_used_port_is_refused_and_nothing_is_made(fresh):
    server = fresh()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", server.port))
        taken.listen()
        assert_refused(server, str(server.port))
    assert not server.data.exists() or not any(server.data.iterdir())


def test_a_used_admin_port_is_refused(fresh):
    server = fresh()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", server.admin_port))
        taken.listen()
        assert_refused(server, str(server.admin_port))


def test_a_file_in_place_of_the_directory_is_refused_and_kept(fresh, tmp_path):
    (tmp_path / "data").write_bytes(b"a file")
    assert_refused(fresh(), str(tmp_path / "data"))
    assert (tmp_path / "data").read_bytes() == b"a file"


def test_a_directory_below_a_file_is_refused(fresh, tmp_path):
    (tmp_path / "file").write_bytes(b"a file")
    assert_refused(fresh("file/data"), str(tmp_path / "file/data"))


def test_an_unwritable_directory_is_refused(fresh, tmp_path):
    """Permission bits do not bind root, a mount that is read-only does; so root tries it in a mount namespace of its own."""
    server = fresh()
    if os.geteuid() != 0:
        tmp_path.joinpath("data").mkdir(mode=0o500)
        assert_refused(server, str(server.data))
        return
    server.data.mkdir()
    probe = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o ro none "$0" && exec "$@"', str(server.data)]
    if subprocess.run([*probe, "true"], capture_output=True).returncode != 0:
        pytest.skip("root without the right to mount: there is no directory that it cannot write")
    server.wrapper = probe
    assert_refused(server, str(server.data))


def test_a_directory_with_other_peoples_files_is_refused_and_kept(fresh):
    server = fresh()
    server.data.mkdir()
    (server.data / "thesis.txt").write_bytes(b"years of work")
    (server.data / "photos").mkdir()
    before = skerry.snapshot(server.data)
    assert_refused(server, str(server.data))
    assert skerry.snapshot(server.data) == before


def test_a_directory_in_use_is_refused_and_its_owner_undisturbed(fresh):
    owner = fresh().start()
    client_of(owner).create_bucket(Bucket="kept")
    assert_refused(fresh(), str(owner.data))
    assert [entry["Name"] for entry in client_of(owner).list_buckets()["Buckets"]] == ["kept"]
    # The other subcommands find the owner's admin port by themselves.
    assert "kept" in skerry.Command(owner.binary, data=owner.data).stats().buckets


def raise_format_version(data):
    """Makes a stopped data directory look as if a later Skerry had written it: its format file names a version far ahead.

    The file `skerry.format` says `format N`.
    """
    path = data / "skerry.format"
    text = path.read_text()
    raised = re.sub(r"(?<=format )\d+", lambda match: str(int(match.group()) + 1000), text, count=1)
    assert raised != text
    path.write_text(raised)


def test_a_newer_format_is_refused_and_kept(fresh):
    server = fresh().start()
    client_of(server).create_bucket(Bucket="kept")
    server.stop()
    raise_format_version(server.data)
    before = skerry.snapshot(server.data)
    assert_refused(server, "format")
    for command in (["stats"], ["verify"], ["rebuild"]):
        assert skerry.Command(server.binary, data=server.data, env=server.env).run(*command).returncode == 1
    assert skerry.snapshot(server.data) == before


def test_wrong_arguments_are_named(fresh):
    server = fresh(arguments=["--no-such-flag"])
    done = subprocess.run(server.command(), env=skerry.environment(), capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and "no-such-flag" in done.stderr and not server.data.exists()
    for address in ("nonsense", "127.0.0.1:notaport", "127.0.0.1:70000"):
        done = subprocess.run(
            [server.binary, "serve", "--data", str(server.data), "--listen", address], env=skerry.environment(skerry.ROOT),
            capture_output=True, text=True, timeout=30,
        )
        assert done.returncode != 0 and address in done.stderr and not server.data.exists()


# The end


def _half_sent(server):
    """A connection on which half of a PUT of 4 MiB has been sent, after the server asked for it."""
    client_of(server).create_bucket(Bucket="drained")
    raw, body = raw_client_of(server), material.noise(4 * MIB, "drain")
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    connection.sendall(signed_put(raw, "drained", "k", len(body), {"Expect": "100-continue"}))
    assert receive_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
    connection.sendall(body[: len(body) // 2])
    return connection, body


def _refuses_connections(server):
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        return False
    except OSError:
        return True


def test_sigterm_lets_an_upload_end_and_takes_no_new_connection(fresh):
    server = fresh().start()
    connection, body = _half_sent(server)
    server.signal()
    skerry.await_true(lambda: _refuses_connections(server))
    assert server.process.poll() is None
    connection.sendall(body[len(body) // 2 :])
    assert receive_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert server.wait() == 0
    connection.close()
    server.start()
    assert client_of(server).get_object(Bucket="drained", Key="k")["Body"].read() == body


def test_a_second_signal_ends_at_once_and_leaves_nothing_half(fresh):
    server = fresh().start()
    connection, _ = _half_sent(server)
    server.signal()
    skerry.await_true(lambda: _refuses_connections(server))
    server.signal()
    assert server.wait(timeout=5) != 0
    connection.close()
    server.start()
    assert keys(client_of(server).list_objects_v2(Bucket="drained")) == []


def test_an_idle_connection_does_not_hold_up_the_end(fresh):
    server = fresh().start()
    raw = raw_client_of(server)
    assert raw.send("GET", "/").status == 200
    server.signal(signal.SIGINT)
    assert server.wait(timeout=10) == 0


# The other subcommands


def test_version_is_one_line(binary):
    done = subprocess.run([binary, "version"], env=skerry.environment(), capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and re.fullmatch(r"(skerry )?\d+\.\d+\S*\n", done.stdout), done.stdout


def test_help_names_every_flag_and_variable(binary):
    out = subprocess.run([binary, "serve", "--help"], env=skerry.environment(), capture_output=True, text=True, timeout=30).stdout
    for name in ("--data", "--listen", "--admin", "--region", "--domain", "--site", "--bucket", "SKERRY_ROOT_ACCESS_KEY",
                 "SKERRY_ROOT_SECRET_KEY", "SKERRY_DATA", "SKERRY_LISTEN"):
        assert name in out, name


@pytest.fixture(params=["stopped", "running"])
def either(request, fresh):
    """A server with a bucket and an object, stopped or running, and the subcommands that reach it."""
    server = fresh().start()
    s3 = client_of(server)
    s3.create_bucket(Bucket="photos")
    s3.put_object(Bucket="photos", Key="one", Body=material.noise(MIB))
    s3.put_object(Bucket="photos", Key="two", Body=material.noise(MIB))
    if request.param == "stopped":
        server.stop()
    return server


def running(server):
    return server if server.process.poll() is None else server.start()


def test_stats_count_objects_and_bytes_once_and_twice(either):
    stats = skerry.Command.of(either).stats()
    assert stats.objects == 2 and stats.logical_bytes == 2 * MIB
    assert MIB <= stats.unique_bytes < MIB * 1.01 and 1.9 < stats.dedup_ratio <= 2
    assert stats.buckets["photos"]["objects"] == 2 and stats.buckets["photos"]["logicalBytes"] == 2 * MIB
    assert "photos" in skerry.Command.of(either).check("stats")


def test_verify_finds_a_healthy_store_healthy(either):
    skerry.Command.of(either).check("verify")


def test_verify_finds_a_flipped_bit(fresh):
    server = fresh().start()
    s3, body = client_of(server), material.noise(MIB, "flip")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=body)
    server.stop()
    mark = body[500_000:500_032]
    hit = None
    for path in (path for path in server.data.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if (at := content.find(mark)) >= 0:
            with open(path, "r+b") as file:
                file.seek(at)
                file.write(bytes([mark[0] ^ 1]))
            hit = path
    assert hit, "the bytes of the object are in no file"
    done = skerry.Command.of(server).run("verify")
    assert done.returncode == 1 and "k" in done.stdout + done.stderr, done
    # A read must not give the damaged bytes as if they were good.
    server.start()
    with pytest.raises(Exception):
        assert client_of(server).get_object(Bucket="bucket", Key="k")["Body"].read() == body


def test_users_and_keys_are_made_listed_and_taken_away(either):
    command = skerry.Command.of(either)
    command.check(
        "user", "create", "--id", "alice-id", "--display-name", "Alice", "--email", "alice@example.com",
        "--access-key", "ALICEKEY0000000001", "--secret-key", "alice-secret-0000000000000000000000000",
    )
    assert "alice-id" in command.check("user", "list") and "Alice" in command.check("user", "list")
    server = running(either)
    alice = client_of(server, access_key="ALICEKEY0000000001", secret_key="alice-secret-0000000000000000000000000")
    alice.create_bucket(Bucket="alices")
    with refused("AccessDenied", 403):
        alice.get_object(Bucket="photos", Key="one")

    command = skerry.Command.of(server)
    command.check("key", "create", "--id", "alice-id", "--access-key", "ALICEKEY0000000002", "--secret-key", "another-secret-000000000000000000000000")
    assert "ALICEKEY0000000002" in command.check("key", "list")
    assert "another-secret" not in command.check("key", "list")
    second = client_of(server, access_key="ALICEKEY0000000002", secret_key="another-secret-000000000000000000000000")
    assert [entry["Name"] for entry in second.list_buckets()["Buckets"]] == ["alices"]
    command.check("key", "revoke", "ALICEKEY0000000002")
    with refused("InvalidAccessKeyId", 403):
        second.list_buckets()
    alice.delete_bucket(Bucket="alices")
    command.check("user", "remove", "alice-id")
    with refused("InvalidAccessKeyId", 403):
        alice.list_buckets()


def test_a_made_key_works_without_being_given(either):
    out = skerry.Command.of(either).check("key", "create")
    access = re.search(r"\b[A-Z0-9]{16,32}\b", out).group()
    secret = re.search(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])", out).group()
    server = running(either)
    assert client_of(server, access_key=access, secret_key=secret).list_buckets()["Buckets"]


def test_the_admin_port_tells_strangers_nothing(fresh):
    server = fresh().start()
    client_of(server).create_bucket(Bucket="private-name")
    wrong = {"SKERRY_ROOT_ACCESS_KEY": "AKSTRANGER0000000001", "SKERRY_ROOT_SECRET_KEY": "not-the-secret-00000000000000000000000000"}
    stranger = skerry.Command(server.binary, admin=server.admin, env=wrong)
    for arguments in (["stats", "--json"], ["user", "list"], ["key", "list"], ["key", "create"]):
        done = stranger.run(*arguments)
        assert done.returncode == 1 and "private-name" not in done.stdout + done.stderr, arguments


def test_rebuild_makes_the_same_listing_from_the_log_alone(fresh):
    server = fresh().start()
    s3 = client_of(server)
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    for index in range(20):
        s3.put_object(Bucket="bucket", Key=f"k{index % 7}", Body=material.noise(index * 30_000, index), Metadata={"n": str(index)})
    s3.delete_object(Bucket="bucket", Key="k3")
    upload = s3.create_multipart_upload(Bucket="bucket", Key="open")["UploadId"]
    s3.upload_part(Bucket="bucket", Key="open", UploadId=upload, PartNumber=1, Body=b"part")

    def everything():
        page = client_of(server).list_object_versions(Bucket="bucket")
        parts = client_of(server).list_parts(Bucket="bucket", Key="open", UploadId=upload)["Parts"]
        return page["Versions"], page["DeleteMarkers"], parts

    before = everything()
    server.stop()
    skerry.Command.of(server).check("rebuild")
    server.start()
    assert everything() == before
    for version in before[0]:
        got = client_of(server).get_object(Bucket="bucket", Key=version["Key"], VersionId=version["VersionId"])
        assert f'"{hashlib.md5(got["Body"].read()).hexdigest()}"' == version["ETag"]


# Where settings come from


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(fresh, tmp_path):
    by_file, by_environment, by_flag = (skerry.free_port() for _ in range(3))
    config = tmp_path / "skerry.json"
    config.write_text(json.dumps({"listen": f"127.0.0.1:{by_file}"}))

    def port_of(environment, flag):
        server = fresh(listen=False, env={**skerry.ROOT, **environment}, arguments=["--config", str(config)])
        if flag:
            server.arguments += ["--listen", f"127.0.0.1:{flag}"]
        with server:
            return server.port

    assert port_of({}, None) == by_file
    assert port_of({"SKERRY_LISTEN": f"127.0.0.1:{by_environment}"}, None) == by_environment
    assert port_of({"SKERRY_LISTEN": f"127.0.0.1:{by_environment}"}, by_flag) == by_flag


def test_the_default_is_port_9000_of_this_machine_and_a_directory_beside_the_caller(binary, tmp_path):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", 9000))
        except OSError:
            pytest.skip("port 9000 is in use on this machine")
    process = subprocess.Popen(
        [binary, "serve"], cwd=tmp_path, env=skerry.environment(skerry.ROOT), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert any(line == "skerry: serving S3 on http://127.0.0.1:9000\n" for line in process.stdout)
        assert (tmp_path / "skerry-data").is_dir()
    finally:
        process.terminate()
        assert process.wait(skerry.STOP_TIMEOUT) == 0
