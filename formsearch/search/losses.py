"""What a form may do without, told before anything is fitted; the counterpart of `guide`.

To second order, to set a constant c_i to a number b costs (c_i - b)**2 / V_ii of the sum of squares, and to tie two of
them (c_i - c_j)**2 / (V_ii + V_jj - 2 V_ij), with V the inverse of J'WJ (Wald 1943): so exponents become simple numbers
or one another's equal, and terms go, where that costs least.

A form that holds as many constants as are allowed can grow only by giving some up. What it gives up is taken together
with what it gains, since alone it is a worse form.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.search.grammar import SMOOTH, Sum, free_constant, renumber, uses
from formsearch.search.guide import Guide, Hint
from formsearch.search.moves import SIMPLE, exponents, simple_near, snapped, spelled
from formsearch.search.places import Draft, Move, Place, Rewrite, sites
from formsearch.search.workbench import Fitted

Array = NDArray[np.float64]

OFFERED, EACH = 12, 3
"""So many losses of a form are offered, the cheapest first: one for so many hints."""
WITH = 6
"""Of so many ways to give up constants each hint is tried with each."""
SINGULAR = 1e-10
"""Directions of a smaller share of the largest singular value are not determined by the points."""


@dataclass(frozen=True)
class Loss:
    """A way to give up constants, the share of the sum of squares that it costs, and which constants it is about."""

    cost: float
    group: str
    label: str
    change: Callable[[Sum], Sum]
    of: frozenset[int]

    def together(self, other: Loss) -> Loss:
        """Both."""
        label = f"{self.label}, {other.label}"
        return Loss(
            self.cost + other.cost, self.group, label, lambda body: other.change(self.change(body)), self.of | other.of
        )


def cheapest(guide: Guide, f: Fitted) -> list[Loss]:
    """The losses of a form that cost least."""
    return sorted((loss for loss in losses(guide, f) if np.isfinite(loss.cost)), key=lambda loss: loss.cost)[:OFFERED]


def mixed(f: Fitted, hints: Sequence[Hint], ways: Sequence[Loss]) -> list[Move]:
    """Hints and losses by turns, the best of each first: a loss, `EACH` hints, and so on."""
    body = f.form.body
    found: list[Move] = []
    for k, hint in enumerate(hints):
        if k % EACH == 0 and k // EACH < len(ways):
            loss = ways[k // EACH]
            found.append(Move(loss.group, loss.label, _lost(loss, body)))
        found.append(hint.move)
    return found


def _lost(loss: Loss, body: Sum) -> Rewrite:
    return lambda _: loss.change(body)


def within_cap(f: Fitted, hints: Sequence[Hint], ways: Sequence[Loss], cap: int) -> list[Hint]:
    """Hints for a form, each with the cheapest losses that it takes to stay within `cap` constants, best first.

    New exponents that start from a simple number, for which the gain was told, may keep it.
    """
    ones = ways[:WITH]
    pairs = (a.together(b) for a, b in itertools.combinations(ones, 2) if not a.of & b.of)
    enough = {1: ones, 2: sorted(pairs, key=lambda loss: loss.cost)[:WITH]}
    found: list[Hint] = []
    for hint in itertools.chain(hints, filter(None, (_at_start(f, hint) for hint in hints))):
        more = len(uses(hint.move.rewrite(Draft(f.sketch())))) - cap
        if more <= 0:
            found.append(hint)
        for loss in enough.get(more, ()):
            label = f"{hint.move.label}, {loss.label}"
            found.append(Hint(hint.gain - loss.cost, Move(hint.move.group, label, _then(hint.move, loss.change))))
    return sorted(found, key=lambda h: -h.gain)


def _at_start(f: Fitted, hint: Hint) -> Hint | None:
    """A hint whose new exponents keep the simple numbers that they start from; None without such ones."""
    draft = Draft(f.sketch())
    hint.move.rewrite(draft)
    fixed = {
        i: draft.values[i]
        for i, kind in draft.kinds.items()
        if i >= len(f.form.kinds) and kind.tag == "p" and draft.values[i] in SIMPLE
    }
    if not fixed:
        return None

    def change(body: Sum) -> Sum:
        for i, number in fixed.items():
            body = snapped(body, i, number)
        return body

    label = f"{hint.move.label}, exponent {' and '.join(map(spelled, fixed.values()))}"
    return Hint(hint.gain, Move(hint.move.group, label, _then(hint.move, change)))


def _then(move: Move, change: Callable[[Sum], Sum]) -> Rewrite:
    return lambda d: change(move.rewrite(d))


def losses(guide: Guide, f: Fitted) -> Iterator[Loss]:
    """Every way to give up a constant of a form."""
    slopes, residuals = guide.slopes(f)
    if slopes is None:
        return
    squares = [float(np.sum((residuals[a:b] * guide.root(a, b)) ** 2)) for a, b in guide.bench.ranges]
    total = max(sum(squares), 1e-300)
    spread = list(_spreads(guide, slopes))

    def share(direction: dict[int, float], target: float = 0.0) -> float:
        """What it costs to bring a combination of constants, with those weights, to a number."""
        w = np.zeros(len(f.form.kinds))
        w[list(direction)] = list(direction.values())
        with np.errstate(all="ignore"):  # what has no finite price is not given up
            costs = [(w @ c - target) ** 2 / max(w @ V @ w, 1e-300) for c, V in zip(f.values, spread, strict=True)]
            return float(np.sum(costs) / total)

    sketch = f.sketch()
    for i in exponents(sketch):
        for number in simple_near(sketch, i):
            label = f"snap an exponent to {spelled(number)}"
            yield Loss(share({i: 1.0}, number), "snap", label, _snap(i, number), frozenset({i}))
    for i, j in itertools.combinations(exponents(sketch), 2):
        if (f.form.kinds[i] == SMOOTH) == (f.form.kinds[j] == SMOOTH):
            yield Loss(share({i: 1.0, j: -1.0}), "tie", "tie two exponents", _tie(i, j), frozenset({i, j}))
    count = uses(f.form.body)
    for inside, _, _ in sites(f.form.body):
        for term in inside if len(inside) > 1 else ():
            own = free_constant(term.coefficient)
            if own is not None and count[own] == 1:
                yield Loss(share({own: 1.0}), "drop", "drop a term", _drop(own), frozenset({own}))


def _spreads(guide: Guide, slopes: Array) -> Iterator[Array]:
    """The inverse of J'WJ in every group."""
    for a, b in guide.bench.ranges:
        J = slopes[a:b] * guide.root(a, b)[:, None]
        scale = np.abs(J).max(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        inverse = np.linalg.pinv(J / scale, rcond=SINGULAR)
        # A constant that changes next to nothing is not determined, and costs nothing.
        with np.errstate(all="ignore"):
            yield (inverse @ inverse.T) / np.outer(scale, scale)


def _snap(i: int, number: float) -> Callable[[Sum], Sum]:
    return lambda body: snapped(body, i, number)


def _tie(i: int, j: int) -> Callable[[Sum], Sum]:
    return lambda body: renumber(body, {j: i})


def _drop(i: int) -> Callable[[Sum], Sum]:
    """Without the term whose coefficient is constant i, where it stands beside others."""

    def change(body: Sum) -> Sum:
        for inside, put, depth in sites(body):
            for at, term in enumerate(inside):
                if free_constant(term.coefficient) == i and len(inside) > 1:
                    return Place(inside, at, put, depth).exchange()
        return body

    return change
