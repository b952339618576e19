"""The notes example: two real processes with a file or an engine each, changed apart and brought together over a pipe."""

import os
import pathlib
import re
import signal
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOTES = pathlib.Path(os.environ.get("NOTES_BINARY", ROOT / ".build/debug/notes-example"))


class Notebook:
    def __init__(self, *place):
        self.place = [str(word) for word in place]

    def command(self, *words):
        return [str(NOTES), *self.place, *words]

    def __call__(self, *words, input=None):
        done = subprocess.run(self.command(*words), input=input, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    def fails(self, *words):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=60)
        assert done.returncode in (1, 2) and done.stderr, done
        return done.stderr

    def sync(self, other):
        self("sync", "--", *other.command("serve"))

    def notes(self):
        return dict(line.split("  ", 1) for line in self("list").splitlines())


@pytest.fixture(params=["files", "engine and file"])
def pair(request, tmp_path):
    first = Notebook("--file", tmp_path / "a.notes") if request.param == "files" else Notebook("--directory", tmp_path / "a")
    return first, Notebook("--file", tmp_path / "b.notes")


def test_concurrent_edits_merge(pair):
    a, b = pair
    note = a("add", "Shopping", "milk")
    a.sync(b)
    assert b("show", note) == "Shopping\nmilk"
    a("edit", note, "--append", ", eggs")
    b("edit", note, "--replace", "milk", "--with", "oat milk", "--title", "Groceries")
    only_b = b("add", "Elsewhere", "ö")
    a.sync(b)
    for notebook in pair:
        assert notebook("show", note) == "Groceries\noat milk, eggs"
        assert notebook("show", only_b) == "Elsewhere\nö"
        assert notebook("check") == ""
    # Nothing is left to say, whoever begins.
    before = [notebook("show", note) for notebook in pair]
    b.sync(a)
    assert before == [notebook("show", note) for notebook in pair]


def test_titles_written_at_the_same_time_are_both_shown(pair):
    a, b = pair
    note = a("add", "Plan")
    a.sync(b)
    a("edit", note, "--title", "Plan A")
    b("edit", note, "--title", "Plan B")
    b.sync(a)
    titles = a("show", note).splitlines()[0]
    assert sorted(titles.split(" | ")) == ["Plan A", "Plan B"]
    assert b("show", note).splitlines()[0] == titles


def test_a_deletion_wins_over_what_it_saw_and_not_over_what_it_did_not(pair):
    a, b = pair
    gone, kept = a("add", "Gone"), a("add", "Kept", "one")
    a.sync(b)
    a("remove", gone)
    a("remove", kept)
    b("edit", kept, "--append", " two")
    a.sync(b)
    for notebook in pair:
        assert notebook.notes() == {kept: "Kept"}
        assert notebook("show", kept) == "Kept\none two"
    b.sync(a)
    assert a.notes() == b.notes() == {kept: "Kept"}


def test_a_larger_exchange_fills_both_pipes(pair):
    a, b = pair
    # More than a pipe holds, in each direction.
    bodies = {notebook("add", "Long", body): body for notebook in (a, b, a, b) for body in [os.urandom(50_000).hex()]}
    a.sync(b)
    for notebook in pair:
        for note, body in bodies.items():
            assert notebook("show", note) == "Long\n" + body
        notebook("compact")
        assert notebook("check") == ""
        for note, body in bodies.items():
            assert notebook("show", note) == "Long\n" + body


def test_a_peer_that_stops_in_the_middle_does_no_harm(pair):
    a, b = pair
    note = a("add", "Plan", "text")
    for program in (["true"], ["sh", "-c", "printf 'notes 1\\n\\377\\377\\377\\377'; cat > /dev/null"], ["sh", "-c", "echo hello world; cat > /dev/null"]):
        assert a.fails("sync", "--", *program)
        assert a("show", note) == "Plan\ntext"
        assert a("check") == ""


def test_lines_that_were_acknowledged_outlive_a_kill(pair):
    a, _ = pair
    process = subprocess.Popen(a.command("take", "journal"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for number in range(1, 20):
        process.stdin.write(f"line {number}\n")
        process.stdin.flush()
        assert process.stdout.readline() == f"ok {number}\n"
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    lines = a("show", "journal").splitlines()[1:]
    assert lines == [f"line {number}" for number in range(1, 20)]


def test_one_process_at_a_time(tmp_path):
    a = Notebook("--file", tmp_path / "a.notes")
    process = subprocess.Popen(a.command("take", "x"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write("line\n")
    process.stdin.flush()
    assert process.stdout.readline() == "ok 1\n"
    assert "another process" in a.fails("list")
    process.stdin.close()
    assert process.wait(10) == 0
    assert a.notes() == {"x": "taken"}


def test_wrong_calls_are_explained(tmp_path):
    a = Notebook("--file", tmp_path / "a.notes")
    note = a("add", "T", "B")
    assert re.search("no command", a.fails("frobnicate"))
    assert re.search("no note", a.fails("show", "nothing"))
    assert re.search("does not say", a.fails("edit", note, "--replace", "z", "--with", "y"))
    assert re.search("missing", a.fails("add"))
    assert re.search("too many", a.fails("list", "more"))
    assert "usage" in Notebook().fails("list") or "needed" in Notebook().fails("list")
