"""Drives the built program: starts and stops servers, and runs the other subcommands.

Every name of the command line that the tests rely on stands in this file.
"""

import dataclasses
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import threading
import time

#: The root credentials of every test server, unless a test is about how they come to be.
ACCESS_KEY = "SKERRYTESTACCESSKEY1"
SECRET_KEY = "test/secret+key/with/the/awkward+letters"
REGION = "us-east-1"
ROOT = {"SKERRY_ROOT_ACCESS_KEY": ACCESS_KEY, "SKERRY_ROOT_SECRET_KEY": SECRET_KEY}

#: Seconds in which a server of a test must be ready; generous because strace and a busy machine slow it down.
READY_TIMEOUT = 60
#: Seconds in which a drained server must have ended.
STOP_TIMEOUT = 30

READY = re.compile(r"^skerry: serving S3 on http://(\S+):(\d+)$")


def free_port():
    """A port that nobody listens on, outside the range from which the kernel picks ports for clients."""
    for _ in range(1000):
        port = random.SystemRandom().randrange(20000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port between 20000 and 30000")


def environment(extra=None):
    """What a child sees: nothing of the caller's own settings for S3 or Skerry."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC", **(extra or {})}


class Server:
    """A server process on a free port and a data directory; a context manager that drains it at the end."""

    def __init__(self, binary, data, *, arguments=(), env=None, wrapper=(), listen=True):
        self.binary = str(binary)
        self.data = pathlib.Path(data)
        self.arguments = list(arguments)
        self.env = ROOT if env is None else env
        self.wrapper = list(wrapper)
        self.port = free_port() if listen else None
        self.admin_port = free_port()
        self.process = None
        self.lines = []
        self.errors = []
        self._readers = []

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin(self):
        return f"127.0.0.1:{self.admin_port}"

    def command(self):
        listen = ["--listen", f"127.0.0.1:{self.port}"] if self.port else []
        return [
            *self.wrapper, self.binary, "serve", "--data", str(self.data), *listen, "--admin", self.admin, "--region", REGION,
            *self.arguments,
        ]

    def start(self):
        """Returns when the server said that it serves.

        - Raises AssertionError with what it wrote to standard error when it ended or stayed silent instead.
        """
        self.lines, self.errors = [], []
        ready = threading.Event()
        self.process = subprocess.Popen(
            self.command(), env=environment(self.env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
        )

        def read(stream, into):
            for line in stream:
                into.append(line.rstrip("\n"))
                if into is self.lines and (match := READY.match(into[-1])):
                    self.port = int(match.group(2))
                    ready.set()
            ready.set()

        self._readers = [
            threading.Thread(target=read, args=(self.process.stdout, self.lines), daemon=True),
            threading.Thread(target=read, args=(self.process.stderr, self.errors), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        if not ready.wait(READY_TIMEOUT) or not any(READY.match(line) for line in self.lines):
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not begin to serve: {self.lines} {self.errors}")
        return self

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, timeout=STOP_TIMEOUT):
        """The exit status; waits for the output to be read to its end."""
        status = self.process.wait(timeout)
        for reader in self._readers:
            reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        return status

    def stop(self):
        """Drains with SIGTERM, as an operator would, and expects success."""
        if self.process is None or self.process.poll() is not None:
            return
        self.signal()
        status = self.wait()
        assert status == 0, f"the server ended with {status}: {self.errors[-5:]}"

    def kill(self):
        self.process.kill()
        self.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        try:
            self.stop()
        except BaseException:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            if kind is None:
                raise

    def resident_bytes(self):
        """Resident memory now."""
        return _status_field(self.process.pid, "VmRSS")

    def resident_peak_bytes(self):
        """Highest resident memory since the start."""
        return _status_field(self.process.pid, "VmHWM")


def _status_field(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


@dataclasses.dataclass
class Command:
    """The subcommands other than `serve`, on the directory of a stopped server or through the admin port of a running one."""

    binary: str
    data: pathlib.Path | None = None
    admin: str | None = None
    env: dict | None = None

    @classmethod
    def of(cls, server):
        """Through the admin port while `server` runs, on its directory otherwise."""
        running = server.process is not None and server.process.poll() is None
        if running:
            return cls(server.binary, admin=server.admin, env=server.env)
        return cls(server.binary, data=server.data, env=server.env)

    def run(self, *arguments, timeout=120):
        where = ["--admin", self.admin] if self.admin else ["--data", str(self.data)] if self.data else []
        return subprocess.run(
            [str(self.binary), *arguments, *where], env=environment(ROOT if self.env is None else self.env), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=timeout,
        )

    def check(self, *arguments, timeout=120):
        """Standard output of a run that must succeed."""
        done = self.run(*arguments, timeout=timeout)
        assert done.returncode == 0, f"skerry {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def stats(self):
        return Stats.parse(json.loads(self.check("stats", "--json")))


@dataclasses.dataclass(frozen=True)
class Stats:
    """`skerry stats --json`, in the fields that the tests read."""

    objects: int
    logical_bytes: int
    unique_bytes: int
    dedup_ratio: float
    buckets: dict

    @classmethod
    def parse(cls, value):
        return cls(
            value["objects"], value["logicalBytes"], value["uniqueBytes"], value["dedupRatio"],
            {bucket["name"]: bucket for bucket in value["buckets"]},
        )


def await_true(question, timeout=20, interval=0.02):
    """Asks until the answer is true and returns it; for states of another process that announce themselves in no other way."""
    deadline = time.monotonic() + timeout
    while True:
        if answer := question():
            return answer
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(interval)


def snapshot(directory):
    """Every path below `directory` with its kind, size, time of change and, for files up to 1 MiB, its bytes."""
    found = {}
    for path in sorted(pathlib.Path(directory).rglob("*")):
        info = path.lstat()
        body = path.read_bytes() if path.is_file() and info.st_size <= 1 << 20 else None
        found[str(path)] = (info.st_mode, info.st_size, info.st_mtime_ns, body)
    return found
