"""`kill -9` at random moments under load: what was acknowledged is there and whole, what was not is whole or absent, and the index can be
made anew from the log with the same result.

The fault model is the death of the process. Lost power is `test_durability.py` (the sync before the answer) and the simulated disk of the
engine's own tests. `SKERRY_SEED` replays the choices of a run, though not the moments at which the kernel ran the threads.
"""

import hashlib
import http.client
import os
import random
import threading
import time
import xml.etree.ElementTree

import pytest

import material
import skerry
from conftest import raw_client_of
from journal import ABSENT, Key, Value
from material import MIB

pytestmark = [pytest.mark.skerry_only, pytest.mark.timeout(7200 if os.environ.get("SKERRY_SOAK") else 280)]

KILLS = 1000 if os.environ.get("SKERRY_SOAK") else 50
#: Seconds after which the short form fails rather than go on: fifty kills must fit into a run of all tests.
BUDGET = 3600 if os.environ.get("SKERRY_SOAK") else 180
WRITERS = 6
KEYS = 8
#: Longest stretch of load before a kill, seconds.
LOAD_MAXIMUM = 0.5
#: First part of the multipart uploads, one byte string for all: the smallest part that need not be the last.
FIRST_PART = material.noise(5 * MIB, "first part")

SPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def size_of(dice):
    """Mostly small, now and then up to 2 MiB: inline bytes, one chunk, several chunks."""
    return dice.randint(1, dice.choice([16, 4096, 4096, 65_536, 262_144, 2 * MIB]))


class Writer(threading.Thread):
    """Writes to its own keys until the server dies, and notes in the journal what it was told."""

    def __init__(self, run, number, seed):
        super().__init__(daemon=True)
        self.run_, self.number, self.dice = run, number, random.Random(seed)
        self.client = raw_client_of(run.server, timeout=30)
        self.bucket = "versions" if number % 2 else "plain"
        self.failures = []

    def run(self):
        try:
            while True:
                name = f"w{self.number}/k{self.dice.randrange(KEYS)}"
                key = self.run_.keys[self.bucket][name]
                if key.open:
                    continue
                action = self.dice.random()
                if action < 0.70:
                    self.put(name, key)
                elif action < 0.83:
                    self.delete(name, key)
                elif action < 0.86:
                    self.multipart(name, key)
                else:
                    self.get(name, key)
        except (OSError, http.client.HTTPException):
            pass  # the kill; what was under way stays open in the journal
        finally:
            self.client.close()

    def send(self, expected, method, name, **options):
        answer = self.client.send(method, f"/{self.bucket}/{name}", **options)
        if answer.status not in (expected, 503):
            self.failures.append(f"{method} {name}: {answer.status} {answer.body[:300]}")
        return answer

    def write(self, key, value, *arguments, **options):
        key.begin(value)
        answer = self.send(*arguments, **options)
        if 200 <= answer.status < 300:
            key.acknowledged(value, self.version(answer))
            self.run_.acknowledged += 1
        else:
            key.refused()
        return answer

    def version(self, answer):
        """The version that was made; a bucket without versioning keeps none that could be asked for later."""
        return answer.headers.get("x-amz-version-id") if self.bucket == "versions" else None

    def put(self, name, key):
        body = self.dice.randbytes(size_of(self.dice))
        self.write(key, Value.of(body), 200, "PUT", name, body=body)

    def delete(self, name, key):
        self.write(key, ABSENT, 204, "DELETE", name)

    def get(self, name, key):
        answer = self.send(404 if key.settled is ABSENT else 200, "GET", name)
        if answer.status == 200 and Value.of(answer.body, key.settled.etag) != key.settled:
            self.failures.append(f"GET {name} gave other bytes than were acknowledged: {len(answer.body)} bytes with ETag {answer.headers['etag']}, not {key.settled}")

    def multipart(self, name, key):
        answer = self.send(200, "POST", name, query=[("uploads", "")])
        if answer.status != 200:
            return
        upload = Upload(self.bucket, name, answer.body.split(b"<UploadId>")[1].split(b"</UploadId>")[0].decode())
        self.run_.uploads.append(upload)
        for number, body in ((1, FIRST_PART), (2, self.dice.randbytes(size_of(self.dice)))):
            part = self.send(200, "PUT", name, query=[("partNumber", str(number)), ("uploadId", upload.id)], body=body)
            if part.status != 200:
                return
            upload.parts[number] = body
        upload.completing = True
        if self.write(key, upload.value(), 200, "POST", name, query=[("uploadId", upload.id)], body=upload.request()).status == 200:
            self.run_.uploads.remove(upload)


class Upload:
    """A multipart upload whose creation was acknowledged, with its acknowledged parts."""

    def __init__(self, bucket, name, id):
        self.bucket, self.name, self.id, self.parts, self.completing = bucket, name, id, {}, False

    def etag_of(self, number):
        return f'"{hashlib.md5(self.parts[number]).hexdigest()}"'

    def value(self):
        digests = b"".join(hashlib.md5(body).digest() for _, body in sorted(self.parts.items()))
        etag = f'"{hashlib.md5(digests).hexdigest()}-{len(self.parts)}"'
        return Value.of(b"".join(body for _, body in sorted(self.parts.items())), etag)

    def request(self):
        parts = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{self.etag_of(n)}</ETag></Part>" for n in sorted(self.parts))
        return f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()


class Run:
    def __init__(self, server, seed):
        self.server, self.dice = server, random.Random(seed)
        self.keys = {
            bucket: {f"w{writer}/k{key}": Key() for writer in range(WRITERS) if bool(writer % 2) == (bucket == "versions") for key in range(KEYS)}
            for bucket in ("plain", "versions")
        }
        self.uploads = []
        self.acknowledged = 0

    def prepare(self):
        client = raw_client_of(self.server)
        for bucket in self.keys:
            assert client.send("PUT", f"/{bucket}").status == 200
        enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        assert client.send("PUT", "/versions", query=[("versioning", "")], body=enabled).status == 200
        client.close()

    def load_and_kill(self):
        writers = [Writer(self, number, self.dice.random()) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        # The kill comes at a moment that has nothing to do with what the writers do; there is nothing to wait for.
        time.sleep(self.dice.uniform(0, LOAD_MAXIMUM))
        self.server.kill()
        for writer in writers:
            writer.join(60)
            assert not writer.is_alive(), "a writer hangs though the server is dead"
            assert not writer.failures, writer.failures

    # After a restart

    def check(self, everything=False):
        client = raw_client_of(self.server)
        for bucket, keys in self.keys.items():
            if bucket == "versions":
                shown = versions(client, bucket)
                assert not set(shown) - set(keys), f"nobody wrote {set(shown) - set(keys)}"
                for name, key in keys.items():
                    complaints = key.seen_versions(shown.get(name, {}))
                    assert not complaints, (bucket, name, complaints)
            shown = listing(client, bucket)
            assert not set(shown) - set(keys), f"nobody wrote {set(shown) - set(keys)}"
            for name, key in keys.items():
                complaint = key.seen(*shown.get(name, (None, None)))
                assert complaint is None, f"{bucket}/{name} {complaint}"
            for name, key in keys.items():
                if key.touched or everything:
                    self.read(client, bucket, name, key, everything)
                key.touched = False
        self.finish_uploads(client)
        client.close()

    def read(self, client, bucket, name, key, everything):
        answer = client.send("GET", f"/{bucket}/{name}")
        if key.settled is ABSENT:
            assert answer.status == 404, (bucket, name, answer.status)
        else:
            assert answer.status == 200 and Value.of(answer.body, answer.headers["etag"]) == key.settled, f"{bucket}/{name} is not whole"
        for version, value in key.versions.items() if everything else list(key.versions.items())[-2:]:
            answer = client.send("GET", f"/{bucket}/{name}", query=[("versionId", version)])
            assert answer.status == 200 and Value.of(answer.body, answer.headers["etag"]) == value, f"{bucket}/{name} {version} is not whole"

    def finish_uploads(self, client):
        """Acknowledged parts are there, and an upload can be completed after the crash, a second time if need be."""
        for upload in self.uploads:
            path, query = f"/{upload.bucket}/{upload.name}", [("uploadId", upload.id)]
            listed = client.send("GET", path, query=query)
            if listed.status == 200:
                text = listed.body.replace(b"&quot;", b'"').decode()
                for number in upload.parts:
                    assert upload.etag_of(number) in text, f"part {number} of {path} is lost"
            else:
                assert upload.completing and listed.status == 404, (path, listed)
            if upload.parts:
                done = client.send("POST", path, query=query, body=upload.request())
                assert done.status == 200, (path, done)
                key = self.keys[upload.bucket][upload.name]
                if listed.status == 200:
                    version = done.headers.get("x-amz-version-id") if upload.bucket == "versions" else None
                    key.acknowledged(upload.value(), version)
            else:
                assert client.send("DELETE", path, query=query).status == 204
        self.uploads = []


def listing(client, bucket):
    """Key to (size, ETag) of the current objects."""
    answer = client.send("GET", f"/{bucket}", query=[("list-type", "2")])
    assert answer.status == 200
    root = xml.etree.ElementTree.fromstring(answer.body)
    assert root.findtext(SPACE + "IsTruncated") == "false"
    return {
        entry.findtext(SPACE + "Key"): (int(entry.findtext(SPACE + "Size")), entry.findtext(SPACE + "ETag"))
        for entry in root.iter(SPACE + "Contents")
    }


def version_pages(client, bucket):
    """The entries of all pages of ListObjectVersions, as elements."""
    markers = []
    while True:
        answer = client.send("GET", f"/{bucket}", query=[("versions", ""), *markers])
        assert answer.status == 200
        root = xml.etree.ElementTree.fromstring(answer.body)
        yield from (entry for entry in root if entry.tag in (SPACE + "Version", SPACE + "DeleteMarker"))
        if root.findtext(SPACE + "IsTruncated") != "true":
            return
        markers = [("key-marker", root.findtext(SPACE + "NextKeyMarker")), ("version-id-marker", root.findtext(SPACE + "NextVersionIdMarker"))]


def versions(client, bucket):
    """Key to its versions, id to (size, ETag), without delete markers."""
    found = {}
    for entry in version_pages(client, bucket):
        if entry.tag == SPACE + "Version":
            shown = (int(entry.findtext(SPACE + "Size")), entry.findtext(SPACE + "ETag"))
            found.setdefault(entry.findtext(SPACE + "Key"), {})[entry.findtext(SPACE + "VersionId")] = shown
    return found


def everything_listed(server):
    """Every entry of every bucket as text: keys, versions, ETags, sizes, times, markers."""
    client = raw_client_of(server)
    found = [
        (bucket, [xml.etree.ElementTree.tostring(entry) for entry in version_pages(client, bucket)], listing(client, bucket))
        for bucket in ("plain", "versions")
    ]
    client.close()
    return found


def test_fifty_kills_lose_nothing_that_was_acknowledged(fresh):
    seed = int(os.environ.get("SKERRY_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"SKERRY_SEED={seed}")
    began = time.monotonic()
    server = fresh()
    run = Run(server, seed)
    server.start()
    run.prepare()
    for kill in range(KILLS):
        run.load_and_kill()
        server.start()
        run.check()
        assert time.monotonic() - began < BUDGET, f"only {kill + 1} of {KILLS} kills in {BUDGET} s"
    run.check(everything=True)
    print(f"{run.acknowledged} acknowledged writes, {KILLS} kills, {time.monotonic() - began:.0f} s")
    assert run.acknowledged > KILLS, "the writers hardly wrote: the test shows nothing"

    before = everything_listed(server)
    server.kill()
    command = skerry.Command.of(server)
    command.check("verify")
    command.check("rebuild")
    server.start()
    assert everything_listed(server) == before
    run.check(everything=True)
