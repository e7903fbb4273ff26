"""The traps of the library, one test each; all runs are children, since most of these once ended the process."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from formsearch.search.operon import run as module
from formsearch.search.operon.programs import program_of
from formsearch.search.scaling import Scaling

Ask = Callable[..., dict[str, Any]]
RunAll = Callable[..., Any]
SCALING = Scaling({"N": "x1", "D": "x2"}, {"N": 1e9, "D": 2e10}, 2.5)
TEXTS = [
    "0.7 + 0.3*x1^(-0.34) + 0.2*x2^(-0.28)",
    "1.2/(0.3*x1 + 0.2) - 0.01*x2^1.5",
    "0.5*(x1^0.3 + 1.0e-6*x2)^(-0.7)",
    "exp(0.1 - 0.2*x1) + log(x2 + 2.0)",
    "max(0.3*x1, 0.4 - x2) + abs(x1 - x2)",
]


def values(text: str, columns: tuple[np.ndarray, np.ndarray], scaling: Scaling = SCALING) -> np.ndarray:
    law, constants = scaling.law(text)
    raw = {q: c * scaling.scales[q] for q, c in zip(("N", "D"), columns, strict=True)}
    return np.asarray(law.evaluate(raw, constants) / scaling.target)


def test_seeds_are_the_functions_they_should_be(
    request_for: Ask, run_all: RunAll, columns: tuple[np.ndarray, np.ndarray]
) -> None:
    """Operands stand right to left, exponents first; constants come back to single precision."""
    x1, x2 = columns
    for text in TEXTS:
        form, constants = SCALING.form(text)
        program = program_of(form, constants, SCALING)
        target = values(text, columns)
        answers, (outcome,) = run_all(request_for([x1, x2], target, seeds=[program] * 5, generations=2))
        assert outcome.status == "done", outcome.error
        found = answers[-1][1]["forms"]
        best = min(found, key=lambda f: f["error"])
        assert best["error"] < 1e-11 * np.var(target), (text, best)
        np.testing.assert_allclose(values(best["text"], columns), target, rtol=2e-5, atol=2e-5)


def test_constants_keep_their_digits(request_for: Ask, run_all: RunAll, columns: tuple[np.ndarray, np.ndarray]) -> None:
    """Six decimals, the default, would print 0.000001."""
    x1, x2 = columns
    target = 1.23456e-6 * x1 + 1e-6
    answers, _ = run_all(
        request_for([x1, x2], target / 1e-6, seeds=[[["var", "x1", 1.23456], ["const", 1.0], ["add"]]])
    )
    assert min(f["error"] for f in answers[-1][1]["forms"]) < 1e-12
    tiny = [["const", 1.23456e-9], ["var", "x1", 1.0], ["mul"], ["var", "x2", 1.0], ["add"]]
    answers, _ = run_all(request_for([x1, x2], x2 + 1.23456e-9 * x1, seeds=[tiny] * 3, generations=0, iterations=0))
    assert any("0.000000001234" in f["text"] for f in answers[-1][1]["forms"])


def test_any_number_of_seeds_fits_the_population(
    request_for: Ask, run_all: RunAll, columns: tuple[np.ndarray, np.ndarray]
) -> None:
    """Any other number than population + pool aborts the library."""
    x1, x2 = columns
    seed = [["var", "x1", 2.0], ["const", 0.5], ["add"]]
    requests = [request_for([x1, x2], x1 + x2, seeds=[seed] * n, population=20, generations=2) for n in (1, 39, 40, 90)]
    _, outcomes = run_all(*requests)
    assert [o.status for o in outcomes] == ["done"] * 4


def test_an_exception_in_the_callback_is_told(
    request_for: Ask, run_all: RunAll, columns: tuple[np.ndarray, np.ndarray]
) -> None:
    """The library swallows it and ends the run as if all were well."""
    _, (outcome,) = run_all(request_for(columns, columns[0] ** 0.3, trouble="callback"))
    assert outcome.status == "failed"
    assert "cannot send so far" in outcome.error


def test_memory_that_the_library_looks_at_lives(
    request_for: Ask, run_all: RunAll, columns: tuple[np.ndarray, np.ndarray]
) -> None:
    """It keeps pointers to the table, the primitives and every operator, and no references."""
    x1 = columns[0]
    answers, (outcome,) = run_all(
        request_for(columns, 0.5 + x1**-0.3, trouble="memory", population=300, generations=15)
    )
    assert outcome.status == "done"
    assert answers[-1][1]["generations"] >= 2
    assert min(f["error"] for f in answers[-1][1]["forms"]) < 1e-10


def test_an_abort_is_an_error_and_the_next_run_goes_on(
    request_for: Ask, run_all: RunAll, columns: tuple[np.ndarray, np.ndarray]
) -> None:
    ask = request_for(columns, columns[0] ** -0.3 + 1)
    answers, outcomes = run_all({**ask, "trouble": "abort"}, ask)
    assert [o.status for o in outcomes] == ["died", "done"]
    assert "SIGABRT" in outcomes[0].error
    assert {k for k, _ in answers} == {1}


def test_a_run_ends_when_a_tree_is_exact(
    request_for: Ask, run_all: RunAll, columns: tuple[np.ndarray, np.ndarray]
) -> None:
    """What the callback returns is not looked at; only an exception ends a run."""
    target = 0.5 + columns[0] ** -0.3
    answers, (outcome,) = run_all(request_for(columns, target, generations=10**6, population=300))
    assert outcome.status == "done"
    assert answers[-1][1]["exact"]
    assert answers[-1][1]["generations"] < 200


def test_time_is_kept_to_less_than_the_library_can(
    request_for: Ask, run_all: RunAll, columns: tuple[np.ndarray, np.ndarray]
) -> None:
    """Its own clock counts whole seconds."""
    answers, (outcome,) = run_all(request_for(columns, np.sin(columns[0]), generations=10**6, seconds=0.4))
    assert outcome.status == "done"
    assert answers[-1][1]["seconds"] < 2.0


def test_what_the_library_gets_wrong_is_not_used() -> None:
    """Its text parser drops what it cannot read and crashes on X1^X2; its list of names raises; its sklearn class
    chooses by a description length for a noise of 1."""
    source = inspect.getsource(module)
    for name in ("InfixParser", "VariableNames", "SymbolicRegressor", "MinimumDescriptionLength", "pickle"):
        assert name not in source


GOOD = np.linspace(1.0, 2.0, 6)


@pytest.mark.parametrize(
    ("columns", "target", "said"),
    [
        ([[1.0, np.nan, 2, 3, 4, 5]], GOOD, "x1 is nan in row 1"),
        ([GOOD, GOOD], [1, 2, 3, np.inf, 4, 5], "the target is inf in row 3"),
        ([GOOD, np.full(6, 3.0)], GOOD, "x2 is 3.0 in every row"),
        ([GOOD * 1e300], GOOD, "x1 is inf in row 0, in single precision"),
        ([1 + 1e-9 * GOOD], GOOD, "x1 is 1.0 in every row, in single precision"),
        ([GOOD[:5]], GOOD, "columns have shape (1, 5), the target 6 rows"),
        ([[1.0]], [2.0], "1 rows are too few"),
    ],
)
def test_tables_that_end_the_process_are_refused(columns: Any, target: Any, said: str) -> None:
    with np.errstate(over="ignore"):
        arrays = np.asarray(columns, dtype=np.float32), np.asarray(target, dtype=np.float32)
    with pytest.raises(ValueError) as error:  # noqa: PT011
        module.check(*arrays)
    assert said in str(error.value)
