"""Shapes of writing and of concurrency that recorded traces do not have, made up from a seed.

Text shapes have the form of the traces (`Benchmarks/Traces/README.md`). Value shapes have `ops` where those have `patches`:

    ["set", key, value]          in the map "m"          ["remove", key]
    ["nest", "a/b/c", value]     in maps within maps     ["add", name, amount]      to a counter
    ["insert", index, value]     in the list "l"         ["push", value]
    ["delete", index]            ["move", from, to]      ["replace", index, value]

Positions are those that the writer sees, as far as a generator without a CRDT can know them: whoever replays a shape clamps them to the
length at hand. So the final content is not given; what is checked is that every way to the same version ends in the same content.
"""

import dataclasses
import random

WORDS = "the quick brown fox jumps over a lazy dog and then again writes what nobody will ever read in full".split()


class Script:
    """Transactions of several writers, with what each had heard of the others."""

    def __init__(self, writers, seed):
        self.random = random.Random(seed)
        self.transactions = []
        self.last = [None] * writers
        #: By writer: the length of its text as far as it can be known.
        self.length = [0] * writers
        self.heard = [{} for _ in range(writers)]
        self.written = [0] * writers
        self.known = [[0] * writers for _ in range(writers)]

    def write(self, writer, *, patches=None, ops=None):
        parents = sorted({*([self.last[writer]] if self.last[writer] is not None else []), *self.heard[writer].values()})
        self.heard[writer] = {}
        transaction = {"parents": parents, "agent": writer}
        transaction.update({"patches": patches} if ops is None else {"ops": ops})
        self.transactions.append(transaction)
        self.last[writer] = len(self.transactions) - 1
        for position, deleted, inserted in patches or []:
            self.length[writer] += len(inserted) - deleted
            self.written[writer] += len(inserted) - deleted

    def hear(self, writer, other):
        """The writer takes in everything that the other has."""
        if other == writer or self.last[other] is None:
            return
        self.heard[writer][other] = self.last[other]
        # What is new to the writer in what the other knows: exact while nobody deletes what others wrote.
        for source in range(len(self.last)):
            known = self.written[source] if source == other else self.known[other][source]
            if source != writer and known != self.known[writer][source]:
                self.length[writer] += known - self.known[writer][source]
                self.known[writer][source] = known

    def start(self, text):
        """Writer 0 begins the text and everyone has it."""
        self.write(0, patches=[[0, 0, text]])
        for other in range(1, len(self.last)):
            self.hear(other, 0)

    def trace(self):
        kind = "concurrent" if len(self.last) > 1 else "sequential"
        return {"kind": kind, "numAgents": len(self.last), "txns": self.transactions}


@dataclasses.dataclass
class Typist:
    """Types runs, sometimes jumps, sometimes takes back."""

    script: Script
    writer: int
    jump: float = 0.05
    back: float = 0.1
    step: int = 1
    letters: str = "abcdefghij klmnop\n"
    caret: int = 0

    def type(self):
        script, length = self.script, max(0, self.script.length[self.writer])
        self.caret = min(self.caret, length)
        if script.random.random() < self.jump:
            self.caret = script.random.randint(0, length)
        if self.caret > 0 and script.random.random() < self.back:
            self.caret -= 1
            script.write(self.writer, patches=[[self.caret, 1, ""]])
            return
        script.write(self.writer, patches=[[self.caret, 0, script.random.choice(self.letters)]])
        self.caret += self.step


def text(random, count):
    words = []
    while count > 0:
        words.append(random.choice(WORDS))
        count -= len(words[-1]) + 1
    return " ".join(words)


# One writer


def typing(count, seed, **habits):
    script = Script(1, seed)
    typist = Typist(script, 0, **habits)
    for _ in range(count):
        typist.type()
    return script.trace()


def random_edits(count, seed):
    script = Script(1, seed)
    script.start(text(script.random, 5000))
    for _ in range(count):
        length = script.length[0]
        if script.random.random() < 0.45:
            script.write(0, patches=[[script.random.randrange(length), 1, ""]])
        else:
            script.write(0, patches=[[script.random.randint(0, length), 0, "x"]])
    return script.trace()


def pastes(count, seed):
    script = Script(1, seed)
    for _ in range(count):
        length = script.length[0]
        position = script.random.randint(0, length)
        if length > 200_000 or length and script.random.random() < 0.4:
            script.write(0, patches=[[position, min(length - position, script.random.randint(1, 20_000)), ""]])
        else:
            script.write(0, patches=[[position, 0, text(script.random, script.random.randint(1, 10_000))]])
    return script.trace()


def replacements(count, seed):
    """The whole document deleted and written anew, as an editor without a diff does."""
    script = Script(1, seed)
    for _ in range(count):
        script.write(0, patches=[[0, script.length[0], text(script.random, 5000)]])
    return script.trace()


def carets(count, seed, places=50):
    """One letter at each of many places in turn."""
    script = Script(1, seed)
    script.start(text(script.random, 20_000))
    for index in range(count):
        script.write(0, patches=[[(index % places + 1) * script.length[0] // (places + 1), 0, "x"]])
    return script.trace()


def deletions(count, size, seed):
    """One paste, of which stretches are deleted until little is left."""
    script = Script(1, seed)
    script.start(text(script.random, size))
    for _ in range(count):
        length = script.length[0]
        position = script.random.randrange(length - 1)
        script.write(0, patches=[[position, min(length - position, script.random.randint(1, max(2, 4 * length // count))), ""]])
    return script.trace()


def large(count, size, seed, near=None):
    """One paste, then edits all over it, or about one place that wanders."""
    script = Script(1, seed)
    script.start(text(script.random, size))
    place = size // 2
    for _ in range(count):
        length = script.length[0]
        if near is None:
            place = script.random.randrange(length)
        else:
            place = min(max(0, place + script.random.randint(-near, near)), length - 1)
        script.write(0, patches=[[place, 1, ""] if script.random.random() < 0.4 else [place, 0, script.random.choice("abc xyz\n")]])
    return script.trace()


def retyping(rounds, count, seed):
    """A line typed letter by letter and deleted whole, again and again."""
    script = Script(1, seed)
    script.start(text(script.random, 500))
    for _ in range(rounds):
        for index in range(count):
            script.write(0, patches=[[index, 0, script.random.choice("abcde ")]])
        script.write(0, patches=[[0, count, ""]])
    return script.trace()


def flicker(count, seed):
    """A letter that comes and goes at one place."""
    script = Script(1, seed)
    script.start(text(script.random, 2000))
    for index in range(count):
        script.write(0, patches=[[1000, 0, "x"] if index % 2 == 0 else [1000, 1, ""]])
    return script.trace()


def small_documents(count, copies, seed):
    """As many documents, each with a few edits."""
    return {**typing(count, seed, jump=0.1), "copies": copies}


# Several writers


def offline(writers, count, seed, **habits):
    """Everyone writes alone from a common text and all merge in the end."""
    script = Script(writers, seed)
    script.start(text(script.random, 3000))
    typists = [Typist(script, writer, caret=500 * writer, **habits) for writer in range(writers)]
    for typist in typists:
        for _ in range(count):
            typist.type()
    return script.trace()


def offline_edits(writers, count, seed):
    """As `offline`, with each edit at a place of its own."""
    script = Script(writers, seed)
    script.start(text(script.random, 3000))
    for writer in range(writers):
        for _ in range(count):
            length = script.length[writer]
            if script.random.random() < 0.3:
                script.write(writer, patches=[[script.random.randrange(length), 1, ""]])
            else:
                script.write(writer, patches=[[script.random.randint(0, length), 0, "xy"]])
    return script.trace()


def live(writers, count, seed, delay, writers_typing=None, **habits):
    """Everyone types at once and hears of each other after `delay` of their own letters, on average."""
    script = Script(writers, seed)
    script.start(text(script.random, 2000))
    typists = [Typist(script, writer, caret=2000 * writer // writers, **habits) for writer in range(writers)]
    for index in range(count):
        # A writer who only listens and answers now and then leaves the others' runs whole.
        writer = index % (writers_typing or writers) if index % 1000 else index // 1000 % writers
        for other in range(writers):
            if script.random.random() < 1 / delay:
                script.hear(writer, other)
        typists[writer].type()
    return script.trace()


def branches(branches, count, seed, at_start=False):
    """Many short branches from one text, merged together now and then by writer 0."""
    script = Script(branches + 1, seed)
    script.start(text(script.random, 2000))
    typists = [Typist(script, writer, caret=0 if at_start else script.random.randrange(2000)) for writer in range(branches + 1)]
    for writer in range(1, branches + 1):
        for _ in range(count):
            typists[writer].type()
        if writer % 20 == 0:
            for other in range(1, writer + 1):
                script.hear(0, other)
            typists[0].type()
    return script.trace()


def forks(rounds, count, seed):
    """Two branches that fork and merge again and again, as files under version control do."""
    script = Script(2, seed)
    script.start(text(script.random, 2000))
    typists = [Typist(script, writer, caret=1000 * writer) for writer in range(2)]
    for _ in range(rounds):
        for typist in typists:
            for _ in range(count):
                typist.type()
        script.hear(0, 1)
        typists[0].type()
        script.hear(1, 0)
    return script.trace()


def crossing(writers, rounds, count, seed, **habits):
    """Everyone writes a stretch, then hears of what the others had before it: merges that cross each other, with no version all share."""
    script = Script(writers, seed)
    script.start(text(script.random, 2000))
    typists = [Typist(script, writer, caret=2000 * writer // writers, **habits) for writer in range(writers)]
    for _ in range(rounds):
        before = list(script.last)
        for typist in typists:
            for _ in range(count):
                typist.type()
        for writer in range(writers):
            for other in range(writers):
                if other != writer and before[other] is not None:
                    script.heard[writer][other] = before[other]
    return script.trace()


def rounds(writers, rounds, count, seed, **habits):
    """Everyone writes a long branch, all merge, and again."""
    script = Script(writers, seed)
    script.start(text(script.random, 2000))
    typists = [Typist(script, writer, caret=2000 * writer // writers, **habits) for writer in range(writers)]
    for _ in range(rounds):
        for typist in typists:
            for _ in range(count):
                typist.type()
        for writer in range(1, writers):
            script.hear(0, writer)
        typists[0].type()
        for writer in range(1, writers):
            script.hear(writer, 0)
    return script.trace()


def turns(writers, count, seed, stretch=1):
    """One after the other, each having heard of everything: no concurrency at all."""
    script = Script(writers, seed)
    script.start(text(script.random, 1000))
    typists = [Typist(script, writer, caret=1000) for writer in range(writers)]
    last, caret = 0, 1000
    for index in range(count):
        writer = index // stretch % writers
        if writer != last:
            script.hear(writer, last)
        typists[writer].caret = caret
        typists[writer].type()
        last, caret = writer, typists[writer].caret
    return script.trace()


def returning(count, away, seed):
    """Two type live while a third is away writing a branch of its own, again and again, and is heard of each time it is back."""
    script = Script(3, seed)
    script.start(text(script.random, 2000))
    typists = [Typist(script, writer, caret=700 * writer) for writer in range(3)]
    for index in range(count):
        writer = index % 3
        if writer < 2 and script.random.random() < 0.5:
            script.hear(writer, 1 - writer)
        if index % away == 0:
            script.hear(2, 0)
            script.hear(0, 2)
        typists[writer].type()
    return script.trace()


def clearing(writers, rounds, size, seed):
    """A large text that everyone deletes at once, each beginning another; all merge and someone pastes the next."""
    script = Script(writers, seed)
    for _ in range(rounds):
        script.write(0, patches=[[0, 0, text(script.random, size)]])
        for writer in range(1, writers):
            script.hear(writer, 0)
        for writer in range(writers):
            script.write(writer, patches=[[0, size, ""]])
            for index in range(20):
                script.write(writer, patches=[[index, 0, script.random.choice("abc")]])
        for writer in range(1, writers):
            script.hear(0, writer)
    return script.trace()


def thinning(writers, count, size, seed):
    """Everyone deletes letters and stretches of one large text, offline."""
    script = Script(writers, seed)
    script.start(text(script.random, size))
    for writer in range(writers):
        for _ in range(count):
            length = max(2, script.length[writer])
            position = script.random.randrange(length - 1)
            script.write(writer, patches=[[position, min(length - position, script.random.choice((1, 1, 1, 20))), ""]])
    return script.trace()


def offline_pastes(writers, count, seed):
    script = Script(writers, seed)
    script.start(text(script.random, 20_000))
    for writer in range(writers):
        for _ in range(count):
            length = max(0, script.length[writer])
            position = script.random.randint(0, length)
            if script.random.random() < 0.4:
                script.write(writer, patches=[[position, min(length - position, script.random.randint(1, 2000)), ""]])
            else:
                script.write(writer, patches=[[position, 0, text(script.random, script.random.randint(1, 2000))]])
    return script.trace()


# Values


def values(count, seed, make):
    script = Script(1, seed)
    for index in range(count):
        script.write(0, ops=[make(script.random, index)])
    return script.trace()


def map_sets(count, seed):
    return values(count, seed, lambda random, index: [
        "set", f"photos/2024/{index % 12 + 1:02}/IMG_{index:07}.jpg", f"{index * 2654435761:032x}:{index * 37}"])


def map_overwrites(count, seed):
    return values(count, seed, lambda random, index: ["set", f"key-{random.randrange(200)}", index])


def map_removes(count, seed):
    return values(count, seed, lambda random, index: (
        ["set", f"key-{random.randrange(2000)}", index] if random.random() < 0.6 else ["remove", f"key-{random.randrange(2000)}"]))


def map_live(writers, count, seed, delay):
    script = Script(writers, seed)
    for index in range(count):
        writer = index % writers
        for other in range(writers):
            if script.random.random() < 1 / delay:
                script.hear(writer, other)
        script.write(writer, ops=[["set", f"key-{script.random.randrange(500)}", index]])
    return script.trace()


def nested(count, seed):
    return values(count, seed, lambda random, index: [
        "nest", f"users/{random.randrange(300)}/{random.choice(('name', 'mail', 'age', 'city'))}", f"value {index}"])


def nested_wide(count, seed):
    """As many maps in one, each with a key."""
    return values(count, seed, lambda random, index: ["nest", f"row-{index}/name", f"value {index}"])


def nested_deep(count, seed):
    """A map in a map in a map, each with a key."""
    return values(count, seed, lambda random, index: ["nest", "/".join(["m"] * (index + 1)) + "/name", f"value {index}"])


def counters(count, seed):
    return values(count, seed, lambda random, index: ["add", f"counter-{random.randrange(50)}", random.randint(1, 9)])


def list_pushes(count, seed):
    return values(count, seed, lambda random, index: ["push", f"element {index}"])


def list_edits(count, seed, moves=False):
    script = Script(1, seed)
    length = 0
    for index in range(count):
        chance = script.random.random()
        if length < 100 or chance < 0.45:
            op = ["insert", script.random.randint(0, length), f"element {index}"]
            length += 1
        elif chance < 0.65:
            op = ["delete", script.random.randrange(length)]
            length -= 1
        elif moves and chance < 0.9:
            op = ["move", script.random.randrange(length), script.random.randrange(length)]
        else:
            op = ["replace", script.random.randrange(length), index]
        script.write(0, ops=[op])
    return script.trace()


def list_shuffles(count, seed, length=500):
    """A list whose elements are moved about, and nothing else."""
    return values(length + count, seed, lambda random, index: (
        ["push", f"element {index}"] if index < length else ["move", random.randrange(length), random.randrange(length)]))


def list_live(writers, count, seed, delay):
    script = Script(writers, seed)
    for index in range(count):
        writer = index % writers
        for other in range(writers):
            if script.random.random() < 1 / delay:
                script.hear(writer, other)
        if script.random.random() < 0.8:
            op = ["insert", script.random.randint(0, index + 1), f"element {index}"]
        else:
            op = ["delete", script.random.randint(0, index)]
        script.write(writer, ops=[op])
    return script.trace()


def list_queue(count, seed):
    """In at the end, out at the beginning."""
    return values(count, seed, lambda random, index: ["push", f"job {index}"] if index < 200 or index % 2 else ["delete", 0])


def list_fronts(count, seed):
    return values(count, seed, lambda random, index: ["insert", 0, f"element {index}"])


def several(writers, count, seed, delay, make):
    """Value operations of several writers who hear of each other after `delay` of their own, or only in the end without one."""
    script = Script(writers, seed)
    for index in range(count):
        writer = index % writers
        for other in range(writers):
            if delay and script.random.random() < 1 / delay:
                script.hear(writer, other)
        script.write(writer, ops=[make(script.random, index, writer)])
    return script.trace()


def map_offline(writers, count, seed):
    """Everyone writes the same keys."""
    return several(writers, count, seed, None, lambda random, index, writer: ["set", f"key-{random.randrange(300)}", index])


def list_fronts_live(writers, count, seed, delay):
    return several(writers, count, seed, delay, lambda random, index, writer: ["insert", 0, f"element {index}"])


def list_offline(writers, count, seed):
    def make(random, index, writer):
        length = index // writers
        return ["insert", random.randint(0, length), f"element {index}"] if random.random() < 0.7 else ["delete", random.randint(0, length)]
    return several(writers, count, seed, None, make)


def list_cells(writers, count, seed, delay):
    """A table that everyone writes the cells of."""
    script = Script(writers, seed)
    for index in range(200):
        script.write(0, ops=[["push", f"cell {index}"]])
    for other in range(1, writers):
        script.hear(other, 0)
    for index in range(count):
        writer = index % writers
        for other in range(writers):
            if script.random.random() < 1 / delay:
                script.hear(writer, other)
        script.write(writer, ops=[["replace", script.random.randrange(200), index]])
    return script.trace()


def all_shapes(scale):
    """By group and name a function that makes it; `scale` 1 is the full size."""
    n = lambda count: max(20, int(count * scale))
    return {
        "text": {
            "typing": lambda: typing(n(100_000), 1, jump=0.0005, back=0.05),
            "typing-one-run": lambda: typing(n(50_000), 2, jump=0, back=0),
            "backward": lambda: typing(n(20_000), 3, jump=0.001, back=0, step=0),
            "at-start": lambda: typing(n(20_000), 4, jump=0, back=0.2, step=0),
            "random-edits": lambda: random_edits(n(30_000), 5),
            "carets": lambda: carets(n(20_000), 6),
            "pastes": lambda: pastes(n(1500), 7),
            "replace-whole": lambda: replacements(n(150), 8),
            "large-anywhere": lambda: large(n(20_000), n(1_000_000), 40),
            "large-nearby": lambda: large(n(20_000), n(1_000_000), 41, near=40),
            "retyping": lambda: retyping(n(100), 200, 42),
            "flicker": lambda: flicker(n(20_000), 43),
            "small-documents": lambda: small_documents(20, n(1000), 44),
            "two-carets": lambda: carets(n(20_000), 61, places=2),
            "prepends": lambda: typing(n(20_000), 62, jump=0, back=0, step=0),
            "deletions": lambda: deletions(n(5000), n(500_000), 63),
            "emoji": lambda: typing(n(20_000), 9, jump=0.02, letters="😀é漢ñ👍 x"),
        },
        "live": {
            "two-offline": lambda: offline(2, n(20_000), 10),
            "two-offline-long": lambda: offline(2, n(100_000), 11, jump=0.01),
            "two-offline-edits": lambda: offline_edits(2, n(10_000), 12),
            "three-offline": lambda: offline(3, n(10_000), 13),
            "ten-offline": lambda: offline(10, n(2000), 14),
            "offline-backward": lambda: offline(2, n(10_000), 15, step=0, back=0),
            "offline-pastes": lambda: offline_pastes(2, n(500), 16),
            "offline-emoji": lambda: offline(2, n(10_000), 17, letters="😀é漢ñ👍 x"),
            "two-live": lambda: live(2, n(20_000), 18, 1.5),
            "three-live": lambda: live(3, n(20_000), 19, 2),
            "three-late": lambda: live(3, n(20_000), 20, 40),
            "five-live": lambda: live(5, n(20_000), 21, 3),
            "eight-live": lambda: live(8, n(20_000), 22, 3),
            "live-one-run": lambda: live(2, n(30_000), 29, 1.2, jump=0, back=0, writers_typing=1),
            "live-jumping": lambda: live(3, n(15_000), 23, 3, jump=0.5),
            "live-backward": lambda: live(3, n(15_000), 24, 3, step=0),
            "live-one-place": lambda: live(4, n(10_000), 25, 5, jump=0, step=0, back=0),
            "branches": lambda: branches(n(200), 40, 26),
            "branches-at-start": lambda: branches(n(100), 40, 27, at_start=True),
            "forks": lambda: forks(n(200), 40, 28),
            "crossing": lambda: crossing(2, n(500), 20, 45),
            "three-crossing": lambda: crossing(3, n(200), 30, 46),
            "three-rounds": lambda: rounds(3, n(20), 300, 47),
            "rounds-backward": lambda: rounds(3, n(20), 200, 48, step=0, back=0),
            "turns": lambda: turns(2, n(20_000), 49),
            "relay": lambda: turns(n(100), n(5000), 50, stretch=10),
            "returning": lambda: returning(n(20_000), 3000, 51),
            "twigs": lambda: branches(n(400), 5, 52),
            "clearing": lambda: clearing(4, n(40), 20_000, 53),
            "thinning": lambda: thinning(3, n(3000), 50_000, 54),
        },
        "values": {
            "map-sets": lambda: map_sets(n(100_000), 30),
            "map-overwrites": lambda: map_overwrites(n(30_000), 31),
            "map-removes": lambda: map_removes(n(30_000), 32),
            "map-live": lambda: map_live(3, n(10_000), 33, 3),
            "nested": lambda: nested(n(20_000), 34),
            "nested-wide": lambda: nested_wide(n(10_000), 64),
            "nested-deep": lambda: nested_deep(n(30), 65),
            "counters": lambda: counters(n(20_000), 35),
            "list-pushes": lambda: list_pushes(n(50_000), 36),
            "list-edits": lambda: list_edits(n(20_000), 37),
            "list-moves": lambda: list_edits(n(20_000), 38, moves=True),
            "list-shuffles": lambda: list_shuffles(n(10_000), 66),
            "list-live": lambda: list_live(3, n(10_000), 39, 3),
            "list-queue": lambda: list_queue(n(20_000), 55),
            "list-fronts": lambda: list_fronts(n(20_000), 56),
            "list-fronts-live": lambda: list_fronts_live(3, n(6000), 57, 4),
            "list-offline": lambda: list_offline(2, n(10_000), 58),
            "list-cells": lambda: list_cells(3, n(6000), 59, 3),
            "map-offline": lambda: map_offline(3, n(10_000), 60),
        },
    }
