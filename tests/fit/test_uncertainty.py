"""Resampling, profiles and standard errors agree with each other and with other libraries."""

import numpy as np
import pytest
from scipy.optimize import curve_fit, least_squares

import formsearch as fs
from formsearch.exceptions import InputError
from formsearch.fit.result import Fit
from formsearch.law import Law, Variable, positive


@pytest.fixture(scope="module")
def seed_fit() -> Fit:
    return fs.fit("zhao2025", fs.load("zhao2025").only("fit"))


def chinchilla_runs(rows: int = 120, groups: int = 1, noise: float = 0.01) -> fs.Points:
    """Simulated runs; group g has its own irreducible loss."""
    rng = np.random.default_rng(7)
    N, D = 10 ** rng.uniform(8, 10, rows), 10 ** rng.uniform(9.5, 11.5, rows)
    g = np.arange(rows) % groups
    loss = 1.8 + 0.1 * g + 480 * N**-0.35 + 2000 * D**-0.37 + rng.normal(0, noise, rows)
    labels = np.asarray([f"g{i}" for i in g], dtype=object)
    return fs.Points(loss, {"N": N, "D": D}, group=labels, simulated="for a test")


def test_the_optimum_of_the_seed_is_known_as_well_as_its_design_allows(seed_fit: Fit) -> None:
    draws = seed_fit.bootstrap(400)
    assert draws.failed == 0
    low, high = draws.interval("sqrt(f/e)")
    assert high - low == pytest.approx(2 * 1.64 * 0.18, rel=0.35)
    assert draws.sd("-n/(2*m)") == pytest.approx(0.018, rel=0.3)


@pytest.mark.parametrize("kind", ["pairs", "residual", "wild"])
def test_resamples_spread_as_the_standard_errors_say(kind: str) -> None:
    fit = fs.fit("chinchilla", chinchilla_runs())
    draws, errors = fit.bootstrap(600, kind=kind), fit.standard_errors()
    for symbol in ("E", "alpha", "beta"):
        assert draws.sd(symbol) == pytest.approx(errors[symbol], rel=0.35)


def test_resampling_is_deterministic_and_refuses_nonsense(seed_fit: Fit) -> None:
    assert np.array_equal(seed_fit.bootstrap(20, seed=3).constants, seed_fit.bootstrap(20, seed=3).constants)
    with pytest.raises(InputError, match="unknown bootstrap"):
        seed_fit.bootstrap(10, kind="magic")
    with pytest.raises(InputError, match="no column 'family' to group by; there are N, "):
        seed_fit.bootstrap(10, by="family")


def test_whole_groups_are_drawn() -> None:
    once = chinchilla_runs(60)
    index = np.repeat(np.arange(60), 6)
    repeated = fs.Points(
        once.target[index],
        {q: v[index] for q, v in once.factors.items()},
        group=np.asarray([f"run{i}" for i in index], dtype=object),
        simulated="for a test",
    )
    fit = fs.fit("chinchilla", repeated)
    honest = fs.fit("chinchilla", once).bootstrap(400).sd("alpha")
    assert fit.bootstrap(400, by="group").sd("alpha") == pytest.approx(honest, rel=0.25)
    # Copies are no new information: drawing them row by row claims sqrt(6) times too much.
    assert fit.bootstrap(400).sd("alpha") < 0.6 * honest


def test_standard_errors_agree_with_scipy() -> None:
    points = chinchilla_runs()
    fit = fs.fit("chinchilla", points)
    x = (points.column("N"), points.column("D"))

    def form(x, E, A, alpha, B, beta):  # type: ignore[no-untyped-def]
        return E + A * x[0] ** -alpha + B * x[1] ** -beta

    start = [fit.constants[s] for s in ("E", "A", "alpha", "B", "beta")]
    _, covariance = curve_fit(form, x, points.target, p0=start, x_scale="jac", method="trf")
    ours = fit.standard_errors()
    for symbol, value in zip(("E", "A", "alpha", "B", "beta"), np.sqrt(np.diag(covariance)), strict=True):
        assert ours[symbol] == pytest.approx(value, rel=2e-2)
    with pytest.raises(InputError, match="curvature"):
        fs.fit("chinchilla", points, fs.Huber(1e-3)).standard_errors()


def test_profiles_agree_with_minos() -> None:
    iminuit = pytest.importorskip("iminuit")
    points = chinchilla_runs()
    fit = fs.fit("chinchilla", points)
    N, D, y = points.column("N"), points.column("D"), points.target
    s2 = 2 * fit.objective / (len(points) - 5)

    def cost(E: float, a: float, alpha: float, b: float, beta: float) -> float:
        f = E + np.exp(a) * (N / 1e9) ** -alpha + np.exp(b) * (D / 1e10) ** -beta
        return float(np.sum((f - y) ** 2) / s2)

    c = fit.constants
    start = (c["E"], np.log(c["A"] * 1e9 ** -c["alpha"]), c["alpha"], np.log(c["B"] * 1e10 ** -c["beta"]), c["beta"])
    minuit = iminuit.Minuit(cost, *start)
    minuit.errordef = 1.0
    minuit.migrad()
    minuit.minos("alpha", cl=None)
    from scipy.stats import norm, t

    # MINOS at one normal standard deviation; our level is chosen so that Student's t is 1 there.
    level = float(t.cdf(1.0, len(points) - 5) * 2 - 1)
    low, high = fit.profile("alpha", level=level).interval
    assert low - c["alpha"] == pytest.approx(minuit.merrors["alpha"].lower, rel=0.02)
    assert high - c["alpha"] == pytest.approx(minuit.merrors["alpha"].upper, rel=0.02)
    assert norm.cdf(1.0) > level / 2


def test_what_the_points_cannot_tell_is_said(seed_fit: Fit) -> None:
    found = seed_fit.identifiability()
    assert found.unidentified == ("k",)
    text = " ".join(found.sentences)
    assert "k is not identified" in text
    assert "trade against each other" in text
    assert found.condition > 1e3
    fixed = fs.fit("zhao2025", seed_fit.data, fix={"k": 0.0})
    assert fixed.identifiability().unidentified == ()
    # Relative standard deviations with k fixed, as printed for this design at sigma .0074 (ours .0071).
    relative = dict(zip(fixed.identifiability().names, fixed.identifiability().relative_sd, strict=True))
    assert relative["alpha"] == pytest.approx(0.038, rel=0.2)
    assert relative["eps"] == pytest.approx(0.016, rel=0.2)


FORM = Law(
    "shared",
    "E + A*N**-alpha + B*D**-beta",
    (Variable("N", "N"), Variable("D", "D")),
    (positive("E"), positive("A"), positive("alpha"), positive("B"), positive("beta")),
)


def test_groups_without_shared_constants_are_separate_fits() -> None:
    points = chinchilla_runs(90, groups=3)
    fit = fs.fit(FORM, points, by="group")
    for label in points.groups:
        own = fs.fit(FORM, points.take(np.asarray([g == label for g in points.group])))
        assert fit.group_constants[label]["alpha"] == pytest.approx(own.constants["alpha"], rel=1e-6)
    assert fit.n_constants == 15


def test_shared_constants_are_the_joint_optimum() -> None:
    points = chinchilla_runs(90, groups=3)
    fit = fs.fit(FORM, points, by="group", shared=["A", "alpha", "B", "beta"])
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


def test_exact_points_have_intervals_of_no_width() -> None:
    """No noise is no reason to call constants undetermined: every refit of every resample passes through its rows."""
    N, D = (v.ravel() for v in np.meshgrid(np.geomspace(5e7, 8e8, 5), np.geomspace(1e9, 2.7e10, 4)))
    points = fs.Points(1.8 + 400 * N**-0.34 + 400 * D**-0.28, {"N": N, "D": D})
    resamples = fs.fit("chinchilla", points).bootstrap(50)
    assert len(resamples) >= 45
    low, high = resamples.interval("alpha")
    assert low == pytest.approx(0.34, rel=1e-4)
    assert high == pytest.approx(0.34, rel=1e-4)
