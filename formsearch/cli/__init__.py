"""The command line. `formsearch.cli:main` is the console script; one file a verb.

Exit codes: 0 done, 1 nothing acceptable was found, 2 bad input, 3 an engine is missing, 70 a defect of formsearch,
130 interrupted, 143 told to end (SIGTERM).
"""


def main() -> None:
    """Run the command line; never returns normally (it exits with the verb's code)."""
    try:
        from formsearch.cli.app import run_app
    except KeyboardInterrupt:  # before there is anything to stop
        import sys

        print("stopped: interrupted", file=sys.stderr)
        sys.exit(130)
    run_app()


__all__ = ["main"]
