"""Laws, points and fits travel between processes and through `copy`."""

import copy
import pickle

import numpy as np

import formsearch as fs


def test_laws_points_and_fits_survive_pickling_and_copying() -> None:
    points = fs.load("zhao2025").only("fit")
    fit = fs.fit("zhao2025", points)
    for again in (pickle.loads(pickle.dumps(fit)), copy.deepcopy(fit)):
        assert again.constants == fit.constants
        assert again.law.key == fit.law.key
        assert again.law.published["zhao2025"].constants == fit.law.published["zhao2025"].constants
        assert again.data.hash == points.hash
        np.testing.assert_array_equal(again.predict(points), fit.predict(points))


def test_rules_for_derived_quantities_survive_too() -> None:
    points = fs.load("zhao2025").only("fit")
    _, rules = fs.laws["abnar2025"].bind(points)
    assert rules
    assert pickle.loads(pickle.dumps(rules)) == rules
