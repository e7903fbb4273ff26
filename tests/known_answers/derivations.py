"""What follows from the laws, by the derivation room: the same outputs as `consequences.py`, found by the machine.

Each function takes the law, its constants and the row's inputs, and returns its outputs by name.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import sympy

import formsearch as fs
from formsearch.derive import Derivation, Result, derive
from formsearch.derive.constrained import frontier
from formsearch.derive.equal import equivalent
from formsearch.derive.frontier import Frontier
from formsearch.derive.naming import with_names
from formsearch.derive.optimum import optimum
from formsearch.derive.practical import stepwise
from formsearch.derive.premises import premises
from formsearch.derive.problem import make_problem
from formsearch.derive.ranges import within
from formsearch.derive.simplify import power_terms
from formsearch.law import Law

Constants = Mapping[str, float]
Outputs = dict[str, float]
ZHAO_AT = {"G": 7.0, "S": 0.31}


def number(expression: sympy.Expr, k: Constants, **values: float) -> float:
    """A derived closed form at constants and variables."""
    known = {**k, **values}
    return float(expression.subs({s: known[str(s)] for s in expression.free_symbols}))


@lru_cache(maxsize=64)
def _derived(name: str, constants: tuple[tuple[str, float], ...], minimise: Any = None, subject_to: Any = None,
             settings: tuple[tuple[str, float], ...] = ()) -> Derivation:  # fmt: skip
    d = derive(fs.laws[name], dict(constants), minimise, subject_to, dict(settings), resamples=0, seconds=2)
    assert d.ok
    return d


@lru_cache(maxsize=16)
def _frontier(name: str, constants: tuple[tuple[str, float], ...], minimise: Any, subject_to: str,
              settings: tuple[tuple[str, float], ...] = ()) -> Frontier:  # fmt: skip
    law = fs.laws[name]
    return frontier(law, premises(law, dict(constants)), minimise, subject_to, dict(settings), 2.0)


def _items(values: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(values.items())


def closed(law: Law, k: Constants, symbol: str, minimise: Any = None, subject_to: Any = None) -> Result:
    """A result that must have a closed form."""
    result = _derived(law.name, _items(k), minimise, subject_to)[symbol]
    assert result.full is not None
    return result


# -- Zhao 2025 ---------------------------------------------------------------------------------------------------------


def zhao_optimum(law: Law, k: Constants) -> Outputs:
    return {"G_opt": number(closed(law, k, "G").full, k), "S_opt": number(closed(law, k, "S").full, k)}


def zhao_ratio_percent(law: Law, k: Constants, N: float) -> Outputs:
    return {"percent": 100 * number(closed(law, k, "Na/N").full, k, N=N, **ZHAO_AT)}


def zhao_ranges(law: Law, k: Constants, N: float, Na: float) -> Outputs:
    problem, _ = with_names(make_problem(law, k))
    g, s = optimum(problem, "G", 2.0), optimum(problem, "S", 2.0)
    at = {"N": N, "Na": Na, "D": 1e12}
    low_g, high_g = within(problem, g, 0.001, {**at, "S": s.result.value or 0.0}).inward(0.01)
    low_s, high_s = within(problem, s, 0.001, {**at, "G": g.result.value or 0.0}).inward(0.001)
    return {"G_low": low_g, "G_high": high_g, "S_low": low_s, "S_high": high_s}


def zhao_practical_percent(law: Law, k: Constants, N: float) -> Outputs:
    at = {"N": N, "D": 1e12, **ZHAO_AT}
    return {f"at_{t}": 100 * stepwise(law, dict(k), "Na", "N", at, t) for t in (0.001, 0.005)}


def zhao_compute_law(law: Law, k: Constants) -> Outputs:
    bare = {**k, "h": 0.0}
    best = _derived(law.name, _items(bare), None, "C = D*Na", _items({"N": 1e12, **ZHAO_AT}))["L_best"].full
    assert best is not None
    terms = power_terms(best, next(s for s in best.free_symbols if str(s) == "C"))
    assert terms is not None
    flat, power = sorted(terms, key=lambda t: t.exponent != 0)
    at = {"N": 1e12, **ZHAO_AT}
    return {"C0": number(flat.coefficient, bare, **at), "k": number(power.coefficient, bare, **at),
            "x": -number(power.exponent, bare)}  # fmt: skip


def zhao_loss_floor(law: Law, k: Constants) -> Outputs:
    value = _derived(law.name, _items(k), None, "C = D*Na", _items({"N": 1e12, **ZHAO_AT}))["L_floor"].value
    assert value is not None
    return {"limit": value}


# -- other mixtures of experts -----------------------------------------------------------------------------------------


def abnar_sparsity(law: Law, k: Constants, N: float) -> Outputs:
    return {"S_opt": number(closed(law, k, "S").full, k, N=N)}


def _ludziejewski(k: Constants) -> Frontier:
    return _frontier("ludziejewski2025", _items(k), None, "F = 6*Nact*D")


def effective_experts(law: Law, k: Constants, E: float) -> Outputs:
    """The part A(E) that the machine names in this law is the effective number of experts."""
    found = _ludziejewski(k)
    part = next(p for s, p in found.plain.definitions or found.joint.rest.definitions if str(s) == "A")
    return {"Eh": number(part, k, E=E)}


def ludziejewski_reduced(law: Law, k: Constants, E: float) -> Outputs:
    """At given E the optimum's parts: exponents p(E), q(E), amplitudes a*A**delta, b*A**omega."""
    rest = _ludziejewski(k).joint.rest
    by_name = {str(s): rest.spelled(s) for s, _ in rest.definitions}
    experts = number(by_name["A"], k, E=E)
    return {"mu": number(by_name["p"], k, E=E), "nu": number(by_name["q"], k, E=E),
            "m": k["a"] * experts ** k["delta"], "n": k["b"] * experts ** k["omega"]}  # fmt: skip


def ludziejewski_compute_optimal(law: Law, k: Constants, F: float, E: float) -> Outputs:
    found = _ludziejewski(k)
    assert found.closed("Nact") is not None
    numbers = found.at({"E": E, "F": F})
    assert numbers is not None
    return {"N": numbers["Nact"], "D": numbers["D"]}


def clark_cutoff(law: Law, k: Constants) -> Outputs:
    return {"N": number(closed(law, k, "N where E turns").full, k)}


def clark_effective_size(law: Law, k: Constants, N: float, E: float) -> Outputs:
    result = equivalent(law, dict(k), "N", {"N": N, "E": E}, {"E": 1})
    assert result.full is not None  # the bracketed root agrees with the closed form
    assert result.check.passed
    assert result.value is not None
    return {"N_dense": result.value}


def tian_granularity(law: Law, k: Constants) -> Outputs:
    result = closed(law, k, "G")
    assert result.kind == "maximum"
    return {"G_opt": number(result.full, k)}


# -- size and data -----------------------------------------------------------------------------------------------------


def chinchilla_compute_optimal(law: Law, k: Constants, C: float) -> Outputs:
    cost = "C = 6*N*D"
    return {"N": number(closed(law, k, "N", None, cost).full, k, C=C),
            "tokens_per_parameter": number(closed(law, k, "D/N", None, cost).full, k, C=C)}  # fmt: skip


def chinchilla_exponent(law: Law, k: Constants) -> Outputs:
    return {"a": closed(law, k, "N", None, "C = 6*N*D").exponent_values["C"]}


def kaplan_allocation(law: Law, k: Constants) -> Outputs:
    return {"exponent": closed(law, k, "N", None, "C = 6*N*D").exponent_values["C"]}


def skaling_allocation(law: Law, k: Constants) -> Outputs:
    return {"exponent": closed(law, k, "D/N", None, "C = 6*N*D").exponent_values["C"]}


def muennighoff_optimum(law: Law, k: Constants, C: float, U: float) -> Outputs:
    numbers = _frontier(law.name, _items(k), ("N", "D"), "C = 6*N*D", _items({"U": U})).at({"C": C})
    assert numbers is not None
    return {"N": numbers["N"], "D": numbers["D"], "epochs": numbers["D"] / U}


# -- precision and sparsity --------------------------------------------------------------------------------------------


def kumar_best_precision(law: Law, k: Constants) -> Outputs:
    """One precision for weights, activations and cache, charged in C = 6*N*D*P/16."""
    tied = law.expression.subs({law.symbols["Pa"]: law.symbols["Pw"], law.symbols["Pkv"]: law.symbols["Pw"]})
    variables = tuple(v for v in law.variables if v.symbol in ("N", "D", "Pw"))
    one = fs.Law("kumar_one_precision", str(tied), variables, law.constants)

    def best(constants: Constants) -> float:
        d = derive(one, dict(constants), ["N", "D", "Pw"], "C = 6*N*D*Pw/16", {"C": 1e21}, resamples=0, seconds=1)
        assert d.ok
        assert d["Pw"].value is not None
        return d["Pw"].value

    return {"shared": best({**k, "ga": k["gw"], "gkv": k["gw"]}), "own": best(k)}


def sun_format(law: Law, k: Constants, P: float) -> Outputs:
    split = "P = E + M + 1"
    return {"M": number(closed(law, k, "M", ("E", "M"), split).full, k, P=P),
            "E": number(closed(law, k, "E", ("E", "M"), split).full, k, P=P)}  # fmt: skip


def sun_critical_data(law: Law, k: Constants, N: float, E: float, M: float, B: float) -> Outputs:
    return {"D": number(closed(law, k, "D").full, k, N=N, E=E, M=M, B=B)}


def frantar_multiplier(law: Law, k: Constants, S: float) -> Outputs:
    """The dense size that is worth as much, over the number of non-zeros."""
    result = equivalent(law, dict(k), "N", {"N": 1e9, "S": min(S, 1 - 1e-12), "D": 1e11}, {"S": 0})
    assert result.check.passed
    assert result.value is not None
    return {"multiplier": result.value / 1e9}


DERIVATIONS: Mapping[str, Callable[..., Outputs]] = {
    f.__name__: f
    for f in (
        zhao_optimum, zhao_ratio_percent, zhao_ranges, zhao_practical_percent, zhao_compute_law, zhao_loss_floor,
        abnar_sparsity, effective_experts, ludziejewski_reduced, ludziejewski_compute_optimal, clark_cutoff,
        clark_effective_size, tian_granularity, chinchilla_compute_optimal, chinchilla_exponent, kaplan_allocation,
        skaling_allocation, muennighoff_optimum, kumar_best_precision, sun_format, sun_critical_data,
        frantar_multiplier,
    )
}  # fmt: skip
