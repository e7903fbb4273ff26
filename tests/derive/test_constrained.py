"""Optima under a constraint: closed forms, frontiers, growth, joint numeric optima, and printed numbers."""

import math

import numpy as np
import pytest
import sympy
from scipy.optimize import minimize_scalar

import formsearch as fs
from formsearch.derive import Derivation, derive
from formsearch.derive.constrained import frontier
from formsearch.derive.constraint import read_constraint
from formsearch.derive.premises import premises
from formsearch.exceptions import DerivationError, InputError
from formsearch.formula import parse_formula


def _equal(expression: sympy.Expr, text: str) -> bool:
    """Whether a closed form equals a formula at random positive values of its symbols."""
    symbols = {str(s): s for s in expression.free_symbols}
    other = parse_formula(text, symbols)
    rng = np.random.default_rng(3)
    for _ in range(5):
        at = {s: sympy.Float(float(v), 30) for s, v in zip(symbols.values(), rng.uniform(0.4, 2, 30), strict=False)}
        if abs(sympy.N((expression - other).subs(at), 20)) > 1e-12:
            return False
    return True


def _chinchilla(constants: str, **settings: float) -> Derivation:
    return derive(fs.laws["chinchilla"], constants, subject_to="C = 6*N*D", settings=settings)


def test_chinchilla_in_closed_form() -> None:
    d = _chinchilla("hoffmann2022", C=5.76e23)
    assert d.ok
    g = "(alpha*A/(beta*B))**(1/(alpha + beta))"
    assert _equal(d["N"].full, f"{g}*(C/6)**(beta/(alpha + beta))")
    assert _equal(d["D"].full, f"(C/6)**(alpha/(alpha + beta))/{g}")
    assert str(d["N"].exponents["C"]) == "beta/(alpha + beta)"
    assert d["N"].value == pytest.approx(4.03e10, rel=1e-3)
    assert d["D/N"].value == pytest.approx(59.1, abs=0.05)
    best = d["L_best"]
    n = d["N"].value
    law, constants = fs.laws["chinchilla"], fs.laws["chinchilla"].published["hoffmann2022"].constants
    assert best.value == pytest.approx(law.evaluate({"N": [n], "D": [5.76e23 / 6 / n]}, constants)[0], rel=1e-12)
    assert best.check.difference is not None
    assert best.check.difference < 1e-10
    assert any(s.title.startswith("Marginal rates") for s in d.steps)


@pytest.mark.parametrize(
    ("constants", "compute", "ratio"),
    [("hoffmann2022_printed", 5.76e23, 92.6), ("besiroglu2024", 5.76e23, 18.4), ("hoffmann2022", 1e21, 34.0),
     ("besiroglu2024", 1e21, 21.6)],
)  # fmt: skip
def test_chinchilla_tokens_per_parameter(constants: str, compute: float, ratio: float) -> None:
    assert _chinchilla(constants, C=compute)["D/N"].value == pytest.approx(ratio, abs=0.05)


def test_skaling_has_the_same_optimum_and_its_own_frontier() -> None:
    constants = {"A": 101.95, "alpha": 0.3874, "B": 739.0, "beta": 0.4210, "k": 0.4902, "E": 0.2728}
    d = derive(fs.laws["skaling2026"], constants, subject_to="C = 6*N*D")
    assert d.ok
    assert _equal(d["N"].full, "(alpha*A/(beta*B))**(1/(alpha + beta))*(C/6)**(beta/(alpha + beta))")
    assert "k" not in {str(s) for s in d["N"].full.free_symbols}  # it cancels
    assert d["D/N"].exponent_values["C"] == pytest.approx(-0.0416, abs=5e-5)
    assert d.table("frontier").columns == ("C", "N", "D", "D/N", "L")


def test_ludziejewski_at_each_number_of_experts() -> None:
    """One closed form in E; its numbers at each E against the printed table."""
    law, cost = fs.laws["ludziejewski2025"], "F = 6*N_active*D"
    found = frontier(law, premises(law, "published"), None, cost, {"F": 1e21}, 2.0)
    assert found.closed("Nact") is not None
    printed = {1: (5.7, 29.3), 2: (5.0, 33.0), 4: (4.4, 38.0), 8: (3.8, 44.3), 16: (3.3, 51.2), 32: (2.85, 58.4)}
    for experts, (size, tokens) in printed.items():
        numbers = found.at({"E": experts})
        assert numbers is not None
        assert numbers["Nact"] == pytest.approx(size * 1e9, rel=0.026)
        assert numbers["D"] == pytest.approx(tokens * 1e9, rel=0.01)


def test_krajewski_with_routing_charged_grows_in_granularity() -> None:
    cost = "F = (72*(N/8.0625)**(2/3) + 896*G*(N/8.0625)**(1/3))*D*(N/8.0625)**(1/3)/64"
    sweep = {"F": [2.95e18, 1.41e21, 4.97e25]}
    d = derive(fs.laws["krajewski2024"], "published", ["N", "D", "G"], cost, sweep=sweep, seconds=1)
    assert d.ok
    table = d.table("frontier")
    for g, printed in zip(table.column("G"), (8, 16, 64), strict=True):
        assert 2**-0.5 < g / printed < 2**0.5  # the nearest power of two
    for n, printed in zip(table.column("N"), (100e6, 3e9, 1e12), strict=True):
        assert n / 43 == pytest.approx(printed, rel=0.05)
    assert "without derivatives" in d["G"].check.sentence


def test_frantar_optimal_sparsity_and_where_dense_is_best() -> None:
    d = derive(fs.laws["frantar2023"], "published", ["S", "D"], "C = 6*N*D/(1 - S)", settings={"N": 1e9},
               sweep={"C": [1e19, 1e23]})  # fmt: skip
    assert d.ok
    assert _equal(d["S"].full, "1 - (bD*aD**bD*N**bN/(bS*aS)*(C/(6*N))**-bD)**(1/(bS + bD))")
    assert "S = 0 is best up to C" in d["S"].feasibility
    dense, sparse = d.table("frontier").column("S")
    assert dense == 0
    constants = next(iter(fs.laws["frantar2023"].published.values())).constants

    def loss(s: float) -> float:
        return float(fs.laws["frantar2023"].evaluate({"N": [1e9], "S": [s], "D": [1e23 * (1 - s) / 6e9]}, constants)[0])

    seen = minimize_scalar(loss, bounds=(0.01, 0.99), method="bounded", options={"xatol": 1e-10})
    assert sparse == pytest.approx(seen.x, abs=1e-6)


def test_sun_bits() -> None:
    d = derive(fs.laws["sun2025"], "published", ["E", "M"], "P = E + M + 1", settings={"N": 1e9, "D": 1e11, "B": 128},
               sweep={"P": [4, 8, 16]})  # fmt: skip
    assert d.ok
    assert _equal(d["M"].full, "nu*P/(delta + nu) - 1/2")
    assert d.table("frontier").column("E") == pytest.approx([1.58, 3.66, 7.81], abs=5e-3)
    assert d.table("frontier").column("M") == pytest.approx([1.42, 3.34, 7.19], abs=5e-3)
    assert d["M"].second_order is not None
    assert d["M"].second_order.check.kind == "proved"


def test_sun_critical_data_size() -> None:
    at = {"N": 1e9, "block_size": 128}
    for (e, m), printed in {(8, 7): 1.730e15, (4, 3): 2.733e13, (2, 1): 3.928e11}.items():
        settings = {**at, "exponent_bits": e, "mantissa_bits": m}
        d = derive(fs.laws["sun2025"], "published", minimise="D", settings=settings)
        assert d["D"].value == pytest.approx(printed, rel=5e-4)


def test_zhao_frontier_is_no_power_law() -> None:
    d = derive(fs.laws["zhao2025"], "published", subject_to="C = D*Na", settings={"N": 1e12, "G": 7, "S": 0.31})
    assert d.ok
    assert d["Na"].expression is None
    assert d["Na"].implicit is not None
    floor = d["L_floor"]
    assert floor.value == pytest.approx(1.950738, abs=5e-7)
    assert floor.expression is not None
    limit = d["Na for large C"]
    assert limit.value == pytest.approx(0.203952 * 1e12, rel=1e-5)
    losses = d.table("frontier").column("L")
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] > floor.value


def test_without_h_the_frontier_is_the_printed_power_law() -> None:
    constants = {**fs.laws["zhao2025"].published["zhao2025"].constants, "h": 0.0}
    at = {"N": 1e12, "G": 7, "S": 0.31}
    d = derive(fs.laws["zhao2025"], constants, subject_to="C = D*Na", settings=at)
    assert d.ok
    assert d["Na"].exponent_values["C"] == pytest.approx(0.66328, abs=5e-6)
    best = derive(fs.laws["zhao2025"], constants, subject_to="C = D*Na", settings={**at, "C": 1e24})["L_best"]
    assert best.value == pytest.approx(1.873025 + 575.947 * 1e24**-0.158059, abs=2e-5)


def test_muennighoff_under_repetition() -> None:
    d = derive(fs.laws["muennighoff2023"], "published", subject_to="C = 6*N*D", settings={"U": 25e9, "C": 1e22},
               seconds=1)  # fmt: skip
    assert d.ok
    assert d["D"].value == pytest.approx(2.3734e11, rel=0.01)
    assert d["N"].value == pytest.approx(7.0224e9, rel=0.01)


@pytest.mark.slow  # the known answers hold the same optimum
def test_kumar_best_precision_is_interior_only_with_three_factors() -> None:
    """With cost N*D*P and equal exponents the best P maximises f(P)/P: 3.5 bits, not the printed 7-8."""
    law = fs.laws["kumar2024"]
    constants = dict(law.published["kumar2024"].constants)
    tied = law.expression.subs({law.symbols["Pa"]: law.symbols["Pw"], law.symbols["Pkv"]: law.symbols["Pw"]})
    one = fs.Law(
        "kumar_one_precision", str(tied), (law.variables[0], law.variables[1], law.variables[2]), law.constants
    )
    d = derive(one, constants, ["N", "D", "Pw"], "C = 6*N*D*Pw/16", settings={"C": 1e21}, seconds=1)
    assert d.ok
    assert d["Pw"].value == pytest.approx(3.47, abs=5e-3)


def test_several_variables_jointly() -> None:
    d = derive(fs.laws["zhao2025"], "published", ["G", "S", "Na"], settings={"N": 671e9, "D": 1e13})
    assert d.ok
    assert d["Na/N"].value == pytest.approx(0.220359, abs=5e-6)
    assert "positive definite" in d["G"].check.sentence
    assert {str(s) for s, _ in d.definitions} >= {"A", "phi"}
    with pytest.raises(DerivationError, match="strictly falls with D: no interior optimum; leave D out of minimise"):
        derive(fs.laws["zhao2025"], "published", ["G", "D"])


def test_a_memory_budget() -> None:
    """Total size fixed by memory leaves active size free: the unconstrained optimum at that size."""
    d = derive(
        fs.laws["zhao2025"], "published", ["N", "Na"], "M = 2*N", settings={"M": 42e9, "G": 7, "S": 0.31, "D": 1e13}
    )
    assert d["N"].value == pytest.approx(21e9)
    assert d["Na"].value / d["N"].value == pytest.approx(0.428946, abs=5e-7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("6*N*D", "must be one equation"),
        ("C = 6*X*Y", "has no variable of law chinchilla"),
        ("C = E*N", "uses E, a constant of law chinchilla"),
        ("C = 6*N*D = 3", "must be one equation"),
        ("C = __import__('os')", "not allowed|is not declared|cannot read|has no variable"),
    ],
)
def test_a_wrong_constraint_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        derive(fs.laws["chinchilla"], "published", subject_to=text)


def test_constraint_by_quantity_names() -> None:
    c = read_constraint(fs.laws["zhao2025"], "C = 6*N_active*D")
    assert c.variables == ("Na", "D")
    assert c.extra == ("C",)


def test_a_setting_cannot_also_be_optimised() -> None:
    with pytest.raises(InputError, match="N is both optimised and set"):
        derive(fs.laws["chinchilla"], "published", ["N", "D"], "C = 6*N*D", settings={"N": 1e9})
    with pytest.raises(DerivationError, match="nothing is left to optimise"):
        derive(fs.laws["chinchilla"], "published", subject_to="C = 6*N*D", settings={"N": 1e9})


def test_intervals_come_from_resamples() -> None:
    class Draws:
        names = ("E", "A", "alpha", "B", "beta")
        rng = np.random.default_rng(0)
        constants = np.column_stack([
            rng.normal(1.8, 0.01, 400), rng.normal(480, 5, 400), np.full(400, 0.35), rng.normal(2100, 20, 400),
            rng.normal(0.37, 0.002, 400),
        ])  # fmt: skip

    centre = {"E": 1.8, "A": 480.0, "alpha": 0.35, "B": 2100.0, "beta": 0.37}
    d = derive(fs.laws["chinchilla"], centre, subject_to="C = 6*N*D", settings={"C": 1e21}, resamples=Draws, level=0.8)
    low, high = d["N"].interval
    assert low < d["N"].value < high
    a = [(c[2] * c[1] / (c[4] * c[3])) ** (1 / (c[2] + c[4])) * (1e21 / 6) ** (c[4] / (c[2] + c[4]))
         for c in Draws.constants]  # fmt: skip
    assert (low, high) == pytest.approx(tuple(np.quantile(a, [0.1, 0.9])), rel=1e-9)
    ends = d["N"].exponent_intervals["C"]
    assert ends[0] < d["N"].exponent_values["C"] < ends[1]
    assert "N low" in d.table("frontier").columns
    zhao = fs.laws["zhao2025"].published["zhao2025"].constants

    class Zhao:
        names = tuple(zhao)
        constants = np.asarray([[v * (1 + 0.01 * math.sin(7 * i + j)) for j, v in enumerate(zhao.values())]
                                for i in range(40)])  # fmt: skip

    implicit = derive(fs.laws["zhao2025"], dict(zhao), subject_to="C = D*Na", resamples=Zhao,
                      settings={"N": 1e12, "G": 7, "S": 0.31, "C": 1e23})["Na"]  # fmt: skip
    assert implicit.interval is not None
    assert implicit.interval[0] < implicit.value < implicit.interval[1]


def test_a_joint_stationary_point_outside_the_domain_is_no_optimum() -> None:
    """Frantar's sparsity, size and data at once: the slopes vanish together at a negative sparsity only."""
    asked = {"constants": "published", "subject_to": "C = 6*N_nonzero*D/(1 - weight_sparsity)"}
    made = derive("frantar2023", settings={"C": 1e21}, **asked)
    by_symbol = {r.symbol: r for r in made.results}
    assert by_symbol["S"].value is None
    assert "outside its domain: inside it the optimum has S = 0" in by_symbol["S"].feasibility
    assert all(r.value is None for r in made.results if r.symbol in ("N", "D", "L_best"))
    dense = derive("frantar2023", settings={"C": 1e21, "S": 0.0}, **asked)
    best = {r.symbol: r.value for r in dense.results}
    assert best["L_best"] == pytest.approx(1.354, abs=1e-3)
    assert 6 * best["N"] * best["D"] == pytest.approx(1e21, rel=1e-9)
