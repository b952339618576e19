"""What a second copy costs, as `skerry stats` shows it. 64 MiB; 1 GiB with `SKERRY_SOAK`, where the bounds of the README are meant."""

import os

import boto3.s3.transfer
import pytest

import material
import skerry
from conftest import client_of
from material import MIB

pytestmark = pytest.mark.skerry_only

SIZE = 1024 * MIB if os.environ.get("SKERRY_SOAK") else 64 * MIB
ONE_PUT = boto3.s3.transfer.TransferConfig(multipart_threshold=5 * 1024 * MIB)
PARTS = boto3.s3.transfer.TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file of noise, and the same with one byte in front."""
    directory = tmp_path_factory.mktemp("dedup")
    material.write_noise(directory / "plain", SIZE, seed="dedup")
    with open(directory / "plain", "rb") as source, open(directory / "shifted", "wb") as target:
        target.write(b"!")
        while block := source.read(MIB):
            target.write(block)
    yield directory
    for name in ("plain", "shifted"):
        (directory / name).unlink()


@pytest.fixture
def costs(fresh, files):
    """Uploads one of the files and returns how many bytes of storage that took."""
    server = fresh().start()
    s3 = client_of(server)
    s3.create_bucket(Bucket="bucket")
    command = skerry.Command.of(server)

    def upload(name, key, how):
        before = command.stats().unique_bytes
        s3.upload_file(str(files / name), "bucket", key, Config=how)
        return command.stats().unique_bytes - before

    return upload


@pytest.mark.parametrize("how", [ONE_PUT, PARTS], ids=["one PUT", "parts"])
def test_the_same_bytes_again_cost_less_than_a_hundredth(costs, how):
    first = costs("plain", "first", how)
    assert SIZE <= first < SIZE * 1.01
    assert costs("plain", "second", how) < SIZE / 100


def test_one_byte_in_front_costs_at_most_two_mebibytes_in_one_put(costs):
    costs("plain", "first", ONE_PUT)
    assert costs("shifted", "second", ONE_PUT) <= 2 * MIB


def test_one_byte_in_front_costs_at_most_a_tenth_in_parts(costs):
    """Chunking begins anew at each part, so that each part loses the chunks at its edges."""
    costs("plain", "first", PARTS)
    assert costs("shifted", "second", PARTS) <= SIZE / 10


def test_a_copy_costs_next_to_nothing(fresh, files):
    server = fresh().start()
    s3 = client_of(server)
    s3.create_bucket(Bucket="bucket")
    s3.upload_file(str(files / "plain"), "bucket", "first", Config=ONE_PUT)
    before = skerry.Command.of(server).stats()
    s3.copy_object(Bucket="bucket", Key="second", CopySource="bucket/first")
    after = skerry.Command.of(server).stats()
    assert after.unique_bytes - before.unique_bytes < 64 * 1024
    assert after.logical_bytes - before.logical_bytes == SIZE
