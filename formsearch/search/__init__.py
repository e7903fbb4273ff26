"""Search for laws: from points alone to short forms that extrapolate.

`search` is the verb. Inside: `grammar`, `normal`, `emit`, `expression` say what a form is; `moves` and `native` find
them; `judge`, `emphasis`, `asymptotics`, `accept`, `finish` decide; `engine` is the protocol for other engines;
`front` is the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from formsearch.core.objectives import Objective
from formsearch.law import Law
from formsearch.search.engine import MAX_COMPLEXITY, OPERATORS

if TYPE_CHECKING:
    from formsearch.points import Points
    from formsearch.search.checkpoint import States
    from formsearch.search.engine import Engine, Report
    from formsearch.search.front import Front

__all__ = ["search"]


def search(
    points: Points,
    engine: str | Engine | Sequence[str | Engine] = "native",
    seconds: float = 60.0,
    seed: int = 0,
    seeds: str | Sequence[Law | str] | None = "registry",
    objective: Objective | None = None,
    train: str | None = None,
    variables: Sequence[str] | None = None,
    generations: int | None = None,
    max_constants: int | None = None,
    emphasis: float | None = None,
    progress: Report | None = None,
    states: States | None = None,
    max_complexity: int = MAX_COMPLEXITY,
    operators: Sequence[str] = OPERATORS,
) -> Front:
    """Search for forms that fit the points and extrapolate.

    Parameters
    ----------
    engine : name of an engine, an engine object, or several (they share the time and their finds are merged).
    seconds : wall-clock budget, acceptance included; with `generations` set, of PySR's runs only.
    seeds : `"registry"` starts from every registered law the points can feed, a list from those laws, `None` from
        nothing (a blind search).
    objective : what every fit minimises; by default least squares, of logarithms where a positive target spans more
        than a factor of two.
    train : split label of the rows to search on; by default those labelled fit, train or training, else all rows.
    variables : quantities that forms may use; by default every factor that varies.
    generations : stop after so many generations, whatever the clock says: what the native engine finds then depends
        on the seed alone.
    max_constants : cap on the constants of a form (of one group, for grouped points).
    max_complexity : cap on the constants and operators of a form together, seeds included.
    operators : what new forms may be built from, of + * / pow log exp; "pow" is a power with a constant exponent. The
        registry's laws take part as they are.
    emphasis : rate at which small runs are discounted: a row weighs exp(-emphasis (1 - z)), z its overall size scaled
        to [0, 1]. By default 0 or 3, whichever predicts held-out larger runs better (see the front's `emphasis`).
    progress : called with `Progress` after every generation.
    states : where the state of the search is kept while it is under way, to go on from it after an interruption.

    Constants are fitted per group where the points are grouped. Ctrl-C ends the search and keeps what was found.

    Raises `InputError` for too few points, `EngineMissingError` for an engine that cannot run here.
    """
    from formsearch.search.discovery import Request, discover

    return discover(
        Request(
            points, engine, seconds, seed, seeds, objective, train, variables, generations, max_constants, emphasis,
            progress, states, max_complexity, tuple(operators),
        )
    )  # fmt: skip
