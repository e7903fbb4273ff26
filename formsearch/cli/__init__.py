"""The command line, for `python -m formsearch` and the console script (`formsearch_command`); one file a verb.

Exit codes: 0 done, 1 nothing acceptable was found, 2 bad input, 3 an engine is missing, 70 a defect of formsearch,
130 interrupted, 143 told to end (SIGTERM).
"""


def main() -> None:
    """Run the command line; never returns normally (it exits with the verb's code)."""
    try:
        from formsearch.cli.app import run_app

        run_app()
    except KeyboardInterrupt:  # before a verb has begun, or after it: there is nothing to stop
        import sys

        print("stopped: interrupted", file=sys.stderr)
        sys.exit(130)


__all__ = ["main"]
