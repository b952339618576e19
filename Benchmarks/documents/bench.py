#!/usr/bin/env python3
"""Measures SkerryCRDT on editing traces: replay, following a live session, encodings, shapes of concurrency.

    python3 Benchmarks/documents/bench.py [--traces DIR] [--binary PATH] [NAME ...]

Without names every trace is run, and the made-up shapes. Prints one `figure NAME VALUE UNIT [bar <= BAR ok|short]` a line.
Positions in the traces are code points. Times are CPU milliseconds, medians.
"""
import argparse
import gzip
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def flat(path):
    """The trace in the form of Trace.swift."""
    data = json.loads(gzip.open(path).read())
    out = [struct.pack("<II", data.get("numAgents", 1), len(data["txns"]))]
    for txn in data["txns"]:
        parents = txn.get("parents", [])
        out.append(struct.pack(f"<II{len(parents)}II", txn.get("agent", 0), len(parents), *parents, len(txn["patches"])))
        for position, deleted, inserted in txn["patches"]:
            text = inserted.encode()
            out.append(struct.pack("<III", position, deleted, len(text)) + text)
    final = data["endContent"].encode()
    out.append(struct.pack("<I", len(final)) + final)
    return b"".join(out), data.get("kind") == "concurrent"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", default=HERE.parent / "Traces", type=pathlib.Path)
    parser.add_argument("--binary", default=HERE / ".build/release/bench-documents")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    known = sorted(path.name.removesuffix(".json.gz") for path in arguments.traces.glob("*.json.gz"))
    status = 0
    with tempfile.TemporaryDirectory() as directory:
        for name in arguments.names or known + ["shapes"]:
            command = ["shapes"]
            if name != "shapes":
                content, concurrent = flat(arguments.traces / f"{name}.json.gz")
                file = pathlib.Path(directory) / name
                file.write_bytes(content)
                command = ["follow" if concurrent else "replay", name, str(file)]
            status |= subprocess.run([str(arguments.binary), *command]).returncode
    sys.exit(status)


if __name__ == "__main__":
    main()
