"""Forms as tapes: short programs over rows that the kernels interpret, so that no form is ever compiled by itself.

A tape computes y = f(row; constants). Its slots are, in this order,

    scalars   constants [0, p), numeric literals, then what the scalar program computes from them
    columns   data that depend on the row but on no constant (log N, 1/G, S**2, ...), computed once per table
    temps     what the row program computes, one slot an instruction

Every instruction is (operation, first operand, second operand); its result is the next slot of its program.
Powers with a free exponent are exp(exponent * log base) on a precomputed log. Equal instructions are shared.

A constant may be *conditionally linear*: with all others fixed, f is affine in it. `linear` marks a largest set
that is jointly so; the fitting kernels solve these exactly and search only the others (variable projection).
A constant in `logarithmic` is held as its logarithm inside the kernels, which keeps it positive and well scaled.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ADD, MUL, MIN, MAX, INV, EXP, LOG, ABS, SIN, COS, ATAN = range(11)
FIRST_UNARY = INV
"""Operations from here on have one operand (written twice in the code)."""

ONES: Hashable = "1"

Key = Hashable
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tape:
    """A compiled form.

    constants : p names; the first p scalar slots (in log space where `logarithmic`).
    literals : values of the literal slots.
    columns : what each column slot holds; the caller computes them (see `formsearch.core.batch.Pack`).
    scalar_code, row_code : int32 arrays of shape (m, 3).
    linear, logarithmic : boolean masks of shape (p,).
    """

    constants: tuple[str, ...]
    literals: Array
    columns: tuple[Key, ...]
    scalar_code: NDArray[np.int32]
    row_code: NDArray[np.int32]
    linear: NDArray[np.bool_]
    logarithmic: NDArray[np.bool_]

    @property
    def n_scalars(self) -> int:
        """Scalar slots: constants, literals and computed ones."""
        return len(self.constants) + len(self.literals) + len(self.scalar_code)


Slot = tuple[str, int]
"""A handle while a tape is built: ("c", constant), ("l", literal), ("s", scalar), ("x", column) or ("t", temp)."""


class Builder:
    """Builds a tape instruction by instruction; equal instructions are made once.

    >>> b = Builder(["E", "A", "alpha"])
    >>> term = b.mul(b.constant(1), b.exp(b.mul(b.constant(2), b.column(("-log", "N")))))
    >>> tape = b.finish(b.add(b.constant(0), term), linear=[True, True, False])
    >>> tape.row_code.shape
    (4, 3)
    """

    def __init__(self, constants: Sequence[str], logarithmic: Sequence[bool] | None = None) -> None:
        self.names = tuple(constants)
        self.logarithmic = np.asarray(
            logarithmic if logarithmic is not None else [False] * len(constants), dtype=np.bool_
        )
        self._literals: dict[float, int] = {}
        self._columns: dict[Key, int] = {}
        self._code: dict[str, list[tuple[int, Slot, Slot]]] = {"s": [], "t": []}
        self._made: dict[tuple[int, Slot, Slot], Slot] = {}

    # -- operands ----------------------------------------------------------------------------------------------

    def constant(self, index: int) -> Slot:
        """The constant itself (its exponential where it is held as a logarithm)."""
        raw: Slot = ("c", index)
        return self.exp(raw) if self.logarithmic[index] else raw

    def literal(self, value: float) -> Slot:
        """A number."""
        return ("l", self._literals.setdefault(float(value), len(self._literals)))

    def column(self, key: Key) -> Slot:
        """Data under `key`, depending on the row only."""
        return ("x", self._columns.setdefault(key, len(self._columns)))

    # -- operations --------------------------------------------------------------------------------------------

    def _emit(self, op: int, a: Slot, b: Slot) -> Slot:
        if op in (ADD, MUL) and a > b:
            a, b = b, a
        known = self._made.get((op, a, b))
        if known is None:
            place = "s" if a[0] in "cls" and b[0] in "cls" else "t"
            known = (place, len(self._code[place]))
            self._code[place].append((op, a, b))
            self._made[op, a, b] = known
        return known

    def add(self, a: Slot, b: Slot) -> Slot:
        """a + b."""
        return self._emit(ADD, a, b)

    def mul(self, a: Slot, b: Slot) -> Slot:
        """a * b."""
        return self._emit(MUL, a, b)

    def sum(self, terms: Sequence[Slot]) -> Slot:
        """Sum of one or more slots; scalars are added among themselves first."""
        return self._fold(self.add, terms)

    def product(self, factors: Sequence[Slot]) -> Slot:
        """Product of one or more slots; scalars are multiplied among themselves first."""
        return self._fold(self.mul, factors)

    @staticmethod
    def _fold(combine: Callable[[Slot, Slot], Slot], parts: Sequence[Slot]) -> Slot:
        ordered = sorted(parts, key=lambda s: s[0] in "xt")
        result = ordered[0]
        for part in ordered[1:]:
            result = combine(result, part)
        return result

    def inv(self, a: Slot) -> Slot:
        """1 / a."""
        return self._emit(INV, a, a)

    def exp(self, a: Slot) -> Slot:
        """exp(a), saturating where float64 would overflow."""
        return self._emit(EXP, a, a)

    def log(self, a: Slot) -> Slot:
        """log(a); NaN for negative a, a large negative number for zero."""
        if a[0] in "st" and self._code[a[0]][a[1]][0] == EXP:
            return self._code[a[0]][a[1]][1]
        return self._emit(LOG, a, a)

    def abs(self, a: Slot) -> Slot:
        """|a|."""
        return self._emit(ABS, a, a)

    def sin(self, a: Slot) -> Slot:
        """sin(a)."""
        return self._emit(SIN, a, a)

    def cos(self, a: Slot) -> Slot:
        """cos(a)."""
        return self._emit(COS, a, a)

    def atan(self, a: Slot) -> Slot:
        """arctan(a)."""
        return self._emit(ATAN, a, a)

    def minimum(self, a: Slot, b: Slot) -> Slot:
        """The smaller of two."""
        return self._emit(MIN, a, b)

    def maximum(self, a: Slot, b: Slot) -> Slot:
        """The larger of two."""
        return self._emit(MAX, a, b)

    def power(self, base: Slot, exponent: int) -> Slot:
        """base ** exponent for a whole exponent, by repeated squaring."""
        if exponent < 0:
            return self.inv(self.power(base, -exponent))
        if exponent == 0:
            return self.literal(1.0)
        result: Slot | None = None
        square = base
        while exponent:
            if exponent & 1:
                result = square if result is None else self.mul(result, square)
            exponent >>= 1
            if exponent:
                square = self.mul(square, square)
        assert result is not None
        return result

    # -- the end -----------------------------------------------------------------------------------------------

    def finish(self, result: Slot, linear: Sequence[bool]) -> Tape:
        """The tape whose value is `result`."""
        # The kernels read the value from the last temp, so it has to be a temp, and the last one.
        if result[0] != "t" or result[1] != len(self._code["t"]) - 1:
            self._code["t"].append((MUL, result, self.column(ONES)))
        p, n_literals, n_scalar_code = len(self.names), len(self._literals), len(self._code["s"])
        first = {"c": 0, "l": p, "s": p + n_literals, "x": p + n_literals + n_scalar_code}
        first["t"] = first["x"] + len(self._columns)

        def encode(code: list[tuple[int, Slot, Slot]]) -> NDArray[np.int32]:
            rows = [(op, first[a[0]] + a[1], first[b[0]] + b[1]) for op, a, b in code]
            return np.asarray(rows, dtype=np.int32).reshape(-1, 3)

        return Tape(
            constants=self.names,
            literals=np.asarray(list(self._literals), dtype=np.float64),
            columns=tuple(self._columns),
            scalar_code=encode(self._code["s"]),
            row_code=encode(self._code["t"]),
            linear=np.asarray(linear, dtype=np.bool_),
            logarithmic=self.logarithmic,
        )
