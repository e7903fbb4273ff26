"""formsearch discovers, judges and explains neural scaling laws.

    points -> fit -> compare -> search -> derive -> report

Start with `read_points` or `load`, then `compare`; the verbs are documented one by one below.
"""

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
from formsearch.points import Points
from formsearch.reading import read_points
from formsearch.registry import laws

__version__ = "0.1.0"

__all__ = [
    "Asymmetric",
    "ByGroup",
    "Column",
    "Constant",
    "Huber",
    "KFold",
    "Law",
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
    "compare",
    "derive",
    "fit",
    "laws",
    "load",
    "read_points",
]
