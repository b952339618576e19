#!/bin/bash
# Runs every test and fails if any part fails; both runners always run, so that one red answer does not hide the other.
#
# The clients drive the optimised program, since a hundred megabytes through a debug build take minutes. The debug build
# serves for what only it contains: the switch that takes the sync out, with which the durability test proves that it can fail.
set -u
cd "$(dirname "$0")/.."

failed=()
run() {
    local name=$1
    shift
    echo "== $name: $*"
    "$@" || failed+=("$name")
}

# What may hang names the test that does, and fails, long before somebody's patience ends. The limits are several times what each takes.
watched() {
    local name=$1 limit=$2
    shift 2
    run "$name" Scripts/watch.py --limit "$limit" --silence 10 "$@"
}

run arrows python3 Scripts/check-imports.py
run rows python3 Scripts/check-rows.py
if swift build --build-tests; then
    # One test at a time: crash enumerations keep both cores busy, and tests with sockets beside them would wait on timeouts.
    watched swift 40 swift test --skip-build --no-parallel
    # What our own modules commit of the generator's output is what it prints today.
    run generated .build/debug/skerry-generate --check Sources Benchmarks
    export STATION_BINARY=$PWD/.build/debug/station-example NOTES_BINARY=$PWD/.build/debug/notes-example
    export RING_BINARY=$PWD/.build/debug/ring-example
else
    failed+=(build)
fi
# Millions of merges against plain models: only an optimised program gets through them.
if swift build -c release --product document-checks; then
    watched documents 15 .build/release/document-checks
else
    failed+=(document-checks-build)
fi
if swift build -c release --product skerry; then
    export SKERRY_BINARY=$PWD/.build/release/skerry SKERRY_DEBUG_BINARY=$PWD/.build/debug/skerry
    watched clients 30 .venv/bin/python -u -m pytest Tests/ClientTests
else
    failed+=(release-build)
fi

if [ ${#failed[@]} -ne 0 ]; then
    echo "FAILED: ${failed[*]}" >&2
    exit 1
fi
