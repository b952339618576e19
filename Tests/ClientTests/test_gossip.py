"""`skerry gossip`: real processes on loopback that find each other, keep one board, and notice who dies."""

import fcntl
import os
import pty
import random
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

import peers as gossip
import skerry

pytestmark = pytest.mark.skerry_only

SECRET = "a secret that is long enough\n"


@pytest.fixture
def cluster():
    """Peers of the test's own: none is left running."""
    made = []
    yield made
    gossip.stop_all(made)


def agree(some):
    """Whether all hold all for alive."""
    names = {peer.name for peer in some}
    return all({name for name, state in peer.states().items() if state == "alive"} >= names for peer in some)


def test_ten_processes_find_each_other_converge_under_kills_and_notice_the_dead(binary, tmp_path, cluster):
    """P-04, T-11, T-13: of ten peers each knows one; killed and started again at random while all write, they come to one board; a dead one is shown as dead."""
    cluster += gossip.ten(binary, tmp_path)
    for peer in cluster:
        peer.launch()
    for peer in cluster:
        peer.await_ready()
    found = gossip.seconds_until(lambda: agree(cluster))
    print(f"\nten processes found each other in {found:.2f} s")

    written, converged = gossip.converge_under_kills(cluster, random.Random(7), rounds=5, writes=8)
    print(f"ten processes converged {converged:.2f} s after the last restart")
    boards = [peer.board() for peer in cluster]
    assert all(board == boards[0] for board in boards)
    assert written.items() <= boards[0].items()
    assert len(written) == 80
    assert all(boards[0][f"last-{peer.name}"] == "5" for peer in cluster)

    # Who is known by all survives the death of whoever introduced it.
    gossip.seconds_until(lambda: agree(cluster))
    dead, leaver, *rest = random.Random(8).sample(cluster, 10)
    started = time.monotonic()
    dead.kill()
    assert leaver.stop() == 0
    left = gossip.seconds_until(lambda: all(peer.states()[leaver.name] == "left" for peer in rest))
    assert any(peer.states()[dead.name] != "dead" for peer in rest) or time.monotonic() - started > 4
    died = gossip.seconds_until(lambda: all(peer.states()[dead.name] == "dead" for peer in rest))
    print(f"a leaver was known to have left after {left:.2f} s, a killed one to be dead {died:.2f} s later")
    assert all(peer.states()[leaver.name] == "left" for peer in rest)


def test_a_stopped_peer_makes_no_other_grow_and_catches_up(binary, cluster):
    """A process that gets no processor time (SIGSTOP) costs the others a bounded queue, whatever is written in the meantime."""
    cluster += gossip.ten(binary, count=3)
    for peer in cluster:
        peer.start()
    gossip.seconds_until(lambda: agree(cluster))
    one, frozen, other = cluster
    value = "x" * 4000
    for number in range(200):
        one.ask(f"set warm-{number % 20} {number}{value}")
    gossip.seconds_until(lambda: one.digest() == other.digest() == frozen.digest())
    frozen.freeze()
    before = [peer.resident_bytes() for peer in (one, other)]
    # 100 MB on 20 keys, which the stopped peer does not take: the log drops what was written over, whoever still lacks it, who gets the board instead.
    peak = list(before)
    for number in range(25_000):
        one.say(f"set warm-{number % 20} {number}{value}")
        one._answers.get(timeout=gossip.PATIENCE)
        if number % 250 == 249:
            peak = [max(peer.resident_bytes(), earlier) for peer, earlier in zip((one, other), peak)]
    gossip.seconds_until(lambda: one.digest() == other.digest())
    grown = [most - earlier for most, earlier in zip(peak, before)]
    print(f"\nwritten 100 MB beside a stopped peer: grown by {[f'{bytes / 1e6:.0f} MB' for bytes in grown]}")
    assert all(growth < 32e6 for growth in grown)
    frozen.thaw()
    caught = gossip.seconds_until(lambda: frozen.digest() == one.digest())
    print(f"it caught up in {caught:.2f} s")


def test_identity_and_board_outlive_the_process(binary, tmp_path, cluster):
    """With --data a peer is the same one after a kill, with what it wrote."""
    peer = gossip.Peer(binary, "hull", data=tmp_path / "hull")
    cluster.append(peer)
    first = peer.start().events[0]
    assert peer.ask("set plan sail at dawn") == {"answer": "set", "key": "plan"}
    peer.ask("set other x")
    assert peer.ask("unset other") == {"answer": "unset", "key": "other", "was": True}
    assert peer.stop() == 0
    second = peer.start().events[0]
    assert second["id"] == first["id"]
    assert peer.board() == {"plan": "sail at dawn"}
    assert peer.ask("get plan")["value"] == "sail at dawn"
    assert peer.members()["hull"]["incarnation"] == 2
    thief = subprocess.run(
        [str(binary), "gossip", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "hull")], capture_output=True, text=True, timeout=30,
        stdin=subprocess.DEVNULL, env=skerry.environment(),
    )
    assert thief.returncode == 1 and "in use" in thief.stderr


def test_only_who_knows_the_secret_joins_also_over_ipv6(binary, tmp_path, cluster):
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "other").write_text("another secret, as long")
    for name in ("secret", "other"):
        (tmp_path / name).chmod(0o600)
    ada = gossip.Peer(binary, "ada", host="::1", arguments=["--secret-file", tmp_path / "secret"])
    bob = gossip.Peer(binary, "bob", host="::1", join=[ada.address], arguments=["--secret-file", tmp_path / "secret"])
    eve = gossip.Peer(binary, "eve", host="::1", join=[ada.address], arguments=["--secret-file", tmp_path / "other"])
    for peer in (ada, bob, eve):
        peer.arguments = [str(word) for word in peer.arguments]
        cluster.append(peer)
        peer.start()
    gossip.seconds_until(lambda: agree([ada, bob]))
    bob.ask("set berth 7")
    gossip.seconds_until(lambda: ada.board() == {"berth": "7"})
    assert set(eve.states()) == {"eve"} and "eve" not in ada.states()
    assert eve.board() == {}
    skerry.await_true(lambda: any(line == f"skerry: {ada.address}: the other side knows another cluster secret" for line in eve.errors))
    # quit leaves as a signal does.
    bob.say("quit")
    assert bob.process.wait(gossip.PATIENCE) == 0
    gossip.seconds_until(lambda: ada.states()["bob"] == "left")
    assert ada.stop(signal.SIGINT) == 0


def test_over_tls_peers_know_each_other_by_their_keys(binary, tmp_path, cluster):
    keys, hashes = [tmp_path / "ada.pem", tmp_path / "bob.pem"], []
    for key in keys:
        # The first start makes the key and names it.
        peer = gossip.Peer(binary, "new", arguments=["--key", str(key)]).start()
        cluster.append(peer)
        skerry.await_true(lambda: any("node key" in line for line in peer.errors))
        hashes.append(peer.errors[0].split()[-1])
        peer.kill()
    ada = gossip.Peer(binary, "ada", arguments=["--key", str(keys[0]), "--trust", hashes[1]]).start()
    cluster.append(ada)
    bob = gossip.Peer(binary, "bob", join=[ada.address], arguments=["--key", str(keys[1]), "--trust", hashes[0]]).start()
    eve = gossip.Peer(binary, "eve", join=[ada.address]).start()
    cluster += [bob, eve]
    bob.ask("set berth 7")
    gossip.seconds_until(lambda: ada.board() == {"berth": "7"})
    assert "eve" not in ada.states() and eve.board() == {}


def test_what_is_typed_wrong_is_said_and_what_comes_from_others_does_nothing_to_the_terminal(binary, tmp_path):
    done = subprocess.run(
        [str(binary), "gossip", "--plain", "--name", "hull", "--listen", "127.0.0.1:0"], env=skerry.environment(), capture_output=True, text=True,
        timeout=60, input="# a remark\n\nset x\nfly\nget plan\nset plan a\x1b[31mred\nget plan\nkeys\nmembers\ndigest\nhelp\nquit\n",
    )
    assert done.returncode == 0, done.stderr
    for line in (
        "skerry: gossip as hull on 127.0.0.1:", "set needs a key and a value: set KEY VALUE", '"fly" is no command; try help', "plan is not on the board",
        "plan = a\ufffd[31mred", "NAME", "1 entries of 1 origins", "quit            leave the cluster and end", "skerry: left the cluster",
    ):
        assert line in done.stdout, (line, done.stdout)
    assert "\x1b" not in done.stdout


class Screen:
    """A terminal of 24 lines and 100 columns with the program on it."""

    def __init__(self, command):
        self.near, self.far = pty.openpty()
        fcntl.ioctl(self.far, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.before = termios.tcgetattr(self.far)
        self.output = b""
        env = {**skerry.environment(), "TERM": "xterm-256color"}
        self.process = subprocess.Popen(command, stdin=self.far, stdout=self.far, stderr=self.far, env=env)

    def read(self, seconds=0.1):
        if select.select([self.near], [], [], seconds)[0]:
            self.output += os.read(self.near, 65536)
        return self.output

    def lines(self):
        """The last whole display, without colours."""
        frames = self.output.split(b"\x1b[?25l\x1b[H")
        for frame in reversed(frames[1:]):
            if b"\x1b[?25h" in frame:
                return re.sub(r"\x1b\[[0-9;]*[mKJ]", "", frame.split(b"\x1b[?25h")[0].decode()).split("\r\n")
        return []

    def shows(self, *texts):
        self.read()
        shown = "\n".join(self.lines())
        return all(text in shown for text in texts)

    def type(self, text):
        os.write(self.near, text.encode())

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.near)
        os.close(self.far)


def test_on_a_terminal_it_draws_what_it_sees_and_gives_the_terminal_back(binary, cluster):
    ada = gossip.Peer(binary, "ada").start()
    cluster.append(ada)
    screen = Screen([str(binary), "gossip", "--name", "hull", "--listen", "127.0.0.1:0", "--join", ada.address])
    try:
        gossip.seconds_until(lambda: screen.shows("skerry gossip  hull", "2 alive", "ada", ada.address, "The board is empty"))
        assert termios.tcgetattr(screen.far)[3] & (termios.ECHO | termios.ICANON) == 0
        screen.type("set plan sail at dusk")
        screen.type("\x7f" * 4 + "dawn\x1b[A\r")
        gossip.seconds_until(lambda: screen.shows("plan  sail at dawn  hull"))
        gossip.seconds_until(lambda: ada.board() == {"plan": "sail at dawn"})
        # What others write is shown, and does nothing.
        ada.ask("set evil \x1b[2J\x07end")
        gossip.seconds_until(lambda: screen.shows("evil  \ufffd[2J\ufffdend"))
        assert len(screen.lines()) <= 24
        screen.type("get nothing\r")
        gossip.seconds_until(lambda: screen.shows("nothing is not on the board"))
        screen.type("\x04")
        gossip.seconds_until(lambda: screen.read() and screen.process.poll() is not None)
        assert screen.process.returncode == 0
        assert b"\x1b[?1049l" in screen.output and screen.output.rstrip().endswith(b"skerry: left the cluster")
        assert termios.tcgetattr(screen.far) == screen.before
    finally:
        screen.close()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--listen", "nowhere"], 64, "is not an address of the form HOST:PORT"),
        (["--join", "::1:7946"], 64, "[ADDRESS]:PORT for IPv6"),
        (["--join", "127.0.0.1:0"], 64, "has no port"),
        (["--plain", "--json"], 64, "exclude each other"),
        (["--listen", "0.0.0.0:0"], 64, "--advertise"),
        (["--listen", "0.0.0.0:0", "--advertise", "127.0.0.1:0"], 1, "--insecure"),
        (["--secret-file", "/nowhere/secret"], 1, "No such file"),
    ],
)
def test_arguments_that_make_no_sense_say_so(binary, arguments, status, said):
    done = subprocess.run(
        [str(binary), "gossip", *arguments], env=skerry.environment(), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    assert done.returncode == status, done.stderr
    assert said in done.stderr


def test_a_port_in_use_is_named(binary, cluster):
    cluster.append(gossip.Peer(binary, "ada").start())
    done = subprocess.run(
        [str(binary), "gossip", "--listen", cluster[0].address], env=skerry.environment(), capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 1 and f"{cluster[0].address} is in use" in done.stderr
