"""A results document of every part, made by hand: two laws on 60 points, a search, a derivation, a fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from formsearch import laws
from formsearch.report.collect import law_record, provenance

HASH = "0123456789ab"
PUBLISHED = dict(laws["chinchilla"].published["besiroglu2024"].constants)


def points(simulated: str | None = None, name: str = "runs.csv") -> dict[str, Any]:
    """Sixty runs on a grid of N and D, ordered by size, some of them repeated."""
    n, d = np.meshgrid(np.geomspace(5e7, 5e9, 7), np.geomspace(1e9, 1e11, 8))
    n, d = np.append(n.ravel(), [5e7] * 4), np.append(d.ravel(), [1e9] * 4)
    order = np.argsort(n * d, kind="stable")
    n, d = n[order], d[order]
    noise = np.random.default_rng(0).normal(0, 0.01, len(n))
    loss = laws["chinchilla"].evaluate({"N": n, "D": d}, PUBLISHED) + noise
    columns = {"N": n.tolist(), "D": d.tolist(), "loss": loss.tolist()}
    return {
        "name": name,
        "hash": HASH,
        "rows": len(n),
        "target": "loss",
        "target_quantity": "loss",
        "simulated": simulated,
        "ranges": {k: [min(v), max(v)] for k, v in columns.items()},
        "groups": [],
        "splits": {},
        "notes": ["rows where is_outlier == 0"],
        "columns": columns,
        "row_numbers": list(range(1, len(n) + 1)),
        "labels": [],
    }


def described(record: dict[str, Any]) -> dict[str, Any]:
    """What a result says of its points: all but the table."""
    return {k: v for k, v in record.items() if k not in ("columns", "row_numbers", "labels")}


def errors(observed: list[float], predicted: list[float]) -> dict[str, Any]:
    """The measures of a score."""
    e = np.asarray(predicted) - np.asarray(observed)
    return {"rows": len(e), "mae": float(np.abs(e).mean()), "rmse": float(np.sqrt((e**2).mean())), "r2": 0.98,
            "relative": 0.004, "log": 0.005}  # fmt: skip


def leaderboard(p: dict[str, Any], best: str = "chinchilla") -> dict[str, Any]:
    """Two refitted laws and one with constants as printed; 48 rows fitted, 12 judged."""
    cut = 48
    frame = {k: np.asarray(v) for k, v in p["columns"].items()}
    first = laws["chinchilla"].evaluate(frame, PUBLISHED)
    predicted = {
        best: first,
        "kaplan2020": first + 0.03 * np.log(frame["N"] / 1e9),
        "chinchilla [hoffmann2022]": first + 0.02,
    }
    names = {best: "chinchilla", "kaplan2020": "kaplan2020", "chinchilla [hoffmann2022]": "chinchilla"}
    parts = {}
    for part, rows in (("train", slice(0, cut)), ("test", slice(cut, None))):
        parts[part] = {
            "row": p["row_numbers"][rows],
            "observed": p["columns"]["loss"][rows],
            "predicted": {k: v[rows].tolist() for k, v in predicted.items()},
            "factors": {k: frame[k][rows].tolist() for k in ("N", "D")},
        }
    parts["test"]["overall"] = np.linspace(0.0, 0.4, len(parts["test"]["row"])).tolist()
    scores = []
    for label in predicted:
        test = errors(parts["test"]["observed"], parts["test"]["predicted"][label])
        law = laws[names[label]]
        scores.append({
            "label": label,
            "law": law.name,
            "formula": law.formula,
            "kind": "published" if "[" in label else "refit",
            "objective": "Huber(0.001, log)",
            "constants": len(law.constants),
            "values": PUBLISHED if law.name == "chinchilla" else {"Nc": 1e13, "aN": 0.08, "aD": 0.1, "Dc": 5e13},
            "test": test,
            "train": errors(parts["train"]["observed"], parts["train"]["predicted"][label]),
            "intervals": {"mae": [0.8 * test["mae"], 1.25 * test["mae"]]},
            "aicc": -1000.5,
            "bic": -990.5,
            "share": 0.9375,
            "off_scale": "",
            "status": "converged; 15 of 16 starts reached the best optimum",
            "ok": True,
            "rules": [],
            "source": law.source,
        })  # fmt: skip
    return {
        "kind": "leaderboard",
        "best": scores[0]["law"],
        "split": "ordered by C: trained on the smallest, tested on the largest 20 % of rows",
        "train_rows": cut,
        "test_rows": p["rows"] - cut,
        "points": described(p),
        "objective": "Huber(0.001, log)",
        "metric": "mae",
        "level": 0.95,
        "starts": 16,
        "seed": 0,
        "scores": scores,
        "not_applicable": [{"law": "zhao2025", "reason": "the points lack N_active, active_experts, shared_ratio"}],
        "pairs": [
            {"better": best, "worse": "kaplan2020", "difference": 0.02, "low": 0.01, "high": 0.03, "p_holm": 0.0004}
        ],
        "confidence_set": {"level": 0.9, "members": [best], "p": {best: 1.0, "kaplan2020": 0.001}},
        "distance": {
            "outside": 0.8,
            "sentences": ["10 of 12 test rows lie outside the training range (N 3 times beyond)"],
        },
        "sentences": [f"{best} beats kaplan2020: mean absolute error 3.1 times smaller, p < 0.001"],
        "notes": ["derived quantity C = 6*N*D (a dense model, 6 FLOPs per parameter and token), used by kaplan2020"],
        "rows": parts,
    }


def front(p: dict[str, Any]) -> dict[str, Any]:
    """Three candidates: one refused, two accepted, the last the best."""

    def candidate(
        name: str, formula: str, constants: dict[str, float], size: int, error: float, ok: bool
    ) -> dict[str, Any]:
        told = "falls with N everywhere" if ok else "rises with N"
        checks = [
            {"name": "refit", "passed": True, "sentence": "refitted from 16 starts"},
            {"name": "falls with N", "passed": ok, "sentence": told},
        ]
        return {
            "name": name, "formula": formula, "variables": {"N": "N", "D": "D"}, "constants": constants,
            "complexity": size, "error": error, "train_error": 0.8 * error, "engine": "native", "accepted": ok,
            "verdict": "accepted: all checks passed" if ok else "not accepted: rises with N", "checks": checks,
            "steps": [{"move": "seed chinchilla", "formula": "c0 + c1/N**c2", "complexity": 5, "error": 0.03}],
        }  # fmt: skip

    found = {"E": 1.8, "A": 400.0, "B": -2.1e3, "beta": 0.366}
    return {
        "candidates": [
            candidate("found3", "A*log(N)", {"A": 0.1}, 3, 0.2, False),
            candidate("found2", "E + A/N**alpha", {"E": 2.0, "A": 300.0, "alpha": 0.3}, 6, 0.05, True),
            candidate("found1", "E + A/N**(1/3) - B*D**-beta", found, 10, 0.012, True),
        ],
        "best": "found1",
        "near": ["found1", "found2"],
        "points": described(p),
        "objective": "Huber(0.001, log)",
        "reference": {"law": "chinchilla", "error": 0.013},
        "holds_out": ["size above 80%: 48 -> 12 rows"],
        "engines": {"native": "same seed, same result"},
        "seconds": 12.5,
        "tried": 1234,
        "fits": 321,
        "seed": 0,
        "status": "the time was used up",
        "notes": [],
        "trace": [
            {"move": "seed chinchilla", "formula": "c0 + c1/N**c2", "complexity": 5, "error": 0.03},
            {"move": "add D^-p", "formula": "c0 + c1/N**c2 + c3/D**c4", "complexity": 12, "error": 0.0119},
        ],
    }  # fmt: skip


def derivation(p: dict[str, Any]) -> dict[str, Any]:
    """The compute frontier of chinchilla, as `derive` writes it."""
    check = {
        "kind": "proved",
        "passed": True,
        "sentence": "put back into the slope it gives zero by algebra",
        "difference": None,
    }
    grows = {"expression": "beta/(alpha + beta)", "value": 0.5126, "interval": [0.481, 0.546]}
    wrong = {**check, "kind": "failed", "passed": False}
    c = np.geomspace(1e18, 1e22, 5)
    size = 0.05 * c**0.51
    return {
        "law": "chinchilla",
        "formula": laws["chinchilla"].formula,
        "constants": PUBLISHED,
        "constants_source": "fit to runs.csv (48 rows, Huber(0.001, log))",
        "minimise": ["N", "D"],
        "subject_to": "C = 6*N*D",
        "settings": {},
        "level": 0.9,
        "simulated": p["simulated"],
        "definitions": [{"symbol": "G", "expression": "(alpha*A/(beta*B))**(1/(alpha + beta))"}],
        "assumptions": [{"relation": "A > 0", "check": {**check, "kind": "assumed", "sentence": "an amplitude"}}],
        "steps": [
            {"title": "Slope in N", "sentence": "L depends on N only through A/N**alpha.",
             "equation": "Eq(dL/dN, -A*alpha*N**(-alpha - 1) + B*beta*(6/C)**beta*N**(beta - 1))", "check": check},
            {"title": "Second order", "sentence": "convex", "equation": "d2L/dN2 > 0", "check": check},
            {"title": "Two roads", "sentence": "", "equation": None, "check": wrong},
        ],
        "results": [
            {"symbol": "N", "quantity": "N", "kind": "minimum", "expression": "G*(C/6)**(beta/(alpha + beta))",
             "value": None, "exponents": {"C": grows},
             "depends_on": ["C"], "check": check},
            {"symbol": "D/N", "quantity": "tokens_per_parameter", "kind": "value", "expression": "20", "value": 20.04,
             "interval": [18.2, 23.1], "check": {**check, "kind": "numerically"}, "remarks": ["near twenty"]},
            {"symbol": "E", "quantity": "", "kind": "monotone", "expression": None, "value": None, "check": check,
             "remarks": ["L strictly falls with D: no interior optimum"]},
        ],
        "tables": [{"name": "frontier", "title": "Frontier under C = 6*N*D", "columns": {
            "C": c.tolist(), "N": size.tolist(), "D": (c / 6 / size).tolist(), "L": [3.1, 2.8, 2.6, 2.4, 2.3]}}],
        "warnings": ["the largest budget lies outside the points"],
        "ok": True,
    }  # fmt: skip


def fit(p: dict[str, Any]) -> dict[str, Any]:
    """chinchilla fitted, with intervals and what is identified."""
    return {
        "kind": "fit",
        "law": "chinchilla",
        "formula": laws["chinchilla"].formula,
        "constants": PUBLISHED,
        "objective": 0.00101827,
        "objective_name": "Huber(0.001, log)",
        "status": {"code": "flat", "sentence": "A and alpha trade against each other"},
        "share": 0.9375,
        "starts": 16,
        "points": described(p),
        "seed": 0,
        "identifiability": {"names": list(PUBLISHED), "relative_sd": [0.01, 0.3, 0.04, None, 20.0], "condition": 1e4,
                            "unidentified": ["B"], "sentences": ["B is not identified by these points"]},
        "resamples": {"n": 400, "kind": "pairs", "level": 0.9,
                      "intervals": {k: [0.9 * v, 1.15 * v] for k, v in PUBLISHED.items()}},
    }  # fmt: skip


def advice(p: dict[str, Any]) -> dict[str, Any]:
    """Two aims, one of which no run serves."""
    return {
        "kind": "advice",
        "law": "chinchilla",
        "aims": [
            {"kind": "separate", "what": "kaplan2020", "before": 0.0, "after": 4.2, "value": None,
             "sentence": "3 more runs of 2e+22 FLOPs together would set chinchilla and kaplan2020 4.2 standard "
                         "deviations apart: enough to decide",
             "runs": [
                 {"factors": {"N": 2e10, "D": 1.5e11}, "times": 2, "cost": 9e21, "beyond": "N 2 times beyond",
                  "predictions": {"chinchilla": 2.1, "kaplan2020": 2.02}},
                 {"factors": {"N": 1e8, "D": 3e12}, "times": 1, "cost": 1.8e21, "beyond": "",
                  "predictions": {"chinchilla": 2.6, "kaplan2020": 2.71}},
             ]},
            {"kind": "pin down", "what": "alpha", "before": 0.02, "after": 0.02, "value": 0.34, "runs": [],
             "sentence": "no run within the budget tells more about alpha (now 0.34)"},
        ],
        "budget": 2e22,
        "costed": True,
        "noise": 0.012,
        "feasible": 640,
        "points": described(p),
        "notes": ["candidates are shapes of the given runs"],
    }  # fmt: skip


def results(simulated: str | None = None, name: str = "runs.csv", best: str = "chinchilla") -> dict[str, Any]:
    """The whole document."""
    p = points(simulated, name)
    return {
        "schema_version": 1,
        "title": "",
        "provenance": {**provenance("formsearch run runs.csv --out out", 0, 41.5), "created": "2026-11-22 12:00 UTC"},
        "points": [p],
        "laws": {law: law_record(laws[law]) for law in ("chinchilla", "kaplan2020")},
        "leaderboards": [leaderboard(p, best)],
        "fronts": [front(p)],
        "derivations": [derivation(p)],
        "fits": [fit(p)],
        "advice": [advice(p)],
    }
