"""Signals end the work wherever they come."""

import os
import signal
import time

import pytest

from formsearch.cli.ending import terminable

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")


class Finalised:
    """Ctrl-C comes while this is finalised, where Python drops exceptions."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)


def interrupted_within(seconds):
    """Seconds until Ctrl-C that comes from a finaliser is heard; None if it is not within `seconds`."""
    begun = time.monotonic()
    try:
        with terminable():
            Finalised()
            time.sleep(seconds)
    except KeyboardInterrupt:
        return time.monotonic() - begun
    return None


def test_ctrl_c_in_a_finaliser_is_heard_after_it():
    assert interrupted_within(30) is not None


def test_the_handler_is_given_back():
    before = signal.getsignal(signal.SIGINT)
    with terminable():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
