"""Guided moves: which function of which variable would a form gain most from, told before any child is fitted.

To first order, a new term (or a coefficient or exponent that becomes a function of a variable) moves the predictions
along a known column v. The sum of squares it can save is (r.v')**2/|v'|**2, where r are the residuals and v' is what
of v the form's own constants cannot make. A bend of a power (see `bends`) is a column too, for a few numbers each. All
shapes of all variables at all places are such columns, and a thousand of them cost one small matrix product: the
marginal analysis that the seed's authors did by hand, plot by plot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.core.batch import Pack
from formsearch.quantities import quantity
from formsearch.search.alphabet import Alphabet, Shape, exponent_kind, joined, logarithm, numeric, plain, power
from formsearch.search.bends import measured
from formsearch.search.factoring import is_sum, partners, widened, widened_by
from formsearch.search.grammar import (
    EXPONENT,
    RATE,
    UNIT,
    Apply,
    Factor,
    Power,
    Scalar,
    Term,
    constant,
    free_constant,
    scalar_value,
    uses,
)
from formsearch.search.parts import part_on
from formsearch.search.places import Move, Place, exchanged, places, sites
from formsearch.search.rewrites import appended, appended_all, drift, grouped, grouped_all, longer, longer_by_all, outer
from formsearch.search.workbench import Fitted, Workbench

Array = NDArray[np.float64]

EXPONENTS = (-1.0, -0.5, -0.25, 0.25, 0.5, 1.0)
PAIRED = (0.25, 0.5)
STEEP, GENTLE = 0.5, 1.5
COMPLEMENTS = (-0.5, -0.15, 0.15, 0.5, 1.0)
RATES = (-2.0, -0.7, 0.7, 2.0)
SEEN = 1e-5
"""A column counts only if this share of its length is new to the form."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A shape with numbers: its factors (constants start from those numbers) and its column.

    `simple` ones are multiplied with those of other variables.
    """

    label: str
    shape: Shape
    column: Array
    variables: frozenset[str]
    simple: bool = False


@dataclass(frozen=True)
class Hint:
    """A move and the share of the sum of squares it can save, to first order."""

    gain: float
    move: Move


def _free_complement(q: str, p: float) -> Shape:
    inner = (Term(UNIT), Term(Scalar(-1.0), (Power(q, UNIT),)))
    return lambda d: (Apply("power", (inner,), constant(d.new(EXPONENT, abs(p)), 1 if p > 0 else -1)),)


def _free_rate(q: str, r: float) -> Shape:
    return lambda d: (Apply("exp", ((Term(constant(d.new(RATE, r)), (Power(q, UNIT),)),),)),)


class Guide:
    """The library of shapes over the rows of a workbench, and the ranking of moves of any form."""

    def __init__(self, bench: Workbench, alphabet: Alphabet) -> None:
        self.bench, self.alphabet = bench, alphabet
        self.singles = [e for q in alphabet.roles for e in self._entries(q)]
        self.products = [self._product(a, b) for a, b in self._pairs()]

    # -- the library ---------------------------------------------------------------------------------------------

    def _entries(self, q: str) -> Iterator[Entry]:
        role = self.alphabet.roles[q]
        x = self.bench.columns.variables[q]
        mine = frozenset({q})
        if role in ("size", "positive"):
            log = self.bench.columns.logs[q]
            centred = log - self.bench.columns.centres[q]
            for p in EXPONENTS:
                shape = power(q, 1 if p > 0 else -1, start=abs(p))
                yield Entry(f"{q}^{'-' if p < 0 else ''}p", shape, np.exp(p * centred), mine, abs(p) in PAIRED)
            yield Entry(f"log {q}", logarithm(q), log, mine, True)
            if role == "positive":
                yield Entry(f"log^2 {q}", logarithm(q, 2), log * log, mine)
                yield Entry(q, plain(q), x, mine, True)
                yield Entry(f"1/{q}", numeric(q, Scalar(-1.0)), 1 / x, mine)
            return
        yield Entry(q, plain(q), x, mine, True)
        yield Entry(f"{q}^2", numeric(q, Scalar(2.0)), x * x, mine)
        if role == "real":
            for r in RATES:
                yield Entry(f"exp({q})", _free_rate(q, r), np.exp(r * x), mine, True)
            return
        kind = exponent_kind(q, bool((x == 0).any()))
        p = STEEP if kind == EXPONENT else GENTLE
        yield Entry(f"{q}^p", power(q, 1, kind, p), x**p, mine)
        for r in RATES:
            yield Entry(f"exp({q})", _free_rate(q, r), np.exp(r * x), mine)
        if quantity(q).high <= 1.0 and (x < 1).all():
            for p in COMPLEMENTS:
                yield Entry(f"(1-{q})^{'-' if p < 0 else ''}p", _free_complement(q, p), (1 - x) ** p, mine)

    def _pairs(self) -> Iterator[tuple[Entry, Entry]]:
        few = [e for e in self.singles if e.simple]
        for i, a in enumerate(few):
            for b in few[i + 1 :]:
                if a.variables != b.variables:
                    yield a, b

    @staticmethod
    def _product(a: Entry, b: Entry) -> Entry:
        shape = joined(a.shape, b.shape)
        return Entry(f"{a.label}*{b.label}", shape, a.column * b.column, a.variables | b.variables)

    # -- ranking -------------------------------------------------------------------------------------------------

    def hints(self, f: Fitted) -> list[Hint]:
        """Moves of a form by what they promise, best first; of equal structure only the best numbers."""
        columns: list[Array] = []
        moves: list[Move] = []
        blocks: list[tuple[int, ...]] = []

        def offer(move: Move, *block: Array) -> None:
            blocks.append(tuple(range(len(columns), len(columns) + len(block))))
            columns.extend(block)
            moves.append(move)

        slopes, residuals = self.slopes(f)
        if slopes is None:
            return []
        with np.errstate(all="ignore"):  # what is not finite promises nothing
            self._additions(f, offer)
            self._promotions(f, slopes, offer)
            self._drifts(f, slopes, offer)
            self._shares(f, offer)
            self._bends(f, offer)
            self._wraps(f, self.bench.target - residuals, offer)
        if not moves:
            return []
        gains = self._gains(f, slopes, residuals, np.array(columns), blocks)
        best: dict[tuple[str, str], Hint] = {}
        for move, gain in zip(moves, gains, strict=True):
            key = (move.group, move.label)
            if np.isfinite(gain) and (key not in best or gain > best[key].gain):
                best[key] = Hint(float(gain), move)
        return sorted(best.values(), key=lambda h: -h.gain)

    def slopes(self, f: Fitted) -> tuple[Array | None, Array]:
        """(d f/d constants, residuals y - f) over all rows, constants of each row's own group."""
        bench = self.bench
        slopes = np.empty((bench.rows, len(f.form.kinds)))
        values = np.empty(bench.rows)
        pack = Pack.of([f.emitted.tape], bench.columns, bench.rows)
        for g, (a, b) in enumerate(bench.ranges):
            with np.errstate(all="ignore"):
                predicted, jacobian = pack.values(f.values[g], 0, jacobian=True)
            values[a:b], slopes[a:b] = predicted[a:b], jacobian[a:b]
        if not (np.isfinite(slopes).all() and np.isfinite(values).all()):
            return None, values
        return slopes, bench.target - values

    def root(self, a: int, b: int) -> Array:
        """Square roots of the weights of rows a to b, of relative residuals where the objective is of logarithms."""
        root = np.sqrt(self.bench.weight[a:b])
        return root / self.bench.target[a:b] if self.bench.objective.log else root

    def _gains(self, f: Fitted, slopes: Array, residuals: Array, V: Array, blocks: Sequence[tuple[int, ...]]) -> Array:
        """Share of the sum of squares that each block of one or two columns can save; V has shape (columns, rows).

        With v' = v - Q Q'v and r orthogonal to Q already, r.v' = r.v and |v'|**2 = |v|**2 - |Q'v|**2: the columns
        themselves are read once and never written.
        """
        first = np.array([block[0] for block in blocks])
        second = np.array([block[-1] for block in blocks])
        saved = np.zeros(len(blocks))
        total = 0.0
        with np.errstate(all="ignore"):
            for a, b in self.bench.ranges:
                root = self.root(a, b)
                J = slopes[a:b] * root[:, None]
                norms = np.linalg.norm(J, axis=0)
                Q, _ = np.linalg.qr(J / np.where(norms > 0, norms, 1.0))
                r = residuals[a:b] * root
                r = r - Q @ (Q.T @ r)
                W = V[:, a:b] * root
                within = W @ Q
                along = W @ r
                length = np.einsum("ij,ij->i", W, W)
                free = length - np.einsum("ij,ij->i", within, within)
                # A column that is not finite, or that the form can make already, saves nothing.
                usable = free > SEEN * SEEN * length
                size = np.sqrt(np.where(usable, free, 1.0))
                along = np.where(usable, along / size, 0.0)
                x, y = along[first], along[second]
                pair = first != second
                i, j = first[pair], second[pair]
                cosine = np.zeros(len(blocks))
                cross = np.einsum("ij,ij->i", W[i], W[j]) - np.einsum("ij,ij->i", within[i], within[j])
                cosine[pair] = np.where(usable[i] & usable[j], cross / (size[i] * size[j]), 0.0)
                sine = 1 - cosine * cosine
                both = np.where(sine > SEEN, (x * x - 2 * cosine * x * y + y * y) / sine, np.maximum(x * x, y * y))
                saved += np.where(pair, both, x * x)
                total += float(r @ r)
        return saved / max(total, 1e-300)

    # -- what is offered -----------------------------------------------------------------------------------------

    def _additions(self, f: Fitted, offer: Callable[..., None]) -> None:
        body = f.form.body
        for e in (*self.singles, *self.products):
            offer(Move("add", f"add {e.label}", appended(body, e.shape)), e.column)
        for q, pairs in self.alphabet.additions.items():
            for label, group in pairs:
                offer(Move("add", f"add {label}", appended_all(body, group)), *self._pair_columns(q, label))

    def _pair_columns(self, q: str, label: str) -> tuple[Array, Array]:
        x = self.bench.columns.variables[q]
        if label.startswith("hook"):
            return x, 1 / x
        if label.startswith("valley"):
            log = self.bench.columns.logs[q]
            return log, log * log
        return x, x * x

    def _promotions(self, f: Fitted, slopes: Array, offer: Callable[..., None]) -> None:
        """Coefficients that occur once become functions: c -> c*(1 + k*h)."""
        count = uses(f.form.body)
        for inside, put, depth in sites(f.form.body):
            for at, term in enumerate(inside):
                i = free_constant(term.coefficient)
                if i is None or count[i] > 1 or not term.factors or depth > 2:
                    continue
                base = slopes[:, i] * self._per_row(f, i)
                place = Place(inside, at, put, depth)
                for e in self.singles:
                    label = f"promote a coefficient to 1+{e.label}"
                    offer(Move("promote", label + f" [{at}.{depth}]", grouped(place, e.shape)), base * e.column)
                for q, pairs in self.alphabet.additions.items():
                    for name, group in pairs:
                        u, v = self._pair_columns(q, name)
                        label = f"promote a coefficient to 1+{name}"
                        offer(
                            Move("promote", label + f" [{at}.{depth}]", grouped_all(place, group)), base * u, base * v
                        )

    def _per_row(self, f: Fitted, i: int) -> Array:
        """A constant's value at each row (of the row's group)."""
        result = np.empty(self.bench.rows)
        for g, (a, b) in enumerate(self.bench.ranges):
            result[a:b] = f.values[g][i]
        return result

    def _drifts(self, f: Fitted, slopes: Array, offer: Callable[..., None]) -> None:
        """Exponents that change with the logarithm of a variable."""
        count = uses(f.form.body)
        for at, term in enumerate(f.form.body):
            for factor in term.factors:
                if not (isinstance(factor, Power) and factor.exponent.constants):
                    continue
                i = factor.exponent.constants[0][0]
                if count[i] > 1:
                    continue
                for q in self.alphabet.scaling():
                    label = f"exponent of {factor.variable} drifts with log {q} [{at}]"
                    column = slopes[:, i] * self.bench.columns.logs[q]
                    offer(Move("promote", label, drift(f.form.body, at, factor.variable, q)), column)

    def _shares(self, f: Fitted, offer: Callable[..., None]) -> None:
        """Sums that act on more than they do, F*S -> (F + k*T)*S along T*S, and that lack a summand, along F*T."""
        for place in places(f.form.body, 0):
            for k, factor in enumerate(place.term.factors):
                if not is_sum(factor) or not place.without(k):
                    continue
                at = f"[{place.at}.{k}]"
                total = self._column(f, (factor,))
                for n, term in enumerate(partners(f.form.body, place)):
                    label = f"share a sum with another term {at}.{n}"
                    move = Move("extend", label, widened(place, k, term.factors))
                    offer(move, total * self._column(f, term.factors))
                for e in self.singles:
                    label = f"share a sum with {e.label} {at}"
                    offer(Move("extend", label, widened_by(place, k, e.shape)), total * e.column)
                beside = self._column(f, place.without(k))
                for e in self.singles:
                    label = f"extend a sum by {e.label} {at}"
                    offer(Move("extend", label, longer(place, k, e.shape)), beside * e.column)
                for q, pairs in self.alphabet.additions.items():
                    for name, group in pairs:
                        u, v = self._pair_columns(q, name)
                        label = f"extend a sum by {name} {at}"
                        offer(Move("extend", label, longer_by_all(place, k, group)), beside * u, beside * v)

    def _bends(self, f: Fitted, offer: Callable[..., None]) -> None:
        """Powers that bend: along what the bend would change."""
        raw = f.raw()
        for place in places(f.form.body, 0):
            for k, factor in enumerate(place.term.factors):
                if not (isinstance(factor, Power) and factor.exponent.constants):
                    continue
                base = self._column(f, place.term.factors)
                p = scalar_value(factor.exponent, raw)
                for name, shape, ratio in measured(factor, p, self.bench.columns, self.alphabet):
                    label = f"{name} in {factor.variable} [{place.at}.{k}]"
                    offer(Move("wrap", label, exchanged(place, k, shape)), base * (ratio - 1))

    def _column(self, f: Fitted, factors: tuple[Factor, ...]) -> Array:
        """A product of factors at each row, at the form's constants."""
        return part_on(self.bench, f, (Term(UNIT, factors),))

    def _wraps(self, f: Fitted, predicted: Array, offer: Callable[..., None]) -> None:
        """An outer power of everything that moves: M**p near p = 1 goes along M log M."""
        moving = tuple(t for t in f.form.body if t.factors)
        rest = tuple(t for t in f.form.body if not t.factors)
        if len(moving) < 2:
            return
        # Of the predictions: the residuals would correlate with a column made of the target.
        total = predicted - self._level(f)
        if (total > 0).all():
            offer(Move("wrap", "outer power of all terms", outer(rest, moving)), total * np.log(total))

    def _level(self, f: Fitted) -> Array:
        """The irreducible part at each row."""
        level = np.zeros(self.bench.rows)
        for t in f.form.body:
            i = free_constant(t.coefficient)
            if not t.factors and i is not None:
                level += self._per_row(f, i)
        return level
