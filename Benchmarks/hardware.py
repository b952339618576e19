"""What the machine itself can do, measured in the same run: the limits that no store that syncs and hashes can pass."""

import hashlib
import multiprocessing
import os
import pathlib
import platform
import time

MIB = 1 << 20
#: Bytes between two syncs: as many as sixteen clients have in flight at 1 MiB each.
SYNC_EVERY = 16 * MIB


def synced_write_rate(directory, seconds=4.0, size_maximum=4096 * MIB):
    """MiB/s of sequential writes to one preallocated file with a `fdatasync` after every 16 MiB."""
    path = pathlib.Path(directory) / "sequential"
    block = os.urandom(MIB)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size_maximum)
        os.fsync(descriptor)
        written, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds and written < size_maximum:
            for _ in range(SYNC_EVERY // MIB):
                written += os.write(descriptor, block)
            (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(descriptor)
        return written / MIB / (time.perf_counter() - began)
    finally:
        os.close(descriptor)
        path.unlink()


def _hash(seconds, results):
    block, md5, sha256, done = os.urandom(MIB), hashlib.md5(), hashlib.sha256(), 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        md5.update(block)
        sha256.update(block)
        done += 1
    results.put(done / (time.perf_counter() - began))


def hash_rate(seconds=2.0):
    """MiB/s through MD5 and SHA-256, one after the other, on two cores."""
    results = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=_hash, args=(seconds, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    rates = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return sum(rates)


def description():
    """Processor, cores, memory, kernel, file system of the current directory, as one line."""
    model = platform.machine()
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
        model = next(line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name"))
        memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) // MIB
    except (OSError, StopIteration):
        memory = 0
    return f"{model}, {os.cpu_count()} cores, {memory} GiB, {platform.system()} {platform.release().split('-')[0]}"
