"""Random scaling forms with constants, for derivations that must come back and must not disagree with numbers."""

from __future__ import annotations

import numpy as np

from formsearch.law import Constant, Law, Variable, positive

_VARIABLES = (
    Variable("N", "N"), Variable("Na", "N_active"), Variable("D", "D"), Variable("G", "active_experts"),
    Variable("S", "shared_ratio"),
)  # fmt: skip


class _Writer:
    """Writes one form, drawing constants of a size that fits the variable they go with."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.values: dict[str, float] = {}
        self.signed: set[str] = set()

    def constant(self, low: float, high: float, log: bool = True, signed: bool = False) -> str:
        name = f"c{len(self.values)}"
        value = float(np.exp(self.rng.uniform(np.log(low), np.log(high))) if log else self.rng.uniform(low, high))
        if signed:
            self.signed.add(name)
            value *= -1 if self.rng.random() < 0.5 else 1
        self.values[name] = value
        return name

    def power(self, x: str, decreasing: bool) -> str:
        typical = {"N": 1e9, "Na": 3e8, "D": 3e10, "G": 6.0, "S": 0.3}[x]
        p = self.constant(0.1, 0.9, log=False)
        scale = typical ** (self.values[p] if decreasing else -self.values[p])
        a = self.constant(0.1 * scale, 2.0 * scale)
        return f"{a}*{x}**{'-' if decreasing else ''}{p}"

    def shape(self, x: str) -> str:
        """A factor in one variable that may have an interior optimum."""
        kind = self.rng.integers(5)
        if kind == 0:
            return f"({self.power(x, True)} + {self.power(x, False)})"
        if kind == 1:
            e, f = self.constant(0.05, 0.5), self.constant(2.0, 12.0)
            return f"({e}*{x} + {f}/{x})"
        if kind == 2:
            m, n = self.constant(1.0, 6.0), self.constant(1.0, 4.0)
            return f"({m}*{x}**2 - {n}*{x} + 3)"
        if kind == 3:
            a, b = self.constant(0.05, 0.5), self.constant(0.3, 3.0)
            return f"({a}*log({x})**2 - {b}*log({x}) + 9)"
        return f"(1 + {self.power(x, True)})"

    def term(self) -> str:
        names = self.rng.permutation(["N", "Na", "D", "G", "S"])
        kind = self.rng.integers(7)
        if kind <= 1:
            return self.power(str(names[0]) if names[0] != "S" else "N", bool(self.rng.random() < 0.8))
        if kind == 2:
            return f"{self.shape('G')}*{self.power('N', True)}"
        if kind == 3:
            return f"{self.shape('S')}*({self.power('N', True)} + {self.power('Na', True)})"
        if kind == 4:
            h = self.constant(0.05, 1.0)
            return f"{self.power('Na', True)} + {h}*Na/N"
        if kind == 5:
            k = self.constant(0.3, 0.9, log=False)
            return f"({self.power('N', True)} + {self.power('D', True)})**{k}"
        s = self.constant(0.2, 3.0)
        return f"{self.power('D', True)}*exp(-{s}*S)"


def random_form(seed: int) -> tuple[Law, dict[str, float]]:
    """A law of one to four terms in up to five variables, and constants for it."""
    rng = np.random.default_rng(seed)
    w = _Writer(rng)
    terms = [w.term() for _ in range(int(rng.integers(1, 5)))]
    if rng.random() < 0.4:
        terms.append(f"{w.shape('G')}*{w.shape('S')}*{w.power('N', True)}")
    terms.append(w.constant(0.5, 2.0))
    formula = " + ".join(terms)
    from formsearch.formula import names_in

    used = set(names_in(formula))
    constants = tuple(Constant(c) if c in w.signed else positive(c) for c in w.values)
    return Law(f"random{seed}", formula, tuple(v for v in _VARIABLES if v.symbol in used), constants), w.values
