"""Forms side by side: how well the points support each, by the measures that a search chooses with.

    python -m benchmarks.equal_terms [--seeds 5] [--formula "E + A/N**alpha + B*N_active/N + ..."] [--formula ...]

Zhao et al.'s law, from which the losses are simulated, beside other forms on the 268 fit rows: residuals, error on the
hold-outs, length of description (see `formsearch.search.finish.Finish.description`), and the root-mean-square error
against the noise-free losses of the 88 validation rows, which no search sees. Where a form other than the law has the
shorter description, these rows cannot tell that it is not the law.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from formsearch import Law, Points, laws
from formsearch.core.objectives import LeastSquares
from formsearch.data import load
from formsearch.lawfile import formula_law
from formsearch.search.engine import Config, Proposal
from formsearch.search.expression import from_law
from formsearch.search.finish import Finish
from formsearch.search.judge import folds_of
from formsearch.search.workbench import Workbench

STARTS = 32
"""Of every fit."""


@dataclass(frozen=True)
class Standing:
    """What the points say of a form: residuals (RMS), hold-out error, length of description; and the test error."""

    residuals: float
    held_out: float
    description: float
    rms: float


def standings(forms: Sequence[Law], points: Points, exact: Points, seed: int = 0) -> list[Standing]:
    """Every form refitted from `STARTS` starts and judged on the hold-outs of `points`; without emphasis."""
    folds = tuple(folds_of(points, seed))
    names = tuple(dict.fromkeys(q for law in forms for q in law.quantities))
    bench = Workbench(points, names, LeastSquares(), folds, seed)
    finish = Finish(bench, Config(names, folds=folds, seed=seed), None, time.monotonic() + 3600.0)
    finish.starts = STARTS
    found = []
    for law in forms:
        form = from_law(law)
        (f,) = finish.refit([Proposal(form, (float("nan"),) * len(form.kinds), law.name)])
        off = finish.candidate(f, 0).predict(exact) - exact.target
        found.append(
            Standing(bench.rms(f.fitted), f.fitted.error, finish.description(f), float(np.sqrt(np.mean(off**2))))
        )
    return found


def told(name: str, own: Standing, law: Standing) -> str:
    """A form's standing in a line, its description counted from that of the law."""
    return (
        f"{name}: residuals {own.residuals:.5f}, hold-outs {own.held_out:.5f}, description "
        f"{own.description - law.description:+.1f}, rms on the validation rows {own.rms:.5f}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the standings on several draws of the noise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--formula", action="append", default=[])
    options = parser.parse_args(arguments)
    named = [laws[name] for name in ("zhao2025", "zhao2025_eq9", "zhao2025_eq7", "zhao2025_eq4")]
    forms = [*named, *map(formula_law, options.formula)]
    exact = load("zhao2025", sigma=0.0).only("validation")
    for seed in range(options.seeds):
        found = standings(forms, load("zhao2025", seed=seed).only("fit"), exact, seed)
        for form, standing in zip(forms, found, strict=True):
            name = form.name if form in named else form.formula
            print(f"draw {seed}  {told(name, standing, found[0])}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
