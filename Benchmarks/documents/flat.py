"""Traces in the flat form that the Swift program reads; its grammar stands in `Trace.swift`."""

import gzip
import json
import struct

KINDS = {name: number for number, name in enumerate(
    ("text", "set", "setNumber", "remove", "nest", "add", "push", "insert", "delete", "move", "replace"))}


def load(path):
    with (gzip.open if path.suffix == ".gz" else open)(path) as file:
        return json.load(file)


def string(value):
    encoded = value.encode()
    return struct.pack("<I", len(encoded)) + encoded


def step(kind, first=0, second=0, key="", value=""):
    return struct.pack("<III", KINDS[kind], first, second) + string(key) + string(value)


def value_step(op):
    match op:
        case ["set", key, str(value)]: return step("set", key=key, value=value)
        case ["set", key, value]: return step("setNumber", value, key=key)
        case ["remove", key]: return step("remove", key=key)
        case ["nest", path, value]: return step("nest", key=path, value=value)
        case ["add", name, amount]: return step("add", amount, key=name)
        case ["push", value]: return step("push", value=value)
        case ["insert", index, value]: return step("insert", index, value=value)
        case ["delete", index]: return step("delete", index)
        case ["move", index, target]: return step("move", index, target)
        case ["replace", index, value]: return step("replace", index, value)
    raise ValueError(f"unknown operation {op}")


def flat(trace):
    out = [struct.pack("<III", trace.get("numAgents", 1), int("ops" in trace["txns"][0]), len(trace["txns"]))]
    for txn in trace["txns"]:
        parents = txn.get("parents", [])
        steps = [value_step(op) for op in txn["ops"]] if "ops" in txn else [step("text", at, cut, value=put) for at, cut, put in txn["patches"]]
        out.append(struct.pack(f"<II{len(parents)}II", txn.get("agent", 0), len(parents), *parents, len(steps)))
        out += steps
    out.append(string(trace.get("endContent", "")))
    return b"".join(out)


def each_patch_a_transaction(trace):
    """A recorded session of one writer with a commit a patch."""
    if trace.get("numAgents", 1) > 1 or "ops" in trace["txns"][0]:
        return trace
    return {**trace, "txns": [{"patches": [patch]} for txn in trace["txns"] for patch in txn["patches"]]}
