"""Data for the tests: bytes from a seed, and trees with names that file systems allow and clients get wrong."""

import filecmp
import hashlib
import os
import pathlib
import random
import unicodedata

MIB = 1 << 20

#: Keys that a server must keep byte for byte, from the plain to the hostile.
ODD_KEYS = [
    "plain.txt",
    "with space",
    " leading and trailing ",
    "plus+plus",
    "percent%20already%2Fencoded",
    "100%",
    "a/b",
    "a/b/c",
    "a",
    "ends/with/slash/",
    "double//slash",
    "/leading/slash",
    "dots/../up",
    "./here",
    "..",
    ".hidden/.file",
    "query?question=mark&ampersand",
    "hash#fragment",
    "colon:semi;comma,equals=at@dollar$",
    "quote'double\"back\\slash",
    "brackets[1]{2}(3)<4>",
    "star*tilde~caret^grave`pipe|bang!",
    "tab\there",
    unicodedata.normalize("NFC", "Überraschung/naïve café"),
    unicodedata.normalize("NFD", "Überraschung/naïve café"),
    "漢字/кириллица/العربية",
    "emoji/🦭🪨",
    "x" * 1024,
]


def noise(size, seed=0):
    """`size` bytes that do not repeat and do not compress, the same for the same seed."""
    return random.Random(f"skerry {seed}").randbytes(size)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def write_noise(path, size, seed=0):
    """Writes a file of noise a mebibyte at a time and returns its SHA-256."""
    source, digest, left = random.Random(f"skerry {seed}"), hashlib.sha256(), size
    with open(path, "wb") as file:
        while left:
            block = source.randbytes(min(MIB, left))
            digest.update(block)
            file.write(block)
            left -= len(block)
    return digest.hexdigest()


def odd_tree(root, *, trailing_spaces=True):
    """Makes a tree of files with awkward names and returns it; sizes cross the borders of inline, one chunk and many chunks."""
    root = pathlib.Path(root)
    names = [
        "plain.txt",
        "with space/and another one.txt",
        "plus+and%percent/100%.txt",
        "%20%2F%2B",
        ".hidden/.file",
        unicodedata.normalize("NFC", "Übung/café.txt"),
        unicodedata.normalize("NFD", "Übung/café.txt"),
        "漢字/кириллица.txt",
        "brackets[1]/{2}(3)&=;,@$!~'.txt",
        "hash#/question?.txt",
        "prefix/a",
        "prefix/ab/c",
        "prefix/a.b/c",
        "deep/" + "/".join("0123456789") + "/leaf",
        "empty",
    ]
    if trailing_spaces:
        names += [" leading.txt", "trailing ", "inner /trailing directory"]
    sizes = [0, 1, 4095, 4096, 4097, 65_537, 262_144, 262_145, MIB + 3]
    for index, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(noise(0 if name == "empty" else sizes[index % len(sizes)], seed=name))
    write_noise(root / "large.bin", 20 * MIB + 11, seed="large")
    # Older than any upload, so that clients that compare times to the second find nothing to do twice.
    for path in root.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return root


def relative_files(root):
    root = os.fsencode(root)
    return sorted(
        os.path.relpath(os.path.join(directory, name), root) for directory, _, names in os.walk(root) for name in names
    )


def assert_same_tree(one, other):
    """Same names, byte for byte, and same contents."""
    mine, theirs = set(relative_files(one)), set(relative_files(other))
    assert mine == theirs, f"missing: {sorted(mine - theirs)}, unexpected: {sorted(theirs - mine)}"
    for name in relative_files(one):
        assert filecmp.cmp(os.path.join(os.fsencode(one), name), os.path.join(os.fsencode(other), name), shallow=False), name
