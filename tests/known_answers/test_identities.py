"""What laws are to one another: nested forms, other parametrisations, equal limits."""

import numpy as np
import pytest
import sympy

from formsearch import laws
from formsearch.law import Law

RNG = np.random.default_rng(0)
N, D = np.geomspace(1e7, 1e12, 30), RNG.permutation(np.geomspace(1e9, 1e13, 30))
K = dict(laws["chinchilla"].published["besiroglu2024"].constants)


def _equal(first: Law, second: Law, replaced: dict[str, str] | None = None) -> bool:
    """Whether the forms are the same function, with symbols of the second renamed."""
    names = {second.symbols[a]: first.symbols[b] for a, b in (replaced or {}).items()}
    plain = {s: sympy.Symbol(s.name, positive=True) for law in (first, second) for s in law.symbols.values()}
    gap = first.expression.subs(plain) - second.expression.subs(names, simultaneous=True).subs(plain)
    return sympy.simplify(gap) == 0


def test_zhao_forms_are_nested() -> None:
    full = laws["zhao2025"]
    no_sharing = full.variant("v9", fix={"m": 0, "n": 0})
    assert _equal(no_sharing, laws["zhao2025_eq9"])
    # Eq. 7 is Eq. 9 with a constant architecture factor whose other two terms are taken up by a and c
    seven, rest = laws["zhao2025_eq7"], laws["zhao2025_eq7"].variant("v4", fix={"c": 0, "h": 0})
    assert _equal(rest, laws["zhao2025_eq4"])
    assert set(laws["zhao2025_eq4"].constant_names) < set(seven.constant_names)


def test_eq_9_contains_eq_7_at_fixed_experts() -> None:
    nine, seven = laws["zhao2025_eq9"], laws["zhao2025_eq7"]
    k = {"e": 0.16, "f": 7.2, "alpha": 0.24, "k": 0.01, "h": 0.045, "a": 38.0, "b": 2.7e4, "beta": 0.47, "c": 31.0,
         "eps": 1.8}  # fmt: skip
    G, Na = 8.0, N / 5
    factor = k["e"] * G + k["f"] / G
    folded = {**k, "a": k["a"] + factor, "c": k["c"] + factor * k["k"], "h": factor * k["h"]}
    np.testing.assert_allclose(
        nine.evaluate({"N": N, "Na": Na, "D": D, "G": np.full(30, G)}, k),
        seven.evaluate({"N": N, "Na": Na, "D": D}, folded),
        rtol=1e-13,
    )


def test_skaling_with_k_1_is_chinchilla_and_with_tied_exponents_resembles_kaplan() -> None:
    skaling = laws["skaling2026"]
    assert _equal(skaling.variant("one", fix={"k": 1}), laws["chinchilla"])
    kaplan = laws["kaplan2020"]
    k = kaplan.published["kaplan2020"].constants
    ratio = k["aN"] / k["aD"]
    as_skaling = {"alpha": ratio, "A": k["Nc"] ** ratio, "beta": 1.0, "B": k["Dc"], "k": k["aD"], "E": 0.0}
    frame = {"N": N, "D": D}
    np.testing.assert_allclose(skaling.evaluate(frame, as_skaling), kaplan.evaluate(frame, k), rtol=1e-13)


def test_gadre_is_chinchilla_with_equal_exponents() -> None:
    eta, A, B, E = 0.16, 480.0, 2000.0, 1.8
    in_compute = laws["gadre2024"].evaluate(
        {"M": D / N, "C": 6 * N * D}, {"E": E, "eta": eta, "a": B * 6**eta, "b": A * 6**eta}
    )
    in_sizes = laws["chinchilla"].evaluate(
        {"N": N, "D": D}, {"E": E, "A": A, "B": B, "alpha": 2 * eta, "beta": 2 * eta}
    )
    # A belongs to the term in N, which is (C/(6 M))**(1/2), so to the growing power of M
    swapped = laws["gadre2024"].evaluate(
        {"M": D / N, "C": 6 * N * D}, {"E": E, "eta": eta, "a": A * 6**eta, "b": B * 6**eta}
    )
    np.testing.assert_allclose(swapped, in_sizes, rtol=1e-13)
    assert not np.allclose(in_compute, in_sizes)


def test_krajewski_without_granularity_is_its_dense_form() -> None:
    assert _equal(laws["krajewski2024"].variant("dense", fix={"g": 0}), laws["krajewski2024_dense"])


def test_clark_without_saturation() -> None:
    k = {**laws["clark2022"].published["s_base_refit"].constants, "Es": 1.0 + 1e-12, "Em": 1e5}
    frame = {"N": N, "E": np.full(30, 16.0)}
    bare = laws["clark2022_bilinear"].evaluate(frame, k)
    np.testing.assert_allclose(laws["clark2022"].evaluate(frame, k), bare, rtol=1e-4)


def test_the_saturating_transform() -> None:
    """Effective experts: the start at one expert, never more than the maximum, and growing between."""
    law = laws["clark2022"]
    k = {**law.published["s_base"].constants, "a": 0.0, "b": 1.0, "c": 0.0, "d": 0.0}  # the law is then Eh itself
    E = np.geomspace(1, 1e9, 40)
    effective = law.evaluate({"N": np.ones(40), "E": E}, k)
    assert effective[0] == pytest.approx(k["Es"])
    assert (np.diff(effective) > 0).all()
    assert effective[-1] == pytest.approx(k["Em"], rel=1e-3)


def test_muennighoff_without_repeats_and_without_excess_is_chinchilla() -> None:
    law = laws["muennighoff2023"]
    k = law.published["muennighoff2023"].constants
    U = 25e9
    small = np.geomspace(1e7, 1e9, 30)  # below the base size of .051*U
    base = laws["chinchilla"].evaluate({"N": small, "D": np.full(30, U)}, {n: k[n] for n in K})
    np.testing.assert_allclose(
        law.evaluate({"N": small, "D": np.full(30, U), "U": np.full(30, U)}, k), base, rtol=1e-13
    )
    data_only = laws["muennighoff2023_data"].evaluate(
        {"N": small, "D": np.full(30, 4 * U), "U": np.full(30, U)}, {n: v for n, v in k.items() if n != "RN"}
    )
    np.testing.assert_allclose(law.evaluate({"N": small, "D": np.full(30, 4 * U), "U": np.full(30, U)}, k), data_only)


def test_four_epochs_are_nearly_as_good_as_new_data() -> None:
    law = laws["muennighoff2023_data"]
    k = {n: v for n, v in laws["muennighoff2023"].published["muennighoff2023"].constants.items() if n != "RN"}

    def loss(epochs: float, unique: float) -> float:
        return float(law.evaluate({"N": 8.7e9, "D": epochs * unique, "U": unique}, k)[0])

    assert 0 < loss(4, 25e9) - loss(1, 100e9) < 0.01
    assert loss(40, 25e9) - loss(1, 1000e9) > 5 * (loss(4, 25e9) - loss(1, 100e9))


def test_lin_in_the_parametrisation_of_its_code() -> None:
    law = laws["lin2024"]
    A, E, beta, offset = 4.2, 1.1, 0.7, -3.0
    samples = np.geomspace(200, 1.6e6, 30)
    code = (A - E) / (1 + np.exp(beta * np.log(samples) + offset)) + E
    k = {"E": E, "beta": beta, "Dl": np.exp(-offset), "B": (A - E) * np.exp(-offset)}
    np.testing.assert_allclose(law.evaluate({"D": samples}, k), code, rtol=1e-13)
    assert _equal(law.variant("plain", fix={"Dl": 0}), laws["lin2024_power"])


@pytest.mark.parametrize("breaks", [0, 1, 2, 3])
def test_broken_law_changes_its_slope_by_c_at_each_break(breaks: int) -> None:
    law = laws[f"bnsl{breaks}"]
    assert len(law.constants) == 3 + 3 * breaks
    slopes = [0.3, 0.5, -0.2, 0.4][: breaks + 1]
    k = {"a": 0.0, "b": 2.0, "c0": slopes[0]}
    for i in range(1, breaks + 1):
        k |= {f"d{i}": 10.0 ** (20 * i), f"f{i}": 0.5, f"c{i}": slopes[i]}
    for i in range(breaks + 1):
        x = np.array([1.0, 10.0]) * 10.0 ** (20 * i + 10)  # midway between breaks i and i + 1
        slope = np.diff(np.log10(law.evaluate({"x": x}, k)))[0]
        assert slope == pytest.approx(-sum(slopes[: i + 1]), abs=1e-6)
    if breaks:
        fewer = laws[f"bnsl{breaks - 1}"]
        assert _equal(law.variant("fewer", fix={f"c{breaks}": 0}), fewer)


def test_mixing_law_in_the_parametrisation_of_the_paper() -> None:
    """Adding a number to every t only rescales k: the paper's constants map to ours, whatever the number."""
    law = laws["ye2024_mix5"]
    shares = RNG.dirichlet(np.ones(5), 30)
    t, k, c = np.array([-2.0, 0.5, 1.0, -0.3, 0.1]), 0.8, 1.2
    for shift in (0.0, 1.7):
        printed = c + k * np.exp(-shift) * np.exp(shares @ (t + shift))
        ours = {f"t{j + 1}": (t - t.mean())[j] for j in range(4)} | {"c": c, "k": k * np.exp(t.mean())}
        frame = {f"proportion_{j + 1}": shares[:, j] for j in range(5)}
        np.testing.assert_allclose(law.evaluate(frame, ours), printed, rtol=1e-13)


def test_kumar_at_full_precision_is_chinchilla() -> None:
    k = laws["kumar2024"].published["kumar2024"].constants
    bits = {b: np.full(30, 1e3) for b in ("Pw", "Pa", "Pkv")}
    base = laws["chinchilla"].evaluate({"N": N, "D": D}, {n: k[n] for n in K})
    np.testing.assert_allclose(laws["kumar2024"].evaluate({"N": N, "D": D, **bits}, k), base, rtol=1e-13)
    after = laws["kumar2024_ptq"].published["kumar2024"].constants
    np.testing.assert_allclose(
        laws["kumar2024_ptq"].evaluate({"N": N, "D": D, "P": np.full(30, 1e3)}, after), base, rtol=1e-13
    )


def test_kumar_data_that_hurt_after_quantisation() -> None:
    """The derived bound beyond which more data make the quantised model worse."""
    law = laws["kumar2024_ptq"]
    k = law.published["kumar2024"].constants
    size, bits = 1e9, 3.0
    bound = (k["beta"] * k["B"] * size ** k["gN"] * np.exp(bits / k["gP"]) / (k["gD"] * k["CT"])) ** (
        1 / (k["beta"] + k["gD"])
    )
    loss = law.evaluate({"N": size, "D": bound * np.array([0.9, 1.0, 1.1]), "P": bits}, k)
    assert loss[1] < min(loss[0], loss[2])
