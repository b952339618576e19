#!/usr/bin/env python3
"""The store against nginx and against its own bars: `make bench-store`.

nginx (static files by sendfile, DAV PUT without sync) and skerry (every PUT synced) run side by side on one machine and are loaded in
turns by the same wrk with the same presigned paths. Prints a table and one line `figure store.NAME VALUE UNIT bar >=|<= VALUE ok|short`
for each figure. Ends with 0 when every figure could be measured, whether it met its bar or not, else with 1.

- `BENCH_SHORT=1`: smaller and quicker, for trying things out; its figures are not to be quoted.
- `BENCH_ONLY=get,put,list,memory,dedup`: some groups alone.
- `RESULTS=1`: also writes `Benchmarks/results-store.md`.
"""

import argparse
import datetime
import http.client
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Tests/ClientTests"), str(ROOT / "Benchmarks")]

import boto3.s3.transfer

import conftest
import figures
import hardware
import listing
import loader
import material
import memory
import neighbour
import sigv4
import skerry
from figures import Figure

KIB, MIB = 1 << 10, 1 << 20
SHORT = bool(os.environ.get("BENCH_SHORT"))
#: Turns of each server, and seconds of each turn.
ROUNDS = 2 if SHORT else 3
SECONDS = 2 if SHORT else 5
KEYS = 10_000 if SHORT else 1_000_000
UPLOADS = 50 if SHORT else 500
DEDUP_SIZE = (64 if SHORT else 1024) * MIB
#: New keys prepared for each second of a turn of PUTs; a turn that uses them up fails.
SMALL_PER_SECOND, LARGE_PER_SECOND = 40_000, 4_000


class Bench:
    def __init__(self, binary, directory):
        self.binary, self.directory = binary, directory
        self.figures, self.failures, self.notes = [], [], []
        self.signer = sigv4.Signer(skerry.ACCESS_KEY, skerry.SECRET_KEY, skerry.REGION)
        self.body = {size: loader.write_noise(directory / f"noise-{size}", size) for size in (4 * KIB, MIB)}
        self.counter = 0

    def add(self, *arguments):
        self.figures.append(Figure("store", *arguments))
        print(self.figures[-1].line, f"({self.figures[-1].detail})" if self.figures[-1].detail else "", file=sys.stderr, flush=True)

    def group(self, name, measure):
        """Runs one group of figures; a failure is noted and the others go on."""
        only = os.environ.get("BENCH_ONLY")
        if only and name not in only.split(","):
            return
        print(f"-- {name}", file=sys.stderr, flush=True)
        try:
            measure()
        except Exception as error:
            traceback.print_exc()
            self.failures.append(f"{name}: {error}")

    def server(self, name):
        return skerry.Server(self.binary, self.directory / name, env=skerry.ROOT)

    def presigner(self, server):
        return loader.Presigner(server.endpoint, skerry.ACCESS_KEY, skerry.SECRET_KEY, skerry.REGION)

    # Against nginx

    def against_nginx(self):
        with neighbour.Nginx(self.directory / "nginx") as nginx, self.server("rates") as server:
            conftest.client_of(server).create_bucket(Bucket="bench")
            self.group("get", lambda: self.gets(nginx, server))
            self.group("put", lambda: self.puts(nginx, server))
        shutil.rmtree(self.directory / "nginx", ignore_errors=True)
        shutil.rmtree(self.directory / "rates", ignore_errors=True)

    def gets(self, nginx, server):
        for name, size, count, bar in (("get-4k", 4 * KIB, 1000, 0.40), ("get-1m", MIB, 200, 0.80)):
            keys = [f"{name}/{index:06}" for index in range(count)]
            s3 = conftest.client_of(server)
            for index, key in enumerate(keys):
                body = material.noise(size, (name, index))
                s3.put_object(Bucket="bench", Key=key, Body=body)
                nginx.store(f"bench/{key}", body)
            paths = loader.write_paths(self.directory / name, self.presigner(server).paths("GET", "bench", keys))
            for one in (nginx, server):
                self.verify_get(one, paths, size)

            def turn(one, _):
                load = loader.run(one.endpoint, "GET", paths, connections=16, seconds=SECONDS)
                if load.bytes < load.requests * size:
                    raise loader.Failed(f"{one.endpoint} sent {load.bytes} bytes in {load.requests} answers of {size}")
                return load

            theirs, ours = self.turns(nginx, server, turn)
            self.ratio(name, theirs, ours, bar)

    def verify_get(self, one, paths, size):
        """Answers of the right size with status 200, before anything is timed."""
        connection = http.client.HTTPConnection("127.0.0.1", one.port)
        for path in paths.read_text().split()[:50]:
            connection.request("GET", path)
            answer = connection.getresponse()
            if answer.status != 200 or len(answer.read()) != size:
                raise loader.Failed(f"GET {path} at {one.endpoint} was answered {answer.status}")
        connection.close()

    def loader_rate(self, nginx, size, connections, per_second):
        """PUTs per second that the loader reaches when the bodies are dropped: a figure near it measures the loader."""
        keys = [f"{index:08}" for index in range(per_second * 2)]
        paths = loader.write_paths(self.directory / "discard", self.presigner(nginx).paths("PUT", "discard", keys))
        load = loader.run(nginx.endpoint, "PUT", paths, connections=connections, seconds=2, body=self.body[size])
        self.notes.append(f"The loader alone sends {load.rate:,.0f} PUT/s of {size // KIB} KiB.")

    def puts(self, nginx, server):
        self.loader_rate(nginx, 4 * KIB, 64, 2 * SMALL_PER_SECOND)
        self.loader_rate(nginx, MIB, 16, 2 * LARGE_PER_SECOND)
        theirs, ours = self.put_turns(nginx, server, "put-4k", 4 * KIB, 64, SMALL_PER_SECOND)
        self.ratio("put-4k", theirs, ours, 0.30)

        write, hashing = hardware.synced_write_rate(self.directory), hardware.hash_rate()
        theirs, ours = self.put_turns(nginx, server, "put-1m", MIB, 16, LARGE_PER_SECOND)
        self.notes.append(f"Synced sequential write {write:,.0f} MiB/s, MD5 and SHA-256 on two cores {hashing:,.0f} MiB/s.")
        rate = statistics.median(load.rate for load in ours)
        ratio, of_hardware = rate / statistics.median(load.rate for load in theirs), rate / min(write, hashing)
        detail = (
            f"nginx {figures.spread([load.rate for load in theirs])}/s, skerry {figures.spread([load.rate for load in ours])}/s; "
            f"{ratio:.2f} of nginx (bar 0.35) or {of_hardware:.2f} of the machine (bar 0.7): synced write {write:,.0f} MiB/s, "
            f"hashing {hashing:,.0f} MiB/s; either will do"
        )
        # Either bar is enough: the line shows the one that comes nearer to its own.
        if ratio / 0.35 >= of_hardware / 0.7:
            self.add("put-1m", ratio, "of-nginx", ">=", 0.35, detail)
        else:
            self.add("put-1m", of_hardware, "of-machine", ">=", 0.7, detail)

    def put_turns(self, nginx, server, name, size, connections, per_second):
        presigner = self.presigner(server)

        def turn(one, number):
            prefix = f"{name}-{number}-{'n' if one is nginx else 's'}"
            # Keys of a hundred folders, so that no file system has to keep them all in one directory.
            keys = [f"{prefix}/{index % 100:02}/{index:08}" for index in range(per_second * SECONDS)]
            paths = loader.write_paths(self.directory / name, presigner.paths("PUT", "bench", keys))
            if one is nginx:
                for folder in range(100):
                    (nginx.files / "bench" / prefix / f"{folder:02}").mkdir(parents=True, exist_ok=True)
            self.counter += 1
            os.sync()
            load = loader.run(
                one.endpoint, "PUT", paths, connections=connections, seconds=SECONDS, body=self.body[size], counter=self.counter << 32)
            if one is server:
                self.verify_put(server, prefix, load.requests, connections, size)
            return load

        # What nginx was given is removed after the last turn and not between: removing files occupies the journal for a long time.
        try:
            return self.turns(nginx, server, turn)
        finally:
            nginx.forget("bench")

    def verify_put(self, server, prefix, answered, connections, size):
        """Every answered PUT must be listed with its size; of those in flight at the end any number may be."""
        mark = f"<Size>{size}</Size>".encode()
        found = sum(body.count(mark) for body in listing.pages(server, self.signer, "bench", prefix + "/"))
        if not answered <= found <= answered + connections:
            raise loader.Failed(f"{answered} PUTs were answered and {found} objects of {size} bytes are listed")

    def turns(self, nginx, server, turn):
        theirs, ours = [], []
        for number in range(ROUNDS):
            for one, loads in ((nginx, theirs), (server, ours)):
                loads.append(turn(one, number))
                print(f"   {'nginx ' if one is nginx else 'skerry'} {loads[-1].rate:9,.0f}/s  p50 {loads[-1].p50:.2f} ms  p99 {loads[-1].p99:.2f} ms", file=sys.stderr, flush=True)
        return theirs, ours

    def ratio(self, name, theirs, ours, bar):
        rates = [[load.rate for load in loads] for loads in (theirs, ours)]
        detail = f"nginx {figures.spread(rates[0])}/s, skerry {figures.spread(rates[1])}/s"
        self.add(name, statistics.median(rates[1]) / statistics.median(rates[0]), "of-nginx", ">=", bar, detail)

    # Alone

    def many_keys(self):
        """Listing, and starting with many keys after a clean stop and after a kill."""
        server = self.server("many")
        with server:
            s3, presigner = conftest.client_of(server), self.presigner(server)
            s3.create_bucket(Bucket="million")
            rate = listing.fill(server, presigner, "million", KEYS, self.directory)
            print(f"   filled with {rate:,.0f} PUT/s", file=sys.stderr, flush=True)
            rates = [listing.list_all(server, self.signer, "million", KEYS) for _ in range(ROUNDS)]
            self.add("list", statistics.median(rates), "keys/s", ">=", 200_000, f"{figures.spread(rates)} keys/s over {KEYS:,} keys, filled with {rate:,.0f} PUT/s")

            # The kill comes in the middle of writing, so that there is a tail of the log to apply.
            s3.create_bucket(Bucket="tail")
            paths = loader.write_paths(self.directory / "tail", presigner.paths("PUT", "tail", [f"{index:08}" for index in range(SMALL_PER_SECOND * 2)]))
            loader.run(server.endpoint, "PUT", paths, connections=64, seconds=2, body=self.body[4 * KIB], counter=1 << 48)
            server.kill()
            killed = self.start(server)
            server.stop()
            clean = []
            for _ in range(ROUNDS):
                clean.append(self.start(server))
                server.stop()
            self.add("start-clean", statistics.median(clean), "s", "<=", 2, f"{KEYS:,} keys; {min(clean):.2f}–{max(clean):.2f} s")
            self.add("start-killed", killed, "s", "<=", 5, f"{KEYS:,} keys, killed while writing")
        shutil.rmtree(server.data, ignore_errors=True)

    def start(self, server):
        """Seconds from the start of the process to the first answer."""
        began = time.perf_counter()
        server.start()
        conftest.raw_client_of(server).send("GET", "/")
        return time.perf_counter() - began

    def resident(self):
        server = self.server("memory")
        with server:
            s3 = conftest.client_of(server)
            s3.create_bucket(Bucket="bench")
            s3.put_object(Bucket="bench", Key="one", Body=b"x")
            s3.get_object(Bucket="bench", Key="one")["Body"].read()
            idle = server.resident_bytes() / MIB
            self.add("rss-idle", idle, "MiB", "<=", 40, "after the first requests")
            paths = self.presigner(server).paths("PUT", "bench", [f"upload-{index:04}" for index in range(UPLOADS)])
            seconds = memory.upload_together(server.endpoint, paths, 8 * MIB)
            peak = server.resident_peak_bytes() / MIB
            self.add("rss-uploads", peak, "MiB", "<=", 300, f"{UPLOADS} PUTs of 8 MiB at once, all 200, {UPLOADS * 8 / seconds:,.0f} MiB/s")
        shutil.rmtree(server.data, ignore_errors=True)

    def dedup(self):
        plain, shifted = self.directory / "plain", self.directory / "shifted"
        material.write_noise(plain, DEDUP_SIZE, seed="dedup")
        with open(plain, "rb") as source, open(shifted, "wb") as target:
            target.write(b"!")
            shutil.copyfileobj(source, target, MIB)
        one_put = boto3.s3.transfer.TransferConfig(multipart_threshold=5 * 1024 * MIB)
        parts = boto3.s3.transfer.TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
        for name, how in (("put", one_put), ("parts", parts)):
            server = self.server(f"dedup-{name}")
            with server:
                s3, command = conftest.client_of(server), skerry.Command.of(server)
                s3.create_bucket(Bucket="bucket")
                costs = []
                for file, key in ((plain, "first"), (plain, "again"), (shifted, "shifted")):
                    before = command.stats().unique_bytes
                    s3.upload_file(str(file), "bucket", key, Config=how)
                    costs.append(command.stats().unique_bytes - before)
            shutil.rmtree(server.data, ignore_errors=True)
            size = f"{DEDUP_SIZE // MIB} MiB"
            self.add(f"dedup-again-{name}", costs[1] * 100 / DEDUP_SIZE, "%", "<=", 1, f"{size} a second time: {costs[1] / KIB:,.0f} KiB more")
            if how is one_put:
                self.add("dedup-shifted-put", costs[2] / MIB, "MiB", "<=", 2, f"one byte in front of {size}, one PUT")
            else:
                self.add("dedup-shifted-parts", costs[2] * 100 / DEDUP_SIZE, "%", "<=", 10, f"one byte in front of {size}, parts of 8 MiB")

    def report(self):
        machine, moment = hardware.description(), f"{datetime.datetime.now():%Y-%m-%d}"
        print(f"\n{machine}{' (short run)' if SHORT else ''}\n\n{figures.table(self.figures)}\n")
        for note in self.notes:
            print(note)
        print()
        for figure in self.figures:
            print(figure.line)
        for failure in self.failures:
            print(f"not measured: {failure}")
        if os.environ.get("RESULTS"):
            (ROOT / "Benchmarks/results-store.md").write_text(figures.markdown("store", self.figures, machine, moment, self.notes))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--binary", default=ROOT / ".build/release/skerry", type=pathlib.Path)
    arguments.add_argument("--directory", type=pathlib.Path, default=ROOT / ".build/bench", help="where data is kept meanwhile; needs about 30 GiB")
    given = arguments.parse_args()
    given.directory.mkdir(parents=True, exist_ok=True)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=given.directory.resolve()))
    bench = Bench(given.binary.resolve(), directory)
    try:
        bench.against_nginx()
        bench.group("list", bench.many_keys)
        bench.group("memory", bench.resident)
        bench.group("dedup", bench.dedup)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    bench.report()
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
