"""`parse_split`: a split from the command line, e.g. `ordered:C:0.2`, `kfold:5`, `column:fit:validation`."""

from __future__ import annotations

from collections.abc import Callable

from formsearch.compare.splits import ByGroup, Column, KFold, LeaveOneLevelOut, Ordered, RepeatedKFold, Split
from formsearch.exceptions import InputError, UnknownNameError


def _ordered(quantity: str = "C", test: str = "0.2", origins: str = "1") -> Split:
    if test.startswith(">"):
        return Ordered(quantity, above=float(test[1:]))
    return Ordered(quantity, float(test), int(origins))


def _column(train: str = "fit", test: str = "validation", column: str = "split") -> Split:
    return Column(column, tuple(train.split("+")), tuple(test.split("+")))


SPLITS: dict[str, tuple[Callable[..., Split], str]] = {
    "ordered": (_ordered, "ordered:QUANTITY:SHARE[:ORIGINS] or ordered:QUANTITY:>VALUE"),
    "kfold": (lambda folds="5", seed="0": KFold(int(folds), int(seed)), "kfold:FOLDS[:SEED]"),
    "repeated": (
        lambda folds="5", repeats="10", seed="0": RepeatedKFold(int(folds), int(repeats), int(seed)),
        "repeated:FOLDS:REPEATS[:SEED]",
    ),
    "group": (lambda folds="5", by="group": ByGroup(int(folds), by), "group:FOLDS[:COLUMN]"),
    "level": (lambda quantity: LeaveOneLevelOut(quantity), "level:QUANTITY"),
    "column": (_column, "column:TRAIN+TRAIN:TEST+TEST[:COLUMN]"),
}


def parse_split(text: str) -> Split:
    """A split from text: a name and its parameters joined by colons (see `SPLITS`). Raises `InputError`."""
    name, *rest = text.strip().split(":")
    if name not in SPLITS:
        usage = "; ".join(u for _, u in SPLITS.values())
        raise UnknownNameError("split", name, SPLITS, f"write one of {usage}")
    make, usage = SPLITS[name]
    try:
        return make(*rest)
    except (TypeError, ValueError):
        raise InputError(f"cannot read split {text!r}: write it like {usage}") from None
