"""The ring example: three real processes that keep each key on three disks, killed, stopped and started again."""

import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RING = pathlib.Path(os.environ.get("RING_BINARY", ROOT / ".build/debug/ring-example"))


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Member:
    def __init__(self, data, port, http, join, options):
        self.http = http
        self.command = [str(RING), "--listen", f"127.0.0.1:{port}", "--http", f"127.0.0.1:{http}", "--data", str(data), *options]
        self.command += [word for other in join for word in ("--join", f"127.0.0.1:{other}")]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line.startswith("ring: http"):
                return self
        raise AssertionError(f"{self.command} ended with {self.process.wait()}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def _ask(self, method, path, body=None, context=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", data=body, method=method)
        if context:
            request.add_header("Context", context)
        try:
            answer = urllib.request.urlopen(request, timeout=10)
        except urllib.error.HTTPError as error:
            answer = error
        return answer.status, answer.read().decode().splitlines(), answer.headers.get("Context")

    def get(self, key, place="keys"):
        """The values, sorted, and the context."""
        status, values, context = self._ask("GET", f"/{place}/{key}")
        assert status in (200, 300, 404), (status, values)
        return sorted(values), context

    def sees(self, key, *values):
        """Whether a quorum says so; not while too few members have found each other again."""
        status, found, _ = self._ask("GET", f"/keys/{key}")
        return status != 503 and sorted(found) == sorted(values)

    def put(self, key, value, context=None):
        status, values, context = self._ask("PUT", f"/keys/{key}", value.encode(), context)
        assert status in (200, 300), (status, values)
        return context

    def delete(self, key, context):
        assert self._ask("DELETE", f"/keys/{key}", context=context)[0] == 404

    def status(self):
        lines = [line.split(" ", 1) for line in self._ask("GET", "/status")[1]]
        return {name: value for name, value in lines if name != "peer"} | {
            "peers": dict(value.split() for name, value in lines if name == "peer")
        }


def eventually(check, within=15):
    end = time.monotonic() + within
    while True:
        found = check()
        if found or time.monotonic() > end:
            assert found
            return found
        time.sleep(0.05)


@pytest.fixture
def make_ring(tmp_path):
    members = []

    def make(*options):
        ports, https = free_ports(3), free_ports(3)
        for index in range(3):
            members.append(Member(tmp_path / f"{index}", ports[index], https[index], ports[:index] + ports[index + 1 :], options).start())
        eventually(lambda: all(set(one.status()["peers"].values()) == {"here"} and len(one.status()["peers"]) == 2 for one in members))
        return members

    yield make
    for one in members:
        if one.process and one.process.poll() is None:
            one.kill()


def test_a_write_reaches_the_member_that_was_down_and_kill_loses_nothing_acknowledged(make_ring):
    ring = make_ring()
    a, b, c = ring
    context = a.put("list", "milk")
    assert b.get("list") == (["milk"], context)
    eventually(lambda: c.get("list", "local")[0] == ["milk"])
    # One is killed; the others go on, and keep what it misses.
    c.kill()
    later = b.put("list", "milk, eggs", context)
    for number in range(20):
        a.put(f"key-{number}", f"value {number}")
    assert a.get("list") == (["milk, eggs"], later)
    eventually(lambda: sum(int(one.status()["hints"]) for one in (a, b)) >= 21)
    # The hints outlive a kill of those who keep them.
    a.kill()
    b.kill()
    a.start()
    b.start()
    assert sum(int(one.status()["hints"]) for one in (a, b)) >= 21
    # It comes back, and is handed what it missed.
    c.start()
    eventually(lambda: c.get("list", "local")[0] == ["milk, eggs"])
    eventually(lambda: all(c.get(f"key-{number}", "local")[0] == [f"value {number}"] for number in range(20)))
    eventually(lambda: all(one.status()["hints"] == "0" for one in ring))
    assert sum(int(one.status()["hints-delivered"]) for one in (a, b)) >= 21
    # All at once, and nothing is gone.
    for one in ring:
        one.kill()
    for one in ring:
        one.start()
    for one in ring:
        eventually(lambda: one.sees("list", "milk, eggs"))
    a.delete("list", a.get("list")[1])
    assert b.get("list")[0] == []


def test_writes_on_both_sides_of_a_stop_are_siblings_until_their_merge(make_ring):
    a, b, c = make_ring("--read", "2", "--write", "1")
    context = a.put("cart", "nothing")
    eventually(lambda: all(one.get("cart", "local")[0] == ["nothing"] for one in (a, b, c)))
    # One stands still while the others write, then the others while it writes.
    c.stop()
    a.put("cart", "a book", context)
    a.stop()
    b.stop()
    c.go_on()
    c.put("cart", "a pen", context)
    a.go_on()
    b.go_on()
    for one in (a, b, c):
        eventually(lambda: one.sees("cart", "a book", "a pen"))
    # Whoever sees both writes their merge, which replaces both everywhere.
    b.put("cart", "a book and a pen", b.get("cart")[1])
    for one in (a, b, c):
        eventually(lambda: one.get("cart", "local")[0] == ["a book and a pen"])


def test_too_few_members_are_said_and_wrong_calls_explained(make_ring, tmp_path):
    a, b, c = make_ring()
    b.kill()
    c.kill()
    status, text, _ = a._ask("PUT", "/keys/list", b"milk")
    assert status == 503 and "unavailable" in text[0]
    assert a._ask("PUT", "/keys/list", b"milk", "nonsense")[0] == 400
    assert a._ask("PUT", "/keys/" + "k" * 1025, b"milk")[0] == 400
    assert a._ask("GET", "/elsewhere")[0] == 404
    done = subprocess.run([str(RING), "--data", str(tmp_path / "x"), "--copies", "many"], capture_output=True, text=True, timeout=10)
    assert done.returncode == 2 and "--copies N" in done.stderr
