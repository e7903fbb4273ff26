"""Goes through a door again and again, and reports what it tried and the least input of every kind of failure."""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.doors import Door

BATCH = 100


@dataclass
class Found:
    """What came of a door: inputs tried, and failures by kind with an input that brings each about."""

    door: str
    tried: int = 0
    failures: dict[str, str] = field(default_factory=dict)


def explore(door: Door, seconds: float, first_seed: int = 0) -> Found:
    """Try inputs at a door for so long; at least one batch."""
    found = Found(door.name)
    door.inputs()  # what it is made from may take its time
    end = time.monotonic() + seconds
    number = first_seed
    while found.tried == 0 or time.monotonic() < end:
        failure = attempt(door, BATCH, number, found, end)
        if failure is not None:
            found.failures.setdefault(*failure)
            if len(found.failures) >= 5:
                break
        number += 1
    return found


def attempt(door: Door, inputs: int, number: int, found: Found, end: float = float("inf")) -> tuple[str, str] | None:
    """So many inputs; (kind of failure, least input of it) or None."""
    last: list[Any] = []

    @seed(number)
    @settings(
        max_examples=inputs, deadline=None, database=None, print_blob=False, suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink), report_multiple_bugs=False,
    )  # fmt: skip
    @given(door.inputs())
    def test(value: Any) -> None:
        if found.tried and time.monotonic() > end:
            return
        found.tried += 1
        last[:] = [value]
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            door(value)

    try:
        test()
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:160] if str(error) else ''}", repr(last[0])[:300]
    return None
