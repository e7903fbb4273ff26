"""How far long work is, told to whoever listens: a share of the whole from 0 to 1, and what is being done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

Tell = Callable[[float, str], None]
"""Called with the share that is done and with a few words on what comes next."""


def silent(done: float, doing: str) -> None:
    """For work that nobody waits for."""
    del done, doing


def part(tell: Tell, low: float, high: float) -> Tell:
    """What a part of the work tells of itself, as the shares `low` to `high` of the whole."""
    return lambda done, doing: tell(low + (high - low) * done, doing)


def each(items: Sequence[T], tell: Tell, doing: Callable[[T], str]) -> Iterator[T]:
    """The items, told of one by one as they are begun."""
    for i, item in enumerate(items):
        tell(i / len(items), doing(item))
        yield item
