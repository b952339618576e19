"""The model of the crash test must find what it is there to find."""

import journal
from journal import ABSENT, Key, Value

ONE, TWO = Value.of(b"one"), Value.of(b"two")


def key(settled=ABSENT, *open):
    return Key(settled, list(open))


def shown(value):
    return (None, None) if value is ABSENT else (value.size, value.etag)


def test_after_an_answer_only_the_acknowledged_will_do():
    for settled in (ABSENT, ONE, TWO):
        for seen in (ABSENT, ONE, TWO):
            assert (key(settled).seen(*shown(seen)) is None) == (seen == settled)


def test_without_an_answer_old_or_new_will_do_and_then_it_stays():
    for seen in (ONE, TWO):
        subject = key(ONE, TWO)
        assert subject.seen(*shown(seen)) is None
        assert subject.seen(*shown(TWO if seen == ONE else ONE)) is not None
    assert key(ONE, TWO).seen(None, None) is not None
    assert key(ONE, ABSENT).seen(None, None) is None


def test_half_an_object_is_nobodys():
    assert key(ABSENT, Value.of(b"whole body")).seen(5, Value.of(b"whole").etag) is not None


def test_acknowledged_versions_stay_and_strangers_are_found():
    subject = key(TWO)
    subject.versions = {"1": ONE, "2": TWO}
    both = {"1": shown(ONE), "2": shown(TWO)}
    assert subject.seen_versions(both) == []
    assert len(subject.seen_versions({"2": shown(TWO)})) == 1
    assert len(subject.seen_versions({**both, "3": (9, '"x"')})) == 1
    assert len(subject.seen_versions({**both, "1": shown(TWO)})) == 1


def test_a_version_without_an_answer_is_adopted():
    subject = key(ONE, TWO)
    subject.versions = {"1": ONE}
    assert subject.seen_versions({"1": shown(ONE), "2": shown(TWO)}) == []
    assert set(subject.versions) == {"1", "2"}


def test_etags_are_those_of_s3():
    assert journal.Value.of(b"").etag == '"d41d8cd98f00b204e9800998ecf8427e"'
