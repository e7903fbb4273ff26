"""How well searches find laws: recovery of simulated truths, the seed's law blind, and real tables.

    python -m benchmarks.search_quality recovery [--truths chinchilla,kaplan2020] [--seconds 60] [--noise 0.003]
    python -m benchmarks.search_quality zhao [--seconds 600] [--seeds 5]
    python -m benchmarks.search_quality real [--seconds 60] --data DIR
    python -m benchmarks.search_quality chinchilla --engines operon --seconds 4 --seeds 5 --data DIR
    python -m benchmarks.search_quality speed

Every search is blind unless `--registry` is given; all engines named by `--engines` run at equal wall time. Of an
engine that cannot run here (PySR without Julia, say) one line tells what is missing, and the others are measured. A
truth is recovered if predictions in the box 10 times beyond the data agree to 1e-6 (noise-free), or lie within the
noise of the refitted truth (noisy: not more than twice its root-mean-square error). Beside Operon the same figure is
printed of what its own class chooses in the same time (`zhao` and `real`; there also the share of new runs that lie
inside the 90 % intervals of the forms tied with the best).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.equal_terms import standings, told
from benchmarks.operon_default import choices
from benchmarks.truths import TRUTHS, Table, Truth, box, constants_of
from formsearch import Law, Points, laws, read_points
from formsearch.exceptions import EngineMissingError
from formsearch.search import search
from formsearch.search.engine import Config, get_engine
from formsearch.search.front import Candidate, Front
from formsearch.search.grammar import describe
from formsearch.search.judge import folds_of

Array = NDArray[np.float64]

CHINCHILLA = "c0 + c1*D^-c2 + c3*N^-c4"
EXACT = 1e-9
"""Root-mean-square error below which a form goes through losses exactly."""


def cpu_seconds() -> float:
    """CPU time of this process and of all its children, those that still run included (on Linux)."""
    total = sum(os.times()[:4])
    try:
        running = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    except OSError:
        return total
    for child in running:
        try:
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended, and counts as one that did
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def present(engines: str, results: list[dict[str, Any]]) -> list[str]:
    """Those of the engines that can run here; of the others a line and a result that say what is missing."""
    found = []
    for name in engines.split(","):
        try:
            get_engine(name)
        except EngineMissingError as error:
            print(f"{name:8s} missing, not measured: {error}", flush=True)
            results.append({"engine": name, "missing": str(error)})
        else:
            found.append(name)
    return found


def recovery(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Search for every truth; prints a line each."""
    chosen = options.truths.split(",") if options.truths else list(TRUTHS)
    results: list[dict[str, Any]] = []
    for engine in present(options.engines, results):
        for name in chosen:
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                results.append(one_recovery(TRUTHS[name], engine, seed, options))
        found = [r for r in results if r["engine"] == engine]
        print(f"{engine}: {sum(r['recovered'] for r in found)} of {len(found)} recovered")
    side_by_side(results, "truth", lambda r: f"{_outcome(r)} {r['seconds']:.0f} s")
    return results


def _outcome(r: dict[str, Any]) -> str:
    return "recovered" if r["recovered"] else f"missed ({r['error']:.0e})"


def side_by_side(results: Sequence[dict[str, Any]], row: str, cell: Callable[[dict[str, Any]], str]) -> None:
    """A line for each value of `row` and seed, a column for each engine (and for each way it chooses by itself)."""
    measured = [r for r in results if row in r]
    engines = list(dict.fromkeys(r["engine"] for r in measured))
    if len(engines) < 2:
        return
    print("\n" + f"{row:20s} seed  " + "  ".join(f"{e:22s}" for e in engines))
    for name, seed in dict.fromkeys((r[row], r["seed"]) for r in measured):
        cells = {r["engine"]: cell(r) for r in measured if (r[row], r["seed"]) == (name, seed)}
        print(f"{name:20s} {seed:4d}  " + "  ".join(f"{cells.get(e, '-'):22s}" for e in engines), flush=True)


def one_recovery(truth: Truth, engine: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    law, constants = laws[truth.law], constants_of(truth)
    table = truth.design()
    exact = law.evaluate(table, constants)
    noise = np.random.default_rng(seed).normal(0, options.noise, len(exact)) * exact if options.noise else 0.0
    points = Points(target=exact + noise, factors=table, name=truth.law, simulated=f"from {truth.law}")
    clock = time.monotonic()
    front = search(
        points, engine=engine, seconds=options.seconds, seed=seed, seeds="registry" if options.registry else None
    )
    seconds = time.monotonic() - clock
    far = box(truth, table)
    expected = law.evaluate(far, constants)
    best = front.best or min(front.candidates, key=lambda c: c.error)
    error = _relative(best, far, expected)
    limit = 1e-6 if not options.noise else 2.0 * _refitted(law, points, far, expected)
    recovered = bool(error <= limit)
    closest = min(_relative(c, far, expected) for c in front.candidates)
    print(
        f"{engine:8s} {truth.law:20s} seed {seed} {'recovered' if recovered else 'missed   '} error {error:.1e} "
        f"(limit {limit:.1e}, closest {closest:.1e})  {seconds:5.1f} s  {front.tried} forms  {best.law.formula}",
        flush=True,
    )
    return {
        "engine": engine, "truth": truth.law, "seed": seed, "recovered": recovered, "error": error, "limit": limit,
        "closest": closest, "seconds": seconds, "tried": front.tried, "formula": best.law.formula,
        "accepted": best.accepted, "kernel_share": front.kernel_share,
    }  # fmt: skip


def _relative(c: Candidate, table: Table, expected: Array) -> float:
    """Root-mean-square relative error."""
    with np.errstate(all="ignore"):
        r = c.predict(table) / expected - 1
    return float(np.sqrt(np.mean(r * r))) if np.isfinite(r).all() else float("inf")


def _refitted(law: Law, points: Points, far: Table, expected: Array) -> float:
    """The error that refitting the true form to the same noisy points makes."""
    from formsearch.fit import fit

    refit = fit(law, points)
    return float(np.sqrt(np.mean((law.evaluate(far, refit.constants) / expected - 1) ** 2)))


def seed_law(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The seed's law from its 268 fit rows, judged on the noise-free losses of its 88 validation rows."""
    from formsearch.data import load

    exact = load("zhao2025", sigma=0.0).only("validation")
    results: list[dict[str, Any]] = []
    engines = present(options.engines, results)
    for engine in engines:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            points = load("zhao2025", seed=seed if options.draw is None else options.draw)
            front = search(
                points, engine=engine, seconds=options.seconds, seed=seed,
                seeds="registry" if options.registry else None,
            )  # fmt: skip
            best = front.best or min(front.candidates, key=lambda c: c.error)
            error, rms = _errors(best.predict(exact), exact)
            inside = _covered(front, points.only("validation"))
            optimum = {q: _optimum(best, exact, q) for q in ("active_experts", "shared_ratio")}
            print(
                f"{engine:8s} seed {seed} median error {error:.5f} rms {rms:.5f}  "
                f"G_opt {optimum['active_experts']:.2f}  S_opt {optimum['shared_ratio']:.3f}  "
                f"{front.seconds:.0f} s  {front.tried} forms  "
                f"{'accepted' if best.accepted else 'not accepted'}  {inside:.0%} inside 90 % intervals  "
                f"{best.law.formula}",
                flush=True,
            )
            results.append({"engine": engine, "seed": seed, "error": error, "rms": rms, "inside": inside, **optimum,
                            "formula": best.law.formula})  # fmt: skip
            law, form = standings([laws["zhao2025"], best.law], points.only("fit"), exact, seed)
            print(f"  {told('the law itself', law, law)}\n  {told('the form', form, law)}", flush=True)
            results[-1] |= {"law": asdict(law), "form": asdict(form)}
            if engine == "operon":
                theirs = []
                for own, (text, (predicted,)) in choices(points.only("fit"), [exact], options.seconds, seed).items():
                    error, own_rms = _errors(predicted, exact)
                    print(f"  its own class, {own:8s} median error {error:.5f} rms {own_rms:.5f}  {text[:160]}")
                    results.append({"engine": f"operon's own, {own}", "seed": seed, "error": error, "rms": own_rms,
                                    "formula": text})  # fmt: skip
                    theirs.append(own_rms)
                print(f"  {_beside(rms, min(theirs), rms <= min(theirs), 'rms')}", flush=True)
    side_by_side([{**r, "table": "zhao2025"} for r in results if "rms" in r], "table", lambda r: f"rms {r['rms']:.5f}")
    for engine in engines:
        ran = [r for r in results if r["engine"] == engine and "law" in r]
        shorter = sum(r["form"]["description"] < r["law"]["description"] for r in ran)
        error, rms = (np.median([r[what] for r in ran]) for what in ("error", "rms"))
        refitted = np.median([r["law"]["rms"] for r in ran])
        print(f"{engine}: medians over seeds: error {error:.5f}, rms {rms:.5f} (the law refitted: {refitted:.5f}); on "
              f"{shorter} of {len(ran)} draws the form describes the rows shorter than the law itself")  # fmt: skip
    return results


def _errors(predicted: Array, exact: Points) -> tuple[float, float]:
    """(median absolute, root-mean-square) error."""
    off = predicted - exact.target
    return float(np.median(np.abs(off))), float(np.sqrt(np.mean(off**2)))


def _optimum(c: Candidate, points: Points, q: str) -> float:
    """The median over rows of where the prediction is least along one factor, others fixed, inside its range."""
    values = np.linspace(points.factors[q].min(), points.factors[q].max(), 400)
    table = {k: np.repeat(v[::4], len(values)) for k, v in points.factors.items()}
    rows = len(table[q]) // len(values)
    table[q] = np.tile(values, rows)
    best = c.predict(table).reshape(rows, -1).argmin(axis=1)
    return float(np.median(values[best]))


def hoffmann(folder: Path) -> Points:
    """The 240 runs read off the figure of Hoffmann et al. 2022, without the outliers."""
    return read_points(
        folder / "chinchilla_svg" / "data.csv", where="is_outlier == 0", columns={"N": "params", "D": "tokens"}
    )


def real(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Real tables, trained on the smaller runs and tested on the largest."""
    folder = Path(options.data)
    tables = {"chinchilla": hoffmann(folder), "farseer": read_points(folder / "farseer" / "data.csv")}
    results: list[dict[str, Any]] = []
    engines = present(options.engines, results)
    for name, points in tables.items():
        C = points.column("C")
        small = np.quantile(C, 0.8) >= C
        train, test = points.take(small), points.take(~small)
        for engine in engines:
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                front = search(
                    train, engine=engine, seconds=options.seconds, seed=seed,
                    seeds="registry" if options.registry else None,
                )  # fmt: skip
                best = front.best or min(front.candidates, key=lambda c: c.error)
                score = _r2(best, test)
                known = {law: _known(law, train, test) for law in ("chinchilla", "skaling2026")}
                inside = _covered(front, test)
                print(
                    f"{engine:8s} {name:12s} seed {seed} test R2 {score:.3f} "
                    f"({', '.join(f'{k} {v:.3f}' for k, v in known.items())})  "
                    f"{'accepted' if best.accepted else 'not accepted'}  {inside:.0%} inside 90 % intervals  "
                    f"{front.seconds:.0f} s  {best.law.formula}",
                    flush=True,
                )
                results.append({"engine": engine, "table": name, "seed": seed, "r2": score, **known, "inside": inside,
                                "formula": best.law.formula, "front": _front_scores(front, test)})  # fmt: skip
                if engine == "operon":
                    theirs = []
                    for own, (text, (predicted,)) in choices(train, [test], options.seconds, seed).items():
                        own_score = float(1 - np.mean((predicted - test.target) ** 2) / np.var(test.target))
                        print(f"  its own class, {own:8s} test R2 {own_score:.3f}  {text[:160]}")
                        results.append({"engine": f"operon's own, {own}", "table": name, "seed": seed,
                                        "r2": own_score, "formula": text})  # fmt: skip
                        theirs.append(own_score)
                    print(f"  {_beside(score, max(theirs), score >= max(theirs), 'test R2')}", flush=True)
    side_by_side(results, "table", lambda r: f"R2 {r['r2']:.3f}")
    return results


def _beside(ours: float, theirs: float, as_good: bool, measure: str) -> str:
    """What our choice does beside the better one of Operon's own class."""
    relation = "at least as well as" if as_good else "WORSE THAN"
    return f"our choice extrapolates {relation} its own: {measure} {ours:.4f} and {theirs:.4f}"


def chinchilla(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Chinchilla's law from nothing on its 240 runs: their own losses, and exact ones at the same sizes.

    Of each engine alone, before the common end of a search, and of Operon without the native engine going on from it.
    Recovered: E + A/N**a + B/D**b is among what it proposes, with constants at the least-squares optimum.
    """
    from formsearch.fit import fit
    from formsearch.search.operon.engine import Effort, Operon

    law, runs = laws["chinchilla"], hoffmann(Path(options.data))
    exact = law.evaluate(runs.frame, law.published["besiroglu2024"].constants)
    tables = {"real losses": runs, "exact losses": runs.with_target(exact)}
    results: list[dict[str, Any]] = []
    for name in present(options.engines, results):
        for table, points in tables.items():
            least = float(np.sqrt(2 * fit(law, points).objective / len(points)))
            found = []
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                engine = Operon(Effort(refine=0.0)) if name == "operon" else get_engine(name)
                config = Config(
                    ("N", "D"), seconds=options.seconds, seed=seed, folds=tuple(folds_of(points, seed))
                )  # fmt: skip
                clock = time.monotonic()
                proposals = list(engine.propose(points, config))
                seconds = time.monotonic() - clock
                twins = [p.steps[-1].train_error for p in proposals if describe(p.form) == CHINCHILLA]
                error = min(twins, default=float("inf"))
                recovered = bool(error <= least * (1 + 1e-4) + EXACT)
                found.append((recovered, seconds))
                print(
                    f"{name:8s} {table:12s} seed {seed} {'recovered' if recovered else 'missed   '} rms {error:.3g} "
                    f"(optimum {least:.3g})  {seconds:.1f} s",
                    flush=True,
                )
                results.append({"engine": name, "table": table, "seed": seed, "recovered": recovered, "rms": error,
                                "seconds": seconds})  # fmt: skip
            print(f"{name:8s} {table:12s} {sum(r for r, _ in found)} of {len(found)} recovered, "
                  f"in at most {max(t for _, t in found):.1f} s each")  # fmt: skip
    return results


def _r2(c: Candidate, test: Points) -> float:
    return float(1 - np.mean((c.predict(test) - test.target) ** 2) / np.var(test.target))


def _covered(front: Front, new: Points) -> float:
    """Share of new runs that lie inside their 90 % intervals; NaN where no form was accepted."""
    if front.best is None:
        return float("nan")
    low, high = front.interval(new, noise=True)
    return float(np.mean((low <= new.target) & (new.target <= high)))


def _front_scores(front: Front, test: Points) -> list[dict[str, Any]]:
    return [
        {"formula": c.law.formula, "r2": _r2(c, test), "error": c.error, "accepted": c.accepted}
        for c in front.candidates
    ]


def _known(law: str, train: Points, test: Points) -> float:
    from formsearch.fit import fit

    predicted = fit(law, train).predict(test)
    return float(1 - np.mean((predicted - test.target) ** 2) / np.var(test.target))


def speed(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Candidates a second, fits a second, and the share of the engine's time in the kernels."""
    results = []
    for name in ("chinchilla", "zhao2025"):
        truth = TRUTHS[name]
        table = truth.design()
        exact = laws[name].evaluate(table, constants_of(truth))
        noise = np.random.default_rng(0).normal(0, 0.003, len(exact)) * exact
        points = Points(target=exact + noise, factors=table, name=name, simulated=f"from {name}")
        front = search(points, seconds=options.seconds, seeds=None)
        print(
            f"{name:12s} {len(points)} rows: {front.tried / front.seconds:.0f} forms/s, "
            f"{front.fits / front.seconds:.0f} fits/s, {front.kernel_share:.0%} of the engine's time in the kernels"
        )
        results.append({"table": name, "forms": front.tried, "fits": front.fits, "seconds": front.seconds,
                        "kernel_share": front.kernel_share})  # fmt: skip
    return results


PARTS = {"recovery": recovery, "zhao": seed_law, "real": real, "chinchilla": chinchilla, "speed": speed}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search_quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--draw", type=int, help="of `zhao`: the draw of the noise (default: the seed of the search)")
    parser.add_argument("--noise", type=float, default=0.0, help="relative standard deviation of the noise")
    parser.add_argument("--truths", default="")
    parser.add_argument("--engines", default="native")
    parser.add_argument("--registry", action="store_true", help="seed the searches with the registry's forms")
    parser.add_argument("--data", default="", help="folder of the real tables")
    parser.add_argument("--out", type=Path)
    parser.add_argument(
        "--cpu-clock", action="store_true",
        help="budgets are seconds of CPU time, child processes included: for a machine that others use too",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    if options.cpu_clock:
        # Engines in child processes are charged for them while they run, as a budget of wall time would be.
        time.monotonic = cpu_seconds
    results = PARTS[options.part](options)
    if options.out is not None:
        options.out.write_text(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
