"""What follows from the laws: optima and tables by direct formulas or plain minimisation.

Written against `Law.evaluate` and published constants alone, so that the derivation room can be checked against it.
Each function takes the law, its constants and the row's inputs, and returns its outputs by name.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from formsearch.law import Law

Constants = Mapping[str, float]
Outputs = dict[str, float]


def _loss(law: Law, k: Constants, **values: float) -> float:
    return float(law.evaluate(values, k)[0])


def _minimum(function: Callable[[float], float], low: float, high: float) -> float:
    """Minimiser between low and high, searched in the logarithm."""
    bounds = (math.log(low), math.log(high))
    found = minimize_scalar(lambda x: function(math.exp(x)), bounds=bounds, method="bounded", options={"xatol": 1e-11})
    return math.exp(found.x)


# -- Zhao 2025 ---------------------------------------------------------------------------------------------------------


def _architecture(k: Constants, G: float, S: float) -> float:
    return k["e"] * G + k["f"] / G + k["m"] * S**2 + k["n"] * S


def zhao_optimum(law: Law, k: Constants) -> Outputs:
    point = {"N": 1e10, "Na": 2e9, "D": 1e11}
    G = _minimum(lambda G: _loss(law, k, **point, G=G, S=0.3), 1, 40)
    S = _minimum(lambda S: _loss(law, k, **point, G=7, S=S), 0.01, 0.99)
    return {"G_opt": G, "S_opt": S}


def zhao_ratio_percent(law: Law, k: Constants, N: float) -> Outputs:
    return {"percent": 100 * _minimum(lambda r: _loss(law, k, N=N, Na=r * N, D=1e12, G=7, S=0.31), 0.01, 1)}


def zhao_ranges(law: Law, k: Constants, N: float, Na: float) -> Outputs:
    """Where the loss is within .001 of the optimum in G (in S); lower ends rounded up, upper ends down."""
    best = zhao_optimum(law, k)
    point = {"N": N, "Na": Na, "D": 1e12}
    floor = _loss(law, k, **point, G=best["G_opt"], S=best["S_opt"])

    def over_g(G: float) -> float:
        return _loss(law, k, **point, G=G, S=best["S_opt"]) - floor - 0.001

    def over_s(S: float) -> float:
        return _loss(law, k, **point, G=best["G_opt"], S=S) - floor - 0.001

    return {
        "G_low": math.ceil(100 * brentq(over_g, 1, best["G_opt"])) / 100,
        "G_high": math.floor(100 * brentq(over_g, best["G_opt"], 40)) / 100,
        "S_low": math.ceil(1000 * brentq(over_s, 0, best["S_opt"])) / 1000,
        "S_high": math.floor(1000 * brentq(over_s, best["S_opt"], 1)) / 1000,
    }


def zhao_practical_percent(law: Law, k: Constants, N: float) -> Outputs:
    """Algorithm 1: raise N_active from 1 % in steps of 1 % until a step lowers the loss by less than the threshold."""
    result = {}
    for threshold in (0.001, 0.005):
        percent = 1
        while True:
            before = _loss(law, k, N=N, Na=percent / 100 * N, D=1e12, G=7, S=0.31)
            percent += 1
            if before - _loss(law, k, N=N, Na=percent / 100 * N, D=1e12, G=7, S=0.31) < threshold:
                break
        result[f"at_{threshold}"] = float(percent)
    return result


def zhao_compute_law(law: Law, k: Constants) -> Outputs:
    """L*(C) at N = 1e12 without the h term, D = C/N_active: minimised at three budgets, then solved for its form."""
    bare = {**k, "h": 0.0}
    budgets = (1e22, 1e23, 1e24)

    def best(C: float) -> float:
        def loss(Na: float) -> float:
            return _loss(law, bare, N=1e12, Na=Na, D=C / Na, G=7, S=0.31)

        return loss(_minimum(loss, 1e7, 1e13))

    a, b, c = map(best, budgets)
    x = math.log10((a - b) / (b - c))
    scale = (a - b) / (budgets[0] ** -x - budgets[1] ** -x)
    return {"C0": a - scale * budgets[0] ** -x, "k": scale, "x": x}


def zhao_loss_floor(law: Law, k: Constants) -> Outputs:
    def loss(r: float) -> float:
        return _loss(law, k, N=1e12, Na=r * 1e12, D=1e300, G=7, S=0.31)

    return {"limit": loss(_minimum(loss, 0.01, 1))}


# -- other mixtures of experts -----------------------------------------------------------------------------------------


def krajewski_flops(law: Law, k: Constants, Na: float, D: float, G: float) -> Outputs:
    """n blocks of width d = 64 n with N_active = 12 d^2 n; 64 times as many experts as active; routing is charged."""
    n = (Na / (12 * 64**2)) ** (1 / 3)
    d = 64 * n
    return {"F": (12 * d**2 * 6 + d * 64 * G * 14) * D * n}


def krajewski_loss(law: Law, k: Constants, Na: float, D: float, G: float) -> Outputs:
    return {"L": _loss(law, k, N=Na * (8 * 64 + 4) / 12, D=D, G=G)}


def abnar_sparsity(law: Law, k: Constants, N: float) -> Outputs:
    active = _minimum(lambda a: _loss(law, k, N=N, D=1e12, S=1 - a), 1e-4, 1)
    return {"S_opt": 1 - active}


def effective_experts(law: Law, k: Constants, E: float) -> Outputs:
    return {"Eh": 1 / (1 / (E - 1 + 1 / (1 / k["Es"] - 1 / k["Em"])) + 1 / k["Em"])}


def ludziejewski_reduced(law: Law, k: Constants, E: float) -> Outputs:
    """Slopes and amplitudes read off the law itself, each term where the other has vanished."""

    def term(symbol: str, value: float) -> float:
        other = "D" if symbol == "Nact" else "Nact"
        return _loss(law, k, **{symbol: value, other: 1e250, "E": E}) - k["c"]

    result = {}
    for amplitude, exponent, symbol in (("m", "mu", "Nact"), ("n", "nu", "D")):
        slope = math.log10(term(symbol, 1e10) / term(symbol, 1e9))
        result |= {exponent: slope, amplitude: term(symbol, 1e9) * 1e9**-slope}
    return result


def ludziejewski_compute_optimal(law: Law, k: Constants, F: float, E: float) -> Outputs:
    N = _minimum(lambda N: _loss(law, k, Nact=N, D=F / (6 * N), E=E), 1e7, 1e12)
    return {"N": N, "D": F / (6 * N)}


def clark_cutoff(law: Law, k: Constants) -> Outputs:
    """The dense size at which 8 and 64 experts give the same loss."""

    def gain(x: float) -> float:
        return math.log(_loss(law, k, N=10**x, E=8) / _loss(law, k, N=10**x, E=64))

    return {"N": 10 ** brentq(gain, 6, 16)}


def clark_effective_size(law: Law, k: Constants, N: float, E: float) -> Outputs:
    target = _loss(law, k, N=N, E=E)
    return {"N_dense": 10 ** brentq(lambda x: _loss(law, k, N=10**x, E=1) - target, 4, 14)}


def tian_granularity(law: Law, k: Constants) -> Outputs:
    return {"G_opt": _minimum(lambda G: -_loss(law, k, A=0.031, G=G, C=1e22), 1, 200)}


def tian_other_bases(law: Law, k: Constants, base_of_C: float, base_of_G: float) -> Outputs:
    a, c, g = 0.031, math.log(1e22, base_of_C), math.log(12, base_of_G)
    effective = 1 / (1 / (a + 1 / (1 / k["As"] - 1 / k["Am"])) + 1 / k["Am"])
    exponent = k["a"] + k["d"] * c + k["gamma"] * g**2 + k["beta"] * g
    return {"EL": effective**exponent, "G_opt": base_of_G ** (-k["beta"] / (2 * k["gamma"]))}


# -- size and data -----------------------------------------------------------------------------------------------------


def chinchilla_compute_optimal(law: Law, k: Constants, C: float) -> Outputs:
    N = _minimum(lambda N: _loss(law, k, N=N, D=C / (6 * N)), 1e6, 1e14)
    return {"N": N, "tokens_per_parameter": C / (6 * N**2)}


def chinchilla_exponent(law: Law, k: Constants) -> Outputs:
    return {"a": _allocation_exponent(law, k)}


def kaplan_allocation(law: Law, k: Constants) -> Outputs:
    return {"exponent": _allocation_exponent(law, k)}


def skaling_allocation(law: Law, k: Constants) -> Outputs:
    return {"exponent": 1 - 2 * _allocation_exponent(law, k)}  # D*/N* = C/(6 N*^2)


def _allocation_exponent(law: Law, k: Constants) -> float:
    sizes = [chinchilla_compute_optimal(law, k, C)["N"] for C in (1e20, 1e24)]
    return math.log10(sizes[1] / sizes[0]) / 4


def kaplan_overfitting(law: Law, k: Constants) -> Outputs:
    """D at which the loss is 2 % above that with unlimited data."""

    def data(N: float) -> float:
        limit = _loss(law, k, N=N, D=1e300)
        return math.exp(brentq(lambda x: _loss(law, k, N=N, D=math.exp(x)) / limit - 1.02, 5, 60))

    exponent = math.log10(data(1e10) / data(1e8)) / 2
    return {"factor": data(1e9) / 1e9**exponent, "exponent": exponent}


def muennighoff_optimum(law: Law, k: Constants, C: float, U: float) -> Outputs:
    N = _minimum(lambda N: _loss(law, k, N=N, D=C / (6 * N), U=U), 1e8, 1e12)
    return {"N": N, "D": C / (6 * N), "epochs": C / (6 * N) / U}


def muennighoff_base_size(law: Law, k: Constants) -> Outputs:
    """The best size for data of which nothing is repeated, by the law with hardly any decay of excess parameters."""
    G = (k["alpha"] * k["A"] / (k["beta"] * k["B"])) ** (1 / (k["alpha"] + k["beta"]))
    work = 6 * 25e9 * (G**2 * 25e9)

    def loss(N: float) -> float:
        D = work / (6 * N)
        return _loss(law, {**k, "RN": 1e6}, N=N, D=D, U=D)

    N = _minimum(loss, 1e8, 1e11)
    return {"ratio": N / (work / (6 * N)), "G": G}


# -- precision and sparsity --------------------------------------------------------------------------------------------


def kumar_retention(law: Law, k: Constants, bits: float) -> Outputs:
    """Effective size over size, read off the law: the size at full precision with the loss of `bits`-bit weights."""
    full = {"Pa": 1e3, "Pkv": 1e3, "D": 1e12}
    target = _loss(law, k, N=1e9, Pw=bits, **full)
    return {"share": math.exp(brentq(lambda x: _loss(law, k, N=1e9 * math.exp(x), Pw=1e3, **full) - target, -5, 0.1))}


def kumar_best_precision(law: Law, k: Constants) -> Outputs:
    """At N*D*P fixed, and N = D in scale since alpha = beta: minimise P over the product of the three factors."""

    def best(constants: Constants) -> float:
        def loss(P: float) -> float:
            return _loss(law, constants, N=1e9 / P, D=1e11, Pw=P, Pa=P, Pkv=P)

        return _minimum(loss, 0.5, 32)

    return {"shared": best({**k, "ga": k["gw"], "gkv": k["gw"]}), "own": best(k)}


def sun_format(law: Law, k: Constants, P: float) -> Outputs:
    M = minimize_scalar(
        lambda M: _loss(law, k, N=1e9, D=1e14, E=P - 1 - M, M=M, B=128), bounds=(0, P - 1), method="bounded",
        options={"xatol": 1e-9},
    ).x  # fmt: skip
    return {"M": M, "E": P - 1 - M}


def sun_critical_data(law: Law, k: Constants, N: float, E: float, M: float, B: float) -> Outputs:
    return {"D": _minimum(lambda D: _loss(law, k, N=N, D=D, E=E, M=M, B=B), 1e9, 1e18)}


def sun_best_precision(law: Law, k: Constants, D: float, B: float) -> Outputs:
    """Best total bits at given D and cost N*D*P, each P in its best format."""

    def loss(P: float) -> float:
        share = k["nu"] / (k["delta"] + k["nu"])
        return _loss(law, k, N=1e10 / P, D=D, E=(1 - share) * P - 0.5, M=share * P - 0.5, B=B)

    return {"P": _minimum(loss, 1.2, 32)}


def frantar_multiplier(law: Law, k: Constants, S: float) -> Outputs:
    target = _loss(law, k, S=S, N=1e9, D=1e12)
    return {"multiplier": math.exp(brentq(lambda x: _loss(law, k, S=0, N=1e9 * math.exp(x), D=1e12) - target, -1, 3))}


CONSEQUENCES: Mapping[str, Callable[..., Outputs]] = {
    f.__name__: f
    for f in (
        zhao_optimum, zhao_ratio_percent, zhao_ranges, zhao_practical_percent, zhao_compute_law, zhao_loss_floor,
        krajewski_flops, krajewski_loss, abnar_sparsity, effective_experts, ludziejewski_reduced,
        ludziejewski_compute_optimal, clark_cutoff, clark_effective_size, tian_granularity, tian_other_bases,
        chinchilla_compute_optimal, chinchilla_exponent, kaplan_allocation, kaplan_overfitting, skaling_allocation,
        muennighoff_optimum, muennighoff_base_size, kumar_retention, kumar_best_precision, sun_format,
        sun_critical_data, sun_best_precision, frantar_multiplier,
    )
}  # fmt: skip


def frantar_optimal_sparsity(k: Constants, N: float, C: float) -> float:
    """Closed form for the best sparsity at N non-zeros and C = 6*N*D/(1 - S), zero where it would be negative."""
    power = k["bD"] * k["aD"] ** k["bD"] * N ** k["bN"] / (k["bS"] * k["aS"]) * (C / (6 * N)) ** -k["bD"]
    return max(0.0, 1 - float(np.power(power, 1 / (k["bS"] + k["bD"]))))
