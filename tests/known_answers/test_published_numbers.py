"""Numbers printed by others: values of the laws, what follows from them, and what does not."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from formsearch import laws
from tests.known_answers.consequences import CONSEQUENCES, frantar_optimal_sparsity

HERE = Path(__file__).parent
GOLDEN = tomllib.loads((HERE / "golden.toml").read_text())["golden"]
DERIVED = tomllib.loads((HERE / "consequences.toml").read_text())


def _rows(checks: list[dict[str, Any]]) -> list[Any]:
    return [
        pytest.param(check, i, row, id=f"{check['law']}-{check['fit']}-{check.get('what', 'value')}-{i}")
        for check in checks
        for i, row in enumerate(check["rows"])
    ]


@pytest.mark.parametrize(("check", "i", "row"), _rows(GOLDEN))
def test_value(check: dict[str, Any], i: int, row: list[float]) -> None:
    law = laws[check["law"]]
    *values, expected = row
    at = dict(zip(law.variable_names, values, strict=True))
    assert law.evaluate(at, law.published[check["fit"]].constants)[0] == pytest.approx(expected, rel=check["rtol"])


def _computed(check: dict[str, Any], row: list[float]) -> tuple[dict[str, float], dict[str, float]]:
    """Computed and printed outputs of a row."""
    law = laws[check["law"]]
    inputs, printed = row[: len(check["inputs"])], row[len(check["inputs"]) :]
    computed = CONSEQUENCES[check["what"]](
        law, law.published[check["fit"]].constants, **dict(zip(check["inputs"], inputs, strict=True))
    )
    return computed, dict(zip(check["outputs"], printed, strict=True))


def _close(check: dict[str, Any], output: str, computed: float, printed: float) -> bool:
    rtol = check.get("rtol", 0.0)
    rtol = rtol[output] if isinstance(rtol, dict) else rtol
    return bool(np.isclose(computed, printed, rtol=rtol, atol=check.get("atol", 0.0)))


@pytest.mark.parametrize(("check", "i", "row"), _rows(DERIVED["derived"]))
def test_what_follows(check: dict[str, Any], i: int, row: list[float]) -> None:
    computed, printed = _computed(check, row)
    for output, number in printed.items():
        assert _close(check, output, computed[output], number), (output, computed[output], number, check["source"])


@pytest.mark.parametrize(("check", "i", "row"), _rows(DERIVED["not_reproducible"]))
def test_what_does_not_follow(check: dict[str, Any], i: int, row: list[float]) -> None:
    """The printed number is out of reach at its own precision, and this is what the constants give instead."""
    computed, printed = _computed(check, row)
    assert check["why"]
    assert not all(_close(check, o, computed[o], number) for o, number in printed.items()), check["source"]
    for output, ours in zip(check["outputs"], check["ours"][i], strict=True):
        assert computed[output] == pytest.approx(ours, rel=1e-3), check["source"]


def test_every_fit_with_known_answers_is_published_and_every_consequence_is_used() -> None:
    checks = [*GOLDEN, *DERIVED["derived"], *DERIVED["not_reproducible"]]
    assert all(c["fit"] in laws[c["law"]].published for c in checks)
    assert {c["what"] for c in checks if "what" in c} == set(CONSEQUENCES)


def test_laws_with_published_constants_have_a_known_value() -> None:
    """Only laws whose form is another law's with other constants are exempt."""
    with_values = {c["law"] for c in GOLDEN}
    exempt = {"kaplan2020_size", "kaplan2020_data", "kaplan2020_compute"}
    assert {law.name for law in laws.values() if law.published} - with_values - exempt == set()


def test_univariate_kaplan_laws_are_one_at_their_critical_value() -> None:
    for name in ("kaplan2020_size", "kaplan2020_data", "kaplan2020_compute"):
        law = laws[name]
        symbol = law.variable_names[0]
        for fit in law.published.values():
            critical = fit.constants[f"{symbol}c"]
            assert law.evaluate({symbol: [critical]}, fit.constants)[0] == 1.0
            ratio = law.evaluate({symbol: [critical / 10]}, fit.constants)[0]
            assert np.log10(ratio) == pytest.approx(fit.constants["alpha"])


@pytest.mark.parametrize("fit", ["t5_c4", "vit_jft"])
def test_frantar_optimal_sparsity(fit: str) -> None:
    """The closed form against minimisation, where the optimum is inside and where it is dense."""
    law = laws["frantar2023"]
    k = law.published[fit].constants
    for N, C in ((1e8, 1e21), (1e9, 1e23), (1e9, 1e19), (1e7, 1e19)):

        def loss(S: float, N: float = N, C: float = C) -> float:
            return float(law.evaluate({"S": S, "N": N, "D": C * (1 - S) / (6 * N)}, k)[0])

        found = minimize_scalar(loss, bounds=(0, 0.9999), method="bounded", options={"xatol": 1e-9}).x
        assert found == pytest.approx(frantar_optimal_sparsity(k, N, C), abs=1e-5)
