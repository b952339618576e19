"""Many large uploads at once, to see what they cost in memory."""

import os
import selectors
import socket
import struct
import time

import loader

BLOCK = 65_536


class Upload:
    """One connection with one PUT; every block of 64 KiB begins with a number of its own."""

    def __init__(self, endpoint, path, size, noise, number):
        self.size, self.noise, self.number, self.sent, self.answer = size, noise, number, 0, b""
        host, port = endpoint.removeprefix("http://").split(":")
        self.head = f"PUT {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {size}\r\n\r\n".encode()
        self.total = len(self.head) + size
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setblocking(False)

    def pieces(self):
        """What comes after the bytes sent: the rest of the head or of the current block."""
        if self.sent < len(self.head):
            return [self.head[self.sent :]]
        offset = self.sent - len(self.head)
        block, within = divmod(offset, BLOCK)
        length = min(BLOCK, self.size - block * BLOCK)
        start = struct.pack(">QQ", self.number, block)
        return [memoryview(start)[within:], self.noise[16:length]] if within < 16 else [self.noise[within:length]]

    def send(self):
        """Sends what the socket takes, at most a block, so that all uploads advance together."""
        self.sent += self.socket.sendmsg(self.pieces())
        return self.sent == self.total


def upload_together(endpoint, paths, size, seconds_maximum=600):
    """Sends all `paths` at once, each with its own bytes; returns the seconds it took. Every answer must be 200."""
    noise = memoryview(os.urandom(BLOCK))
    began = time.perf_counter()
    selector, waiting = selectors.DefaultSelector(), 0
    for number, path in enumerate(paths):
        upload = Upload(endpoint, path, size, noise, number)
        selector.register(upload.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, upload)
        waiting += 1
    while waiting:
        for entry, events in selector.select(30):
            upload = entry.data
            if events & selectors.EVENT_READ:
                more = upload.socket.recv(65_536)
                upload.answer += more
                if not more or b"\r\n\r\n" in upload.answer:
                    selector.unregister(upload.socket)
                    upload.socket.close()
                    waiting -= 1
                    if not upload.answer.startswith(b"HTTP/1.1 200 ") or upload.sent < upload.total:
                        raise loader.Failed(f"an upload was answered {upload.answer[:200]!r} after {upload.sent} bytes")
                    continue
            if events & selectors.EVENT_WRITE:
                try:
                    if upload.send():
                        selector.modify(upload.socket, selectors.EVENT_READ, upload)
                except BlockingIOError:
                    pass
        if time.perf_counter() - began > seconds_maximum:
            raise loader.Failed(f"{waiting} of {len(paths)} uploads had no answer after {seconds_maximum} s")
    return time.perf_counter() - began
