#!/usr/bin/env python3
"""Channels beside those of Go, in the same run.

Runs both programs in turn, round after round, on one processor, on two, and ours also with both tasks on one loop. Each round is a process of
its own. Prints one line for each figure:

    figure services.NAME VALUE UNIT bar >=|<= VALUE ok|short

and to standard error the medians with their range. The value of a comparison is the median of the ratios of neighbouring rounds, so that a machine
that slows down slows both sides. Usage: channels.py --ours PATH --go PATH [--rounds N]
"""

import argparse
import os
import statistics
import subprocess
import sys

ONE_CORE = ["buffered", "select", "batch"]
TWO_CORES = ["buffered", "four-to-one", "select"]
LOOP = ["buffered", "select"]

# Figure, workload key, what it is divided by (None: nanoseconds), bar.
FIGURES = [
    ("channel-one-core", ("ours", 1, "buffered"), None, 60),
    ("channel-one-core-vs-go", ("ours", 1, "buffered"), ("go", 1, "buffered"), 1.3),
    ("channel-one-loop", ("ours", 1, "buffered-loop"), None, 60),
    ("channel-one-loop-vs-go", ("ours", 1, "buffered-loop"), ("go", 1, "buffered"), 1.3),
    ("channel-select-one-core", ("ours", 1, "select"), None, 120),
    ("channel-select-one-loop", ("ours", 1, "select-loop"), None, 120),
    ("channel-batch-one-core", ("ours", 1, "batch"), None, 40),
    ("channel-two-cores", ("ours", 2, "buffered"), None, 130),
    ("channel-two-cores-vs-go", ("ours", 2, "buffered"), ("go", 2, "buffered"), 2),
    ("channel-four-to-one-vs-go", ("ours", 2, "four-to-one"), ("go", 2, "four-to-one"), 2.5),
    ("channel-select-two-cores", ("ours", 2, "select"), None, 300),
]


def run(command, cores):
    """Nanoseconds per element by workload."""
    output = subprocess.run(["taskset", "-c", cores] + command, check=True, capture_output=True, text=True).stdout
    return {name: float(value) for name, value in (line.split() for line in output.splitlines())}


def measure(ours, go, rounds):
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        sys.exit("channels.py: two processors are needed")
    one, two = str(available[0]), ",".join(map(str, available[:2]))
    samples = {}
    for _ in range(rounds):
        for side, cores, key in [("ours", one, 1), ("go", one, 1), ("ours", two, 2), ("go", two, 2)]:
            found = run([ours if side == "ours" else go] + (ONE_CORE if key == 1 else TWO_CORES), cores)
            if side == "ours" and key == 1:
                found |= run([ours, "--loop"] + LOOP, cores)
            for name, value in found.items():
                samples.setdefault((side, key, name), []).append(value)
    return samples


def number(value):
    return str(int(value)) if value == int(value) else f"{value:.3g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", required=True, help="the program bench-channels, built for release")
    parser.add_argument("--go", required=True, help="the program of go/channels.go")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    samples = measure(arguments.ours, arguments.go, arguments.rounds)
    for key, values in sorted(samples.items(), key=str):
        print(f"{key[0]:5} {key[1]} core{'s' if key[1] > 1 else ' '} {key[2]:14} "
              f"{statistics.median(values):7.1f} ns [{min(values):.1f}-{max(values):.1f}]", file=sys.stderr)
    for name, measured, divisor, bar in FIGURES:
        values = samples[measured]
        if divisor:
            values = [value / other for value, other in zip(values, samples[divisor])]
        value = statistics.median(values)
        print(f"figure services.{name} {number(value)} {'x' if divisor else 'ns'} bar <= {number(bar)} {'ok' if value <= bar else 'short'}")


if __name__ == "__main__":
    main()
