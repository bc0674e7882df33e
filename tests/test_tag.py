"""Tags, delays and durations."""

from __future__ import annotations

import pytest

from rlreactor import TICK, Tag, ms, ns, sec, us
from rlreactor.tag import FOREVER, NO_DELAY, Delay


def test_tags_are_ordered_by_time_then_microstep() -> None:
    tags = [Tag(1, 0), Tag(0, 2), FOREVER, Tag(0, 0), Tag(0, 1), Tag(1, 1)]
    assert sorted(tags) == [Tag(0, 0), Tag(0, 1), Tag(0, 2), Tag(1, 0), Tag(1, 1), FOREVER]


def test_two_tags_are_simultaneous_only_in_both_parts() -> None:
    assert Tag(1, 0) == (1, 0)
    assert Tag(1, 0) != Tag(1, 1)


def test_a_tag_says_its_unit() -> None:
    assert str(Tag(5, 2)) == "(5 ns, 2)"


def test_durations_are_whole_nanoseconds() -> None:
    assert (ns(3), us(3), ms(3), sec(3)) == (3, 3_000, 3_000_000, 3_000_000_000)
    assert (us(0.5), ms(0.25), sec(1.5)) == (500, 250_000, 1_500_000_000)
    assert all(type(duration) is int for duration in (ns(1), us(0.5), ms(1), sec(0.1)))
    assert TICK == 1


def test_a_tenth_of_a_second_is_exact() -> None:
    assert sec(0.1) == 100_000_000
    assert ms(0.1) == 100_000
    assert sec(1.1) == 1_100_000_000


def test_a_fraction_of_a_nanosecond_is_refused() -> None:
    with pytest.raises(ValueError, match=r"us\(0\.0001\) is not a whole number of nanoseconds"):
        us(0.0001)


@pytest.mark.parametrize(
    ("after", "tag", "arrival"),
    [
        (None, Tag(3, 4), Tag(3, 4)),
        (0, Tag(3, 4), Tag(3, 5)),
        (7, Tag(3, 4), Tag(10, 0)),
        (7, Tag(3, 0), Tag(10, 0)),
    ],
)
def test_what_after_means(after: int | None, tag: Tag, arrival: Tag) -> None:
    assert Delay.of(after).added_to(tag) == arrival


@pytest.mark.parametrize("first", [None, 0, 1, 5])
@pytest.mark.parametrize("second", [None, 0, 1, 5])
@pytest.mark.parametrize("tag", [Tag(0, 0), Tag(0, 3), Tag(9, 1)])
def test_two_delays_in_a_row_are_one(first: int | None, second: int | None, tag: Tag) -> None:
    one, other = Delay.of(first), Delay.of(second)
    assert one.then(other).added_to(tag) == other.added_to(one.added_to(tag))


def test_no_delay_changes_nothing() -> None:
    assert NO_DELAY.added_to(Tag(2, 3)) == Tag(2, 3)
    assert NO_DELAY.then(Delay.of(4)) == Delay.of(4).then(NO_DELAY) == Delay.of(4)
