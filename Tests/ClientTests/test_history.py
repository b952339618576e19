"""`skerry history` against the built program, with git as an oracle where there is one."""

import fcntl
import os
import pathlib
import random
import re
import signal
import subprocess
import threading

import pytest

import skerry

pytestmark = pytest.mark.skerry_only

GIT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"} | {
    f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER") for field, value in (("NAME", "t"), ("EMAIL", "t@t"))
}


class Tree:
    """A directory with a history, and the program run in it."""

    def __init__(self, binary, path):
        self.binary = str(binary)
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True, exist_ok=True)

    def __call__(self, *arguments, code=0, stdin=None, env=None):
        """Runs a command and returns what it printed, as bytes."""
        done = subprocess.run(
            [self.binary, "history", *map(str, arguments)], cwd=self.path, input=stdin if stdin is not None else b"",
            env=skerry.environment({"SKERRY_AUTHOR": "ada", **(env or {})}), capture_output=True, timeout=120,
        )
        assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        self.errors = done.stderr.decode()
        return done.stdout

    def text(self, *arguments, **options):
        return self(*arguments, **options).decode()

    def write(self, name, content):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, message="m", **files):
        for name, content in files.items():
            self.write(name.replace("__", "/"), content)
        self("commit", "-m", message)
        return self.head()

    def head(self):
        return self.text("log", "-n", "1").split()[1]

    def files(self):
        found = {}
        for path in self.path.rglob("*"):
            if path.is_file() and ".skerry-history" not in path.parts:
                found[str(path.relative_to(self.path))] = path.read_bytes()
        return found


@pytest.fixture
def tree(binary, tmp_path):
    made = Tree(binary, tmp_path / "tree")
    made("init")
    return made


@pytest.fixture
def another(binary, tmp_path):
    return lambda name: Tree(binary, tmp_path / name)


def lines(*changes):
    return "".join(f"{dict(changes).get(number, f'line {number}')}\n" for number in range(20))


# Committing and looking


def test_a_commit_records_files_of_any_bytes_and_a_checkout_brings_them_back(tree):
    content = {"text": b"one\ntwo", "empty": b"", "d/e/binary": bytes(range(256)) * 40, "sp ace": b"x\n", "\u00fcml\u00e4ut": b"y\n"}
    for name, data in content.items():
        tree.write(name, data)
    raw = os.path.join(os.fsencode(tree.path), b"raw-\xff\xfe")
    with open(raw, "wb") as file:
        file.write(b"name of any bytes")
    assert tree.text("status").splitlines()[1:] == [
        "A d/e/binary", "A empty", 'A "raw-\\377\\376"', "A sp ace", "A text", 'A "\\303\\274ml\\303\\244ut"',
    ]
    first = tree.commit("first")
    assert tree.text("status") == "# branch main\n"
    os.unlink(raw)
    tree.write("text", "changed")
    (tree.path / "empty").unlink()
    assert tree.text("status").splitlines()[1:] == ["D empty", 'D "raw-\\377\\376"', "M text"]
    tree.commit("second")
    tree("checkout", first)
    with open(raw, "rb") as file:
        assert file.read() == b"name of any bytes"
    os.unlink(raw)
    assert tree.files() == content
    assert "no problems" in tree.text("verify")


def test_nothing_to_commit_is_an_answer_and_no_history_is_an_error(tree, another):
    tree.commit(f="1")
    tree("commit", "-m", "again", code=1)
    assert "holds already" in tree.errors
    elsewhere = another("elsewhere")
    elsewhere("log", code=128)
    assert "skerry history init" in elsewhere.errors and elsewhere.errors.count("\n") == 1
    tree("checkout", "nowhere", code=128)
    assert '"nowhere" is neither a branch, a tag nor a commit' in tree.errors
    tree("commit", code=1)
    tree("log", "--count", "0", code=64)


def test_the_log_shows_who_when_and_what_and_draws_merges(tree):
    tree.commit("first", f=lines())
    tree("branch", "side")
    tree.commit("ours", f=lines((2, "ours")))
    tree("tag", "v1")
    tree("checkout", "side")
    tree.commit("theirs\n\nwith a body", f=lines((15, "theirs")))
    assert re.search(r"commit [0-9a-f]{64} \(HEAD, side\)\nAuthor: ada\nDate:   \d{4}-\d\d-\d\dT[\d:.]+Z\n\n    theirs\n\n    with a body\n", tree.text("log"))
    tree("checkout", "main")
    tree("merge", "side")
    assert (tree.path / "f").read_text() == lines((2, "ours"), (15, "theirs"))
    drawn = re.sub(r"[0-9a-f]{10}", "ID", tree.text("log", "--graph"))
    assert drawn.splitlines()[0] == "*   ID (HEAD, main) merge" or drawn.splitlines()[0] == "* ID (HEAD, main) merge", drawn
    assert "|\\" in drawn and "|/" in drawn and drawn.count("*") == 4
    assert tree.text("log", "--oneline", "-n", "2").count("\n") == 2
    assert "\x1b[" in tree.text("log", "--graph", "--color", "always") and "\x1b[" not in drawn


def test_git_applies_our_diffs_and_gets_the_same_files(tree, tmp_path):
    random.seed(5)
    names = ["plain", "d/deep/er", "sp ace", 'quo"te', "\u00fcml\u00e4ut", "tab\tname", "empty", "no-newline"]
    for round in range(6):
        old, new = {}, {}
        for name in names:
            text = [f"{random.randrange(30)}\n" for _ in range(random.randrange(60))]
            changed = [line if random.random() < 0.9 else f"new {line}" for line in text if random.random() < 0.95]
            old[name], new[name] = "".join(text), "".join(changed)
            if name == "no-newline":
                old[name], new[name] = old[name] + "end", new[name] + "end"
        old["empty"], new["empty"] = ("", "x\n") if round % 2 else ("x\n", "")
        gone, come = random.sample(names, 2)
        del new[gone], old[come]
        for name in list(tree.files()):
            (tree.path / name).unlink()
        for name, text in old.items():
            tree.write(name, text)
        tree("commit", "-m", f"old {round}")
        plain = tmp_path / f"plain{round}"
        plain.mkdir()
        for name, text in old.items():
            (plain / name).parent.mkdir(parents=True, exist_ok=True)
            (plain / name).write_text(text)
        for name in list(tree.files()):
            (tree.path / name).unlink()
        for name, text in new.items():
            tree.write(name, text)
        patch = tree("diff")
        subprocess.run(["git", "init", "-q"], cwd=plain, check=True, env={**os.environ, **GIT})
        subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], cwd=plain, input=patch, check=True, env={**os.environ, **GIT})
        got = {str(p.relative_to(plain)): p.read_text() for p in plain.rglob("*") if p.is_file() and ".git" not in p.parts}
        assert got == new, patch.decode()
        tree("commit", "-m", f"new {round}")
        # Between commits it is the same.
        assert tree("diff", "HEAD~1", "HEAD") == patch


def test_a_diff_says_by_its_exit_code_whether_there_is_one(tree):
    tree.commit(f="1\n", g="x\n", bin="a\0b")
    assert tree("diff", "--exit-code") == b""
    tree.write("f", "2\n")
    tree.write("bin", b"a\0c")
    tree("diff")
    out = tree.text("diff", "--exit-code", code=1)
    assert "Binary files a/bin and b/bin differ\n" in out and "-1\n+2\n" in out
    assert tree.text("diff", "--name-status", "--", "f") == "M\tf\n"
    assert "\x1b[31m-1\x1b[m" in tree.text("diff", "--color", "always", "--", "f")
    assert tree.text("diff", "--stdin", "g", stdin=b"y\n").endswith("@@ -1 +1 @@\n-x\n+y\n")


def test_standard_input_is_committed_as_a_file(tree):
    tree.commit(f="1")
    tree("commit", "-m", "piped", "--stdin", "d/from-a-pipe", stdin=b"\0\xffpiped")
    assert tree.files() == {"f": b"1", "d/from-a-pipe": b"\0\xffpiped"}
    assert tree.text("status") == "# branch main\n"
    tree("commit", "-m", "elsewhere", "--stdin", "f", "--branch", "other", stdin=b"2")
    assert tree.files()["f"] == b"1"
    tree("checkout", "other")
    assert tree.files() == {"f": b"2"}
    tree("commit", "-m", "out", "--stdin", "../out", stdin=b"", code=128)


def test_ignored_names_links_and_the_history_itself_are_left_out(tree):
    tree.write(".skerryignore", "*.o\nbuild/\n")
    for name in ("a.o", "build/x", "kept", ".git/config"):
        tree.write(name, "t")
    os.symlink("/etc/passwd", tree.path / "link")
    assert tree.text("status").splitlines()[1:] == ["A .skerryignore", "A kept", "# left out: link"]


# Branches, tags, checkouts


def test_branches_and_tags_are_made_listed_and_deleted(tree):
    first = tree.commit(f="1")
    tree("branch", "side")
    tree("tag", "v1")
    tree("tag", "v1", code=1)
    tree.commit(f="2")
    assert tree.text("branch").splitlines() == [f"* main {tree.head()[:10]}", f"  side {first[:10]}"]
    assert tree.text("tag") == f"v1 {first[:10]}\n"
    tree("branch", "-d", "main", code=1)
    tree("checkout", "-b", "lonely")
    tree.commit(f="3")
    tree("checkout", "main")
    tree("branch", "-d", "lonely", code=1)
    tree("branch", "-d", "--force", "lonely")
    tree("branch", "-d", "side")
    tree("tag", "-d", "v1")
    assert tree.text("tag") == ""
    tree("branch", "a/../b", code=128)
    assert int(re.search(r"removed (\d+) objects", tree.text("gc")).group(1)) >= 3
    assert "no problems" in tree.text("verify")


def test_a_checkout_refuses_to_lose_changes(tree):
    first = tree.commit(f="1", g="1")
    tree.commit(f="2")
    tree.write("g", "changed, but the same in both")
    tree("checkout", first)
    assert tree.files()["g"] == b"changed, but the same in both"
    tree.write("f", "changed")
    tree("checkout", "main", code=1)
    assert "f would be overwritten" in tree.errors
    assert tree.files()["f"] == b"changed"
    tree("checkout", "--force", "main")
    assert tree.files()["f"] == b"2"


def test_checked_out_files_have_the_mode_their_owner_asks_for(tree):
    old = os.umask(0o022)
    try:
        first = tree.commit(f="1", d__g="2")
        tree.write("run", "#!/bin/sh\n")
        os.chmod(tree.path / "run", 0o755)
        tree.commit("run")
        tree.write("run", "#!/bin/sh\nexit\n")
        tree.commit("run again")
        tree("checkout", "HEAD~1")
        assert (tree.path / "run").stat().st_mode & 0o777 == 0o755
        tree("checkout", "--force", first)
        for name in ("f", "d/g"):
            (tree.path / name).unlink()
        (tree.path / "d").rmdir()
        tree("checkout", "--force", first)
        assert (tree.path / "f").stat().st_mode & 0o777 == 0o644
        assert (tree.path / "d").stat().st_mode & 0o777 == 0o755
    finally:
        os.umask(old)
    assert (tree.path / ".skerry-history").stat().st_mode & 0o077 == 0


def test_nothing_is_written_through_a_link(tree, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    first = tree.commit(d__f="1")
    (tree.path / "d" / "f").unlink()
    (tree.path / "d").rmdir()
    tree.commit("without", g="2")
    os.symlink(outside, tree.path / "d")
    tree("checkout", "--force", first, code=128)
    assert list(outside.iterdir()) == []


# Merges


def conflict(tree):
    tree.commit("base", f=lines(), g="same\n")
    tree("branch", "side")
    tree.commit("ours", f=lines((5, "ours")), ours="o")
    tree("checkout", "side")
    tree.commit("theirs", f=lines((5, "theirs")), theirs="t")
    tree("checkout", "main")
    out = tree.text("merge", "side", code=1)
    assert out.startswith("conflict in f\n")


def test_a_conflict_is_marked_settled_and_committed(tree):
    conflict(tree)
    text = (tree.path / "f").read_text()
    assert re.search(r"<{7} [0-9a-f]{10} \w+\n(ours|theirs)\n\|{7} base\nline 5\n={7}\n(ours|theirs)\n>{7} [0-9a-f]{10} \w+\n", text)
    assert "C f" in tree.text("status") and (tree.path / "theirs").exists()
    tree("commit", "-m", "too early", code=1)
    assert "conflict markers" in tree.errors
    tree("merge", "side", code=1)
    tree("checkout", "side", code=1)
    tree.write("f", lines((5, "both")))
    tree("commit", "-m", "settled")
    assert tree.text("status") == "# branch main\n"
    assert "Merge:  " in tree.text("log", "-n", "1")
    assert "has everything" in tree.text("merge", "side")


def test_a_merge_is_taken_back(tree):
    conflict(tree)
    before = tree.head()
    tree("merge", "--abort")
    assert tree.text("status") == "# branch main\n"
    assert tree.head() == before and tree.files() == {"f": lines((5, "ours")).encode(), "g": b"same\n", "ours": b"o"}
    tree("merge", "--abort", code=1)


def test_a_merge_refuses_what_would_be_lost_and_leaves_the_branch(tree):
    tree.commit("base", f="1")
    tree("branch", "side")
    tree("checkout", "side")
    tree.commit("theirs", new="theirs")
    tree("checkout", "main")
    before = tree.head()
    tree.write("new", "nobody knows this")
    tree("merge", "side", code=1)
    assert tree.head() == before and tree.files()["new"] == b"nobody knows this"
    (tree.path / "new").unlink()
    tree.write("f", "changed")
    tree("merge", "side", code=1)
    assert "not committed" in tree.errors


def test_a_deletion_against_a_change_and_binary_files_are_conflicts(tree):
    tree.commit("base", gone="1\n", bin="a\0b")
    tree("branch", "side")
    tree.commit("ours", gone="2\n", bin="a\0ours")
    tree("checkout", "side")
    (tree.path / "gone").unlink()
    tree.commit("theirs", bin="a\0theirs")
    tree("checkout", "main")
    assert tree.text("merge", "side", code=1).splitlines()[:2] == ["conflict in bin", "conflict in gone"]
    assert tree.files()["bin"] == b"a\0ours"


def test_merges_are_gits_on_generated_branches(tree, tmp_path):
    """The same edits on both sides, through git and through us: the same files where both merge cleanly."""
    random.seed(11)
    clean = 0
    for round in range(12):
        base = [f"line {n} {random.randrange(100)}\n" for n in range(60)]

        def edited():
            text = list(base)
            for _ in range(2):
                text[random.randrange(len(text))] = f"edit {random.randrange(1000)}\n"
            return "".join(text)

        ours, theirs = edited(), edited()
        plain = tmp_path / f"git{round}"
        plain.mkdir()
        for name, text in (("base", "".join(base)), ("ours", ours), ("theirs", theirs)):
            (plain / name).write_text(text)
        git = subprocess.run(["git", "merge-file", "-p", "ours", "base", "theirs"], cwd=plain, capture_output=True, env={**os.environ, **GIT})
        here = Tree(tree.binary, tmp_path / f"ours{round}")
        here("init")
        here.commit("base", f="".join(base))
        here("branch", "side")
        here.commit("ours", f=ours)
        here("checkout", "side")
        here.commit("theirs", f=theirs)
        here("checkout", "main")
        if git.returncode == 0:
            here("merge", "side")
            assert here.files()["f"] == git.stdout
            clean += 1
    assert clean >= 6


# Other histories


class Serving:
    def __init__(self, tree, *arguments):
        self.port = skerry.free_port()
        self.process = subprocess.Popen(
            [tree.binary, "history", "serve", "--listen", f"127.0.0.1:{self.port}", *arguments], cwd=tree.path, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=skerry.environment())
        self.errors = []
        threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True).start()
        line = self.process.stdout.readline()
        assert line == f"skerry: offering the history on 127.0.0.1:{self.port}\n", (line, self.errors)

    @property
    def place(self):
        return f"127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60) == 0, self.errors


def test_clone_push_and_pull_over_tcp(tree, another):
    tree.commit("first", f=lines(), d__g="x")
    tree("tag", "v1")
    tree("checkout", "-b", "work")
    with Serving(tree) as served:
        one, two = another("one"), another("two")
        one("clone", served.place, ".")
        two("clone", served.place, ".")
        assert one.files() == tree.files() == two.files()
        assert one.text("tag") == tree.text("tag")
        one("clone", served.place, ".", code=1)
        one.commit("in one", f=lines((3, "one")))
        assert "main -> origin/main" in one.text("push")
        two.commit("in two", f=lines((16, "two")))
        two("push", code=1)
        assert "pull first" in two.errors
        two("pull")
        assert two.files()["f"] == lines((3, "one"), (16, "two")).encode()
        two("push")
        one("pull")
        assert one.files() == two.files() and one.head() == two.head()
        assert "no problems" in one.text("verify")
        # The branch that is checked out over there is not ours to move.
        one("checkout", "work")
        one.commit("work", f="w")
        one("push", code=1)
    assert tree.text("log", "main", "-n", "1").split()[1] == one.text("log", "main", "-n", "1").split()[1]


def test_a_conflict_of_a_pull_is_settled_as_one_of_a_merge(tree, another):
    tree.commit("base", f=lines())
    other = another("other")
    other("clone", tree.path, ".")
    tree.commit("there", f=lines((4, "there")))
    other.commit("here", f=lines((4, "here")))
    other("pull", code=1)
    other.write("f", lines((4, "both")))
    other("commit")
    other("push", code=1)
    tree("pull", other.path)
    assert tree.files() == other.files() and tree.head() == other.head()


def test_a_server_that_reads_only_takes_no_push(tree, another):
    tree.commit("first", f="1")
    with Serving(tree, "--read-only") as served:
        other = another("other")
        other("clone", served.place, ".")
        other("checkout", "-b", "mine")
        other.commit("mine", f="2")
        other("push", code=1)
    assert tree.text("branch").count("\n") == 1
    other("pull", code=128)
    assert "cannot connect" in other.errors


def test_tls_with_keys_that_name_each_other(tree, another, tmp_path):
    tree.commit("first", f="1")
    keys = [str(tmp_path / name) for name in ("server.key", "client.key", "stranger.key")]
    hashes = []
    for key in keys:
        # A server makes its key and says its hash.
        with Serving(tree, "--key", key, "--trust", "0" * 64) as served:
            pass
        hashes.append(re.search(r"node key ([0-9a-f]{64})", "".join(served.errors)).group(1))
    with Serving(tree, "--key", keys[0], "--trust", hashes[1]) as served:
        client, stranger = another("client"), another("stranger")
        client("clone", "--key", keys[1], "--trust", hashes[0], served.place, ".")
        assert client.files() == {"f": b"1"}
        stranger("clone", "--key", keys[2], "--trust", hashes[0], served.place, ".", code=128)
        stranger("clone", "--key", keys[1], "--trust", hashes[2], served.place, ".", code=128)
        stranger("clone", served.place, ".", code=128)


def test_a_server_open_to_a_network_wants_protection(tree):
    tree("serve", "--listen", "0.0.0.0:0", code=128)
    assert "plain links" in tree.errors


def test_shallow_clones_are_deepened(tree, another):
    for number in range(12):
        tree.commit(f"number {number}", f=str(number))
    shallow = another("shallow")
    shallow("clone", "--depth", "3", tree.path, ".")
    assert shallow.text("log", "--oneline").count("\n") == 3
    shallow("checkout", "HEAD~5", code=128)
    shallow("fetch", "--depth", "7")
    assert shallow.text("log", "--oneline").count("\n") == 7
    shallow("pull", "--unshallow")
    assert shallow.text("log", "--oneline").count("\n") == 12
    assert "no problems" in shallow.text("verify")


def test_bundles_go_through_files_and_pipes(tree, another, tmp_path):
    tree.commit("first", f="1")
    bundle = tree("push", "-")
    piped = another("piped")
    piped("clone", "-", ".", stdin=bundle)
    assert piped.files() == {"f": b"1"} and piped.head() == tree.head()
    tree.commit("second", f="2")
    news = tmp_path / "news.bundle"
    tree("push", news, "--since", "HEAD~1")
    assert news.stat().st_size < len(bundle) * 2
    piped("pull", news)
    assert piped.head() == tree.head()
    stranger = another("stranger")
    stranger("clone", news, ".", code=128)
    stranger("clone", "-", ".", stdin=bundle[:-3], code=128)
    assert "cut" in stranger.errors
    stranger("clone", "-", ".", stdin=bundle)
    assert "no problems" in stranger.text("verify")


def test_a_bare_history_is_a_place_to_push_to(tree, another):
    bare = another("bare")
    bare("init", "--bare")
    tree.commit("first", f="1")
    tree("remote", "origin", bare.path)
    tree("push")
    assert "there already" in tree.text("push")
    assert bare.text("log", "--oneline").endswith("first\n")
    bare("status", code=1)
    assert tree.text("remote") == f"origin {bare.path}\n"


def test_a_push_moves_a_branch_under_nobodys_feet(tree, another):
    """A branch that moved since it was checked out is not committed over."""
    tree.commit("first", f="1")
    other = another("other")
    other("clone", tree.path, ".")
    other.commit("there", f="2")
    # Somebody stands on another branch, so main may move, and comes back to it by hand.
    tree("checkout", "-b", "aside")
    other("push")
    tree("checkout", "main")
    assert tree.files() == {"f": b"2"}


# Crashes and damage


def test_a_transfer_that_is_killed_goes_on(tree, another):
    random.seed(3)
    for number in range(40):
        tree.write(f"f{number}", random.randbytes(1_500_000))
    tree.commit("large")
    other = another("other")
    with Serving(tree) as served:
        for delay in (0.05, 0.2, 0.4):
            process = subprocess.Popen(
                [other.binary, "history", "clone", served.place, "."], cwd=other.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=skerry.environment())
            try:
                process.wait(timeout=delay)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if (other.path / ".skerry-history" / "format").exists():
                assert "no problems" in other.text("verify")
        if other.text("branch") == "":
            other("clone", served.place, ".")
    other("checkout", "main")
    assert other.files() == tree.files()


@pytest.mark.parametrize("is_made", [False, True])
def test_a_commit_that_is_killed_was_made_or_not_and_work_goes_on(tree, is_made):
    tree.commit(a="1")
    head = tree.path / ".skerry-history" / "head"
    before = head.read_bytes()
    if is_made:
        tree.commit(a="2")
    # What a crash between the two leaves: the note, and the branch moved or not.
    head.write_bytes(before + b"committing unfinished\n")
    assert tree.text("status") == "# branch main\n"
    tree.commit(a="3")
    assert len(tree("log", "--oneline").splitlines()) == (3 if is_made else 2)
    tree("verify")


def test_a_commit_says_what_is_not_kept(tree):
    tree.write("run", "x")
    (tree.path / "run").chmod(0o755)
    (tree.path / "link").symlink_to("run")
    tree("commit", "-m", "first")
    assert "too deep: link\n" in tree.errors and "executable: run\n" in tree.errors
    tree.write("other", "y")
    tree("commit", "-m", "second")
    assert "executable" not in tree.errors


def test_a_draft_of_a_killed_checkout_is_cleared_away(tree):
    tree.commit("first", f="1")
    tree.write("d/g", "2")
    for place in (".", "d"):
        (tree.path / place / ".skerry-draft-4711").write_bytes(b"half of a fi")
    with open(tree.path / ".skerry-draft-4712", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        tree("commit", "-m", "second")
        assert set(tree.files()) == {"f", "d/g", ".skerry-draft-4712"}
    tree("checkout", "main")
    assert set(tree.files()) == {"f", "d/g"}
    assert tree.text("diff", "HEAD~1", "HEAD").count("skerry-draft") == 0


def test_damage_is_found_and_named(tree):
    random.seed(4)
    tree.commit("first", f=lines())
    tree.commit("second", f=lines((1, "x")))
    packs = sorted((tree.path / ".skerry-history" / "packs").iterdir())
    for pack in packs:
        good = pack.read_bytes()
        for _ in range(6):
            bad = bytearray(good)
            bad[random.randrange(len(bad))] ^= 0x10
            pack.write_bytes(bad)
            assert "problem" in tree.text("verify", code=1)
        pack.write_bytes(good)
    assert "no problems" in tree.text("verify")


def test_two_commits_at_once_both_hold_or_one_says_so(tree):
    tree.commit("first", f="1")
    processes = []
    for number in range(6):
        processes.append(
            subprocess.Popen(
                [tree.binary, "history", "commit", "-m", f"n{number}", "--stdin", f"file{number}", "--branch", "side"], cwd=tree.path,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=skerry.environment()))
    for number, process in enumerate(processes):
        process.stdin.write(b"%d" % number)
        process.stdin.close()
    codes = [process.wait(timeout=60) for process in processes]
    assert set(codes) <= {0, 1} and 0 in codes
    assert tree.text("log", "--oneline", "side").count("\n") == codes.count(0)
    assert "no problems" in tree.text("verify")
