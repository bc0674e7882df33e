"""Doorbells: no wake-up is lost, nothing spins unasked, descriptors and the clock count too."""

import os
import threading
import time
from functools import partial

import pytest

from rlreactor.links import doorbell
from rlreactor.links.doorbell import Doorbell, new_doorbell_fd, ring_all
from rlreactor.links.ends import Wake
from rlreactor.links.segment import PAGE, Segment
from rlreactor.links.words import Words

from .conftest import Fork

NEWS, SLEEPS = (0, 8), (16, 24)  # words of two workers


def shared_words() -> Words:
    with Segment(PAGE, "bells") as segment:
        return Words(segment.map(writable=True), 0, 64)


@pytest.fixture
def words() -> Words:
    return shared_words()


@pytest.fixture
def bell(words: Words) -> Doorbell:
    return Doorbell(new_doorbell_fd(), words, poll_bound_s=60.0)


def rung(bell: Doorbell) -> int:
    try:
        return os.eventfd_read(bell.fd)
    except BlockingIOError:
        return 0


class Answers:
    """A predicate that says what it was told to, and counts."""

    def __init__(self, *answers: bool) -> None:
        self.answers = iter(answers)
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return next(self.answers)


def test_news_that_is_there_needs_no_sleep(bell: Doorbell) -> None:
    assert bell.wait(lambda: True) == Wake(True, ())
    assert bell.wait(lambda: True, spin=3) == Wake(True, ())


def test_spinning_asks_as_often_as_it_was_told(bell: Doorbell, words: Words) -> None:
    sleeping: list[int] = []

    def asked() -> bool:
        sleeping.append(words.load(0))
        return False

    for spin in (0, 1, 5):
        sleeping.clear()
        assert bell.wait(asked, spin=spin, timeout_s=0) == Wake(False)
        assert [bool(word) for word in sleeping] == [False] * spin + [True, True], "before, asleep, after the sleep"
        assert words.load(0) == 0


def test_news_between_the_last_look_and_the_sleep_is_seen(bell: Doorbell) -> None:
    answers = Answers(False, False, True)
    assert bell.wait(answers, spin=2).ready
    assert answers.asked == 3


def test_ringing_somebody_who_is_awake_does_nothing(bell: Doorbell) -> None:
    bell.ring()
    ring_all([bell])
    assert rung(bell) == 0


def test_ringing_somebody_who_sleeps(bell: Doorbell, words: Words) -> None:
    words.store(0, 1)
    bell.ring()
    ring_all([bell, bell])
    assert rung(bell) == 1, "once until it has looked"
    words.store(0, 2)
    bell.ring()
    assert rung(bell) == 1


def test_a_ring_wakes_and_is_used_up(bell: Doorbell) -> None:
    os.eventfd_write(bell.fd, 5)
    assert bell.wait(Answers(False, True)).ready
    assert rung(bell) == 0
    assert bell.missed == 0


def test_a_ring_from_before_does_not_end_the_wait(bell: Doorbell) -> None:
    os.eventfd_write(bell.fd, 1)
    answers = Answers(*[False] * 10)
    assert not bell.wait(answers, timeout_s=0.001).ready
    assert answers.asked >= 3, "before the sleep, after the old ring, after the time"


def test_a_bell_that_is_full_still_wakes(bell: Doorbell, words: Words) -> None:
    os.eventfd_write(bell.fd, 2**64 - 2)
    words.store(0, 1)
    bell.ring()
    assert bell.wait(Answers(False, True)).ready


def test_time_is_up(bell: Doorbell) -> None:
    begin = time.monotonic()
    assert bell.wait(lambda: False, timeout_s=0.02) == Wake(False)
    assert time.monotonic() - begin >= 0.02
    assert bell.missed == 0


def test_a_sleeper_uses_no_processor(bell: Doorbell) -> None:
    begin = time.process_time()
    bell.wait(lambda: False, timeout_s=0.2)
    assert time.process_time() - begin < 0.1


def test_other_descriptors_end_the_wait(bell: Doorbell) -> None:
    reading, writing = os.pipe()
    other, _ = os.pipe()
    os.write(writing, b"x")
    assert bell.wait(lambda: False, extra_fds=(other, reading)) == Wake(False, (reading,))
    assert bell.wait(lambda: False, extra_fds=(other,), timeout_s=0) == Wake(False)
    assert bell.wait(lambda: False, extra_fds=(reading,), timeout_s=5) == Wake(False, (reading,))
    assert bell.wait(lambda: True, extra_fds=(reading,)) == Wake(True)


def test_a_descriptor_and_a_ring_at_once(bell: Doorbell) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"x")
    os.eventfd_write(bell.fd, 1)
    assert bell.wait(Answers(False, True), extra_fds=(reading,)) == Wake(True, (reading,))
    assert rung(bell) == 0


def test_a_peer_that_hung_up_ends_the_wait(bell: Doorbell) -> None:
    reading, writing = os.pipe()
    os.close(writing)
    assert bell.wait(lambda: False, extra_fds=(reading,)) == Wake(False, (reading,))


def test_a_predicate_that_raises_leaves_its_owner_awake(bell: Doorbell, words: Words) -> None:
    with pytest.raises(StopIteration):
        bell.wait(Answers(False), timeout_s=0)
    assert words.load(0) == 0


def test_news_without_a_ring_is_found_and_counted(words: Words) -> None:
    bell = Doorbell(new_doorbell_fd(), words, poll_bound_s=0.001)
    assert bell.wait(Answers(False, False, True)).ready
    assert bell.missed == 1


def test_the_caller_s_own_time_limit_is_no_missed_ring(bell: Doorbell) -> None:
    assert bell.wait(Answers(False, True), timeout_s=0.001).ready
    assert bell.missed == 0


@pytest.mark.interpreted
def test_fences_stand_between_one_s_own_store_and_the_look_at_the_other_s(
    bell: Doorbell, words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    monkeypatch.setattr(doorbell, "fence", lambda: steps.append(f"fence, sleeps={words.load(0)}"))

    def asked() -> bool:
        steps.append("look")
        return True

    bell.wait(asked)
    words.store(0, 1)
    bell.ring()
    assert steps == ["fence, sleeps=1", "look", "fence, sleeps=1"]


@pytest.mark.interpreted
def test_several_are_rung_after_one_fence(words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    fences: list[int] = []
    monkeypatch.setattr(doorbell, "fence", lambda: fences.append(1))
    bells = [Doorbell(new_doorbell_fd(), words, i) for i in range(3)]
    words.store(0, 1)
    words.store(2, 1)
    ring_all(bells)
    assert [rung(bell) for bell in bells] == [1, 0, 1]
    assert fences == [1]


def reached(words: Words, index: int, number: int) -> bool:
    return words.load(index) == number


def play(me: int, rounds: int, spin: int, words: Words, fds: list[int]) -> None:
    """Takes turns with the other worker; a lost wake-up costs 5 s and is counted."""
    mine = Doorbell(fds[me], words, SLEEPS[me], poll_bound_s=5.0)
    theirs = Doorbell(fds[1 - me], words, SLEEPS[1 - me])
    for number in range(1, rounds + 1):
        if me == 0:
            words.store(NEWS[me], number)
            theirs.ring()
        mine.wait(partial(reached, words, NEWS[1 - me], number), spin=spin)
        if me == 1:
            words.store(NEWS[me], number)
            theirs.ring()
    assert mine.missed == 0


@pytest.mark.parametrize("spin", [0, 1, 300])
def test_ten_thousand_rounds_between_two_processes(spin: int, words: Words, fork: Fork) -> None:
    fds = [new_doorbell_fd(), new_doorbell_fd()]
    child = fork(lambda: play(1, 10_000, spin, words, fds))
    play(0, 10_000, spin, words, fds)
    child.join()


def test_rounds_between_two_threads(words: Words) -> None:
    fds = [new_doorbell_fd(), new_doorbell_fd()]
    thread = threading.Thread(target=play, args=(1, 500, 0, words, fds))
    thread.start()
    play(0, 500, 0, words, fds)
    thread.join()
