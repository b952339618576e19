#!/usr/bin/env python3
"""Ten processes of `skerry gossip` that are killed and started again while all write: `python3 Benchmarks/gossip/bench-processes.py`.

    python3 Benchmarks/gossip/bench-processes.py [--binary PATH] [--seed N] [--rounds N]

Prints a table and a line `figure gossip.NAME VALUE UNIT bar <= VALUE ok|short` for each figure:

- `ten-processes-find`: from the start of ten processes, of which each knows one other, until all show all for alive.
- `ten-processes-converge`: from the last of 10 kills and restarts at random until all boards and digests are equal. The median of three clusters.

Ends with 0 when every figure could be measured, whether it met its bar or not, else with 1.
"""

import argparse
import pathlib
import random
import statistics
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent), str(ROOT / "Tests/ClientTests")]

import figures
import peers as gossip
from figures import Figure

RUNS = 3


def measure(binary, seed, rounds):
    """Seconds to find each other, and to converge."""
    with tempfile.TemporaryDirectory() as directory:
        cluster = gossip.ten(binary, directory)
        names = {peer.name for peer in cluster}
        try:
            for peer in cluster:
                peer.launch()
            for peer in cluster:
                peer.await_ready()
            found = gossip.seconds_until(
                lambda: all({name for name, state in peer.states().items() if state == "alive"} >= names for peer in cluster)
            )
            _, converged = gossip.converge_under_kills(cluster, random.Random(seed), rounds, writes=10)
            return found, converged
        finally:
            gossip.stop_all(cluster)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=ROOT / ".build/release/skerry")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    runs = [measure(options.binary, options.seed + run, options.rounds) for run in range(RUNS)]
    found, converged = ([run[place] for run in runs] for place in (0, 1))
    rows = [
        Figure("gossip", "ten-processes-find", statistics.median(found), "s", "<=", 5, f"{min(found):.2f}–{max(found):.2f} s in {RUNS} clusters"),
        Figure("gossip", "ten-processes-converge", statistics.median(converged), "s", "<=", 5, f"{min(converged):.2f}–{max(converged):.2f} s in {RUNS} clusters"),
    ]
    print(figures.table(rows))
    for row in rows:
        print(row.line)


if __name__ == "__main__":
    main()
