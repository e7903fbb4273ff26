"""The ladder of nested forms of Zhao et al. 2025 on simulated losses, beside the errors that the paper prints.

    python -m benchmarks.zhao_ladder [--seeds 40] [--sigma 0.0071] [--out table.md]

The measured losses of arXiv:2509.23678 were never published. So the losses of its 446 configurations are simulated from
its Eq. 11 at its Table 2 plus Gaussian noise, once a seed; every form is refitted to the 268 fit rows by least squares
and judged by its mean absolute error on the 88 validation rows. Baselines are refitted on the same points: Krajewski's
form with the number of activated experts as granularity, Abnar's with 1 - N_active/N as sparsity.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from formsearch import compare, laws, load
from formsearch.compare.leaderboard import Leaderboard
from formsearch.law import Law

PRINTED = {
    "zhao2025_eq4": 0.0180,
    "zhao2025_eq7": 0.0125,
    "zhao2025_eq9": 0.0083,
    "zhao2025": 0.0059,
    "krajewski2024": 0.0179,
    "abnar2025": 0.0152,
}
"""Average validation loss error under Fig. 5-9 of the paper (measured losses, rows and objective not stated)."""

TITLES = {
    "zhao2025_eq4": "Eq. 4: N, D",
    "zhao2025_eq7": "Eq. 7: + N_active",
    "zhao2025_eq9": "Eq. 9: + G",
    "zhao2025": "Eq. 11: + S",
    "krajewski2024": "Krajewski 2024, refitted",
    "krajewski_bounded": "Krajewski 2024, refitted with gamma <= 1",
    "abnar2025": "Abnar 2025, refitted",
}

LADDER = ("zhao2025", "zhao2025_eq9", "zhao2025_eq7", "zhao2025_eq4")


def bounded_krajewski() -> Law:
    """Krajewski's form with its exponent of granularity held to at most 1 (published: .58)."""
    law = laws["krajewski2024"]
    constants = tuple(replace(c, upper=1.0) if c.symbol == "gamma" else c for c in law.constants)
    return replace(law, name="krajewski_bounded", constants=constants, published={})


def contenders() -> list[Law]:
    """The six forms of the paper's figures, and the bounded baseline."""
    return [*(laws[name] for name in PRINTED), bounded_krajewski()]


@dataclass(frozen=True)
class Ladder:
    """Validation errors by law, shape (seeds,), with counts over the seeds.

    runaway : draws in which a law misses a validation row by more than the range of all losses. ranked : draws that
    rank Eq. 11 < 9 < 7 < 4. told_apart : draws in which the paired test tells Eq. 11 from Eq. 9. gamma : Krajewski's
    exponent of granularity when it is free, shape (seeds,).
    """

    sigma: float
    errors: dict[str, NDArray[np.float64]]
    runaway: dict[str, int]
    ranked: int
    told_apart: int
    gamma: NDArray[np.float64]

    @property
    def seeds(self) -> int:
        """Number of draws."""
        return len(next(iter(self.errors.values())))


def board_of(seed: int, sigma: float) -> Leaderboard:
    """All contenders on one draw."""
    points = load("zhao2025", seed=seed, sigma=sigma)
    return compare(points, contenders(), split="column:fit:validation", resamples=1000)


def ladder(seeds: Sequence[int], sigma: float = 0.0071) -> Ladder:
    """Run the comparison on every draw."""
    errors: dict[str, list[float]] = {law.name: [] for law in contenders()}
    runaway = dict.fromkeys(errors, 0)
    ranked = told_apart = 0
    gamma: list[float] = []
    for seed in seeds:
        board = board_of(seed, sigma)
        for name, values in errors.items():
            score = board.score(name)
            values.append(score.test.mae)
            runaway[name] += bool(score.off_scale)
        steps = [board.score(name).test.mae for name in LADDER]
        ranked += steps == sorted(steps)
        told_apart += board.pair("zhao2025", "zhao2025_eq9").distinct()
        gamma.append(board.score("krajewski2024").values["gamma"])
    return Ladder(sigma, {k: np.asarray(v) for k, v in errors.items()}, runaway, ranked, told_apart, np.asarray(gamma))


def table(noisy: Ladder, exact: Ladder) -> str:
    """Markdown: simulated beside printed."""
    heads = f"| form | constants | simulated, sigma {noisy.sigma:g} | sd over draws | sigma 0 | printed | runaway |"
    lines = [heads, "|---|---|---|---|---|---|---|"]
    counts = {law.name: len(law.constants) for law in contenders()}
    for name, title in TITLES.items():
        values = noisy.errors[name]
        wild = noisy.runaway[name]
        mean = f"median {np.median(values):.4g}" if wild else f"{values.mean():.4f}"
        spread = "-" if wild else f"{values.std(ddof=1):.4f}"
        floor = "runaway" if exact.runaway[name] else f"{exact.errors[name][0]:.4f}"
        printed = f"{PRINTED[name]:.4f}" if name in PRINTED else "-"
        lines.append(
            f"| {title} | {counts[name]} | {mean} | {spread} | {floor} | {printed} | {wild} of {noisy.seeds} |"
        )
    return "\n".join([*lines, "", *remarks(noisy)])


def remarks(noisy: Ladder) -> list[str]:
    """What differs from the printed numbers, and why."""
    n = noisy.seeds
    below = [100 * (1 - noisy.errors[name].mean() / PRINTED[name]) for name in LADDER[1:]]
    gamma = np.median(noisy.gamma)
    return [
        "Mean absolute error on the 88 validation rows, constants from the 268 fit rows (least squares, 16 starts); "
        f"mean over {n} draws of SIMULATED losses (Eq. 11 at Table 2 + noise).",
        "",
        f"- The order Eq. 11 < 9 < 7 < 4 holds in {noisy.ranked} of {n} draws; the paired test on 88 rows tells Eq. 11 "
        f"from Eq. 9 in {noisy.told_apart} of {n}: one set of runs hardly suffices for the last step.",
        "- Eq. 11 is at its printed error because sigma was chosen for that. The steps below it are what is tested; "
        f"they come out {min(below):.0f}-{max(below):.0f} % smaller than printed: the measured losses vary a little "
        "more with the factors than the printed law says, or the paper averages over other rows (it does not say).",
        "- Abnar's form does better here than printed: the losses come from a law in the same quantities, and with "
        "which size and objective the paper refitted it is not known.",
        "- Krajewski's form falls monotonically in granularity, these losses have a minimum near 7. Least squares then "
        f"runs away to a large exponent (gamma {gamma:.0f} in the median), a term that speaks only at the smallest "
        "fitted G = 2.5 and explodes at the validation rows with G = 2. Held to gamma <= 1 the form does no better "
        "than Eq. 4, which is what the paper prints.",
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--sigma", type=float, default=0.0071)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    text = table(ladder(range(options.seeds), options.sigma), ladder([0], 0.0))
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
