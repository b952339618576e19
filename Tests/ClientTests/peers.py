"""Drives `skerry gossip` processes through their lines of JSON: shared by the tests and by `Benchmarks/gossip/bench-processes.py`."""

import json
import pathlib
import queue
import signal
import subprocess
import threading
import time

import skerry

#: Seconds that anything may take on a loaded machine; what is measured is printed.
PATIENCE = 60


class Peer:
    """One `skerry gossip --json` on loopback, with or without a directory."""

    def __init__(self, binary, name, *, join=(), data=None, port=None, arguments=(), host="127.0.0.1"):
        self.binary, self.name, self.join, self.data = str(binary), name, list(join), data
        self.port = port or skerry.free_port()
        self.host = host
        self.arguments = list(arguments)
        self.process = None
        self.errors = []

    @property
    def address(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def command(self):
        return [
            self.binary, "gossip", "--json", "--name", self.name, "--listen", self.address,
            *[word for address in self.join for word in ("--join", address)],
            *(["--data", str(self.data)] if self.data else []), *self.arguments,
        ]

    def launch(self):
        """Starts without waiting; `await_ready` follows."""
        self.events = []
        self._answers = queue.Queue()
        self._ready = threading.Event()
        self.process = subprocess.Popen(
            self.command(), env=skerry.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        readers = [(self._read, self.process.stdout), (self._read_errors, self.process.stderr)]
        self._readers = [threading.Thread(target=target, args=(stream,), daemon=True) for target, stream in readers]
        for reader in self._readers:
            reader.start()
        return self

    def start(self):
        return self.launch().await_ready()

    def await_ready(self):
        assert self._ready.wait(PATIENCE), f"{self.name} is not ready: {self.errors}"
        assert self.events, f"{self.name} ended: {self.errors}"
        return self

    def _read(self, stream):
        for line in stream:
            said = json.loads(line)
            if "event" in said:
                self.events.append(said)
                self._ready.set()
            else:
                self._answers.put(said)
        self._ready.set()

    def _read_errors(self, stream):
        for line in stream:
            self.errors.append(line.rstrip("\n"))

    def ask(self, line):
        """Says a line and returns the answer."""
        self.say(line)
        return self._answers.get(timeout=PATIENCE)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def members(self):
        """By name."""
        return {member["name"] or member["id"]: member for member in self.ask("members")["members"]}

    def states(self):
        return {name: member["state"] for name, member in self.members().items()}

    def board(self):
        return self.ask("keys")["board"]

    def digest(self):
        answer = self.ask("digest")
        return answer["board"], answer["entries"]

    @property
    def runs(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self._close()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self, number=signal.SIGTERM):
        """Leaves; returns the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        self._close()
        return status

    def _close(self):
        self.process.wait()
        for reader in self._readers:
            reader.join(5)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except OSError:
                pass

    def resident_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise LookupError("VmRSS")


def stop_all(peers):
    """Whatever happened: nothing is left running."""
    for peer in peers:
        if peer.runs:
            peer.thaw()
            peer.process.kill()
    for peer in peers:
        if peer.process is not None:
            peer._close()


def seconds_until(question, timeout=PATIENCE, interval=0.05):
    """Asks until it is so; how long that took."""
    start = time.monotonic()
    while not question():
        assert time.monotonic() - start < timeout, "waited in vain"
        time.sleep(interval)
    return time.monotonic() - start


def ten(binary, directory=None, count=10):
    """Peers of which each joins the one before it; not yet started."""
    peers = []
    for number in range(count):
        data = pathlib.Path(directory) / f"peer-{number}" if directory else None
        peers.append(Peer(binary, f"peer-{number}", join=[peers[-1].address] if peers else [], data=data))
    return peers


def converge_under_kills(peers, generator, rounds, writes):
    """Kills and restarts peers at random while all write, then waits for equality.

    Each writes keys that nobody else writes, of which each value that was acknowledged must be everywhere in the end, and keys that all write over.

    - Returns: what was acknowledged, by key that nobody wrote over, and the seconds from the last restart to equal boards and digests, the start of the
      process and a last write of each included.
    """
    written = {}

    def write(key, value):
        peer = generator.choice([peer for peer in peers if peer.runs])
        assert peer.ask(f"set {key} {value}").get("answer") == "set"
        written[key] = value
        assert peer.ask(f"set shared-{generator.randrange(20)} {value}").get("answer") == "set"

    for turn in range(rounds):
        victim = generator.choice(peers)
        for number in range(writes):
            write(f"key-{turn}-{number}", f"{turn}-{number}")
        victim.kill()
        for number in range(writes):
            write(f"key-{turn}-{number}-down", f"{turn}-{number}")
        # Whoever runs may be joined; which of them is up to chance as well.
        victim.join = [generator.choice([peer for peer in peers if peer.runs]).address]
        restarted = time.monotonic()
        victim.start()
    for peer in peers:
        peer.ask(f"set last-{peer.name} {rounds}")
    seconds_until(lambda: len({peer.digest() for peer in peers}) == 1)
    return written, time.monotonic() - restarted
