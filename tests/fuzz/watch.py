"""What no input may bring about: a traceback, a hang, a flood of memory, a program, a connection, a stray file."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from formsearch.exceptions import FormsearchError

SECONDS = 20.0
"""An input that takes longer hangs."""

_FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "pty.spawn", "subprocess.Popen",
              "socket.connect", "ctypes.dlopen", "os.chmod", "os.symlink", "os.link")  # fmt: skip
_WRITES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "shutil.rmtree")


class BrokenError(AssertionError):
    """An input brought about what none may."""


class _Guard:
    """An audit hook cannot be taken away again: one for the process, armed for the block that is watched."""

    def __init__(self) -> None:
        self.allowed: Path | None = None
        self.armed = False
        self.seen: list[str] = []
        self.thread = 0
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.armed or threading.get_ident() != self.thread:
            return
        if event in _FORBIDDEN:
            self.seen.append(f"{event}{arguments!r}"[:200])
        elif event == "open":
            path, mode, flags = (*arguments, None, None, None)[:3]
            writing = (isinstance(mode, str) and any(c in mode for c in "wax+")) or (
                isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            )
            if writing and isinstance(path, str | bytes) and not self._inside(os.fsdecode(path)):
                self.seen.append(f"writes {path!r}"[:200])
        elif event in _WRITES and isinstance(arguments[0], str | bytes) and not self._inside(os.fsdecode(arguments[0])):
            self.seen.append(f"{event} {arguments[0]!r}"[:200])

    def _inside(self, path: str) -> bool:
        found = os.path.realpath(path)
        places = ["/dev/null", "/proc/self"]
        if self.allowed is not None:
            places.append(os.path.realpath(self.allowed))
        return "__pycache__" in found or any(found == p or found.startswith(p + os.sep) for p in places)


_guard: _Guard | None = None


@contextmanager
def watched(folder: Path | None = None) -> Iterator[None]:
    """Raise `BrokenError` for whatever the block does that no input may bring about; files may be written in `folder`.

    Errors of ours are what bad input should end in, if they are one line.
    """
    global _guard
    if _guard is None:
        _guard = _Guard()
    guard = _guard
    guard.allowed, guard.seen, guard.thread = folder, [], threading.get_ident()

    def ring(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise BrokenError(f"it takes longer than {SECONDS:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    guard.armed = True
    try:
        yield
    except FormsearchError as error:
        if not str(error).strip() or len(str(error)) > 4000:
            raise BrokenError(f"an error of {len(str(error))} characters: {str(error)[:200]!r}") from error
    finally:
        guard.armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    if guard.seen:
        raise BrokenError("; ".join(dict.fromkeys(guard.seen)))


def limited(gigabytes: float) -> None:
    """Let this process have so much memory: a flood ends in MemoryError instead of taking the machine down."""
    import resource

    size = int(gigabytes * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (size, resource.getrlimit(resource.RLIMIT_AS)[1]))


Check = Callable[[object], None]
