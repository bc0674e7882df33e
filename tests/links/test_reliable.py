"""Reliable delivery: exactly once and in order, whatever the carrier does; and who is to blame otherwise."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlreactor.errors import LinkError
from rlreactor.links.reliable import HEADER, Address, OurFault, PeerFault, Receiver, Sender

ADDRESS = Address(run=7, epoch=2, link=5)
WINDOW = 100
TIMEOUT = 10


def ends(window: int = WINDOW, address: Address = ADDRESS) -> tuple[Sender, Receiver]:
    sender = Sender(address, window=window, timeout=TIMEOUT, longest_timeout=4 * TIMEOUT)
    return sender, Receiver(address, window=window)


def delivered(receiver: Receiver, frame: bytes | memoryview) -> list[bytes]:
    return [bytes(payload) for payload, _ in receiver.receive(frame).payloads]


def test_a_payload_arrives_and_is_acknowledged() -> None:
    sender, receiver = ends()
    (frame,) = sender.send(b"one", 0)
    assert len(frame) == HEADER + 3
    assert sender.unacknowledged == 1
    arrival = receiver.receive(frame)
    assert [(bytes(p), paid) for p, paid in arrival.payloads] == [(b"one", True)]
    (answer,) = arrival.answers
    assert not sender.receive(answer, 1)
    assert sender.unacknowledged == 0
    assert sender.due is None


def test_a_lost_frame_and_those_behind_it_are_sent_again() -> None:
    sender, receiver = ends()
    frames = [sender.send(payload, 0)[0] for payload in (b"a", b"b", b"c")]
    (gap,) = receiver.receive(frames[1]).answers
    assert sender.tick(1) == []
    sender.receive(gap, 1)
    assert sender.due == 0
    again = sender.tick(1)
    assert again == frames
    assert [p for f in again for p in delivered(receiver, f)] == [b"a", b"b", b"c"]


def test_one_gap_is_filled_once_until_the_sender_asks_again() -> None:
    sender, receiver = ends()
    frames = [sender.send(payload, 0)[0] for payload in (b"a", b"b", b"c")]
    gaps = [receiver.receive(frame).answers[0] for frame in frames[1:]]
    sender.receive(gaps[0], 1)
    assert len(sender.tick(1)) == 3
    sender.receive(gaps[1], 2)
    assert sender.tick(2) == []
    (probe,) = sender.tick(1 + TIMEOUT)
    sender.receive(receiver.receive(probe).answers[0], 20)
    assert sender.tick(20) == frames


def test_a_receiver_that_is_only_busy_is_not_sent_everything_again() -> None:
    sender, receiver = ends()
    frames = [sender.send(payload, 0)[0] for payload in (b"a", b"b", b"c")]
    (probe,) = sender.tick(TIMEOUT)
    assert len(probe) == HEADER
    answers = [receiver.receive(frame).answers[0] for frame in (*frames, probe)]
    for answer in answers:
        sender.receive(answer, TIMEOUT + 1)
    assert sender.tick(TIMEOUT + 1) == []
    assert sender.unacknowledged == 0


def test_a_lost_last_frame_shows_when_the_sender_asks() -> None:
    sender, receiver = ends()
    (frame,) = sender.send(b"a", 0)
    (probe,) = sender.tick(TIMEOUT)
    arrival = receiver.receive(probe)
    assert arrival.payloads == []
    sender.receive(arrival.answers[0], TIMEOUT + 1)
    assert sender.tick(TIMEOUT + 1) == [frame]


def test_what_is_sent_in_place_gets_its_header_there_and_costs_no_credits() -> None:
    sender, receiver = ends(window=10)
    memory = bytearray(HEADER) + b"longer than the window"
    (frame,) = sender.send_in_place(memoryview(memory), 0)
    assert frame.obj is memory
    assert [(bytes(p), paid) for p, paid in receiver.receive(frame).payloads] == [(b"longer than the window", False)]
    assert sender.has_room(10)


def test_the_wait_doubles_while_nothing_is_heard_and_starts_anew_with_an_acknowledgement() -> None:
    sender, receiver = ends()
    frame, _ = sender.send(b"a", 0)[0], sender.send(b"b", 0)
    dues: list[int | None] = []
    for now in (10, 30, 70, 110):
        assert sender.due == now
        assert len(sender.tick(now)) == 1
        dues.append(sender.due)
    assert dues == [30, 70, 110, 150]
    sender.receive(receiver.receive(frame).answers[0], 120)
    assert sender.due == 130


def test_what_is_sent_again_does_not_change_with_the_memory_that_it_was_sent_from() -> None:
    sender, receiver = ends()
    memory = bytearray(HEADER) + b"first"
    sender.send_in_place(memoryview(memory), 0)
    (behind,) = sender.send(b"", 0)
    (gap,) = receiver.receive(behind).answers
    sender.receive(gap, 1)
    again = sender.tick(1)
    memory[HEADER:] = b"later"
    assert delivered(receiver, again[0]) == [b"first"]


def test_duplicates_are_dropped_and_answered_again() -> None:
    sender, receiver = ends()
    (frame,) = sender.send(b"a", 0)
    assert delivered(receiver, frame) == [b"a"]
    arrival = receiver.receive(frame)
    assert arrival.payloads == []
    sender.receive(arrival.answers[0], 1)
    assert sender.unacknowledged == 0


def test_an_old_answer_changes_nothing() -> None:
    sender, receiver = ends()
    old = receiver.receive(sender.send(b"a", 0)[0]).answers[0]
    new = receiver.receive(sender.send(b"b", 0)[0]).answers[0]
    sender.receive(new, 1)
    sender.receive(old, 2)
    assert sender.unacknowledged == 0


def test_without_credits_nothing_is_sent_until_they_are_returned() -> None:
    sender, receiver = ends(window=10)
    receiver.receive(sender.send(b"12345678", 0)[0])
    assert not sender.has_room(3)
    with pytest.raises(OurFault, match="3 bytes with room for 2"):
        sender.send(b"123", 0)
    sender.send(b"free of charge"[:10], 0, free=True)
    (answer,) = receiver.consumed(8)
    assert sender.receive(answer, 1)
    assert sender.has_room(3)


def test_credits_that_got_lost_are_asked_for() -> None:
    sender, receiver = ends(window=10)
    arrival = receiver.receive(sender.send(b"1234567890", 0)[0])
    sender.receive(arrival.answers[0], 1)
    assert not sender.has_room(1)
    receiver.consumed(10)  # lost
    assert sender.due == 1 + TIMEOUT
    (probe,) = sender.tick(1 + TIMEOUT)
    arrival = receiver.receive(probe)
    assert arrival.payloads == []
    assert sender.receive(arrival.answers[0], 20)
    assert sender.has_room(10)
    assert sender.due is None


@pytest.mark.parametrize("epoch", [1, 3])
def test_frames_of_another_epoch_are_fenced(epoch: int) -> None:
    sender, receiver = ends()
    stranger, host = ends(address=ADDRESS._replace(epoch=epoch))
    frame = stranger.send(b"ghost", 0)[0]
    assert receiver.receive(frame) == ([], [])
    assert receiver.fenced == 1
    sender.send(b"a", 0)
    assert not sender.receive(host.receive(frame).answers[0], 0)
    assert sender.unacknowledged == 1


def broken(**fields: int | bytes) -> bytes:
    """A frame whose header says something else."""
    names = ("magic", "version", "kind", "length", "epoch", "link", "run", "number", "limit")
    values: tuple[int | bytes, ...] = (b"rl", 2, 0, 3, 2, 5, 7, 0, 0)
    header = dict(zip(names, values, strict=True)) | fields
    return struct.pack("<2sBBIIIQQQ", *header.values()).ljust(HEADER, b"\0") + b"abc"


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (b"", "a frame of 0 bytes"),
        (broken()[: HEADER - 1], "a frame of 63 bytes"),
        (broken(magic=b"zz"), "protocol b'zz' 2: expected b'rl' 2"),
        (broken(version=9), "protocol b'rl' 9"),
        (broken(run=8), "run 8, link 5: expected run 7, link 5"),
        (broken(link=6), "run 7, link 6: expected run 7, link 5"),
        (broken(length=4), "announces a payload of 4"),
        (broken(length=2**32 - 1), "announces a payload of 4294967295"),
        (broken(kind=5), "kind 5"),
        (broken(kind=4, length=0)[:HEADER], "an answer on the forward stream"),
        (broken(kind=2), "kind 2 and 67 bytes"),
        (broken(kind=3, length=0)[:HEADER], "an answer on the forward stream"),
    ],
)
def test_what_is_no_frame_of_this_link_is_the_peers_fault(frame: bytes, text: str) -> None:
    with pytest.raises(PeerFault, match=text):
        ends()[1].receive(frame)


def test_a_peer_that_acknowledges_the_future_or_exceeds_its_credits_is_to_blame() -> None:
    sender, receiver = ends(window=3)
    with pytest.raises(PeerFault, match="frame 4 is expected and the next to be sent is 0"):
        sender.receive(broken(kind=3, length=0, number=4)[:HEADER], 0)
    with pytest.raises(PeerFault, match="kind 0 on the reverse stream"):
        sender.receive(broken(), 0)
    receiver.receive(broken())
    with pytest.raises(PeerFault, match="6 payload bytes sent with credits for 3"):
        receiver.receive(broken(number=1))


def test_misuse_on_this_side_is_our_fault() -> None:
    sender, receiver = ends(window=10)
    with pytest.raises(OurFault, match="11 bytes on a link with a window of 10"):
        sender.send(b"x" * 11, 0)
    with pytest.raises(OurFault, match="1 bytes consumed beyond the 0"):
        receiver.consumed(1)
    assert issubclass(OurFault, LinkError)
    assert issubclass(PeerFault, LinkError)


@given(st.binary(max_size=120))
def test_arbitrary_bytes_never_do_harm(data: bytes) -> None:
    _, receiver = ends()
    for frame in (data, broken()[: len(data)] + data[len(broken()) :]):
        try:
            arrival = receiver.receive(frame)
        except PeerFault:
            continue
        assert len(arrival.payloads) <= 1


@given(
    payloads=st.lists(st.binary(max_size=30), max_size=25),
    loss=st.floats(0, 0.6),
    doubling=st.floats(0, 0.5),
    cuts=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 100)), max_size=3),
    slowness=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_exactly_once_and_in_order_over_the_worst_carrier(
    payloads: list[bytes],
    loss: float,
    doubling: float,
    cuts: list[tuple[int, int]],
    slowness: float,
    seed: int,
) -> None:
    chance = Random(seed)
    sender, receiver = ends(window=40)
    under_way: list[tuple[int, bool, bytes | memoryview]] = []  # arrival, whether it goes back, frame
    received: list[bytes] = []
    unread = 0
    waiting = list(payloads)

    def carry(now: int, frames: Sequence[bytes | memoryview], back: bool) -> None:
        for frame in frames:
            cut = any(start <= now < start + length for start, length in cuts)
            copies = 0 if cut or chance.random() < loss else 2 if chance.random() < doubling else 1
            under_way.extend((now + chance.randrange(1, 15), back, frame) for _ in range(copies))

    for now in range(20_000):
        if not waiting and len(received) == len(payloads) and not sender.unacknowledged:
            break
        if waiting and sender.has_room(len(waiting[0])):
            carry(now, sender.send(waiting.pop(0), now), back=False)
        arrived = [entry for entry in under_way if entry[0] <= now]
        under_way[:] = [entry for entry in under_way if entry[0] > now]
        chance.shuffle(arrived)
        for _, back, frame in arrived:
            if back:
                sender.receive(frame, now)
                continue
            arrival = receiver.receive(frame)
            for payload, _ in arrival.payloads:
                received.append(bytes(payload))
                unread += len(payload)
            carry(now, arrival.answers, back=True)
        if unread and chance.random() > slowness * 0.9:
            carry(now, receiver.consumed(unread), back=True)
            unread = 0
        carry(now, sender.tick(now), back=False)
    assert received == payloads
    assert sender.unacknowledged == 0
