"""formsearch discovers, judges and explains neural scaling laws.

    points -> fit -> compare -> search -> derive -> report

Start with `read_points` or `load`, then `compare`; the verbs are documented one by one below.
"""

from formsearch import command

with command.Quietly(when=command.is_command()):
    from typing import TYPE_CHECKING, Any

    from formsearch.advise import advise
    from formsearch.compare import (
        ByGroup,
        Column,
        KFold,
        LeaveOneLevelOut,
        Ordered,
        RepeatedKFold,
        compare,
    )
    from formsearch.core.objectives import Asymmetric, Huber, LeastSquares, SoftL1, StudentT
    from formsearch.data import load
    from formsearch.derive import derive
    from formsearch.fit import fit
    from formsearch.law import Constant, Law, Published, Start, Variable
    from formsearch.lawfile import formula_law, read_law
    from formsearch.points import Points
    from formsearch.reading import read_points
    from formsearch.registry import laws
    from formsearch.report import report
    from formsearch.search import search

if TYPE_CHECKING:
    from formsearch.fit.regressor import LawRegressor
    from formsearch.search.estimator import FormSearchRegressor

__version__ = "0.1.0"

__all__ = [
    "Asymmetric",
    "ByGroup",
    "Column",
    "Constant",
    "FormSearchRegressor",
    "Huber",
    "KFold",
    "Law",
    "LawRegressor",
    "LeastSquares",
    "LeaveOneLevelOut",
    "Ordered",
    "Points",
    "Published",
    "RepeatedKFold",
    "SoftL1",
    "Start",
    "StudentT",
    "Variable",
    "advise",
    "compare",
    "derive",
    "fit",
    "formula_law",
    "laws",
    "load",
    "read_law",
    "read_points",
    "report",
    "search",
]

_LAZY = {"FormSearchRegressor": "formsearch.search.estimator", "LawRegressor": "formsearch.fit.regressor"}
"""Public names whose modules import scikit-learn, which takes longer than everything else together."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
