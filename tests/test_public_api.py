"""The public names, pinned: adding one is a decision, losing one breaks users."""

import inspect
import typing

import formsearch

PUBLIC = {
    # points
    "Points", "read_points", "load",
    # laws
    "Law", "Variable", "Constant", "Published", "Start", "laws", "formula_law", "read_law",
    # objectives
    "LeastSquares", "Huber", "SoftL1", "StudentT", "Asymmetric",
    # splits
    "Ordered", "KFold", "RepeatedKFold", "ByGroup", "LeaveOneLevelOut", "Column",
    # verbs
    "fit", "compare", "advise", "search", "derive", "report",
    # scikit-learn estimators
    "LawRegressor", "FormSearchRegressor",
}  # fmt: skip


def test_the_public_names() -> None:
    assert set(formsearch.__all__) == PUBLIC
    assert formsearch.__all__ == sorted(formsearch.__all__)
    for name in PUBLIC:
        assert getattr(formsearch, name) is not None
    assert set(formsearch.__all__) <= set(dir(formsearch))


def test_everything_public_is_documented_and_typed() -> None:
    for name in PUBLIC - {"laws"}:
        thing = getattr(formsearch, name)
        assert inspect.getdoc(thing), name
        if inspect.isfunction(thing):
            assert "return" in thing.__annotations__, name
            assert set(inspect.signature(thing).parameters) <= set(thing.__annotations__), name


def test_verbs_are_functions_and_their_rooms_can_still_be_imported() -> None:
    assert inspect.isfunction(formsearch.fit)
    from formsearch.compare.splits import Ordered
    from formsearch.fit.result import Fit

    assert formsearch.Ordered is Ordered
    assert typing.get_type_hints(Fit)["objective"] is float


def test_unknown_names_raise_attribute_errors() -> None:
    assert not hasattr(formsearch, "Regressor")
