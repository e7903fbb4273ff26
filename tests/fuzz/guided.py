"""Fuzzing guided by coverage: `python -m tests.fuzz.guided {formula|table|law} [--seconds S]`, with atheris installed.

Inputs that reach new lines of our code are kept and changed further, which finds paths that random inputs do not.
"""

import argparse
import contextlib
import io
import sys
import tempfile
import warnings
from pathlib import Path

TABLE = b'N,D,loss\n1e7,1e9,3.1\n7B,2e9,2.9\n1e9,"3,000",2.5\n'


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
    from tests.fuzz.doors import DOORS, LAW_FILE
    from tests.fuzz.inputs import FORMULAS

    names = {"formula": "formula", "table": "table", "law": "law file"}
    door = next(d for d in DOORS if d.name == names[asked.door])
    seeds = {"formula": [f.encode() for f in FORMULAS], "table": [TABLE], "law": [LAW_FILE.encode()]}[asked.door]

    def one(data: bytes) -> None:
        value = data.decode("utf-8", "replace") if asked.door == "formula" else data
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            door(value)

    corpus = Path(tempfile.mkdtemp(prefix="corpus-"))
    for i, seed in enumerate(seeds):
        (corpus / str(i)).write_bytes(seed)
    options = [f"-max_total_time={asked.seconds}", "-max_len=600", "-timeout=30", f"-artifact_prefix={corpus}/"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
