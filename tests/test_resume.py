"""Fits recalled from a store equal computed ones to the bit; anything that decides a fit changes its key."""

from typing import Any

import numpy as np
import pytest

from formsearch.core.objectives import Huber, LeastSquares
from formsearch.data import load
from formsearch.exceptions import NotApplicableError, StoreError
from formsearch.fit import fit
from formsearch.fit.result import Fit
from formsearch.parallel import Workers
from formsearch.payloads import fit_payload
from formsearch.registry import laws
from formsearch.resume import FitRequest, Remembered, code_version, remembering, resamples_key
from formsearch.store import Store, as_text, checksum


def same(a: Fit, b: Fit) -> None:
    assert a.to_dict() == b.to_dict()
    assert a.iterations == b.iterations
    assert a.loss == b.loss
    assert a.rules == b.rules
    assert np.array_equal(a.predict(a.data), b.predict(b.data))


def test_a_recalled_fit_equals_the_computed_one(tmp_path) -> None:
    points = load("zhao2025").only("fit")
    with Store(tmp_path / "work.sqlite") as store:
        first = remembering(store)(laws["abnar2025"], points, starts=4)  # uses a derived quantity
    with Store(tmp_path / "work.sqlite") as store:
        again = remembering(store)(laws["abnar2025"], points, starts=4)
        assert store.kinds() == {"fit": 1}
    same(first, again)
    assert again.bootstrap(5, seed=1).constants.tolist() == first.bootstrap(5, seed=1).constants.tolist()


def test_grouped_fits_are_recalled_too(runs_by_group) -> None:
    with Store(":memory:") as store:
        fit = remembering(store)
        first = fit(laws["chinchilla"], runs_by_group, by="group", shared=("E",))
        same(first, fit(laws["chinchilla"], runs_by_group, by="group", shared=("E",)))
        assert len(store) == 1


@pytest.fixture
def runs_by_group():
    points = load("zhao2025").only("fit").take(np.arange(60))
    from dataclasses import replace

    return replace(points, group=np.asarray(["a", "b"] * 30, dtype=object))


def test_what_decides_a_fit_decides_its_key() -> None:
    points = load("zhao2025").only("fit").take(np.arange(40))
    law = laws["zhao2025_eq4"]
    with Store(":memory:") as store:
        fit = remembering(store)
        fit(law, points)
        fit(law, points, objective=LeastSquares())  # the default, spelt out
        assert len(store) == 1
        fit(law, points, seed=1)
        fit(law, points, starts=8)
        fit(law, points, objective=LeastSquares(log=True))
        fit(law, points, objective=Huber(1e-3))
        fit(law, points, objective=Huber(1.0000001e-3))  # prints alike, is another
        fit(law.variant(fix={"eps": 1.8}), points)
        fit(law, points.take(np.arange(39)))
        assert len(store) == 8


def test_other_code_is_another_version() -> None:
    assert code_version("core", "fit") == code_version("core", "fit")
    assert code_version("core") != code_version("core", "fit")


def test_another_version_of_an_engine_is_another_search(monkeypatch: pytest.MonkeyPatch) -> None:
    one = code_version("search", engines=("operon",))
    code_version.cache_clear()
    monkeypatch.setattr("formsearch.resume._version", lambda package: f"{package}-99")
    try:
        assert code_version("search", engines=("operon",)) != one
        assert code_version("search", engines=("native",)) == code_version("search")
    finally:
        code_version.cache_clear()


@pytest.mark.parametrize(
    "change",
    [
        {"constants": None}, {"constants": {"E": "no number"}}, {"constants": [1, 2]}, {"status": {"mood": "good"}},
        {"group_constants": 3}, {"optima": None}, {"objective": "x"},
    ],
)  # fmt: skip
def test_what_somebody_else_wrote_into_a_store_is_an_error_in_a_line(change: dict[str, Any]) -> None:
    """With a right checksum, so that only its content can tell."""
    points = load("zhao2025").only("fit")
    law = laws["abnar2025"]
    with Store(":memory:") as store:
        once = Remembered(store)
        payload = fit_payload(once(law, points, starts=2)) | change
        text = as_text(payload)
        store.change("UPDATE work SET payload = ?, checksum = ?", (text, checksum(text)))
        with pytest.raises(StoreError, match="is not what this formsearch writes"):
            once(law, points, starts=2)


def test_what_is_no_batch_of_resamples_is_an_error_in_a_line() -> None:
    fitted = fit(laws["abnar2025"], load("zhao2025").only("fit"), starts=2)
    with Store(":memory:") as store:
        store.put(resamples_key(fitted, 0, 20, 0, "pairs", None), "resamples", {"constants": [[1, 2], "x"]})
        with pytest.raises(StoreError, match="is not what this formsearch writes"):
            Remembered(store).bootstrap(fitted, 20)


def test_workers_give_the_same_fits_and_resamples_to_the_bit(tmp_path) -> None:
    points = load("zhao2025").only("fit")
    chosen = [laws["zhao2025_eq4"], laws["abnar2025"], laws["zhao2025"]]
    found = []
    for workers in (Workers(), Workers("loky", 2)):
        with Store(tmp_path / f"{workers.backend}.sqlite") as store:
            once = Remembered(store, workers)
            asked = [FitRequest(law, points, LeastSquares(), 4, 0) for law in chosen]
            fits = dict(once.many(asked))
            resamples = once.bootstrap(fits[0], 600, seed=3)
            assert store.kinds() == {"fit": 3, "resamples": 3}
            assert [f.to_dict() for _, f in sorted(once.many(asked))] == [fits[i].to_dict() for i in range(3)]
        found.append(([fits[i].to_dict() for i in range(3)], resamples.constants.tolist()))
        assert resamples.constants.tolist() == fits[0].bootstrap(600, seed=3).constants.tolist()
    assert found[0] == found[1]


def test_a_fit_that_fails_is_told_and_not_stored() -> None:
    points = load("zhao2025").only("fit").take(np.arange(3))
    with Store(":memory:") as store:
        ((_, error),) = Remembered(store).many([FitRequest(laws["zhao2025"], points, LeastSquares(), 2, 0)])
        assert isinstance(error, NotApplicableError)
        assert len(store) == 0
