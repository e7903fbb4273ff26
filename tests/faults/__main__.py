"""`python -m tests.faults [NAME ...] [--times K]`: carry out the faults, print their table; code 1 if one failed."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.faults.faults import FAULTS
from tests.faults.harness import QUICK, SHORT, Bench

COLUMNS = ("fault", "times", "finished pieces", "done again", "result equal", "exit codes", "remark")


def main() -> int:
    """Run what is asked for, in the order of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FAULTS)} (default: all)")
    parser.add_argument("--times", type=int, help="repetitions of each, in place of its own number")
    parser.add_argument("--short", action="store_true", help="runs without a search")
    asked = parser.parse_args()
    names = asked.names or list(FAULTS)
    if unknown := set(names) - set(FAULTS):
        parser.error(f"no fault {sorted(unknown)[0]!r}; there are {', '.join(FAULTS)}")
    lines = []
    failed = False
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        bench = Bench(Path(folder), SHORT if asked.short else QUICK)
        print(f"an undisturbed run takes {bench.seconds:.1f} s and has {len(bench.pieces)} pieces", flush=True)
        for name in names:
            fault, times = FAULTS[name]
            outcome = fault(bench, asked.times or times)
            skipped = outcome.times == 0
            failed = failed or not (outcome.passed or skipped)
            codes = ", ".join(f"{code} x{n}" for code, n in sorted(outcome.codes.items()))
            lines.append(
                (outcome.fault, str(outcome.times), str(outcome.kept), str(outcome.repeated),
                 f"{outcome.equal} of {outcome.times}", codes, outcome.said)
            )  # fmt: skip
            print(f"{lines[-1]}", file=sys.stderr, flush=True)
    widths = [max(len(row[i]) for row in (COLUMNS, *lines)) for i in range(len(COLUMNS))]
    for row in (COLUMNS, tuple("-" * w for w in widths), *lines):
        print("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
