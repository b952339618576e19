#!/usr/bin/env python3
"""Checks the arrows between modules: a room uses only rooms above it, and only the libraries that it names here.

The table is "The rooms" of ARCHITECTURE.md in a form that a program can read. A new arrow is a decision: it is made here, in the
same commit as the import. Prints one line per forbidden import as `file:line: reason` and exits with 1 if there was any.
`check-imports.py --test` runs the checker on sources of its own, so that a checker that sees nothing is noticed.
"""

import pathlib
import re
import sys
import tempfile

# What the toolchain brings and every room may use. Foundation is not among them: it costs start-up time and resident memory.
PLATFORM = {"Swift", "Glibc", "Musl", "Darwin", "Synchronization", "_Concurrency", "Distributed", "Testing"}

NIO = {"NIOCore", "NIOPosix", "NIOConcurrencyHelpers", "NIOHTTP1", "NIOHTTP2", "NIOSSL", "NIOWebSocket", "NIOTLS", "NIOExtras", "NIOTransportServices"}
SYNTAX = {"SwiftSyntax", "SwiftParser", "SwiftDiagnostics"}

# Room, top to bottom, and the libraries it may use beyond the rooms above it.
ROOMS = {
    "CSkerryKernels": set(),
    "CMalloc": set(),
    "CRocksDB": set(),
    "CRocksDBFlush": set(),
    "CRADOS": set(),
    "CSkerryLock": set(),
    "SkerryCSP": set(),
    "SkerryCache": set(),
    "SkerryCodec": set(),
    "SkerryMerge": {"Crypto"},
    "SkerryCRDT": set(),
    "SkerryGossip": {"Crypto"},
    "SkerrySession": set(),
    "SkerryStorage": set(),
    "SkerryHTTP": {"HTTPTypes"},
    "SkerryHTTPServer": {"HTTPTypes", "Logging"} | NIO,
    "SkerryWire": {"Crypto", "HTTPTypes", "Logging"} | NIO,
    "SkerryRPC": {"Crypto", "HTTPTypes", "Logging"},
    "SkerryGenerator": SYNTAX,
    "SkerryMacrosPlugin": SYNTAX | {"SwiftSyntaxMacros", "SwiftCompilerPlugin"},
    "SkerryMacros": set(),
    "skerry-generate": set(),
    "SkerryRocksDB": {"Logging"},
    "SkerryRADOS": {"Logging"},
    "SkerryDocuments": {"Logging"},
    "SkerryReplication": {"Crypto", "Logging"},
    "SkerryChunks": {"Crypto", "Logging"},
    "SkerryObjects": {"Crypto", "Logging"},
    "SkerrySites": {"Crypto", "Logging"},
    "SkerryS3": {"Crypto", "HTTPTypes", "Logging"},
    "SkerryHummingbird": {"Hummingbird", "HTTPTypes", "Logging"} | NIO,
    "skerry": {"ArgumentParser", "Configuration", "Crypto", "HTTPTypes", "Logging", "ServiceLifecycle", "UnixSignals", "NIOCore", "NIOPosix",
               "NIOHTTP1"},
}
# C code enters at one door each; the room behind it is the only one that may include it.
DOORS = {"CRocksDB": {"SkerryRocksDB"}, "CRocksDBFlush": {"SkerryRocksDB"}, "CRADOS": {"SkerryRADOS"}, "CMalloc": {"skerry"}, "CSkerryLock": {"SkerryCSP"}}

IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?"
    r"import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias|actor)\s+)?([A-Za-z_]\w*)"
)


def forbidden(room, imported):
    """Why `room` may not import `imported`, or None when it may."""
    order = list(ROOMS)
    if imported in PLATFORM or imported == room:
        return None
    if imported in DOORS and room not in DOORS[imported]:
        return f"{imported} is only for {', '.join(DOORS[imported])}"
    if imported in ROOMS:
        if order.index(imported) < order.index(room):
            return None
        return f"{room} stands above {imported}"
    if imported in ROOMS[room]:
        return None
    return f"{room} does not name {imported} among its libraries (Scripts/check-imports.py)"


def imports(text):
    """Line number and module of each import, block comments and string literals over several lines left out."""
    depth, literal = 0, False
    for number, line in enumerate(text.splitlines(), 1):
        if not literal and depth == 0 and (found := IMPORT.match(line)):
            yield number, found.group(1)
        if line.count('"""') % 2:
            literal = not literal
        if not literal:
            depth = max(0, depth + line.split("//")[0].count("/*") - line.count("*/"))


def check(sources):
    """The complaints about all rooms below `sources`."""
    complaints = []
    for directory in sorted(path for path in sources.iterdir() if path.is_dir()):
        if directory.name not in ROOMS:
            complaints.append(f"{directory}: no such room; rooms stand in ARCHITECTURE.md and in Scripts/check-imports.py")
            continue
        for file in sorted(directory.rglob("*.swift")):
            for number, imported in imports(file.read_text(encoding="utf-8")):
                if reason := forbidden(directory.name, imported):
                    complaints.append(f"{file}:{number}: {reason}")
    return complaints


def test():
    cases = {
        "SkerryCache/A.swift": ("import SkerryChunks\n", ["SkerryCache stands above SkerryChunks"]),
        "SkerryChunks/B.swift": ("public import SkerryStorage\nimport SkerryCache\n@testable package import Crypto\n", []),
        "SkerryObjects/C.swift": ("import NIOCore\n", ["does not name NIOCore"]),
        "SkerryS3/D.swift": ("/*\nimport NIOCore\n*/\n// import NIOCore\nimport struct HTTPTypes.HTTPField\nimport Foundation\n", ["Foundation"]),
        "SkerryChunks/E.swift": ("#if canImport(Glibc)\n    import Glibc\n#endif\nimport CRocksDB\n", ["only for SkerryRocksDB"]),
        "SkerryUtilities/F.swift": ("", ["no such room"]),
        "SkerryHTTPServer/G.swift": ("internal import NIOPosix\nlet text = \"\"\"\nimport SkerryS3\n\"\"\"\n", []),
    }
    with tempfile.TemporaryDirectory() as root:
        for name, (text, _) in cases.items():
            path = pathlib.Path(root, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        complaints = check(pathlib.Path(root))
    for name, (_, expected) in cases.items():
        mine = [line for line in complaints if name in line or (expected and name.split("/")[0] + ":" in line)]
        assert len(mine) == len(expected) and all(text in line for text, line in zip(expected, mine)), (name, mine)
    assert len(complaints) == sum(len(expected) for _, expected in cases.values()), complaints


if __name__ == "__main__":
    test()
    if sys.argv[1:] == ["--test"]:
        sys.exit(0)
    complaints = check(pathlib.Path(__file__).resolve().parent.parent / "Sources")
    print("\n".join(complaints) or "check-imports: every module uses only modules above it")
    sys.exit(1 if complaints else 0)
