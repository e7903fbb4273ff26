"""The console script: loads the command line where Ctrl-C is heard.

It stands beside the package because importing anything from inside imports the package first, which takes a third of a
second and more on a cold disk; an interrupt in that time would print a traceback.
"""

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line; never returns normally (it exits with the verb's code)."""
    try:
        from formsearch.cli import main as command_line

        command_line()
    except KeyboardInterrupt:
        print("stopped: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
