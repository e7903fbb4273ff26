"""Between forms of the grammar, SymPy expressions and laws: survivors go out, registry laws come in as seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from formsearch.exceptions import FormulaError
from formsearch.law import Constant, Law, Start, Variable
from formsearch.search.grammar import (
    EXPONENT,
    ONE,
    POSITIVE,
    RATE,
    UNIT,
    Apply,
    Factor,
    Form,
    Kind,
    Log,
    Power,
    Scalar,
    Sum,
    Term,
    times,
    uses,
    variables,
)

if TYPE_CHECKING:
    import sympy

SYMBOLS: Mapping[str, str] = {
    "N": "N", "N_active": "Na", "N_nonvocab": "Nnv", "N_vocab": "Nv", "N_nonzero": "Nz", "N_dense": "Nd",
    "D": "D", "unique_tokens": "U", "characters": "H", "samples": "n", "D_dense": "D1", "C": "C",
    "active_experts": "G", "shared_ratio": "S", "experts": "X", "sparsity": "S", "activation_ratio": "r",
    "granularity": "g", "vocab_size": "V", "parallel_streams": "P", "context_length": "T", "scale": "x",
    "batch_size": "B", "latents": "n", "active_latents": "k", "weight_sparsity": "S",
}  # fmt: skip
"""Short symbols for quantities in found laws; where two would clash, and for all others, the quantity's name."""

_GREEK = ("alpha", "beta", "gamma", "delta", "zeta", "eta", "theta", "kappa", "mu", "nu", "rho", "tau", "omega")
_LATIN = ("A", "B", "a", "b", "c", "d", "e", "f", "h", "j", "k", "l", "m", "p", "q", "s", "t", "u", "v", "w")
MAX_DENOMINATOR = 10**6


# -- out ---------------------------------------------------------------------------------------------------------


def to_sympy(form: Form, constants: Sequence[Any], symbols: Mapping[str, Any]) -> sympy.Expr:
    """The SymPy expression in `constants` (by number) and `symbols` (by variable)."""
    import sympy

    def scalar(s: Scalar) -> Any:
        simple = Fraction(s.number).limit_denominator(MAX_DENOMINATOR)
        # Numbers are held as float64: 2/3 is the fraction it was made of.
        near = abs(float(simple) - s.number) <= 1e-14 * abs(s.number)
        head = sympy.Rational(simple.numerator, simple.denominator) if near else sympy.Float(s.number, 17)
        return sympy.Mul(head, *(constants[i] ** p for i, p in s.constants))

    def factor(f: Factor) -> Any:
        if isinstance(f, Power):
            return symbols[f.variable] ** scalar(f.exponent)
        if isinstance(f, Log):
            return sympy.log(symbols[f.variable])
        parts = [total(a) for a in f.arguments]
        if f.function == "power":
            return parts[0] ** scalar(f.exponent)
        functions = {"exp": sympy.exp, "log": sympy.log, "abs": sympy.Abs, "min": sympy.Min, "max": sympy.Max}
        return functions[f.function](*parts)

    def total(body: Sum) -> Any:
        return sympy.Add(*(sympy.Mul(scalar(t.coefficient), *map(factor, t.factors)) for t in body))

    return total(form.body)


def variable_symbols(names: Sequence[str]) -> dict[str, str]:
    """A symbol for each quantity, without clashes."""
    taken: dict[str, str] = {}
    for name in names:
        short = SYMBOLS.get(name, name)
        taken[name] = name if short in taken.values() else short
    return taken


def constant_names(form: Form, avoid: set[str]) -> list[str]:
    """Names in the field's custom: E for the irreducible part, Greek exponents, Latin amplitudes."""
    greek = iter([g for g in _GREEK if g not in avoid] + [f"p{i}" for i in range(99)])
    latin = iter([a for a in _LATIN if a not in avoid] + [f"c{i}" for i in range(99)])
    level = {t.coefficient.constants[0][0] for t in form.body if not t.factors and t.coefficient.constants}
    exponents = _exponent_constants(form.body)
    names = []
    for i in range(len(form.kinds)):
        if i in level and "E" not in avoid and "E" not in names:
            names.append("E")
        else:
            names.append(next(greek) if i in exponents else next(latin))
    return names


def _exponent_constants(body: Sum) -> set[int]:
    found: set[int] = set()
    for t in body:
        for f in t.factors:
            if isinstance(f, Log):
                continue
            if isinstance(f, Power) or f.function == "power":
                found |= {i for i, _ in f.exponent.constants}
            if isinstance(f, Apply):
                for a in f.arguments:
                    found |= _exponent_constants(a)
    return found


def to_law(form: Form, values: Sequence[float], name: str, target: str = "loss", **about: Any) -> Law:
    """A law of that form whose starts lie around `values` (its constants in raw units)."""
    import sympy

    from formsearch.law import formula_text

    used = sorted(variables(form.body))
    symbols = variable_symbols(used)
    names = constant_names(form, set(symbols.values()))
    expression = to_sympy(
        form,
        [sympy.Symbol(n, real=True) for n in names],
        {q: sympy.Symbol(s, positive=True) for q, s in symbols.items()},
    )
    present = {str(s) for s in expression.free_symbols}
    constants = [
        Constant(n, _meaning(kind), kind.low, kind.high, _start(kind, float(v)))
        for n, kind, v in zip(names, form.kinds, values, strict=True)
        if n in present
    ]
    return Law(
        name=name,
        formula=formula_text(expression),
        variables=tuple(Variable(s, q) for q, s in symbols.items() if s in present),
        constants=tuple(constants),
        target=target,
        **about,
    )


def _meaning(kind: Kind) -> str:
    return {"E": "irreducible part", "p": "exponent", "a": "amplitude", "k": "amplitude", "r": "slope"}.get(
        kind.tag, ""
    )


def _start(kind: Kind, value: float) -> Start | None:
    """A range around a found value: within a factor of two, or a quarter of an exponent."""
    if not math.isfinite(value) or value == 0.0:
        return None
    if kind.low >= 0.0 and value > 0.0:
        return Start(max(value / 2, kind.low), min(value * 2, kind.high), log=kind.low > 0.0 or value > 0.0)
    low, high = sorted((value / 2, value * 2))
    return Start(max(low, kind.low), min(high, kind.high))


# -- in ----------------------------------------------------------------------------------------------------------


def from_law(law: Law) -> Form:
    """The law in the grammar, over quantities; constants are numbered in the order of `law.constants`."""
    index = {law.symbols[c.symbol]: i for i, c in enumerate(law.constants)}
    names = {law.symbols[v.symbol]: v.quantity for v in law.variables}
    body = _Reader(index, names).total(law.expression)
    exponents = _exponent_constants(body)
    kinds = tuple(_kind(c, i in exponents) for i, c in enumerate(law.constants))
    return Form(body, kinds)


def _kind(c: Constant, exponent: bool) -> Kind:
    """The kind of a law's constant: its bounds, and its start where the law gives one without a scale."""
    start = (c.start.low, c.start.high) if c.start is not None and c.start.scale == "1" else None
    if exponent:
        if start is None or c.start is None:
            start = (0.1, 1.0) if c.upper > 0 else (-1.0, -0.1)
        return Kind("p", max(c.lower, 0.01) if c.lower >= 0 else c.lower, c.upper, start, bool(c.start and c.start.log))
    if c.lower >= 0:
        return POSITIVE._replace(low=c.lower, high=c.upper, start=start or POSITIVE.start)
    return RATE._replace(low=c.lower, high=c.upper, start=start or RATE.start)


class _Reader:
    """SymPy expression -> grammar. Anything with + - * / **, exp, log, Abs, Min, Max can be read."""

    def __init__(self, constants: Mapping[Any, int], names: Mapping[Any, str]) -> None:
        self.constants, self.names = constants, names

    def total(self, e: Any) -> Sum:
        parts = e.args if e.is_Add else (e,)
        return tuple(self.term(p) for p in parts)

    def term(self, e: Any) -> Term:
        coefficient, factors = UNIT, []
        for part in e.args if e.is_Mul else (e,):
            s = self.scalar(part)
            if s is not None:
                coefficient = times(coefficient, s)
            else:
                factors.extend(self.factors(part))
        return Term(coefficient, tuple(factors))

    def scalar(self, e: Any) -> Scalar | None:
        """`e` as a number times whole powers of constants; None if it is something else."""
        if e.is_number:
            return Scalar(float(e))
        if e in self.constants:
            return Scalar(ONE, ((self.constants[e], 1),))
        if e.is_Pow and e.base in self.constants and e.exp.is_Integer:
            return Scalar(ONE, ((self.constants[e.base], int(e.exp)),))
        if e.is_Mul:
            result = UNIT
            for part in e.args:
                s = self.scalar(part)
                if s is None:
                    return None
                result = times(result, s)
            return result
        return None

    def factors(self, e: Any) -> list[Factor]:
        import sympy

        if e in self.names:
            return [Power(self.names[e], UNIT)]
        if isinstance(e, sympy.log):
            inner = e.args[0]
            return [Log(self.names[inner])] if inner in self.names else [Apply("log", (self.total(inner),))]
        if isinstance(e, sympy.exp):
            return [Apply("exp", (self.total(sympy.expand(e.args[0], deep=False)),))]
        if isinstance(e, sympy.Abs):
            return [Apply("abs", (self.total(e.args[0]),))]
        if isinstance(e, sympy.Min | sympy.Max):
            return [Apply("min" if isinstance(e, sympy.Min) else "max", tuple(self.total(a) for a in e.args))]
        if e.is_Pow:
            return self.power(e.base, e.exp)
        if e.is_Add:
            return [Apply("power", (self.total(e),), UNIT)]
        raise FormulaError(f"{e.func.__name__} has no place in the grammar of the search")

    def power(self, base: Any, exponent: Any) -> list[Factor]:
        import sympy

        s = self.scalar(exponent)
        if s is not None:
            if base in self.names:
                return [Power(self.names[base], s)]
            return [Apply("power", (self.total(base),), s)]
        # base**(a + b*log(x) + ...) = exp((a + b*log(x) + ...) * log(base))
        inner = sympy.expand_mul(exponent * sympy.expand_log(sympy.log(base)))
        return [Apply("exp", (self.total(inner),))]


def same_shape(a: Form, b: Form) -> bool:
    """Whether two forms are written identically (kinds aside)."""
    return a.body == b.body and len(uses(a.body)) == len(uses(b.body))


__all__ = ["EXPONENT", "constant_names", "from_law", "same_shape", "to_law", "to_sympy", "variable_symbols"]
