"""`python -m tests.fuzz [DOOR ...] [--seconds S]`: fuzz every door for S seconds each; code 1 if anything was found."""

import argparse
import sys

from tests.fuzz.doors import DOORS
from tests.fuzz.explore import explore
from tests.fuzz.watch import limited


def main() -> int:
    """Fuzz what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("doors", nargs="*", metavar="DOOR", help=", ".join(d.name for d in DOORS))
    parser.add_argument("--seconds", type=float, default=30.0, help="for each door")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    limited(8.0)
    doors = [d for d in DOORS if not asked.doors or d.name in asked.doors]
    failed = 0
    print(f"{'door':<16}{'inputs':>10}{'findings':>10}")
    for door in doors:
        found = explore(door, asked.seconds, 1000 * asked.seed)
        failed += len(found.failures)
        print(f"{door.name:<16}{found.tried:>10}{len(found.failures):>10}", flush=True)
        for kind, example in found.failures.items():
            print(f"    {kind}\n        {example}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
