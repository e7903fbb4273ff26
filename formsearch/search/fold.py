"""Folding: all that is constant in an expression becomes as few free constants as the form has.

k*(X/s)**-p is K*X**-p with K = k*s**p: products give up their constant factors, powers of scaled bases and logarithms
of products are taken apart, equal terms are added up. Constants are computed in 30 digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from formsearch.exceptions import FormulaError
from formsearch.search.parse import Read

if TYPE_CHECKING:
    import sympy

DIGITS = 30
PASSES = 6
LARGEST, SMALLEST = 1e300, 1e-300
"""Constants beyond are not held in double precision; below they are zero."""


def fresh_names(head: str, taken: set[str]) -> Iterator[str]:
    """head0, head1, ... without those that are taken."""
    return (name for i in range(10**6) if (name := f"{head}{i}") not in taken)


def fold(expression: sympy.Expr, values: Mapping[str, float], variables: set[Any]) -> Read:
    """All constant parts of an expression in positive symbols folded into constants k0, k1, ...

    Products give up their constant factors, powers of scaled bases and logarithms of products are taken apart, equal
    terms are added up; a constant's sign stands in the form. Raises `FormulaError` where a constant is not a finite
    real number, e.g. under a fractional power of something negative.
    """
    import sympy

    if missing := {str(s) for s in expression.free_symbols - variables} - set(values):
        raise FormulaError(f"constants {sorted(missing)} have no value")
    folder = _Folder(values, variables)
    for _ in range(PASSES):
        before = expression
        expression = folder.fold(sympy.sympify(expression))
        if expression == before:
            break
    return folder.finish(expression)


class _Folder:
    """Constants made by folding: a symbol for each, and its value to `DIGITS` digits."""

    def __init__(self, values: Mapping[str, float], variables: set[Any]) -> None:
        import sympy
        from mpmath import MPContext

        self.variables = variables
        # A context of its own: the precision of the process is not ours to change.
        self.digits = MPContext()
        self.digits.dps = DIGITS
        self.known = {sympy.Symbol(k, positive=True): self.digits.mpf(v) for k, v in values.items()}
        taken = {*values, *(str(v) for v in variables)}
        self.fresh = fresh_names("k", taken)
        self.made: set[Any] = set()

    def number(self, e: Any) -> Any:
        """The value of a constant expression. Raises `FormulaError` if it is not a finite real number."""
        import sympy

        mp = self.digits
        if e in self.known:
            return self.known[e]
        if e.is_Rational:
            return mp.mpf(int(e.p)) / int(e.q)
        parts = [self.number(a) for a in e.args]
        try:
            if e.is_Add:
                value = mp.fsum(parts)
            elif e.is_Mul:
                value = mp.fprod(parts)
            elif e.is_Pow:
                value = mp.power(*parts)
            elif isinstance(e, sympy.exp):
                value = mp.exp(parts[0])
            elif isinstance(e, sympy.log):
                value = mp.log(parts[0])
            else:
                value = mp.mpf(sympy.Float(e.func(*(sympy.Float(x, DIGITS) for x in parts)).evalf(DIGITS), DIGITS))
        except (ArithmeticError, TypeError, ValueError):
            raise FormulaError(f"a constant of the form, {e}, is not a finite real number") from None
        if not isinstance(value, mp.mpf) or not mp.isfinite(value) or abs(value) > LARGEST:
            raise FormulaError(f"a constant of the form, {e}, is not a finite real number")
        return value

    def constant(self, meaning: Any) -> Any:
        """A signed symbol for a constant expression; whole numbers are left as they are."""
        import sympy

        if meaning.is_Integer or meaning in self.made or -meaning in self.made:
            return meaning
        value = self.number(meaning)
        if abs(value) < SMALLEST:
            return sympy.Integer(0)
        symbol = sympy.Symbol(next(self.fresh), positive=True)
        self.made.add(symbol)
        self.known[symbol] = abs(value)
        return symbol if value > 0 else -symbol

    def free(self, e: Any) -> bool:
        return bool(e.free_symbols & self.variables)

    def fold(self, e: Any) -> Any:
        """`e` with its constant parts folded, from the leaves up."""
        import sympy

        if e in self.variables:
            return e
        if not self.free(e):
            return self.constant(e)
        if e.is_Add:
            return self.sum(e)
        if e.is_Mul:
            return self.product(e)
        if e.is_Pow:
            return self.power(e.base, e.exp)
        if isinstance(e, sympy.exp):
            return self.exponential(self.fold(e.args[0]))
        if isinstance(e, sympy.log):
            return self.logarithm(self.fold(e.args[0]))
        return e.func(*map(self.fold, e.args))

    def split(self, e: Any) -> tuple[Any, Any]:
        """(constant factor, the rest)."""
        head, rest = e.as_independent(*self.variables, as_Add=False)
        return head, rest

    def sum(self, e: Any) -> Any:
        import sympy

        heads: dict[Any, Any] = {}
        for part in e.args:
            folded = self.fold(part)
            for term in folded.args if folded.is_Add else (folded,):
                head, rest = self.split(term)
                heads[rest] = heads.get(rest, 0) + head
        return sympy.Add(*(self.constant(sympy.sympify(h)) * rest for rest, h in heads.items()))

    def product(self, e: Any) -> Any:
        import sympy

        head, rest = self.split(sympy.Mul(*(self.fold(a) for a in e.args)))
        if rest.is_Add and not head.is_Integer:
            # The scale of a lone sum belongs to its terms.
            return sympy.Add(*(self.scaled(head, t) for t in rest.args))
        return self.constant(head) * rest

    def scaled(self, head: Any, term: Any) -> Any:
        own, rest = self.split(term)
        return self.constant(head * own) * rest

    def power(self, base: Any, exponent: Any) -> Any:
        import sympy

        base, exponent = self.fold(base), self.fold(exponent)
        if not self.free(base):
            if self.negative(base):
                raise FormulaError(f"a negative constant to the power of {exponent} is not a real number")
            return self.exponential(self.fold(exponent * sympy.log(base)))
        head, rest = self.split(base)
        if head == 1 or self.free(exponent):
            return base**exponent
        if self.negative(head) and not exponent.is_Integer:
            # -(k*x + ...): the sign belongs to the terms of a sum; else there is no real value.
            if rest.is_Add:
                return sympy.expand_mul(head * rest) ** exponent
            raise FormulaError(f"a negative number to the power of {exponent} is not a real number")
        return self.constant(head**exponent) * rest**exponent

    def negative(self, e: Any) -> bool:
        return bool(self.number(e) < 0)

    def exponential(self, inner: Any) -> Any:
        import sympy

        if not inner.is_Add:
            return sympy.exp(inner)
        constant, rest = inner.as_independent(*self.variables, as_Add=True)
        if constant == 0:
            return sympy.exp(inner)
        return self.constant(sympy.exp(constant)) * sympy.exp(rest)

    def logarithm(self, inner: Any) -> Any:
        import sympy

        head, rest = self.split(inner)
        if self.negative(head) and not rest.is_Add:
            raise FormulaError(f"the logarithm of the negative {inner} is not a real number")
        if head == 1 or self.negative(head):
            return sympy.log(inner)
        taken = sympy.expand_log(sympy.log(rest), force=True) if rest.is_Pow or rest.is_Mul else sympy.log(rest)
        return self.constant(sympy.log(head)) + taken

    def finish(self, expression: Any) -> Read:
        """Constants numbered anew by first occurrence, with their values."""
        import sympy

        order: list[Any] = []
        for e in sympy.preorder_traversal(expression):
            if e in self.made and e not in order:
                order.append(e)
        numbered = fresh_names("k", {str(v) for v in self.variables})
        values, swap = {}, {}
        for symbol in order:
            name = next(numbered)
            value = float(self.known[symbol])
            swap[symbol] = sympy.Symbol(name, positive=True)
            values[name] = value
        return Read(expression.subs(swap, simultaneous=True), values)
