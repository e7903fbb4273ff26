"""A time limit for symbolic steps, which may otherwise run for hours: `limited(seconds, function, *arguments)`.

In the main thread of a Unix process an interval timer interrupts the step (and keeps ringing, in case the library
swallows the first interruption). What counts there is processor time: what a step finds must not depend on what else
the machine does meanwhile, or a derivation that is resumed could differ from one that was not interrupted. Elsewhere
(other threads, Windows) the step runs in a second Python process that is killed at the deadline; that one is started
at the first need and kept. Either way the caller gets `OutOfTime`, and every caller has a numeric road to fall back on.
"""

from __future__ import annotations

import atexit
import gc
import pickle
import selectors
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import IO, Any, TypeVar

T = TypeVar("T")

DEFAULT_SECONDS = 6.0
_RING_AGAIN = 0.1
_WAITING = 30.0
"""Times its time: then a step is over that waits for something, or for a processor."""


class OutOfTime(Exception):  # noqa: N818 - a control signal between two functions, never shown to a user
    """A step exceeded its time limit."""


GAVE_UP = (
    OutOfTime, NotImplementedError, ValueError, TypeError, RecursionError, AttributeError, KeyError, IndexError,
)  # fmt: skip
"""How a symbolic step ends without an answer: its time is over, or SymPy has no way, or stumbles over itself on one."""


class _Ring(BaseException):
    """Raised inside the step by the timer; not an `Exception`, so that the library cannot take it for its own."""


def limited(seconds: float, function: Callable[..., T], *arguments: Any) -> T:
    """`function(*arguments)`, or `OutOfTime` after `seconds` (of the processor, in the main thread).

    The function must be importable by name and its arguments picklable, so that it can run in either way.
    """
    if seconds <= 0:
        raise OutOfTime("no time is left")
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        return _with_alarm(seconds, function, *arguments)
    return _in_worker(seconds, function, *arguments)


def _with_alarm(seconds: float, function: Callable[..., T], *arguments: Any) -> T:
    begun, used = time.monotonic(), time.thread_time()
    outer_left, outer_again = signal.getitimer(signal.ITIMER_REAL)
    end = begun + (min(_WAITING * seconds, outer_left) if outer_left else _WAITING * seconds)
    over = False

    def ring(number: int, frame: FrameType | None) -> None:
        if over:  # rung in the last moment: the timer must not be set again
            return
        left = min(seconds - (time.thread_time() - used), end - time.monotonic())
        if left > 0:
            signal.setitimer(signal.ITIMER_REAL, max(left, 1e-3), _RING_AGAIN)
        elif not swallows(frame):  # else the timer rings again soon
            raise _Ring

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, min(seconds, end - begun), _RING_AGAIN)
    try:
        try:
            return function(*arguments)
        finally:
            over = True
            signal.setitimer(signal.ITIMER_REAL, 0.0)
    except _Ring:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        raise OutOfTime(f"{getattr(function, '__name__', 'step')} took more than {seconds:g} s") from None
    finally:
        signal.signal(signal.SIGALRM, before)
        if outer_left:  # somebody else's timer goes on with what it had left
            left = max(outer_left - (time.monotonic() - begun), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, left, outer_again)


def swallows(frame: FrameType | None) -> bool:
    """Whether what a signal raises here would be lost: in a finaliser, or a callback of the collector or a weakref."""
    callbacks = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None:
        weak = frame.f_globals.get("__name__") in ("weakref", "_weakrefset")
        if weak or frame.f_code in callbacks or frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


# -- the second process ---------------------------------------------------------------------------------------------

_SERVE = "from formsearch.derive.limits import _serve; _serve()"


def _write(stream: IO[bytes], value: object) -> None:
    data = pickle.dumps(value)
    stream.write(struct.pack("!Q", len(data)) + data)
    stream.flush()


def _read(stream: IO[bytes]) -> Any:
    head = stream.read(8)
    if len(head) < 8:
        raise EOFError
    return pickle.loads(stream.read(struct.unpack("!Q", head)[0]))


def _serve() -> None:
    """The loop of the second process: a function and its arguments in, a result or an error out."""
    out, sys.stdout = sys.stdout.buffer, sys.stderr  # a print inside a step must not break the protocol
    while True:
        try:
            function, arguments = _read(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = (True, function(*arguments))
        except Exception as error:
            answer = (False, f"{type(error).__name__}: {error}")
        try:
            _write(out, answer)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            _write(out, (False, f"{type(error).__name__}: {error}"))


@dataclass
class _Worker:
    process: subprocess.Popen[bytes] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def running(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            atexit.register(self.stop)
        return self.process

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    stream.close()
            self.process = None


_worker = _Worker()
_STARTUP_SECONDS = 20.0


def _in_worker(seconds: float, function: Callable[..., T], *arguments: Any) -> T:
    with _worker.lock:
        fresh = _worker.process is None
        process = _worker.running()
        assert process.stdin is not None
        assert process.stdout is not None
        _write(process.stdin, (function, arguments))
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            # Importing SymPy in a fresh process is not the step's own time.
            if not selector.select(seconds + (_STARTUP_SECONDS if fresh else 0.0)):
                _worker.stop()
                raise OutOfTime(f"{getattr(function, '__name__', 'step')} took more than {seconds:g} s")
        try:
            good, answer = _read(process.stdout)
        except EOFError:
            _worker.stop()
            raise OutOfTime("the second process ended before it answered") from None
    if not good:
        raise ValueError(answer)
    return answer  # type: ignore[no-any-return]
