#!/usr/bin/env python3
"""Runs a command that may hang and ends it then: watch.py [--limit MINUTES] [--silence MINUTES] COMMAND...

What the command prints is passed on line by line. A command that takes longer than the limit, or prints nothing for as long as the silence
allows, is ended with everything it started; the tests that had begun and not ended are named, and the exit status is 124, as timeout(1)
has it. Else the exit status is the command's.
"""

import argparse
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time

# What Swift Testing and pytest -v print. An ended test with arguments says how many cases it had.
BEGUN = re.compile(r"^\S+ Test (?!case |run )(.+) started\.$")
ENDED = re.compile(r"^\S+ Test (?!case |run )(.+?)(?: with \d+ test cases?)? (?:passed|failed|skipped)\b")
GRACE = 20


class Tests:
    """Follows which tests run."""

    def __init__(self):
        self.running, self.last, self.part = {}, "", b""

    def read(self, data):
        *lines, self.part = (self.part + data).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            self.last = text or self.last
            if begun := BEGUN.match(text):
                self.running[begun[1]] = time.monotonic()
            elif ended := ENDED.match(text):
                self.running.pop(ended[1], None)


def descendants(root):
    """The process and those it started, whatever group or session they are in by now."""
    children = {}
    for line in subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True).stdout.splitlines():
        pid, parent = map(int, line.split())
        children.setdefault(parent, []).append(pid)
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def end(process):
    """Asks all to end, and takes away after a while what has not."""
    pids = descendants(process.pid)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        until = time.monotonic() + GRACE
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.1)


def watch(process, limit, silence):
    """Passes output on until the command ends; what is wrong with it, or nothing."""
    tests = Tests()
    begun = heard = time.monotonic()
    pipe = process.stdout.fileno()
    while True:
        is_over = process.poll() is not None
        if select.select([pipe], [], [], 0 if is_over else 1)[0]:
            data = os.read(pipe, 1 << 16)
            if data:
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
                tests.read(data)
                heard = time.monotonic()
                continue
            process.wait()
            return None
        # A server that was left behind may hold the pipe open.
        if is_over:
            return None
        now = time.monotonic()
        if now - begun > limit:
            why = f"took longer than {limit / 60:g} minutes"
        elif now - heard > silence:
            why = f"printed nothing for {silence / 60:g} minutes"
        else:
            continue
        running = [f"still running after {now - since:.0f} s: {name}" for name, since in tests.running.items()]
        return "\n".join([why] + (running or [f"last line: {tests.last}"]))


def main():
    parser = argparse.ArgumentParser(usage=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=float, default=60, help="minutes for all of it")
    parser.add_argument("--silence", type=float, default=10, help="minutes without a word")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    # Output into a pipe is held back by the page otherwise, and the last lines are those that count.
    lines = ["stdbuf", "-oL"] if shutil.which("stdbuf") else []
    process = subprocess.Popen(lines + options.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        wrong = watch(process, options.limit * 60, options.silence * 60)
    except KeyboardInterrupt:
        end(process)
        return 130
    if wrong is None:
        return process.returncode if process.returncode >= 0 else 128 - process.returncode
    print(f"\nHANGS: {' '.join(options.command)}\n{wrong}", file=sys.stderr, flush=True)
    end(process)
    return 124


if __name__ == "__main__":
    sys.exit(main())
