"""Fuzzing guided by coverage: `python -m tests.fuzz.guided {formula|table|law} [--seconds S]`, with atheris installed.

Inputs that reach new lines of our code are kept and changed further, which finds paths that random inputs do not.
"""

import argparse
import atexit
import contextlib
import io
import os
import sys
import time
import warnings


def main() -> None:
    """Fuzz one door until the time is over; libFuzzer prints what it finds and exits with 77."""
    import atheris  # type: ignore[import-not-found]

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("door", choices=("formula", "table", "law"))
    parser.add_argument("--seconds", type=int, default=60)
    asked = parser.parse_args()
    with atheris.instrument_imports(include=["formsearch.formula", "formsearch.lawfile", "formsearch.reading"]):
        import formsearch.formula
        import formsearch.lawfile
        import formsearch.reading  # noqa: F401
    from tests.fuzz.doors import DOORS

    names = {"formula": "formula", "table": "table", "law": "law file"}
    door = next(d for d in DOORS if d.name == names[asked.door])
    tried, begun = 0, time.monotonic()

    def one(data: bytes) -> None:
        nonlocal tried
        tried += 1
        value = data.decode("utf-8", "replace") if asked.door == "formula" else data
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            door(value)

    atexit.register(lambda: print(f"{door.name}: {tried} inputs in {time.monotonic() - begun:.0f} s", flush=True))
    atheris.Setup(
        [
            sys.argv[0],
            f"-max_total_time={asked.seconds}",
            "-max_len=400",
            "-timeout=30",
            f"-artifact_prefix={os.getcwd()}/",
        ],
        one,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
