"""formsearch discovers, judges and explains neural scaling laws.

    points -> fit -> compare -> search -> derive -> report

Start with `read_points` or `load`, then `compare`; the verbs are documented one by one below.
"""

from formsearch.law import Constant, Law, Published, Start, Variable
from formsearch.points import Points
from formsearch.reading import read_points
from formsearch.registry import laws

__version__ = "0.1.0"

__all__ = [
    "Constant",
    "Law",
    "Points",
    "Published",
    "Start",
    "Variable",
    "laws",
    "read_points",
]
