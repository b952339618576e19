#!/usr/bin/env python3
"""Channels beside those of Go, in the same run.

Runs both programs in turn, round after round, on one processor, on two, and ours also with both tasks on one loop. Each round is a process of
its own. A round in which other programs took more than a tenth of the measured processors is repeated, since it measured them; when the machine is
never quiet enough the rounds are taken as they are, and standard error says so. Prints one line for each figure:

    figure services.NAME VALUE UNIT bar >=|<= VALUE ok|short

and to standard error the medians with their range. The value of a comparison is the median of the ratios of neighbouring rounds, so that a machine
that slows down slows both sides. Usage: channels.py --ours PATH --go PATH [--rounds N]
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

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


# Of the time of the measured processors, what other programs may take in a round that counts.
DISTURBANCE_MAXIMUM = 0.1
# Rounds at most, as a multiple of those asked for.
ATTEMPTS = 4


def busy_seconds(cores):
    """What the processors spent so far on anything but idling."""
    ticks = os.sysconf("SC_CLK_TCK")
    busy = 0
    with open("/proc/stat", encoding="ascii") as lines:
        for line in lines:
            name, *values = line.split()
            if name in {f"cpu{core}" for core in cores}:
                busy += (sum(map(int, values[:8])) - int(values[3]) - int(values[4])) / ticks
    return busy


def run(command, cores):
    """Nanoseconds per element by workload, and the share of the processors that others took."""
    busy, start = busy_seconds(cores), time.monotonic()
    process = subprocess.Popen(["taskset", "-c", ",".join(map(str, cores))] + command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"channels.py: {' '.join(command)} failed")
    elapsed = (time.monotonic() - start) * len(cores)
    others = busy_seconds(cores) - busy - usage.ru_utime - usage.ru_stime
    return {name: float(value) for name, value in (line.split() for line in output.splitlines())}, max(0, others / elapsed)


def measure(ours, go, rounds):
    """Samples by side, number of processors and workload: those of quiet rounds, if there were enough."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        sys.exit("channels.py: two processors are needed")
    samples, all_samples, quiet = {}, {}, {1: 0, 2: 0}
    for _ in range(rounds * ATTEMPTS):
        for count, workloads in [(1, ONE_CORE), (2, TWO_CORES)]:
            if quiet[count] == rounds:
                continue
            cores = available[:count]
            found = {"ours": run([ours] + workloads, cores), "go": run([go] + workloads, cores)}
            if count == 1:
                found["loop"] = run([ours, "--loop"] + LOOP, cores)
            is_quiet = all(others <= DISTURBANCE_MAXIMUM for _, others in found.values())
            quiet[count] += is_quiet
            for side, (values, _) in found.items():
                for name, value in values.items():
                    key = ("ours" if side == "loop" else side, count, name)
                    all_samples.setdefault(key, []).append(value)
                    if is_quiet:
                        samples.setdefault(key, []).append(value)
    for count, found in quiet.items():
        print(f"{count} core{'s' if count > 1 else ' '}: {found} quiet rounds of {rounds} wanted", file=sys.stderr)
        if found < rounds:
            samples.update({key: values for key, values in all_samples.items() if key[1] == count})
    return samples


def number(value):
    """Three significant digits, without an exponent."""
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
