#!/usr/bin/env python3
"""Documents against pycrdt, loro and automerge and against their own bars: `make bench-documents`.

    python3 Benchmarks/documents/bench.py [--traces DIR] [--binary PATH] [--only NAME,...] [FILE.json.gz ...]

Replays recorded sessions of writing (Benchmarks/Traces, or the FILEs given, of that form) and made-up shapes of writing and of concurrency,
ours and the peers' in turns, each in a process of its own. Prints a table and one line `figure documents.NAME VALUE UNIT bar <=|>= VALUE
ok|short` for each figure. Times are CPU milliseconds, medians. Ends with 0 when every figure could be measured, whether it met its bar or
not, else with 1.

- `BENCH_SHORT=1`: the traces alone and small shapes, without peers, in two minutes; its figures are not to be quoted.
- `BENCH_ONLY=traces,text,live,values`: some groups alone; the full form takes about twenty minutes.
- `BENCH_LIMIT=10`: CPU seconds for a peer and a trace, 12 without it; what it had measured by then counts.
- `RESULTS=1`: also writes `Benchmarks/results-documents.md`.

The peers come from PyPI at the versions of `requirements.txt` into `.build/bench-peers`.
"""

import argparse
import datetime
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent)]

import figures
import flat
import hardware
import shapes
from figures import Figure

SHORT = bool(os.environ.get("BENCH_SHORT"))
RUNS = 3 if SHORT else 7
PEERS = [] if SHORT else ["pycrdt", "loro", "automerge"]
#: CPU seconds after which a peer is given up; what takes that long is not the best.
LIMIT = int(os.environ.get("BENCH_LIMIT", 12))
#: No shape may take longer than this many times the best peer.
RATIO = 5

#: By trace and measure: figure, unit, bar, and by what the measure is divided.
BARS = {
    "automerge-paper": {"replay": ("ms", 60), "open": ("ms", 1), "bytes": ("B", 130_000), "memory": ("MiB", 5)},
    "sveltecomponent": {"replay": ("ms", 9)},
    "rustcode": {"replay": ("ms", 35)},
    "friendsforever": {"live": ("us", 4), "whole": ("ms", 15), "load": ("ms", 15), "update-bytes": ("B", 16)},
}
#: What is compared with the peers. The whole history has two forms: frames for a connection (`frame`, `whole`) and compressed chunks with a
#: checksum to keep (`encode`, `load`); peers have one, which both are compared with, but for the writing of chunks beside pycrdt, which
#: compresses nothing: that goes to the notes. pycrdt's form lacks what was deleted, so it is a state too (`snapshot`, `open`); where most was
#: deleted or written over it is nothing else.
COMPARED = ("replay", "live", "merge", "frame", "whole", "encode", "load", "snapshot", "open", "exports", "fork", "at", "diff")
WHOLE = ("frame", "whole", "encode", "load", "merge")
#: Compared without a bar, in the notes, where ours is more than twice the best.
WATCHED = ("bytes", "snapshot-bytes", "memory", "update-bytes", "exports-bytes")


def peers_python():
    """An interpreter with the peers, made when it is not there."""
    home, wanted = ROOT / ".build/bench-peers", f"{sys.version}\n{(HERE / 'requirements.txt').read_text()}"
    stamp = home / "requirements.stamp"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        subprocess.run(
            [home / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", HERE / "requirements.txt"],
            check=True)
        stamp.write_text(wanted)
    return home / "bin/python"


def forgets_most(trace):
    """Whether more than half of what is written is deleted or written over again, so that a history of it is not a state of it."""
    patches = [patch for txn in trace["txns"] for patch in txn.get("patches", [])]
    written = sum(len(text) for _, _, text in patches)
    if sum(deleted for _, deleted, _ in patches) > written / 2 > 0:
        return True
    ops = [op[0] for txn in trace["txns"] for op in txn.get("ops", [])]
    if ops.count("delete") > (ops.count("insert") + ops.count("push")) / 2 > 0:
        return True
    sets = [op[1] for txn in trace["txns"] for op in txn.get("ops", []) if op[0] in ("set", "nest", "replace")]
    return len(sets) > len(ops) / 2 and len(set(sets)) < len(sets) / 2


class Bench:
    def __init__(self, binary, directory):
        self.binary, self.directory = binary, directory
        self.python = peers_python() if PEERS else None
        self.figures, self.failures, self.notes = [], [], []
        self.peer_rows = []

    def add(self, *arguments):
        self.figures.append(Figure("documents", *arguments))
        print(self.figures[-1].line, f"({self.figures[-1].detail})" if self.figures[-1].detail else "", file=sys.stderr, flush=True)

    def ours(self, file, is_recorded, copies):
        command = [self.binary, file, str(RUNS), *(["recorded"] if is_recorded else []), *([str(copies)] if copies else [])]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError((done.stdout + done.stderr).strip()[-300:] or f"ended with {done.returncode}")
        return json.loads(done.stdout)

    def peer(self, name, file, is_recorded):
        """What a peer measures, nothing when it cannot do the shape or takes too long."""
        command = [self.python, HERE / "peers.py", name, file, "--limit", str(LIMIT), *(["--recorded"] if is_recorded else [])]
        trace = file.name.removesuffix(".json.gz")
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=5 * LIMIT)
        except subprocess.TimeoutExpired:
            self.notes.append(f"{name} took more than {5 * LIMIT} s for {trace}.")
            return {}
        if done.returncode:
            self.notes.append(f"{name} failed at {trace}: {done.stderr.strip().splitlines()[-1:]}")
            return {}
        measured = json.loads(done.stdout)
        if measured.pop("incomplete", False):
            self.notes.append(f"{name} took more than {LIMIT} CPU seconds for {trace}; it measured {', '.join(measured) or 'nothing'} till then.")
        return measured

    def measure(self, name, trace, is_recorded):
        trace = flat.each_patch_a_transaction(trace)
        ours, theirs = self.directory / name, self.directory / f"{name}.json.gz"
        ours.write_bytes(flat.flat(trace))
        measured = self.ours(ours, is_recorded, trace.get("copies"))
        peers = {}
        if PEERS:
            theirs.write_bytes(gzip.compress(json.dumps(trace).encode(), 1))
            for peer in PEERS:
                peers[peer] = self.peer(peer, theirs, is_recorded)
        self.bars(name, measured, len(trace["txns"]))
        if "pycrdt" in peers and forgets_most(trace):
            left_out = {measure: peers["pycrdt"].pop(measure) for measure in WHOLE if measure in peers["pycrdt"]}
            said = ", ".join(f"{measure} {value:.3g}" for measure, value in left_out.items())
            self.notes.append(f"{name}: most of what was written was deleted or written over, which pycrdt forgets; not compared: {said} ms.")
        plain = peers.get("pycrdt", {}).get("frame")
        if plain and measured["encode"] > RATIO * plain:
            self.notes.append(f"{name}: chunks take {measured['encode']:.3g} ms to write, pycrdt's update {plain:.3g} ms.")
        self.compare(name, measured, peers)
        ours.unlink()
        theirs.unlink(missing_ok=True)

    def bars(self, name, measured, count):
        for measure, (unit, bar) in BARS.get(name, {}).items():
            value = measured[measure] * 1000 / count if unit == "us" else measured[measure]
            self.add(f"{name}.{measure}", value, unit, "<=", bar)

    def compare(self, name, measured, peers):
        for measure, value in measured.items():
            rivals = {peer: row[measure] for peer, row in peers.items() if measure in row}
            if not rivals:
                continue
            best = min(rivals, key=rivals.get)
            detail = f"{value:.3g} against " + ", ".join(f"{peer} {rival:.3g}" for peer, rival in rivals.items())
            if measure in WATCHED:
                # A megabyte is what the allocator itself makes more or less of it.
                if value > 2 * rivals[best] and not (measure == "memory" and value < 1):
                    self.notes.append(f"{name}: {measure} {value / max(rivals[best], 0.01):.1f} times the best: {detail}.")
            elif measure in COMPARED:
                self.add(f"{name}.{measure}-to-best", value / max(rivals[best], 1e-6), "times", "<=", RATIO, detail)

    def group(self, name, trace, is_recorded):
        print(f"-- {name}", file=sys.stderr, flush=True)
        try:
            self.measure(name, trace() if callable(trace) else trace, is_recorded)
        except Exception as error:
            print(f"failed: {error}", file=sys.stderr)
            self.failures.append(f"{name}: {error}")

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
            sources = "Traces: see Benchmarks/Traces/README.md for their authors and licences (CC BY 4.0)."
            notes = [f"- {note}" for note in [sources, *self.notes]]
            (ROOT / "Benchmarks/results-documents.md").write_text(figures.markdown("documents", self.figures, machine, moment, notes))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", default=HERE.parent / "Traces", type=pathlib.Path)
    parser.add_argument("--binary", default=HERE / ".build/release/bench-documents", type=pathlib.Path)
    parser.add_argument("--only", help="names of traces and shapes, with commas between")
    parser.add_argument("files", nargs="*", type=pathlib.Path, help="further traces; with them, they alone are replayed")
    given = parser.parse_args()
    groups = os.environ.get("BENCH_ONLY", "traces,shapes").replace("shapes", "text,live,values").split(",")
    work = []
    for path in given.files or (sorted(given.traces.glob("*.json.gz")) if "traces" in groups else []):
        work.append((path.name.removesuffix(".gz").removesuffix(".json"), lambda path=path: flat.load(path), True))
    for group, makers in shapes.all_shapes(0.05 if SHORT else 1).items():
        if not given.files and group in groups:
            work += [(f"shape.{name}", make, False) for name, make in makers.items()]
    if given.only:
        only = given.only.split(",")
        work = [item for item in work if item[0] in only or item[0].removeprefix("shape.") in only]
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(given.binary.resolve(), pathlib.Path(directory))
        for item in work:
            bench.group(*item)
        bench.report()
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
