"""The judge of traces, on traces written by hand: it must pass the sound and find every way of being unsound."""

import pytest

import synced

SOCKET = "15<TCP:[127.0.0.1:9000->127.0.0.1:50000]>"
REQUEST = f'101 read({SOCKET}, "PUT /b/k HTTP/1.1\\r\\nHost: x"..., 65536) = 4500'
ANSWER = f'101 writev({SOCKET}, [{{iov_base="HTTP/1.1 200 OK\\r\\nETag: "..., iov_len=200}}], 1) = 200'
WRITE = '102 pwrite64(20</data/packs/1.pack>, "\\x53\\x4b"..., 4200, 4096) = 4200'
SYNC = "102 fdatasync(20</data/packs/1.pack>) = 0"
CREATE = '102 openat(AT_FDCWD</>, "/data/packs/2.pack", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0600) = 21</data/packs/2.pack>'
WRITE_NEW = '102 pwrite64(21</data/packs/2.pack>, "x"..., 10, 0) = 10'
SYNC_NEW = "102 fdatasync(21</data/packs/2.pack>) = 0"
SYNC_DIRECTORY = "102 fsync(22</data/packs>) = 0"


def judge(*lines):
    return synced.Judge("/data", ["/data/index"]).existing(["/data/packs/1.pack"]).read(lines)


def complaints(*lines):
    verdicts = judge(*lines).verdicts
    assert len(verdicts) == 1, verdicts
    return verdicts[0].complaints


SOUND = {
    "write, sync, answer": [REQUEST, WRITE, SYNC, ANSWER],
    "two writes, one sync": [REQUEST, WRITE, WRITE, SYNC, ANSWER],
    "fsync will do": [REQUEST, WRITE, SYNC.replace("fdatasync", "fsync"), ANSWER],
    "a new pack and its directory": [REQUEST, CREATE, WRITE_NEW, SYNC_NEW, SYNC_DIRECTORY, ANSWER],
    "the directory may be opened for it": [
        REQUEST, CREATE, WRITE_NEW, SYNC_NEW, '102 openat(AT_FDCWD</>, "/data/packs", O_RDONLY) = 22</data/packs>', SYNC_DIRECTORY, ANSWER,
    ],
    "the directory may come first": [REQUEST, CREATE, SYNC_DIRECTORY, WRITE_NEW, SYNC_NEW, ANSWER],
    "the calls overlap with others but not with each other": [
        REQUEST, WRITE.replace(" = 4200", "").replace(")", " <unfinished ...>"), "103 read(9<pipe:[5]>, \"x\", 1) = 1",
        "102 <... pwrite64 resumed>) = 4200", "102 fdatasync(20</data/packs/1.pack> <unfinished ...>",
        "103 close(9<pipe:[5]>) = 0", "102 <... fdatasync resumed>) = 0", ANSWER,
    ],
    "what the index writes is not the truth": [REQUEST, WRITE, SYNC, '104 write(30</data/index/000012.sst>, "x", 1) = 1', ANSWER],
    "what others write elsewhere is not ours": [REQUEST, WRITE, SYNC, '104 write(1</tmp/log>, "x", 1) = 1', ANSWER],
    "100 Continue is no answer": [
        REQUEST, f'101 write({SOCKET}, "HTTP/1.1 100 Continue\\r\\n"..., 25) = 25', WRITE, SYNC, ANSWER,
    ],
    "a descriptor that syncs each write": [
        REQUEST, CREATE.replace("O_CLOEXEC", "O_CLOEXEC|O_DSYNC"), SYNC_DIRECTORY, WRITE_NEW, ANSWER,
    ],
    "a settings file written aside and renamed": [
        REQUEST,
        '102 openat(AT_FDCWD</>, "/data/settings.new", O_WRONLY|O_CREAT|O_TRUNC, 0600) = 25</data/settings.new>',
        '102 write(25</data/settings.new>, "x", 1) = 1', "102 fsync(25</data/settings.new>) = 0",
        '102 rename("/data/settings.new", "/data/settings") = 0', "102 fsync(26</data>) = 0", ANSWER,
    ],
}

UNSOUND = {
    "no sync": [REQUEST, WRITE, ANSWER],
    "a sync before the last write": [REQUEST, WRITE, SYNC, WRITE, ANSWER],
    "a sync of another file": [REQUEST, WRITE, SYNC.replace("1.pack", "7.pack"), ANSWER],
    "a sync that failed": [REQUEST, WRITE, SYNC.replace("= 0", "= -1 EIO (Input/output error)"), ANSWER],
    "a sync after the answer": [REQUEST, WRITE, ANSWER, SYNC],
    "a sync still in flight": [
        REQUEST, WRITE, "102 fdatasync(20</data/packs/1.pack> <unfinished ...>", ANSWER, "102 <... fdatasync resumed>) = 0",
    ],
    "a sync that began while the write was in flight": [
        REQUEST, WRITE.replace(" = 4200", "").replace(")", " <unfinished ...>"), "103 fdatasync(20</data/packs/1.pack> <unfinished ...>",
        "102 <... pwrite64 resumed>) = 4200", "103 <... fdatasync resumed>) = 0", ANSWER,
    ],
    "an answer that begins in two lines": [
        REQUEST, WRITE, f'101 write({SOCKET}, "HTTP/1.1 200 OK"..., 90 <unfinished ...>', SYNC, "101 <... write resumed>) = 90",
    ],
    "a new pack whose directory is not synced": [REQUEST, CREATE, WRITE_NEW, SYNC_NEW, ANSWER],
    "a directory synced before the pack was made": [REQUEST, SYNC_DIRECTORY, CREATE, WRITE_NEW, SYNC_NEW, ANSWER],
    "only the directory synced": [REQUEST, CREATE, WRITE_NEW, SYNC_DIRECTORY, ANSWER],
    "two packs, one synced": [REQUEST, WRITE, CREATE, SYNC_DIRECTORY, WRITE_NEW, SYNC, ANSWER],
    "a rename that is not synced": [
        REQUEST, '102 write(25</data/settings.new>, "x", 1) = 1', "102 fsync(25</data/settings.new>) = 0",
        '102 renameat2(AT_FDCWD</>, "/data/settings.new", AT_FDCWD</>, "/data/settings", 0) = 0', ANSWER,
    ],
}


@pytest.mark.parametrize("case", SOUND)
def test_the_sound_passes(case):
    assert complaints(*SOUND[case]) == []


@pytest.mark.parametrize("case", UNSOUND)
def test_the_unsound_is_found(case):
    assert len(complaints(*UNSOUND[case])) == 1


def test_a_refusal_acknowledges_nothing_and_a_request_without_writes_shows_none():
    assert judge(REQUEST, WRITE, ANSWER.replace("200 OK", "503 Slow Down")).verdicts == []
    assert judge(REQUEST, ANSWER).verdicts[0].files == []


def test_each_answer_is_judged_by_the_writes_since_its_own_request():
    verdicts = judge(REQUEST, WRITE, SYNC, ANSWER, REQUEST, WRITE, ANSWER, REQUEST, SYNC, ANSWER).verdicts
    assert [len(verdict.complaints) for verdict in verdicts] == [0, 1, 0]


def test_connections_are_told_apart():
    other = [line.replace("50000", "50001") for line in (REQUEST, ANSWER)]
    verdicts = judge(REQUEST, other[0], WRITE, other[1], SYNC, ANSWER).verdicts
    assert [(verdict.connection[-6:], len(verdict.complaints)) for verdict in verdicts] == [("50001]", 1), ("50000]", 0)]


def test_io_uring_cannot_be_judged():
    assert judge("102 io_uring_enter(5<anon_inode:[io_uring]>, 1, 0, 0, NULL, 8) = 1").unjudgeable
