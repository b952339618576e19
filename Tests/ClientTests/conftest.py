"""Fixtures. One server is shared by all tests that only need an endpoint; each of them makes buckets of its own.

- `SKERRY_BINARY`: the program to test; without it `.build/release/skerry`, then `.build/debug/skerry`.
- `SKERRY_DEBUG_BINARY`: the debug build, for the switch that takes the sync out.
- `SKERRY_TEST_ENDPOINT`: drive another S3 server at this URL instead, to compare with a neighbour; tests of the program are skipped.
- `SKERRY_SOAK`: the long forms.
"""

import itertools
import os
import pathlib
import shutil
import urllib.parse

import boto3
import botocore.config
import pytest

import sigv4
import skerry

ROOT = pathlib.Path(__file__).resolve().parents[2]
_numbers = itertools.count(1)


class Neighbour:
    """Another S3 server, where only the endpoint is known."""

    def __init__(self, url):
        self.endpoint = url
        self.port = urllib.parse.urlsplit(url).port


@pytest.fixture(scope="session")
def binary():
    if os.environ.get("SKERRY_TEST_ENDPOINT"):
        pytest.skip("drives a neighbour, not the program")
    for candidate in (os.environ.get("SKERRY_BINARY"), ROOT / ".build/release/skerry", ROOT / ".build/debug/skerry"):
        if candidate and pathlib.Path(candidate).exists():
            return pathlib.Path(candidate)
    pytest.fail("there is no program to test: run `make build`, or name it in SKERRY_BINARY")


@pytest.fixture(scope="session")
def debug_binary(binary):
    for candidate in (os.environ.get("SKERRY_DEBUG_BINARY"), ROOT / ".build/debug/skerry"):
        if candidate and pathlib.Path(candidate).exists():
            return pathlib.Path(candidate)
    pytest.fail("there is no debug build: run `swift build --product skerry`, or name it in SKERRY_DEBUG_BINARY")


@pytest.fixture(scope="session")
def server(request, tmp_path_factory):
    """The shared server."""
    if url := os.environ.get("SKERRY_TEST_ENDPOINT"):
        yield Neighbour(url)
        return
    data = tmp_path_factory.mktemp("shared") / "data"
    with skerry.Server(request.getfixturevalue("binary"), data, arguments=["--domain", "localhost"]) as running:
        yield running
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(autouse=True)
def the_shared_server_lives(request):
    """A test that kills the shared server fails with what the server said; the next one finds it started again."""
    shared = request.getfixturevalue("server") if "server" in request.fixturenames else None
    yield
    if isinstance(shared, skerry.Server) and shared.process.poll() is not None:
        # A crash report begins with the reason and the thread at fault.
        first = next((index for index, line in enumerate(shared.errors) if "rror:" in line or " crashed:" in line), len(shared.errors) - 60)
        said = "\n".join(shared.errors[max(0, first) :][:60])
        shared.start()
        pytest.fail(f"the server ended in the middle of this test:\n{said}")


@pytest.fixture
def fresh(binary, tmp_path):
    """Makes servers of the test's own: `fresh(...)` returns one not yet started. All are stopped and removed at the end."""
    made = []

    def make(name="data", **options):
        made.append(skerry.Server(options.pop("binary", binary), tmp_path / name, **options))
        return made[-1]

    yield make
    for one in made:
        if one.process is not None and one.process.poll() is None:
            one.process.kill()
            one.process.wait()
        shutil.rmtree(one.data, ignore_errors=True)


def client_of(server, *, access_key=skerry.ACCESS_KEY, secret_key=skerry.SECRET_KEY, endpoint=None, **options):
    """A boto3 client with today's defaults, no hidden retries, and no settings from the machine."""
    # For links alone botocore still defaults to the signature of 2006, which is not served.
    settings = {"signature_version": "s3v4", "s3": {"addressing_style": "path"}, "retries": {"max_attempts": 1, "mode": "standard"}, "max_pool_connections": 32}
    session = boto3.session.Session(access_key, secret_key, region_name=skerry.REGION)
    return session.client("s3", endpoint_url=endpoint or server.endpoint, config=botocore.config.Config(**{**settings, **options}))


def raw_client_of(server, **options):
    return sigv4.RawClient("127.0.0.1", server.port, sigv4.Signer(skerry.ACCESS_KEY, skerry.SECRET_KEY, skerry.REGION), **options)


@pytest.fixture(scope="session")
def s3(server):
    return client_of(server)


@pytest.fixture
def raw(server):
    client = raw_client_of(server)
    yield client
    client.close()


@pytest.fixture
def bucket(s3):
    """A new empty bucket on the shared server."""
    name = f"bucket-{next(_numbers)}-{os.getpid()}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def bucket_name():
    """A name that no other test uses."""
    return f"named-{next(_numbers)}-{os.getpid()}"


@pytest.fixture
def tool_env(server, tmp_path):
    """The environment of a command line client: a home of its own and nothing but our credentials."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "config").write_text("[default]\ns3 =\n    signature_version = s3v4\n    addressing_style = path\n")
    return skerry.environment(
        {
            "HOME": str(home),
            "AWS_ACCESS_KEY_ID": skerry.ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": skerry.SECRET_KEY,
            "AWS_DEFAULT_REGION": skerry.REGION,
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_CONFIG_FILE": str(home / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(home / "none"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }
    )
