"""How a command ends when it is told to from outside, or when the machine gives no more room.

SIGTERM (a scheduler's time limit, `kill`, a shutdown) and SIGHUP (a closed terminal) become `Terminated`, so that
files half written are removed and the run is noted as stopped. What is in the store is safe in any case. Ctrl-C stays a
`KeyboardInterrupt`. None is lost in a finaliser, where Python would drop it and the work go on.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from formsearch.derive.limits import swallows

TERMINATED = 128 + signal.SIGTERM
GRACE = 10.0
"""Seconds until a process ends that was told to and could not be made to listen; schedulers kill after 30 or so."""
AGAIN = 0.02
"""Seconds until a signal comes again that came in a moment that hears nothing."""


class Terminated(BaseException):
    """The process was told to end. Not an `Exception`, nor a `KeyboardInterrupt`: those keep what was found so far and
    go on.
    """


@contextmanager
def terminable() -> Iterator[None]:
    """Raise `Terminated` in the block when the process is told to end, and `KeyboardInterrupt` where it is heard.

    Does nothing outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal told
        if told:
            return
        if swallows(frame):
            _come_again(number)
            return
        told = True
        # An exception may still be lost where Python cannot pass it on (a callback of C code).
        last = threading.Timer(GRACE, os._exit, (TERMINATED,))
        last.daemon = True
        last.start()
        raise Terminated

    def interrupt(number: int, frame: FrameType | None) -> None:
        if swallows(frame):
            _come_again(number)
            return
        raise KeyboardInterrupt

    names = [n for n in ("SIGTERM", "SIGHUP") if hasattr(signal, n)]
    # A signal that is ignored (nohup) stays ignored.
    before = {n: signal.getsignal(getattr(signal, n)) for n in names}
    taken = [n for n in names if before[n] in (signal.SIG_DFL,)]
    for name in taken:
        signal.signal(getattr(signal, name), end)
    if os.name == "posix" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        before["SIGINT"] = signal.signal(signal.SIGINT, interrupt)
        taken.append("SIGINT")
    try:
        yield
    finally:
        for name in taken:
            signal.signal(getattr(signal, name), before[name])


def _come_again(number: int) -> None:
    """Send the process the same signal soon."""
    later = threading.Timer(AGAIN, os.kill, (os.getpid(), number))
    later.daemon = True
    later.start()


def no_room(error: OSError) -> str | None:
    """What to tell about an error of a disk that takes no more; None for any other error."""
    where = f"{error.filename}: " if error.filename is not None else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}the disk is full: free some space; what was finished is kept, the same command goes on from it"
    if error.errno == errno.EFBIG:
        return f"{where}a file would be larger than is allowed here (ulimit -f); what was finished is kept"
    if error.errno == errno.EROFS:
        return f"{where}the disk is read-only: choose a folder that can be written"
    return None
