"""Pairs of files that are hard on a diff, each from a seed: `shapes(count)` gives names and pairs of texts of about `count` lines.

Each shape is aimed at one way in which a comparison can become slow or long: nothing to anchor on, nothing in common, anchors out of order,
few different lines, long lines, long slides.
"""

import random

from lines import changed, lines_like_code


def few_kinds(count, kinds, source):
    """Lines drawn from a small stock."""
    stock = [f"    {'value' * (kind % 7)} {kind}\n" for kind in range(kinds)]
    return [source.choice(stock) for _ in range(count)]


def unique(count, tag=""):
    return [f"{tag}line {index} of a file in which no line stands twice\n" for index in range(count)]


def pieces_moved(lines, size, source):
    """Stretches of about `size` lines in another order."""
    pieces, at = [], 0
    while at < len(lines):
        length = source.randrange(size // 2, 2 * size)
        pieces.append(lines[at : at + length])
        at += length
    source.shuffle(pieces)
    return [line for piece in pieces for line in piece]


def shuffled(lines, source):
    lines = list(lines)
    source.shuffle(lines)
    return lines


def of_blank_lines(count, source):
    """Code of which more than half is blank lines and braces."""
    result = []
    for _ in range(count):
        kind = source.random()
        if kind < 0.45:
            result.append("\n")
        elif kind < 0.65:
            result.append("    " * source.randrange(3) + "}\n")
        else:
            result.append(f"    let value{source.randrange(count)} = {source.randrange(1000)}\n")
    return result


def with_long_lines(count, source):
    """Lines of about 8 KiB that differ from each other at their ends alone."""
    body = "lorem ipsum dolor sit amet " * 300
    return [f"{body}{source.randrange(4 * count)}\n" for _ in range(count)]


def shapes(count):
    """Yields (name, source lines, target lines)."""

    def seeded(number):
        return random.Random(20_250 + 1_000 * number + count)

    code = lines_like_code(count, seeded(0))
    yield "repeated", (repeated := few_kinds(count, 20, seeded(1))), changed(repeated, 10, seeded(2))
    yield "different", unique(count), unique(count, "another ")
    yield "one-line", ["same\n"] * count, ["same\n"] * (count * 11 // 10)
    yield "one-line-cut", ["same\n"] * count, changed(["same\n"] * count, 1, seeded(3))
    yield "moved", code, pieces_moved(code, max(4, count // 200), seeded(4))
    yield "moved-small", code, pieces_moved(code, 12, seeded(5))
    yield "rotated", code, code[count // 2 :] + code[: count // 2]
    yield "doubled", code, code + code
    yield "reversed", (lines := unique(count)), lines[::-1]
    yield "reversed-code", code, code[::-1]
    yield "shuffled", unique(count), shuffled(unique(count), seeded(6))
    yield "shuffled-code", code, shuffled(code, seeded(7))
    two = ["if a {\n", "}\n"] * (count // 2)
    yield "alternating", two, two[1:] + two[:1]
    yield "alternating-cut", two, changed(two, 10, seeded(8))
    for kinds in (2, 16, 100, 1_000):
        yield f"entropy-{kinds}", few_kinds(count, kinds, seeded(9)), few_kinds(count, kinds, seeded(10))
    yield "period", (period := unique(100) * (count // 100)), changed(period, 1, seeded(11))
    yield "blank-lines", (blanks := of_blank_lines(count, seeded(12))), changed(blanks, 10, seeded(13))
    # git takes quadratic time for these two.
    some = count // 10
    yield "every-second", code[:some], [f"// {line}" if index % 2 else line for index, line in enumerate(code[:some])]
    yield "interleaved", unique(some), [line for pair in zip(unique(some), few_kinds(some, 5, seeded(14))) for line in pair]
    yield "emptied", code, code[: count // 1000]
    yield "filled", code[:: max(1, count // 100)], code
    long = with_long_lines(max(10, count // 200), seeded(15))
    yield "long-lines", long, changed(long, 10, seeded(16))
    yield "no-newline", [*code[:-1], "the end"], [*changed(code, 1, seeded(17)), "another end"]
    one = "".join(line[:-1] for line in code)
    yield "huge-line", [one], [one[: len(one) // 2] + "x" + one[len(one) // 2 :]]
    yield "huge-line-alone", [one], ["x\n"] * 3
    yield "empty-lines", ["\n"] * count, changed(["\n"] * count, 50, seeded(18))
