#!/usr/bin/env python3
"""Diffs against git's: `bench.py --binary PATH-OF-bench-merge`.

Generates files that look like code from a seed, then lets `bench-merge` and `git diff --no-index --histogram` compare them in turns, in one
run. Ours is measured from before the first read to after the last write of the unified form; git's is the wall time of its process
less that of `git --version`. Both write to /dev/null and find the files in the page cache. Medians of several turns; memory is the
largest resident size of the process.

Prints a table and lines `figure merge.NAME VALUE ratio bar <= BAR ok|short`. Ends with 0 when every figure could be measured.
"""

import argparse
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

WORDS = "value index return let self count buffer range if guard else for in func store commit object line hash name".split()
SEED = 20_241


def lines_like_code(count, source):
    """Lines of which a fifth are blank, a brace or a common return."""
    result = []
    for _ in range(count):
        kind, indent = source.random(), "    " * source.randrange(5)
        if kind < 0.08:
            result.append("\n")
        elif kind < 0.18:
            result.append(indent + "}\n")
        elif kind < 0.22:
            result.append(indent + "return nil\n")
        else:
            words = " ".join(source.choice(WORDS) for _ in range(source.randrange(2, 7)))
            result.append(f"{indent}{words} {source.randrange(2 * count)}\n")
    return result


def changed(lines, share, source):
    """Of each hundred lines `share` are replaced, doubled by a new one, or taken out."""
    result = []
    for index, line in enumerate(lines):
        if source.random() * 100 >= share:
            result.append(line)
            continue
        kind = source.random()
        if kind < 0.6:
            result.append(f"    changed line {source.randrange(10**9)} of {index}\n")
        elif kind < 0.8:
            result += [line, f"    inserted {source.randrange(10**9)}\n"]
    return result


def process(command):
    """Wall seconds and largest resident KiB of a process, and what it printed."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE if "bench-merge" in command[0] else subprocess.DEVNULL, text=True) as child:
        output = child.stdout.read() if child.stdout else ""
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if child.returncode not in (0, 1):
        sys.exit(f"{command} ended with {child.returncode}")
    return seconds, usage.ru_maxrss, output


def compare(binary, a, b, turns):
    """Medians in milliseconds, the largest resident sizes in KiB, the hunks found."""
    git = ["git", "-c", "core.pager=cat", "diff", "--no-index", "--histogram", "--no-color", str(a), str(b)]
    ours, theirs, bare, our_size, their_size, hunks = [], [], [], 0, 0, 0
    for _ in range(turns):
        _, size, output = process([str(binary), str(a), str(b)])
        fields = output.split()
        ours.append(float(fields[0]))
        hunks, our_size = int(fields[2]), max(our_size, size)
        seconds, size, _ = process(git)
        theirs.append(seconds * 1e3)
        their_size = max(their_size, size)
        bare.append(process(["git", "--version"])[0] * 1e3)
    return statistics.median(ours), statistics.median(theirs) - statistics.median(bare), our_size, their_size, hunks


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--binary", required=True, type=pathlib.Path)
    arguments.add_argument("--lines", default="1000,10000,100000,1000000")
    arguments.add_argument("--turns", type=int, default=5)
    options = arguments.parse_args()
    print(f"{'lines':>9} {'changed':>8} {'hunks':>8} {'ours ms':>9} {'git ms':>9} {'ratio':>6} {'ours MiB':>9} {'git MiB':>8}")
    figures = []
    with tempfile.TemporaryDirectory() as directory:
        for count in map(int, options.lines.split(",")):
            lines = lines_like_code(count, random.Random(SEED + count))
            a = pathlib.Path(directory, "a")
            a.write_text("".join(lines))
            for share in (1, 10, 50):
                b = pathlib.Path(directory, "b")
                b.write_text("".join(changed(lines, share, random.Random(SEED + count + share))))
                ours, git, our_size, git_size, hunks = compare(options.binary, a, b, options.turns)
                print(f"{count:>9} {share:>7}% {hunks:>8} {ours:>9.2f} {git:>9.2f} {ours / git:>6.2f}"
                      f" {our_size / 1024:>9.1f} {git_size / 1024:>8.1f}")
                figures.append((f"diff-{count}-{share}", ours / git, 1.0))
                if count == 1_000_000:
                    figures.append((f"memory-{count}-{share}", our_size / git_size, 1.0))
    for name, value, bar in figures:
        print(f"figure merge.{name} {value:.2f} ratio bar <= {bar:.1f} {'ok' if value <= bar else 'short'}")


if __name__ == "__main__":
    main()
