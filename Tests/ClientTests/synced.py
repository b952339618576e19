"""Judges a trace of system calls: was everything on disk that an answer acknowledged?

Reads what `strace -f -yy` prints and follows, per file of the data directory, the last write and the last completed sync, and per
client connection, the first read of a request and the first byte of its answer. A success (2xx but for 100-continue) is sound when

1. every file written since the request began has, between its last write and the moment in which the answer begins to be sent, a
   `fdatasync` or `fsync` that began after the write had ended and that has ended itself without an error, and
2. every such file that was made, renamed or linked in the trace has been followed by a completed `fsync` of its directory.

A call that strace shows in two lines (`<unfinished ...>`, `<... resumed>`) begins with the first and ends with the second: a sync in
flight while the answer goes out does not count. Writes on descriptors opened with `O_DSYNC` or `O_SYNC` are synced as they end.

The index (RocksDB, a directory with a file `CURRENT`) is not looked at. It is written without a log of its own and is no part of the
promise: the packs are the truth, and a start makes anew from them what the index lacks.
"""

import dataclasses
import os
import re

#: What strace must follow for this judge.
CALLS = (
    "open,openat,openat2,creat,close,dup,dup2,dup3,fcntl,write,writev,pwrite64,pwritev,pwritev2,copy_file_range,sendfile,splice,"
    "fdatasync,fsync,rename,renameat,renameat2,link,linkat,read,readv,recvfrom,recvmsg,sendto,sendmsg,io_uring_enter,sync,syncfs"
)

LINE = re.compile(r"^(?P<pid>\d+)\s+(?P<rest>.*)$")
RESUMED = re.compile(r"^<\.\.\. (?P<name>\w+) resumed>(?P<tail>.*)$")
UNFINISHED = " <unfinished ...>"
CALL = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*)\)\s+= (?P<result>-?\d+|\?)(?P<after>.*)$")
DESCRIPTOR = re.compile(r"^(?P<number>-?\d+|AT_FDCWD)<(?P<target>(?:->|[^<>\\]|\\.)*)>")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
ANSWER = re.compile(r"HTTP/1\.[01] ([2-5]\d\d)")

WRITES = {"write", "writev", "pwrite64", "pwritev", "pwritev2"}
SENDS = {"write", "writev", "sendto", "sendmsg"}
READS = {"read", "readv", "recvfrom", "recvmsg"}


@dataclasses.dataclass
class _File:
    """Line numbers are the clock. 0 is before the trace."""

    written: int = 0
    synced_from: int = 0
    #: The line at which the file got its name, None for a file from before the trace.
    named: int | None = None
    durable_descriptors: set = dataclasses.field(default_factory=set)


@dataclasses.dataclass
class Verdict:
    """One success that was sent, with the files that its request wrote, and what was wrong with it."""

    connection: str
    status: int
    files: list
    complaints: list


class Judge:
    """Feed it the lines of a trace; `verdicts` has one entry for each success that was sent."""

    def __init__(self, data, index_directories=()):
        self.data = os.path.realpath(data)
        self.index = [os.path.realpath(path) for path in index_directories]
        self._before = frozenset()
        self.files = {}
        self.directories_synced_from = {}
        self.requests = {}
        self.verdicts = []
        self.unjudgeable = []
        self._pending = {}
        self._line = 0

    # Lines to calls

    def read(self, lines):
        for line in lines:
            self._line += 1
            if match := LINE.match(line.rstrip("\n")):
                self._one(match["pid"], match["rest"])
        return self

    def _one(self, pid, text):
        if text.endswith(UNFINISHED):
            begun = text[: -len(UNFINISHED)]
            name = begun.split("(", 1)[0]
            # An answer counts from the moment in which it begins to be sent.
            if not self._answer(name, begun):
                self._pending[pid, name] = (self._line, begun)
            return
        if match := RESUMED.match(text):
            begun = self._pending.pop((pid, match["name"]), None)
            if begun is None:
                return
            start, text = begun[0], begun[1] + match["tail"]
        else:
            start = self._line
            if self._answer(text.split("(", 1)[0], text):
                return
        if (match := CALL.match(text)) and match["result"] != "?":
            self._ended(match["name"], match["arguments"], int(match["result"]), match["after"], start)

    # Calls to events

    def _ended(self, name, arguments, result, after, start):
        if name == "io_uring_enter":
            self.unjudgeable.append("io_uring is in use, whose writes strace does not show")
        if result < 0:
            return
        if name in ("open", "openat", "openat2", "creat"):
            self._opened(name, arguments, result, after, start)
        elif name in WRITES:
            self._wrote(arguments, result)
        elif name in ("copy_file_range", "splice", "sendfile"):
            self._wrote_by_kernel(name, arguments, result)
        elif name in ("fdatasync", "fsync"):
            self._synced(name, arguments, start)
        elif name in ("sync", "syncfs"):
            for path in list(self.files):
                self.files[path].synced_from = max(self.files[path].synced_from, start)
                self._directory_synced(os.path.dirname(path), start)
        elif name in ("rename", "renameat", "renameat2", "link", "linkat"):
            self._renamed(name, arguments)
        elif name in READS:
            if result > 0 and (connection := self._connection(arguments)):
                self.requests.setdefault(connection, start)

    def _path(self, target):
        """The path when it is a file of the data directory that counts, else None."""
        if not target.startswith(self.data + os.sep) and target != self.data:
            return None
        if any(target == directory or target.startswith(directory + os.sep) for directory in self.index):
            return None
        return target

    def _target(self, arguments, position=0):
        """What strace says the descriptor at `position` of the arguments is."""
        found = DESCRIPTOR.match(arguments.split(", ")[position]) if position else DESCRIPTOR.match(arguments)
        return (found["number"], found["target"]) if found else (None, "")

    def _connection(self, arguments):
        number, target = self._target(arguments)
        return target if target.startswith(("TCP:", "TCPv6:")) else None

    def _opened(self, name, arguments, result, after, start):
        found = DESCRIPTOR.match(f"{result}{after.strip()}")
        path = self._path(found["target"]) if found else None
        if path is None:
            return
        known = path in self.files
        file = self.files.setdefault(path, _File())
        creates = name == "creat" or "O_CREAT" in arguments
        if creates and not known and path not in self._before:
            file.named = self._line
        if "O_DSYNC" in arguments or "O_SYNC" in arguments:
            file.durable_descriptors.add(str(result))
        else:
            file.durable_descriptors.discard(str(result))

    def existing(self, paths):
        """Names the files that were there before the trace began, which owe their directory nothing."""
        self._before = frozenset(os.path.realpath(path) for path in paths)
        return self

    def _wrote(self, arguments, result):
        number, target = self._target(arguments)
        path = self._path(target)
        if path is None or result == 0:
            return
        file = self.files.setdefault(path, _File())
        file.written = self._line
        if number in file.durable_descriptors:
            file.synced_from = self._line

    def _wrote_by_kernel(self, name, arguments, result):
        """The descriptor that receives: the first of sendfile, the third of the others."""
        for found in DESCRIPTOR.finditer(arguments) if name == "sendfile" else re.finditer(DESCRIPTOR.pattern[1:], arguments):
            path = self._path(found["target"])
            if path and result:
                self.files.setdefault(path, _File()).written = self._line

    def _synced(self, name, arguments, start):
        _, target = self._target(arguments)
        path = self._path(target)
        if path is None:
            return
        # A path is a file or a directory; the trace does not say which, and the other entry is never asked for.
        if path in self.files:
            self.files[path].synced_from = max(self.files[path].synced_from, start)
        self._directory_synced(path, start)

    def _directory_synced(self, path, start):
        self.directories_synced_from[path] = max(self.directories_synced_from.get(path, 0), start)

    def _renamed(self, name, arguments):
        paths, directories = STRING.findall(arguments), [found["target"] for found in re.finditer(DESCRIPTOR.pattern[1:], arguments)]
        if len(directories) == 2:
            paths = [os.path.join(directory, path) for directory, path in zip(directories, paths)]
        if len(paths) < 2:
            return
        old, new = (self._path(os.path.normpath(path)) for path in paths[:2])
        if new is None:
            return
        file = (self.files.pop(old, None) if name.startswith("rename") else self.files.get(old)) if old else None
        self.files[new] = dataclasses.replace(file or _File(), named=self._line)

    # Answers

    def _answer(self, name, text):
        """Judges when `text` begins to send an answer; True when it does."""
        if name not in SENDS or "(" not in text:
            return False
        arguments = text.split("(", 1)[1]
        connection = self._connection(arguments)
        first = STRING.search(arguments)
        found = ANSWER.match(first.group(1)) if connection and first else None
        if not found:
            return False
        begun = self.requests.pop(connection, None)
        if begun is not None and int(found.group(1)) < 300:
            self._judge(connection, int(found.group(1)), begun)
        return True

    def _judge(self, connection, status, begun):
        written = {path: file for path, file in self.files.items() if file.written >= begun}
        complaints = []
        for path, file in sorted(written.items()):
            if file.synced_from < file.written:
                complaints.append(f"{path}: written at line {file.written}, no completed sync since (answer at line {self._line})")
            if file.named is not None and self.directories_synced_from.get(os.path.dirname(path), 0) <= file.named:
                complaints.append(f"{path}: its name from line {file.named} is not synced (answer at line {self._line})")
        self.verdicts.append(Verdict(connection, status, sorted(written), complaints))


def index_directories(data):
    """Directories below `data` that RocksDB owns."""
    return [directory for directory, _, names in os.walk(data) if "CURRENT" in names]
