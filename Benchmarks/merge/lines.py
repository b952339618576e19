"""Lines that look like code, and changes of them, from a seed."""

WORDS = "value index return let self count buffer range if guard else for in func store commit object line hash name".split()


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
