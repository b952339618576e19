#!/usr/bin/env python3
"""Channels against Go, codecs against Foundation, calls against gRPC, in one run: `make bench-services`.

Builds the programs (ours, `go/`, `grpc/`), runs each with its peer, prints a table and one line
`figure services.NAME VALUE UNIT bar >=|<= VALUE ok|short` for each figure. Ends with 0 when every figure could be measured, else with 1.

- `BENCH_SHORT=1`: fewer rounds and no gRPC, whose build takes minutes; its figures are not to be quoted.
- `BENCH_ONLY=channels,codec,calls`: some groups alone.
- `RESULTS=1`: also writes `Benchmarks/results-services.md`.
"""

import datetime
import os
import pathlib
import statistics
import subprocess
import sys
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "Benchmarks"), str(HERE)]

import channels
import figures
import hardware
from figures import Figure

SHORT = bool(os.environ.get("BENCH_SHORT"))
ONLY = os.environ.get("BENCH_ONLY", "channels,codec,calls").split(",")
ROUNDS = 3 if SHORT else 5


def build(package):
    """Builds a package and returns the folder of its programs."""
    subprocess.run(["swift", "build", "-c", "release", "--package-path", package], check=True, stdout=sys.stderr)
    return package / ".build/release"


def program(path, *arguments):
    """The lines `NAME VALUE …` of a program as a dictionary."""
    output = subprocess.run([path, *arguments], check=True, capture_output=True, text=True).stdout
    return {fields[0]: float(fields[1]) for fields in (line.split() for line in output.splitlines()) if len(fields) > 1}


def rounds(*runs):
    """Runs the programs in turn and returns the values by name."""
    samples = {}
    for _ in range(ROUNDS):
        for run in runs:
            for name, value in run().items():
                samples.setdefault(name, []).append(value)
    return samples


def measure_channels(ours):
    go = HERE / "go/.build-channels"
    subprocess.run(["go", "build", "-o", go, "channels.go"], check=True, cwd=HERE / "go", stdout=sys.stderr)
    samples = channels.measure(str(ours / "bench-channels"), str(go), ROUNDS)
    for name, measured, divisor, bar in channels.FIGURES:
        values = samples[measured]
        if divisor:
            detail = f"{statistics.median(values):.1f} ns, Go {statistics.median(samples[divisor]):.1f} ns"
            values = [value / other for value, other in zip(values, samples[divisor])]
        else:
            detail = f"[{min(values):.1f}–{max(values):.1f}]"
        yield Figure("services", name, statistics.median(values), "x" if divisor else "ns", "<=", bar, detail)


def measure_codec(ours):
    samples = rounds(lambda: program(ours / "bench-codec"))
    median = {name: statistics.median(values) for name, values in samples.items()}
    for name, bar in [("bin:encode", 400), ("bin:decode", 900), ("json:encode", 2_000), ("json:decode", 3_500)]:
        foundation = median[f"foundation-json:{name.split(':')[1]}"]
        yield Figure("services", name.replace(":", "-"), median[name], "ns", "<=", bar, f"Foundation's JSON {foundation:,.0f} ns")


def measure_calls(ours):
    calls = ["--calls", "40000"] if SHORT else []
    runs = [lambda: program(ours / "bench-calls", *calls)]
    if not SHORT:
        grpc = build(HERE / "grpc") / "bench-grpc"
        runs.append(lambda: program(grpc))
    samples = rounds(*runs)
    median = {name: statistics.median(values) for name, values in samples.items()}
    spread = lambda name: figures.spread(samples[name], "/s")
    yield Figure("services", "calls-tcp", median["tcp-64"], "calls/s", ">=", 150_000, "callers in the pool, " + spread("tcp-64"))
    yield Figure(
        "services", "calls-tcp-on-loop", median["tcp-64-on-loop"], "calls/s", ">=", 150_000,
        "callers on the loop of the link, " + spread("tcp-64-on-loop"))
    if not SHORT:
        for suffix, callers in [("", "callers in the pool, as most are"), ("-on-loop", "callers on the loop of the link")]:
            ratios = [mine / theirs for mine, theirs in zip(samples["tcp-64" + suffix], samples["grpc-64"])]
            yield Figure(
                "services", "calls-vs-grpc" + suffix, statistics.median(ratios), "x", ">=", 30,
                f"{callers}, [{min(ratios):.1f}–{max(ratios):.1f}] round by round; grpc-swift 2 {spread('grpc-64')}")
    for transport, bar in [("tls", 0.6), ("websocket", 0.5)]:
        ratios = [mine / tcp for mine, tcp in zip(samples[f"{transport}-64"], samples["tcp-64"])]
        yield Figure("services", f"calls-{transport}-vs-tcp", statistics.median(ratios), "x", ">=", bar, spread(f"{transport}-64"))
    yield Figure("services", "call-latency-tcp", 1e6 / median["tcp-1"], "µs", "<=", 80, "one call in flight")
    yield Figure(
        "services", "killed-peer", median["killed-256"], "ms", "<=", 50, "from SIGKILL of the peer to the failure of the last of 256 calls")
    yield Figure("services", "elements-tcp", median["tcp-elements"], "elements/s", ">=", 1_000_000, spread("tcp-elements"))


def main():
    groups = {"channels": measure_channels, "codec": measure_codec, "calls": measure_calls}
    ours = build(HERE)
    load = os.getloadavg()[0]
    results, failures = [], []
    for name in ONLY:
        try:
            results += groups[name](ours)
        except Exception as error:
            traceback.print_exc()
            failures.append(f"{name}: {error}")
    machine = hardware.description()
    print(f"\n{machine}{' (short run)' if SHORT else ''}\n\n{figures.table(results)}\n")
    for figure in results:
        print(figure.line)
    for failure in failures:
        print(f"not measured: {failure}")
    if os.environ.get("RESULTS"):
        notes = [
            f"Medians of {ROUNDS} rounds, in each of which every program runs once. Load of the machine in the minute before the first round {load:.1f}, "
            f"in the last minute of the last {os.getloadavg()[0]:.1f}.",
            "", "```", *(figure.line for figure in results), "```",
        ]
        text = figures.markdown("services", results, machine, datetime.date.today(), notes)
        (ROOT / "Benchmarks/results-services.md").write_text(text)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
