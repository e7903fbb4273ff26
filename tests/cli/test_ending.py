"""Signals end the work wherever they come."""

import os
import signal
import time

import pytest

from formsearch.cli.ending import Terminated, terminable

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")


class Finalised:
    """A signal comes while this is finalised, where Python drops exceptions."""

    def __init__(self, number):
        self.number = number

    def __del__(self):
        os.kill(os.getpid(), self.number)
        time.sleep(0.01)


def heard_within(seconds, number):
    """What a signal that comes in a finaliser raises afterwards; None if nothing does within `seconds`."""
    try:
        with terminable():
            Finalised(number)
            time.sleep(seconds)
    except (KeyboardInterrupt, Terminated) as heard:
        return type(heard)
    return None


@pytest.mark.parametrize(("number", "heard"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_a_signal_in_a_finaliser_is_heard_after_it(number, heard, monkeypatch):
    # The process that is told to end here is that of the tests.
    monkeypatch.setattr("formsearch.cli.ending.GRACE", 1e6)
    assert heard_within(30, number) is heard


def test_the_handler_is_given_back():
    before = signal.getsignal(signal.SIGINT)
    with terminable():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
