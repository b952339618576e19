"""One peer replaying one trace or shape in a process of its own; prints one line of JSON.

    python peers.py PEER FILE [--recorded] [--limit CPU-SECONDS]

Measures are CPU milliseconds, except `bytes` and `memory` (of the finished document, MiB of resident memory grown). The bindings' own
cost is in them: some tenths of a microsecond a call.
"""

import ctypes
import gc
import gzip
import json
import os
import pathlib
import signal
import sys
import time


#: What has been measured, for when time runs out.
RESULT = {}


class OutOfTime(Exception):
    pass


def limit(seconds):
    """Ends with what was measured when the CPU time is used up, at the next call of the binding."""

    def look(*_):
        if time.process_time() > seconds:
            raise OutOfTime

    # Not RLIMIT_CPU nor a timer of CPU time: the kernel then counts it in steps of four milliseconds.
    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)


def milliseconds():
    return time.process_time() * 1000


def resident():
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
    except (OSError, AttributeError):
        return 0


class Pycrdt:
    """Yrs, through the binding's inner objects: its Python layer is left out."""

    incremental = True

    def __init__(self, number):
        import pycrdt

        self.lib = pycrdt
        self.doc = pycrdt.Doc(client_id=number + 1)
        self.views = self.doc.get("t", type=pycrdt.Text), self.doc.get("m", type=pycrdt.Map), self.doc.get("l", type=pycrdt.Array)
        self.text, self.map, self.list = (view.integrated for view in self.views)
        self.new = self.doc._doc.create_transaction
        self.box = []
        self.maps = {"": self.views[1]}

    def listen(self):
        self.kept = self.doc.observe(lambda event: self.box.append(event.update))

    def commit_patches(self, patches):
        tx = self.new()
        for position, deleted, inserted in patches:
            if deleted:
                self.text.remove_range(tx, position, deleted)
            if inserted:
                self.text.insert(tx, position, inserted, None)
        tx.commit()
        tx.drop()

    def commit_ops(self, ops):
        if ops[0][0] == "nest":
            return self.nest(*ops[0][1:])
        tx = self.new()
        for op in ops:
            match op:
                case ["set", key, value]: self.map.insert(tx, key, value)
                case ["remove", key]:
                    if self.map.has(tx, key): self.map.remove(tx, key)
                case ["insert", index, value]: self.list.insert(tx, index, value)
                case ["push", value]: self.list.insert(tx, self.list.len(tx), value)
                case ["delete", index]: self.list.remove_range(tx, index, 1)
                case ["replace", index, value]:
                    self.list.remove_range(tx, index, 1)
                    self.list.insert(tx, index, value)
                case _: raise NotImplementedError(op[0])
        tx.commit()
        tx.drop()

    def nest(self, path, value):
        *names, key = path.split("/")
        with self.doc.transaction():
            holder = ""
            for name in names:
                inner = f"{holder}/{name}"
                if inner not in self.maps:
                    self.maps[holder][name] = self.lib.Map()
                    self.maps[inner] = self.maps[holder][name]
                holder = inner
            self.maps[holder][key] = value

    def text_length(self):
        return len(self.views[0])

    def list_length(self):
        return len(self.views[2])

    def new_update(self):
        update = b"".join(self.box[-1:])
        self.box.clear()
        return update

    def take(self, update):
        self.doc.apply_update(update)

    def encode(self):
        return self.doc.get_update()

    def state(self):
        return self.doc.get_state()

    def since(self, state):
        return self.doc.get_update(state)

    def content(self):
        return str(self.views[0]), self.views[1].to_py(), self.views[2].to_py()

    snapshot = None


class Loro:
    incremental = True

    def __init__(self, number, doc=None):
        import loro

        self.lib = loro
        self.doc = doc or loro.LoroDoc()
        if doc is None:
            self.doc.peer_id = number + 1
        self.text, self.map, self.list = self.doc.get_text("t"), self.doc.get_map("m"), self.doc.get_movable_list("l")
        self.box = []
        self.maps, self.counters = {"": self.map}, {}

    def listen(self):
        self.kept = self.doc.subscribe_local_update(lambda update: self.box.append(bytes(update)) or True)

    def commit_patches(self, patches):
        for position, deleted, inserted in patches:
            if deleted:
                self.text.delete(position, deleted)
            if inserted:
                self.text.insert(position, inserted)
        self.doc.commit()

    def commit_ops(self, ops):
        for op in ops:
            match op:
                case ["set", key, value]: self.map.insert(key, value)
                case ["remove", key]: self.map.delete(key)
                case ["insert", index, value]: self.list.insert(index, value)
                case ["push", value]: self.list.push(value)
                case ["delete", index]: self.list.delete(index, 1)
                case ["replace", index, value]: self.list.set(index, value)
                case ["move", index, target]: self.list.mov(index, target)
                case ["nest", path, value]: self.nest(path, value)
                case ["add", name, amount]:
                    if name not in self.counters: self.counters[name] = self.doc.get_counter(name)
                    self.counters[name].increment(amount)
        self.doc.commit()

    def nest(self, path, value):
        *names, key = path.split("/")
        holder = ""
        for name in names:
            inner = f"{holder}/{name}"
            if inner not in self.maps:
                self.maps[inner] = self.maps[holder].get_or_create_container(name, self.lib.LoroMap())
            holder = inner
        self.maps[holder].insert(key, value)

    def text_length(self):
        return self.text.len_unicode

    def list_length(self):
        return len(self.list)

    new_update = Pycrdt.new_update

    def take(self, update):
        self.doc.import_(update)

    def encode(self):
        return self.doc.export(self.lib.ExportMode.Updates(self.lib.VersionVector()))

    def state(self):
        return self.doc.oplog_vv

    def since(self, state):
        return self.doc.export(self.lib.ExportMode.Updates(state))

    def snapshot(self):
        return self.doc.export(self.lib.ExportMode.Snapshot())

    def content(self):
        return self.text.to_string(), self.map.get_deep_value(), self.list.get_deep_value()

    # Versions

    def versions(self, middle):
        end = self.doc.state_frontiers
        began = milliseconds()
        fork = self.doc.fork()
        yield "fork", milliseconds() - began, Loro(9, fork).content()[0]
        began = milliseconds()
        at = self.doc.fork_at(middle)
        text = Loro(9, at).content()[0]
        yield "at", milliseconds() - began, text
        began = milliseconds()
        diff = self.doc.diff(middle, end)
        yield "diff", milliseconds() - began, None


class Automerge:
    """The binding takes in whole documents only, and text letter by letter."""

    incremental = False

    def __init__(self, number, doc=None):
        import automerge.core as am

        self.am = am
        self.doc = doc or am.Document()
        self.string = am.ScalarType.Str
        self.maps = {}
        if doc is None:
            with self.doc.transaction() as tx:
                self.text = tx.put_object(am.ROOT, "t", am.ObjType.Text)
                self.map = self.maps[""] = tx.put_object(am.ROOT, "m", am.ObjType.Map)
                self.list = tx.put_object(am.ROOT, "l", am.ObjType.List)

    def commit_patches(self, patches):
        text, string = self.text, self.string
        with self.doc.transaction() as tx:
            for position, deleted, inserted in patches:
                for _ in range(deleted):
                    tx.delete(text, position)
                for index, letter in enumerate(inserted):
                    tx.insert(text, position + index, string, letter)

    def commit_ops(self, ops):
        am = self.am
        kind = lambda value: am.ScalarType.Str if isinstance(value, str) else am.ScalarType.Int
        with self.doc.transaction() as tx:
            for op in ops:
                match op:
                    case ["set", key, value]: tx.put(self.map, key, kind(value), value)
                    case ["remove", key]:
                        if key in self.maps.setdefault("keys", set()): tx.delete(self.map, key)
                    case ["insert", index, value]: tx.insert(self.list, index, kind(value), value)
                    case ["push", value]: tx.insert(self.list, self.doc.length(self.list), kind(value), value)
                    case ["delete", index]: tx.delete(self.list, index)
                    case ["replace", index, value]: tx.put(self.list, index, kind(value), value)
                    case ["add", name, amount]:
                        if name not in self.maps:
                            self.maps[name] = True
                            tx.put(self.map, name, am.ScalarType.Counter, amount)
                        else: tx.increment(self.map, name, amount)
                    case ["nest", path, value]:
                        *names, key = path.split("/")
                        holder = ""
                        for name in names:
                            inner = f"{holder}/{name}"
                            if inner not in self.maps: self.maps[inner] = tx.put_object(self.maps[holder], name, am.ObjType.Map)
                            holder = inner
                        tx.put(self.maps[holder], key, kind(value), value)
                    case _: raise NotImplementedError(op[0])

    def encode(self):
        return self.doc.save()

    def load(self, blob):
        doc = self.am.Document.load(blob)
        return doc.text(self.text) if doc.length(self.text) else doc.length(self.map) + doc.length(self.list)

    def content(self):
        return self.doc.text(self.text), None, None

    snapshot = None


PEERS = {"pycrdt": Pycrdt, "loro": Loro, "automerge": Automerge}


def clamped(writer, transaction):
    """The transaction with its positions inside what the writer sees."""
    if "ops" in transaction:
        ops = []
        for op in transaction["ops"]:
            if op[0] in ("insert", "delete"):
                length = writer.list_length()
                if op[0] == "delete" and length == 0:
                    op = ["insert", 0, "x"]
                op = [op[0], min(op[1], length if op[0] == "insert" else length - 1), *op[2:]]
            ops.append(op)
        return ops
    length = writer.text_length()
    patches = []
    for position, deleted, inserted in transaction["patches"]:
        position = min(position, length)
        deleted = min(deleted, length - position)
        patches.append((position, deleted, inserted or ("" if deleted else "x")))
        length += len(patches[-1][2]) - deleted
    return patches


def commit(writer, transaction, changes):
    (writer.commit_ops if "ops" in transaction else writer.commit_patches)(changes)


def updates(peer, trace):
    """One update a transaction, made by as many writers as the trace has; and the writers."""
    writers = [peer(number) for number in range(trace["numAgents"])]
    for writer in writers:
        writer.listen()
    made = [[] for _ in writers]
    taken = [[0] * len(writers) for _ in writers]
    clocks, out = [], []
    for transaction in trace["txns"]:
        number = transaction["agent"]
        writer = writers[number]
        clock = [0] * len(writers)
        for parent in transaction["parents"]:
            clock = [max(pair) for pair in zip(clock, clocks[parent])]
        needed = sorted(
            index for other in range(len(writers)) if other != number for index in made[other][taken[number][other]:clock[other]])
        for index in needed:
            writer.take(out[index])
        taken[number] = [max(pair) for pair in zip(taken[number], clock)]
        commit(writer, transaction, clamped(writer, transaction))
        clock[number] = len(made[number]) + 1
        made[number].append(len(out))
        clocks.append(clock)
        out.append(writer.new_update())
    return out, writers


def sequential(name, peer, trace, recorded):
    result = RESULT
    transactions = [transaction.get("ops") or transaction["patches"] for transaction in trace["txns"]]
    isValues = "ops" in trace["txns"][0]
    gc.collect()
    before = resident()
    doc = peer(0)
    commit = doc.commit_ops if isValues else doc.commit_patches
    began = milliseconds()
    for transaction in transactions:
        commit(transaction)
    result["replay"] = milliseconds() - began
    result["memory"] = resident() - before
    if recorded and not isValues:
        assert doc.content()[0] == trace["endContent"], "another text"
    whole(name, peer, doc, result)
    if name == "loro" and not isValues:
        versions(peer, transactions, result)
    if doc.incremental:
        exports(peer, transactions[:5000], isValues, result)
    return result


def exports(peer, transactions, isValues, result):
    """What is new written out after every transaction."""
    doc = peer(0)
    commit = doc.commit_ops if isValues else doc.commit_patches
    total = 0
    began = milliseconds()
    for transaction in transactions:
        state = doc.state()
        commit(transaction)
        total += len(doc.since(state))
    result["exports"] = milliseconds() - began
    result["exports-bytes"] = total / len(transactions)


def versions(peer, transactions, result):
    doc = peer(0)
    for transaction in transactions[:len(transactions) // 2]:
        doc.commit_patches(transaction)
    middle = doc.doc.state_frontiers
    for transaction in transactions[len(transactions) // 2:]:
        doc.commit_patches(transaction)
    for measure, value, _ in doc.versions(middle):
        result[measure] = value


def median_of(runs, body):
    times = []
    for _ in range(runs):
        began = milliseconds()
        value = body()
        times.append(milliseconds() - began)
    return sorted(times)[runs // 2], value


def whole(name, peer, doc, result):
    """The whole history written and read."""
    result["encode"], blob = median_of(3, doc.encode)
    result["bytes"] = len(blob)

    def load():
        if name == "automerge":
            return doc.load(blob)
        other = peer(77)
        other.take(blob)
        # As much as ours does: the text as a string, of values their number.
        text = other.views[0] if name == "pycrdt" else other.text.to_string()
        return str(text), (len(other.views[1]), len(other.views[2])) if name == "pycrdt" else (len(other.map), len(other.list))

    result["load"], read = median_of(3, load)
    if name != "automerge":
        assert read[0] == doc.content()[0], "the text read back differs"
    counterparts(name, result)
    if doc.snapshot:
        # Once: the next time loro has it at hand.
        result["snapshot"], blob = median_of(1, doc.snapshot)
        result["snapshot-bytes"] = len(blob)
        result["open"], _ = median_of(3, lambda: opened(peer, blob))


def counterparts(name, result):
    """What of ours the whole history of a peer is compared with: frames for a connection, where it has no other form."""
    result["frame"], result["whole"] = result["encode"], result["load"]
    if name == "pycrdt":
        # It is not compressed, so it is not what is kept; and what was deleted is gone from it, so it is a state too.
        result["snapshot"], result["open"] = result.pop("encode"), result["load"]
        result["snapshot-bytes"] = result.pop("bytes")


def opened(peer, blob):
    other = peer(78)
    other.take(blob)
    return other.text.to_string(), len(other.map), len(other.list)


def concurrent(name, peer, trace, recorded):
    if name == "automerge":
        raise NotImplementedError("no way to take in single changes")
    result = RESULT
    out, writers = updates(peer, trace)
    gc.collect()
    before = resident()
    doc = peer(99)
    began = milliseconds()
    for update in out:
        doc.take(update)
    result["live"] = milliseconds() - began
    result["memory"] = resident() - before
    result["update-bytes"] = sum(map(len, out)) / len(out)
    if recorded:
        assert doc.content()[0] == trace["endContent"], "another text"
    whole(name, peer, doc, result)
    # Writer 0 hears of everything else at once.
    missing = doc.since(writers[0].state())
    began = milliseconds()
    writers[0].take(missing)
    result["merge"] = milliseconds() - began
    assert writers[0].content() == doc.content(), "replicas differ"
    return result


def copies(name, peer, trace, count):
    """Many small documents with the same edits."""
    result = RESULT
    transactions = [transaction["patches"] for transaction in trace["txns"]]

    def made():
        docs = [peer(0) for _ in range(count)]
        for doc in docs:
            for transaction in transactions:
                doc.commit_patches(transaction)
        return docs

    gc.collect()
    before = resident()
    result["replay"], docs = median_of(3, made)
    result["memory"] = resident() - before
    result["encode"], blobs = median_of(3, lambda: [doc.encode() for doc in docs])
    result["bytes"] = sum(map(len, blobs))

    def loaded(doc, blob):
        if name == "automerge":
            return doc.load(blob)
        other = peer(77)
        other.take(blob)
        return other.content()[0]

    result["load"], texts = median_of(3, lambda: [loaded(*pair) for pair in zip(docs, blobs)])
    assert set(texts) == {docs[0].content()[0]}, "a text read back differs"
    counterparts(name, result)
    if docs[0].snapshot:
        result["snapshot"], blobs = median_of(1, lambda: [doc.snapshot() for doc in docs])
        result["snapshot-bytes"] = sum(map(len, blobs))
        result["open"], _ = median_of(3, lambda: [opened(peer, blob) for blob in blobs])
    return result


def main():
    name, file = sys.argv[1:3]
    with gzip.open(file) as source:
        trace = json.load(source)
    recorded = "--recorded" in sys.argv
    if "--limit" in sys.argv:
        limit(int(sys.argv[sys.argv.index("--limit") + 1]))
    if name == "pycrdt" and not all(patch[2].isascii() for txn in trace["txns"] for patch in txn.get("patches", [])):
        return print(json.dumps({"cannot": "its positions are not code points"}))
    if "copies" in trace:
        return print(json.dumps(copies(name, PEERS[name], trace, trace["copies"])))
    run = concurrent if trace.get("numAgents", 1) > 1 else sequential
    try:
        print(json.dumps(run(name, PEERS[name], trace, recorded)))
    except NotImplementedError as error:
        print(json.dumps({"cannot": str(error)}))
    except BaseException as error:
        # What runs in a callback of a binding comes back as an error of the binding's.
        if "OutOfTime" not in f"{error!r}":
            raise
        print(json.dumps({**RESULT, "incomplete": True}))


if __name__ == "__main__":
    main()
