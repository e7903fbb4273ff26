"""Speed of fitting, both sides measured in one run: ours against the customary ways.

    FORMSEARCH_DATA=/path/to/tables python -m benchmarks.fit_speed [a] [b] [c] [d] [e] [--repeat 5]

(a) the field's 4,500-start L-BFGS-B grid on the 240 digitised Chinchilla points against 16 of our starts; the grid
    takes many minutes, so a tenth of it, drawn at random, is run and its time multiplied (--whole-grid runs all)
(b) zhao2025 on 268 rows from 64 rough starts, against SciPy least_squares from the same starts
(c) 1,000 bootstrap refits of zhao2025
(d) 4,000 different forms of six terms and three exponents on 446 rows: converged fits a second
(e) growth with rows, 1e3 to 1e6: time a row, and memory above the data

CPU seconds are of all threads of this process; every figure of ours is the median of the repeats. Kernels are compiled
(or loaded) before anything is timed. (a) needs the table chinchilla_svg and is left out without it.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import formsearch as fs
from formsearch.core import batch
from formsearch.core.objectives import LeastSquares, Objective
from formsearch.core.tape import ONES, Builder, Tape
from formsearch.fit.problem import Problem
from formsearch.fit.starts import draw

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Timed:
    """Median CPU and wall seconds over the repeats, and the last result."""

    cpu: float
    wall: float
    result: Any


def timed(run: Callable[[], Any], repeat: int) -> Timed:
    """Run once unmeasured, then `repeat` times."""
    run()
    cpu, wall, result = [], [], None
    for _ in range(repeat):
        c, w = time.process_time(), time.perf_counter()
        result = run()
        cpu.append(time.process_time() - c)
        wall.append(time.perf_counter() - w)
    return Timed(float(np.median(cpu)), float(np.median(wall)), result)


# -- (a) the customary grid ---------------------------------------------------------------------------------------


def customary_grid(points: fs.Points, gradient: bool, share: float) -> tuple[float, float]:
    """CPU seconds and best objective of Hoffmann's grid: L-BFGS-B on log-sum-exp, Huber(1e-3), sum over rows.

    Of the 4,500 starts a random share is run, and their time divided by it.
    """
    from scipy.optimize import minimize
    from scipy.special import huber

    log_n, log_d, log_y = np.log(points.column("N")), np.log(points.column("D")), np.log(points.target)

    def parts(x: Array) -> Array:
        a, b, e, alpha, beta = x
        return np.stack([a - alpha * log_n, b - beta * log_d, np.full_like(log_n, e)])

    def value(x: Array) -> float:
        return float(huber(1e-3, np.logaddexp.reduce(parts(x)) - log_y).sum())

    def both(x: Array) -> tuple[float, Array]:
        p = parts(x)
        f = np.logaddexp.reduce(p)
        r = f - log_y
        share = np.exp(p - f) * np.clip(r, -1e-3, 1e-3)
        s = share.sum(axis=1)
        slope = np.array([s[0], s[1], s[2], -(share[0] * log_n).sum(), -(share[1] * log_d).sum()])
        return float(huber(1e-3, r).sum()), slope

    grid = itertools.product(
        np.arange(0, 30, 5),
        np.arange(0, 30, 5),
        np.arange(-1, 1.5, 0.5),
        np.arange(0, 2.5, 0.5),
        np.arange(0, 2.5, 0.5),
    )
    starts = np.random.default_rng(0).permutation(np.asarray(list(grid)))
    starts = starts[: round(len(starts) * share)]
    begun, best = time.process_time(), np.inf
    for k, start in enumerate(starts):
        if k % 100 == 0:
            spent = time.process_time() - begun
            print(f"    grid: {k:,} of {len(starts):,} starts, {spent:.0f} CPU s", file=sys.stderr, flush=True)
        found = minimize(both if gradient else value, start, jac=gradient, method="L-BFGS-B")
        best = min(best, float(found.fun))
    return (time.process_time() - begun) / share, best


def part_a(repeat: int, share: float = 0.1) -> None:
    root = os.environ.get("FORMSEARCH_DATA")
    path = Path(root or "") / "chinchilla_svg" / "data.csv"
    if not root or not path.exists():
        print("(a) left out: set FORMSEARCH_DATA to the folder of real tables")
        return
    points = fs.read_points(path, columns={"N": "params", "D": "tokens"}, where="is_outlier == 0")
    ours = timed(lambda: fs.fit("chinchilla", points, fs.Huber(1e-3), starts=16), repeat)
    print(
        f"(a) 240 points, Huber(1e-3) on log loss: 16 starts {ours.cpu:.4f} CPU s, "
        f"objective {ours.result.objective:.11f}",
        flush=True,
    )
    for name, gradient in (("exact", True), ("numeric, as is customary", False)):
        cpu, best = customary_grid(points, gradient, share)
        print(
            f"    4,500-start grid ({share:.0%} of it run), gradients {name}: {cpu:.1f} CPU s, "
            f"objective {best:.11f}; ratio {cpu / ours.cpu:,.0f}",
            flush=True,
        )


# -- (b), (c) the seed's law ---------------------------------------------------------------------------------------


def part_b(repeat: int) -> None:
    from scipy.optimize import least_squares

    points = fs.load("zhao2025").only("fit")
    problem = Problem.of(fs.laws["zhao2025"], points)
    starts = draw(problem.law, problem.tape, problem.columns, 64, seed=0)
    bounds = [(problem.lower, problem.upper)]
    jobs = batch.Jobs.starts_of(starts, len(points))

    def ours() -> batch.BatchResult:
        return batch.run(problem.pack, jobs, points.target, problem.weights, LeastSquares(), bounds, tolerance=1e-9)

    mine = timed(ours, repeat)
    best = float(mine.result.objective.min())
    share = float((mine.result.objective <= best * (1 + 1e-6)).mean())
    print(f"(b) zhao2025, 268 rows, 64 starts: {mine.cpu:.3f} CPU s, {mine.wall:.3f} s; {share:.0%} at {best:.9f}")

    # The oracle has no projection: its linear constants start at their least-squares values, which favours it.
    full = np.asarray([_solved(problem, s) for s in starts])
    begun = time.process_time()
    sums = []
    for x in full:
        x = np.clip(x, problem.lower, problem.upper)
        inside = np.where(x == problem.lower, x + 1e-12 * (1 + abs(x)), x)

        def residuals(v: Array) -> Array:
            return problem.pack.values(v)[0] - points.target

        def jacobian(v: Array) -> Array:
            return problem.pack.values(v, jacobian=True)[1]

        found = least_squares(
            residuals, inside, jacobian, bounds=(problem.lower, problem.upper), x_scale="jac",
            ftol=1e-9, xtol=1e-12, gtol=1e-12, max_nfev=2000,
        )  # fmt: skip
        sums.append(found.cost)
    cpu = time.process_time() - begun
    reached = float((np.asarray(sums) <= best * (1 + 1e-6)).mean())
    print(
        f"    SciPy least_squares, same starts: {cpu:.1f} CPU s; {reached:.0%} at the same objective, "
        f"best {min(sums):.9f}"
    )
    print(f"    ratio {cpu / mine.cpu:,.0f}")


def _solved(problem: Problem, start: Array) -> Array:
    """A start with its linear constants solved for, the nonlinear ones as they are."""
    free = problem.tape.linear
    lower, upper = np.where(free, problem.lower, start), np.where(free, problem.upper, start)
    jobs = batch.Jobs.starts_of(start[None, :], len(problem.points))
    found = batch.run(problem.pack, jobs, problem.points.target, problem.weights, LeastSquares(), [(lower, upper)])
    return found.constants[0]


def part_c(repeat: int) -> None:
    fit = fs.fit("zhao2025", fs.load("zhao2025").only("fit"))
    done = timed(lambda: fit.bootstrap(1000), repeat)
    low, high = done.result.interval("sqrt(f/e)")
    print(f"(c) 1,000 bootstrap refits: {done.wall:.3f} s ({done.cpu:.3f} CPU s), {done.result.failed} failed; "
          f"G_opt 90 % {low:.2f} to {high:.2f}")  # fmt: skip


# -- (d) many forms ------------------------------------------------------------------------------------------------


def random_forms(count: int, points: fs.Points, seed: int = 0) -> tuple[list[Tape], Array, list[Array]]:
    """Forms c0 + c1 u + c2 v + c3 w + two products, u, v, w powers of different variables; targets simulated from them.

    Every form has six linear constants and three exponents of its own; no two are alike.
    """
    rng = np.random.default_rng(seed)
    names = ("N", "N_active", "D", "active_experts")
    everywhere = [(kind, q) for kind in ("var", "square", "root") for q in (*names, "shared_ratio")]
    columns = everywhere + [(kind, q) for kind in ("inverse", "log") for q in names]
    tapes: list[Tape] = []
    targets, starts = [], []
    seen: set[Any] = set()
    while len(tapes) < count:
        base = tuple(sorted(int(k) for k in rng.permutation(4)[:3]))
        extra = tuple(sorted({(int(rng.integers(3)), int(rng.integers(len(columns)))) for _ in range(2)}))
        if len(extra) < 2 or (base, extra) in seen:
            continue
        seen.add((base, extra))
        b = Builder([*(f"c{i}" for i in range(6)), "p", "q", "r"])
        powers = [b.exp(b.mul(b.constant(6 + i), b.column(("-log", names[k])))) for i, k in enumerate(base)]
        terms = [b.constant(0), *(b.mul(b.constant(1 + i), u) for i, u in enumerate(powers))]
        terms += [b.mul(b.constant(4 + i), b.mul(powers[k], b.column(columns[j]))) for i, (k, j) in enumerate(extra)]
        tapes.append(b.finish(b.sum(terms), [True] * 6 + [False] * 3))
        exponents = rng.uniform(0.2, 0.6, 3)
        f = np.full(len(points), 1.8)
        for k, p in zip(base, exponents, strict=True):
            u = points.column(names[k]) ** -p
            f += rng.uniform(0.2, 0.5) * u / u.mean()
        for k, j in extra:
            u = points.column(names[base[k]]) ** -exponents[k] * column(columns[j], points)
            f += rng.uniform(0.05, 0.2) * u / u.mean()
        targets.append(f + rng.normal(0, 0.0071, len(points)))
        starts.append(np.concatenate([np.zeros(6), rng.uniform(0.05, 1.0, 3)]))
    return tapes, np.asarray(targets), starts


def column(key: Any, points: fs.Points) -> Array:
    """Values of a column of a random form."""
    if key == ONES:
        return np.ones(len(points))
    kind, name = key
    x = points.column(name)
    if kind == "-log":
        # Centred, as a search does: a power of the variable over its geometric mean.
        return -(np.log(x) - np.log(x).mean())
    functions: dict[str, Callable[[Array], Array]] = {
        "var": lambda v: v,
        "inverse": lambda v: 1 / v,
        "square": lambda v: v * v,
        "root": np.sqrt,
        "log": lambda v: 1 + np.log(v / v.min()),
    }
    return functions[kind](x)


def part_d(repeat: int) -> None:
    points = fs.load("zhao2025")
    tapes, targets, starts = random_forms(4000, points)
    pack = batch.Pack.of(tapes, lambda key: column(key, points), len(points))
    index, zero = np.arange(len(tapes)), np.zeros(len(tapes), dtype=np.int64)
    jobs = batch.Jobs(index, index, zero, zero, zero + len(points), tuple(starts))
    box = (np.r_[np.full(6, -np.inf), np.full(3, 0.01)], np.r_[np.full(6, np.inf), np.full(3, 3.0)])
    objective: Objective = LeastSquares()

    def ours() -> batch.BatchResult:
        return batch.run(pack, jobs, targets, np.ones(len(points)), objective, [box] * len(tapes), tolerance=1e-9)

    done = timed(ours, repeat)
    converged = int((done.result.measure < 1e-8).sum())
    print(f"(d) 4,000 forms, 446 rows: {converged} converged in {done.wall:.2f} s ({done.cpu:.2f} CPU s): "
          f"{converged / done.wall:,.0f} converged fits a second on {os.cpu_count()} cores, "
          f"{converged / done.cpu:,.0f} a CPU second")  # fmt: skip


# -- (e) growth ----------------------------------------------------------------------------------------------------


def growth(rows: int) -> None:
    """One fit of chinchilla on simulated rows; prints seconds, and peak memory above that before the fit, in MiB."""
    rng = np.random.default_rng(0)
    N, D = 10 ** rng.uniform(8, 10, rows), 10 ** rng.uniform(9.5, 11.5, rows)
    law = fs.laws["chinchilla"]
    loss = law.evaluate({"N": N, "D": D}, law.published["besiroglu2024"].constants)
    points = fs.Points(loss * np.exp(rng.normal(0, 0.005, rows)), {"N": N, "D": D})
    problem = Problem.of(law, points)
    starts = draw(law, problem.tape, problem.columns, 8, 0)
    small = batch.Jobs.starts_of(starts, 100)
    args = (points.target, problem.weights, LeastSquares(), [(problem.lower, problem.upper)])
    batch.run(problem.pack, small, *args)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    result = batch.run(problem.pack, batch.Jobs.starts_of(starts, rows), *args)
    seconds = time.perf_counter() - begun
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    per = seconds / rows / float(result.iterations.sum())
    print(f"{rows} {seconds:.4f} {per * 1e9:.2f} {more / 1024:.1f} {rows * 8 / 2**20:.1f}")


def part_e(repeat: int) -> None:
    print(
        "(e) growth, chinchilla from 8 starts: rows, seconds, ns a row and iteration, MiB above the data, MiB a column"
    )
    for rows in (10**3, 10**4, 10**5, 10**6):
        runs = []
        for _ in range(min(repeat, 3)):
            command = [sys.executable, "-m", "benchmarks.fit_speed", "--rows", str(rows)]
            out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            runs.append([float(v) for v in out.split()])
        middle = sorted(runs, key=lambda r: r[1])[len(runs) // 2]
        print(f"    {rows:>9,} {middle[1]:9.4f} s {middle[2]:7.2f} ns {middle[3]:7.1f} MiB {middle[4]:7.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list("abcde"))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--whole-grid", action="store_true", help="(a): run all 4,500 starts of the grid")
    parser.add_argument("--rows", type=int, help="one measurement of (e), for the program itself")
    options = parser.parse_args()
    if options.rows:
        growth(options.rows)
        return
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    share = 1.0 if options.whole_grid else 0.1
    parts: dict[str, Callable[[int], None]] = {
        "a": partial(part_a, share=share), "b": part_b, "c": part_c, "d": part_d, "e": part_e,
    }  # fmt: skip
    for name in options.parts:
        parts[name](options.repeat)


if __name__ == "__main__":
    main()
