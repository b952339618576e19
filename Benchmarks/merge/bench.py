#!/usr/bin/env python3
"""Diffs against git's: `bench.py --binary PATH-OF-bench-merge`.

Generates pairs of files from a seed, then lets `bench-merge` and `git diff --no-index --histogram` compare them in turns, in one run:

- `lines`: files that look like code, of 1,000 to 1,000,000 lines, with 1 %, 10 % and 50 % of them changed;
- `shapes`: what is hard on a diff (`shapes.py`), 100,000 lines each; beside the time, how many lines ours takes out and puts in for each of
  git's;
- `memory`: bytes that the process holds at most for each line of both files, less what it holds for empty ones.

Ours is measured from before the first read to after the last write of the unified form; git's is the wall time of its process less that of
`git --version`. Both write to /dev/null and find the files in the page cache. Times are medians of several turns.

Prints a table and lines `figure merge.NAME VALUE UNIT bar <= BAR ok|short`. Ends with 0 when every figure could be measured.

- `BENCH_SHORT=1`: smaller and quicker; its figures are not to be quoted.
- `RESULTS=1`: also writes `Benchmarks/results-merge.md`.
"""

import argparse
import datetime
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "Benchmarks"), str(HERE)]

import figures
import hardware
from figures import Figure
from lines import changed, lines_like_code
from shapes import shapes

SEED = 20_241
SHORT = bool(os.environ.get("BENCH_SHORT"))
TURNS = 3 if SHORT else 5
GIT = ["git", "-c", "core.pager=cat", "diff", "--no-index", "--histogram", "--no-color"]


def process(command, is_read=False):
    """Wall milliseconds of a process, and what it printed."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE if is_read else subprocess.DEVNULL) as child:
        output = child.stdout.read() if is_read else b""
        child.wait()
    elapsed = (time.perf_counter() - start) * 1e3
    if child.returncode not in (0, 1):
        sys.exit(f"{command} ended with {child.returncode}")
    return elapsed, output


class Pair:
    """Two files to compare."""

    def __init__(self, binary, directory, source, target):
        self.binary, self.directory = str(binary), pathlib.Path(directory)
        self.paths = [str(self.directory / "a"), str(self.directory / "b")]
        for path, lines in zip(self.paths, (source, target)):
            pathlib.Path(path).write_text("".join(lines))

    def times(self):
        """Milliseconds of ours and of git's, in turns."""
        ours, git, bare = [], [], []
        for _ in range(TURNS):
            ours.append(float(process([self.binary, *self.paths], is_read=True)[1].split()[0]))
            git.append(process([*GIT, *self.paths])[0])
            bare.append(process(["git", "--version"])[0])
        start = statistics.median(bare)
        # A process that did nothing but start leaves a figure no smaller than the clock tells apart.
        return ours, [max(0.1, value - start) for value in git]

    def edits(self):
        """Lines taken out and put in, by ours and by git."""
        output = self.directory / "diff"
        process([self.binary, *self.paths, str(output)])
        return edited(output.read_bytes()), edited(process([*GIT, *self.paths], is_read=True)[1])

    def memory(self):
        """Bytes that the process held at most."""
        return 1024 * int(process([self.binary, *self.paths], is_read=True)[1].split()[6])


def edited(diff):
    return sum(line[:1] in (b"+", b"-") for line in diff.split(b"\n")) - 2


def ratio(name, pair):
    ours, git = pair.times()
    detail = f"{spread(ours)} against {spread(git)}"
    return Figure("merge", name, statistics.median(ours) / statistics.median(git), "ratio", "<=", 1.0, detail)


def spread(values):
    """Median with the range; small files take fractions of a millisecond."""
    low, middle, high = (figures.number(value) for value in (min(values), statistics.median(values), max(values)))
    return f"{middle} ms [{low}–{high}]"


def measure_lines(binary, directory):
    for count in (1_000, 10_000, 100_000) if SHORT else (1_000, 10_000, 100_000, 1_000_000):
        source = lines_like_code(count, random.Random(SEED + count))
        for share in (1, 10, 50):
            target = changed(source, share, random.Random(SEED + count + share))
            yield ratio(f"diff-{count}-{share}", Pair(binary, directory, source, target))


def measure_shapes(binary, directory):
    for name, source, target in shapes(10_000 if SHORT else 100_000):
        pair = Pair(binary, directory, source, target)
        yield ratio(f"shape-{name}", pair)
        ours, git = pair.edits()
        yield Figure("merge", f"edits-{name}", ours / max(1, git), "ratio", "<=", 1.03, f"{ours:,} against {git:,} lines")


def measure_memory(binary, directory):
    empty = Pair(binary, directory, [], []).memory()
    grown = {}
    for count in (10_000, 100_000) if SHORT else (10_000, 100_000, 1_000_000):
        source = lines_like_code(count, random.Random(SEED + count))
        target = changed(source, 10, random.Random(SEED + count + 10))
        pair, lines = Pair(binary, directory, source, target), len(source) + len(target)
        grown[count] = (pair.memory() - empty) / lines
        content = sum(os.path.getsize(path) for path in pair.paths) / lines
        yield Figure("merge", f"memory-{count}", grown[count], "B/line", "<=", 96, f"{content:.0f} of them the text")
    # Linear: no more for each line of a file ten times as long.
    last, before = grown[max(grown)], grown[max(grown) // 10]
    yield Figure("merge", "memory-growth", last / before, "ratio", "<=", 1.1, f"{max(grown):,} lines against {max(grown) // 10:,}")


GROUPS = {"lines": measure_lines, "shapes": measure_shapes, "memory": measure_memory}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--binary", default=HERE / ".build/release/bench-merge", type=pathlib.Path)
    arguments.add_argument("groups", nargs="*", default=list(GROUPS), help=", ".join(GROUPS))
    options = arguments.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as directory:
        for name in options.groups:
            results += GROUPS[name](options.binary, directory)
    machine = hardware.description()
    print(f"\n{machine}{' (short run)' if SHORT else ''}\n\n{figures.table(results)}\n")
    for figure in results:
        print(figure.line)
    if os.environ.get("RESULTS"):
        text = figures.markdown("merge", results, machine, datetime.date.today(), [])
        (ROOT / "Benchmarks/results-merge.md").write_text(text)


if __name__ == "__main__":
    main()
