"""Constants per group, shared constants, several targets."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import least_squares

import formsearch as fs
from formsearch.exceptions import InputError, NotApplicableError
from formsearch.law import Law, Variable, positive
from tests.fit.runs import chinchilla_runs

FORM = Law(
    "shared",
    "E + A*N**-alpha + B*D**-beta",
    (Variable("N", "N"), Variable("D", "D")),
    (positive("E"), positive("A"), positive("alpha"), positive("B"), positive("beta")),
)
POWERS = ["A", "alpha", "B", "beta"]


def test_groups_without_shared_constants_are_separate_fits() -> None:
    points = chinchilla_runs(90, groups=3)
    fit = fs.fit(FORM, points, by="group")
    total = 0.0
    for label in points.groups:
        own = fs.fit(FORM, points.take(np.asarray([g == label for g in points.group])))
        assert fit.group_constants[label] == own.constants
        total += own.objective
    assert fit.objective == pytest.approx(total, rel=1e-12)
    assert fit.ok
    assert fit.n_constants == 15
    assert fit.constants == {}


def test_shared_constants_are_the_joint_optimum() -> None:
    points = chinchilla_runs(90, groups=3)
    fit = fs.fit(FORM, points, by="group", shared=POWERS)
    assert fit.ok
    g = np.asarray([points.groups.index(str(v)) for v in points.group])
    N, D = points.column("N") / 1e9, points.column("D") / 1e10

    def residuals(v):  # type: ignore[no-untyped-def]
        return v[g] + np.exp(v[3]) * N ** -v[4] + np.exp(v[5]) * D ** -v[6] - points.target

    oracle = least_squares(residuals, [1.8, 1.9, 2.0, -1.0, 0.35, -0.5, 0.37], xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert fit.objective == pytest.approx(oracle.cost, rel=1e-7)
    assert fit.constants["alpha"] == pytest.approx(oracle.x[4], rel=1e-4)
    for k, label in enumerate(points.groups):
        assert fit.group_constants[label]["E"] == pytest.approx(oracle.x[k], rel=1e-5)
        assert fit.group_constants[label]["alpha"] == fit.constants["alpha"]
    np.testing.assert_allclose(fit.predict(points), points.target + oracle.fun, rtol=1e-5)
    assert fit.n_constants == 4 + 3


def test_sharing_everything_is_one_fit() -> None:
    points = chinchilla_runs(60, groups=2)
    fit = fs.fit(FORM, points, by="group", shared=["E", *POWERS])
    assert fit.objective == pytest.approx(fs.fit(FORM, points).objective, rel=1e-9)


def test_a_group_of_one_row_borrows_what_is_shared() -> None:
    points = chinchilla_runs(60, groups=2)
    keep = np.asarray([i for i in range(60) if i % 2 == 0 or i == 1])
    fit = fs.fit(FORM, points.take(keep), by="group", shared=POWERS)
    assert fit.ok
    assert fit.group_constants["g1"]["E"] == pytest.approx(1.9, abs=0.05)
    with pytest.raises(NotApplicableError, match="only 1 points in group 'g1'"):
        fs.fit(FORM, points.take(keep), by="group")


def test_any_column_makes_groups_and_predictions_find_them() -> None:
    points = chinchilla_runs(90, groups=3)
    ungrouped = replace(points, group=None)
    fit = fs.fit(FORM, ungrouped, by="family", shared=POWERS)
    same = fs.fit(FORM, points, by="group", shared=POWERS)
    np.testing.assert_allclose(fit.predict(ungrouped), same.predict(points))
    assert fit.to_dict()["by"] == "family"
    row = {"N": 1e9, "D": [2e10, 4e10], "family": "g2"}
    np.testing.assert_allclose(fit.predict(row), FORM.evaluate(row, fit.group_constants["g2"]))


def test_several_targets_share_a_form(tmp_path) -> None:  # type: ignore[no-untyped-def]
    runs = chinchilla_runs(120, noise=0.003)
    rng = np.random.default_rng(0)
    other = 0.9 + 150 * runs.column("N") ** -0.35 + 700 * runs.column("D") ** -0.37 + rng.normal(0, 0.003, 120)
    frame = pd.DataFrame({"N": runs.column("N"), "D": runs.column("D"), "web_loss": runs.target, "code_loss": other})
    points = fs.read_points(frame, target=["web_loss", "code_loss"])
    assert points.groups == ("web_loss", "code_loss")
    fit = fs.fit(FORM, points, by="group", shared=["alpha", "beta"])
    assert fit.ok
    assert fit.constants["alpha"] == pytest.approx(0.35, abs=0.02)
    assert fit.group_constants["web_loss"]["E"] == pytest.approx(1.8, abs=0.03)
    assert fit.group_constants["code_loss"]["E"] == pytest.approx(0.9, abs=0.03)
    assert fit.n_constants == 2 + 2 * 3


@pytest.mark.parametrize("objective", ["ls", "huber:1e-3"])
@pytest.mark.parametrize("shared", [[], ["alpha", "beta"]])
def test_a_perfect_fit_is_no_failure(objective: str, shared: list[str]) -> None:
    points = chinchilla_runs(60, groups=2, noise=0.0)
    fit = fs.fit(FORM, points, objective, by="group", shared=shared)
    assert fit.status.code == "converged", fit.status
    assert "passes through every point" in fit.status.sentence
    assert fit.share > 0.5
    assert fit.group_constants["g1"]["E"] == pytest.approx(1.9, rel=1e-6)


def test_bounds_are_reported_with_their_group() -> None:
    points = chinchilla_runs(60, groups=2)
    target = points.target.copy()
    target[1::2] = 2.0 + 0.001 * np.cos(np.arange(30))  # the second group does not depend on anything
    fit = fs.fit(FORM, points.with_target(target), by="group", shared=["alpha", "beta"])
    assert fit.status.code == "bound"
    assert "in group 'g1'" in fit.status.sentence
    assert "in group 'g0'" not in fit.status.sentence


def test_nonsense_is_refused_in_words() -> None:
    points = chinchilla_runs(60, groups=2)
    with pytest.raises(InputError, match="no column 'color' to group by; there are group, family, N, D"):
        fs.fit(FORM, points, by="color")
    with pytest.raises(InputError, match="names a constant twice"):
        fs.fit(FORM, points, by="group", shared=["alpha", "alpha"])
    with pytest.raises(InputError, match="unknown constant"):
        fs.fit(FORM, points, by="group", shared=["gamma"])
    with pytest.raises(InputError, match="needs by='group'"):
        fs.fit(FORM, points, shared=["alpha"])
    fit = fs.fit(FORM, points, by="group", starts=4)
    with pytest.raises(InputError, match="give a column 'group'"):
        fit.predict({"N": [1e9], "D": [1e10]})
    with pytest.raises(InputError, match="group 'g9' was not fitted; fitted groups: g0, g1"):
        fit.predict({"N": [1e9], "D": [1e10], "group": ["g9"]})
    for ask in (fit.bootstrap, fit.standard_errors, fit.identifiability, lambda: fit.profile("alpha")):
        with pytest.raises(InputError):
            ask()
