"""Children of a form, drawn from its moves: classes by weight, then uniformly inside the class."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping, Sequence

import numpy as np

from formsearch.search.alphabet import Alphabet
from formsearch.search.grammar import fingerprint
from formsearch.search.moves import WEIGHTS, crosses, moves_of
from formsearch.search.normal import Sketch
from formsearch.search.places import Option


def options_of(sketch: Sketch, alphabet: Alphabet, groups: Collection[str] = tuple(WEIGHTS)) -> dict[str, list[Option]]:
    """Every move of a form by itself, none of them made yet."""
    return {name: [Option(m) for m in moves] for name, moves in moves_of(sketch, alphabet, groups).items()}


def children(
    sketch: Sketch,
    alphabet: Alphabet,
    count: int,
    rng: np.random.Generator,
    others: Sequence[Sketch] = (),
    groups: Sequence[str] = tuple(WEIGHTS),
    every: Mapping[str, Sequence[Option]] | None = None,
    met: Container[int] = (),
    fresh: Callable[[Sketch, int], bool] = lambda _, __: True,
    cap: int | None = None,
) -> list[tuple[Sketch, str]]:
    """Up to `count` distinct children: classes (of `groups`) by weight, moves of a class without replacement.

    `every` is what `options_of` says of the form, if it was asked. Forms are passed over whose fingerprints are in
    `met`, that have more than `cap` constants, or of which `fresh` says that they are not wanted.
    """
    every = every or options_of(sketch, alphabet, groups)
    table = {name: list(found) for name, found in every.items() if found and name in groups}
    if "cross" in groups and (foreign := [Option(move) for move in crosses(sketch.form.body, others)]):
        table["cross"] = foreign
    for name, found in table.items():
        table[name] = [found[i] for i in rng.permutation(len(found))]
    result: list[tuple[Sketch, str]] = []
    mine: set[int] = {fingerprint(sketch.form)}
    while table and len(result) < count:
        names = list(table)
        weights = np.array([WEIGHTS[n] for n in names])
        name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        option = table[name].pop()
        if not table[name]:
            del table[name]
        if option.barred or option.key in mine or option.key in met:
            continue
        made = option.take(sketch, alphabet.level, cap)
        if made is not None and made[1] not in mine and fresh(*made):
            mine.add(made[1])
            result.append((made[0], option.move.label))
    return result
