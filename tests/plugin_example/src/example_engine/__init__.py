"""The smallest useful engine: every sum of powers of the variables, one level, one power a variable, and products."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from formsearch.law import Law, Variable, positive
from formsearch.points import Points
from formsearch.search.engine import Config, Progress, Proposal, Report


class Enumerate:
    """Proposes E + A1/x1**a1 + ... for every set of variables, and E + A/(x1**a1 * x2**a2 * ...)."""

    name = "enumerate"
    deterministic = "always the same forms in the same order: nothing is drawn"

    def available(self) -> str | None:
        """Nothing is needed."""
        return None

    def propose(self, points: Points, config: Config, report: Report | None = None) -> Iterator[Proposal]:
        """Shapes only: constants are left to formsearch, which fits them from many starts."""
        tried = 0
        for size in range(1, len(config.variables) + 1):
            for chosen in itertools.combinations(config.variables, size):
                for law in sums_and_products(chosen):
                    if config.max_constants is not None and len(law.constants) > config.max_constants:
                        continue
                    tried += 1
                    if report is not None:
                        report(Progress(0.0, tried, law.formula, float("nan"), len(law.constants)))
                    yield Proposal.of_law(law, {}, self.name)


def sums_and_products(quantities: tuple[str, ...]) -> list[Law]:
    """The two laws over these quantities (one where there is one quantity)."""
    symbols = [f"x{i}" for i in range(len(quantities))]
    variables = tuple(Variable(s, q) for s, q in zip(symbols, quantities, strict=True))
    exponents = tuple(positive(f"p{i}") for i in range(len(symbols)))
    amplitudes = tuple(positive(f"A{i}") for i in range(len(symbols)))
    terms = [f"A{i}/{s}**p{i}" for i, s in enumerate(symbols)]
    powers = "*".join(f"{s}**p{i}" for i, s in enumerate(symbols))
    laws = [Law("sum", "E + " + " + ".join(terms), variables, (positive("E"), *amplitudes, *exponents))]
    if len(symbols) > 1:
        laws.append(Law("product", f"E + A0/({powers})", variables, (positive("E"), amplitudes[0], *exponents)))
    return laws
