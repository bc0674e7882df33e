"""A signal that comes before or after there is something to save."""

from __future__ import annotations

import signal

import pytest

from rlreactor.commands.reprieve import Reprieve


def test_nothing_to_save_yet() -> None:
    with Reprieve(lambda: False), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_who_ignores_signals_goes_on_ignoring_them() -> None:
    """As a command does that a script has put into the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Reprieve(lambda: False) as reprieve:
            signal.raise_signal(signal.SIGINT)
        assert reprieve.number is None
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_there_is_gets_saved(number: int) -> None:
    saved = False
    with Reprieve(lambda: True) as reprieve:
        signal.raise_signal(number)
        signal.raise_signal(signal.SIGINT)
        saved = True
    assert saved
    assert reprieve.number == number


def test_signals_belong_to_the_program_again_afterwards() -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Reprieve(lambda: True):
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
