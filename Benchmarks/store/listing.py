"""Fills a bucket with many keys and lists it over one connection."""

import datetime
import html
import re
import socket
import time

import loader
import sigv4

#: Paths of one run of wrk: what a Lua table holds without trouble.
BATCH = 100_000
CONNECTIONS = 128
NEXT = re.compile(rb"<NextContinuationToken>([^<]*)</NextContinuationToken>")


def key(index, count):
    """A distinct key for each index below `count`, in an order that is not the order of listing."""
    # 700,001 is prime and divides no count that is a product of small primes: the map is a permutation.
    return f"photos/2026/{index * 700_001 % count:07d}.jpg"


def fill(server, presigner, bucket, count, directory):
    """Writes `count` objects of one byte; returns PUTs per second over all batches."""
    body = directory / "one-byte"
    body.write_bytes(b"x")
    seconds = 0
    for start in range(0, count, BATCH):
        keys = [key(index, count) for index in range(start, min(start + BATCH, count))]
        paths = loader.write_paths(directory / "fill", presigner.paths("PUT", bucket, keys))
        seconds += loader.run(server.endpoint, "PUT", paths, connections=CONNECTIONS, seconds=600, body=body, drain=True).seconds
    return count / seconds


class Lister:
    """A client of one purpose: signs, sends, and finds the end of the answer by its length or its last chunk."""

    def __init__(self, host, port, signer):
        self.host, self.signer = f"{host}:{port}", signer
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray(4 << 20)

    def page(self, bucket, token, prefix=None):
        query = [("list-type", "2"), ("max-keys", "1000"), *([("prefix", prefix)] if prefix else []), *([("continuation-token", token)] if token else [])]
        headers = {"Host": self.host}
        self.signer.authorize("GET", f"/{bucket}", query, headers, sigv4.EMPTY, datetime.datetime.now(datetime.timezone.utc))
        lines = [f"GET /{bucket}?{sigv4.encode_query(query)} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        return self._answer()

    def _answer(self):
        view, filled, head = memoryview(self.buffer), 0, -1
        while head < 0:
            filled += self._receive(view[filled:])
            head = self.buffer.find(b"\r\n\r\n", 0, filled)
        text = bytes(view[:head]).lower()
        if not text.startswith(b"http/1.1 200"):
            raise loader.Failed(f"listing was answered {bytes(view[:filled])!r}")
        if length := re.search(rb"content-length: (\d+)", text):
            end = head + 4 + int(length.group(1))
            while filled < end:
                filled += self._receive(view[filled:])
        else:
            while not self.buffer.endswith(b"0\r\n\r\n", 0, filled):
                filled += self._receive(view[filled:])
            end = filled
        return bytes(view[head + 4 : end])

    def _receive(self, view):
        count = self.socket.recv_into(view)
        if count == 0:
            raise loader.Failed("the server closed the connection in the middle of a listing")
        return count


def pages(server, signer, bucket, prefix=None):
    """The bodies of all pages, over one connection."""
    lister, token = Lister("127.0.0.1", server.port, signer), None
    while True:
        body = lister.page(bucket, token, prefix)
        yield body
        found = NEXT.search(body, 0, 2000) or NEXT.search(body)
        if not found:
            break
        token = html.unescape(found.group(1).decode())
    lister.socket.close()


def list_all(server, signer, bucket, expected):
    """Keys per second over all pages; every key must be there once."""
    began = time.perf_counter()
    keys = sum(body.count(b"<Key>") for body in pages(server, signer, bucket))
    seconds = time.perf_counter() - began
    if keys != expected:
        raise loader.Failed(f"{keys} keys were listed, {expected} are there")
    return keys / seconds
