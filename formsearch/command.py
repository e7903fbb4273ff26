"""Where the command begins: everything is loaded where Ctrl-C is heard, and ends with one line and exit code 130.

Loading takes a third of a second, and more on a cold disk; an interrupt in that time would print a traceback. This
module, which the package reads before all others, imports nothing that Python has not loaded by then. Signal handlers
stay as they are: in a process that is not the command, the interrupt passes through.
"""

import os
import sys

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended."""


def is_command() -> bool:
    """Whether Python was started on the console script `formsearch`, or with `-m formsearch`.

    While a package is imported for `-m`, only `sys.orig_argv` tells its name. Processes that the command starts are
    not the command, though some are given its `sys.argv`.
    """
    started_on = sys.orig_argv[-len(sys.argv) :][:1] if sys.argv else []
    return [os.path.basename(name).removeprefix("-m").removesuffix(".exe") for name in started_on] == ["formsearch"]


class Quietly:
    """`with Quietly():` ends the process on Ctrl-C with one line; with `when=False` it does nothing."""

    def __init__(self, when: bool = True) -> None:
        self.when = when

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self.when and isinstance(error, KeyboardInterrupt):
            print("stopped: interrupted", file=sys.stderr)
            raise SystemExit(INTERRUPTED) from None


def main() -> None:
    """Run the command line; never returns normally (it exits with the verb's code)."""
    with Quietly():  # before a verb has begun, or after it: there is nothing to stop
        from formsearch.cli.app import run_app

        run_app()
