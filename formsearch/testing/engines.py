"""`EngineContract`: what every search engine must satisfy, as a class of pytest tests to inherit from.

    class TestMyEngine(EngineContract):
        engine = MyEngine

An engine that is not installed skips everything but its own message.
"""

from __future__ import annotations

import contextlib
import json
import pickle
import re
import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np
import pytest

from formsearch.exceptions import FormsearchError
from formsearch.points import Points
from formsearch.registry import laws
from formsearch.search import search
from formsearch.search.engine import Config, Engine, Progress, Proposal, Step
from formsearch.search.grammar import complexity, describe, uses, variables
from formsearch.search.judge import folds_of
from formsearch.search.vocabulary import says

CONSTANTS = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}


def table(levels: int = 7, noise: float = 0.002) -> Points:
    """Simulated runs of Chinchilla's form on a grid of sizes."""
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(5e7, 1e10, levels), np.geomspace(2e9, 2e11, levels)))
    exact = laws["chinchilla"].evaluate({"N": N, "D": D}, CONSTANTS)
    rng = np.random.default_rng(0)
    return Points(exact * (1 + noise * rng.normal(size=len(N))), {"N": N, "D": D}, name="contract", simulated="noise")


class EngineContract:
    """Inherit, name the class `Test...`, and set `engine`.

    Attributes
    ----------
    engine : makes the engine (its class, or a function without arguments).
    seconds : wall-clock budget of one search here. slack : seconds by which it may be overrun, on a busy machine.
    generations : a small amount of work, for searches that must be equal; None where the engine promises nothing.
    """

    engine: ClassVar[Callable[[], Engine]]
    seconds: ClassVar[float] = 2.0
    slack: ClassVar[float] = 20.0
    generations: ClassVar[int | None] = None

    # -- what the tests share ------------------------------------------------------------------------------------

    def made(self) -> Engine:
        """A new engine; skips where it cannot run."""
        engine = type(self).engine()
        if missing := engine.available():
            pytest.skip(missing)
        return engine

    def config(self, points: Points, **changes: Any) -> Config:
        """A configuration for a small search."""
        options: dict[str, Any] = {
            "variables": tuple(points.factors), "seconds": self.seconds, "folds": tuple(folds_of(points)),
        }  # fmt: skip
        return Config(**{**options, **changes})

    def proposals(self, points: Points, **changes: Any) -> list[Proposal]:
        """What a new engine proposes."""
        return list(self.made().propose(points, self.config(points, **changes)))

    # -- the protocol --------------------------------------------------------------------------------------------

    def test_is_an_engine(self) -> None:
        """Name, promise, `available` and `propose`."""
        engine = type(self).engine()
        assert isinstance(engine, Engine)
        assert re.fullmatch(r"[a-z][a-z0-9_\-]*", engine.name)
        assert len(engine.deterministic) > 10, "say in words what is promised of equal seeds"

    def test_says_what_is_missing(self) -> None:
        """None, or one line with what to do."""
        missing = type(self).engine().available()
        assert missing is None or (missing.strip() and "\n" not in missing)

    def test_proposes_forms(self) -> None:
        """Forms over the variables it was given, with a constant for each number that is fitted, as plain data."""
        found = self.proposals(table())
        assert found
        name = type(self).engine().name
        for p in found:
            assert isinstance(p, Proposal)
            assert p.engine.split(",")[0] == name, "another engine's name may follow, if it went on from the form"
            assert len(p.constants) == len(p.form.kinds)
            assert variables(p.form.body) <= {"N", "D"}
            assert set(uses(p.form.body)) <= set(range(len(p.form.kinds)))
            assert all(isinstance(s, Step) for s in p.steps)
        assert any(variables(p.form.body) for p in found), "every form is a constant"
        sent = pickle.loads(pickle.dumps(found))
        assert [p.form for p in sent] == [p.form for p in found]

    def test_keeps_to_its_operators(self) -> None:
        """No logarithm or exponential where none is asked for."""
        asked = ("+", "*", "/", "pow")
        found = self.proposals(table(), operators=asked, generations=self.generations)
        assert found
        assert not [describe(p.form) for p in found if not says(p.form, asked)]

    def test_keeps_to_its_limits(self) -> None:
        """Size, number of constants, and wall-clock time."""
        engine, points = self.made(), table()
        begun = time.monotonic()
        found = list(engine.propose(points, self.config(points, max_constants=3, max_complexity=15)))
        assert time.monotonic() - begun < self.seconds + self.slack
        for p in found:
            assert len(uses(p.form.body)) <= 3
            assert complexity(p.form) <= 15

    def test_leaves_the_points_alone(self) -> None:
        """The table is the same after the search as before."""
        points = table()
        before = points.describe()
        self.proposals(points, seconds=min(self.seconds, 2.0))
        assert points.describe() == before

    def test_tells_how_far_it_is(self) -> None:
        """If it reports, it reports `Progress` of finite times."""
        told: list[Progress] = []
        points = table()
        list(self.made().propose(points, self.config(points), told.append))
        assert all(isinstance(p, Progress) and p.seconds >= 0 for p in told)

    # -- what it finds -------------------------------------------------------------------------------------------

    def test_what_it_finds_passes_through_the_common_end(self) -> None:
        """Refitted, judged and sorted; at least one form explains most of the target."""
        points = table()
        result = search(points, engine=self.made(), seconds=max(3 * self.seconds, 8.0), seeds=None)
        json.dumps(result.to_dict())
        assert result.candidates
        spread = float(np.std(points.target))
        assert min(c.train_error for c in result.candidates) < 0.3 * spread
        assert type(self).engine().name in result.engines

    def test_equal_seeds(self) -> None:
        """With a fixed amount of work, the same seed gives the same forms in the same order, where that is promised."""
        if self.generations is None:
            pytest.skip("promises nothing of equal seeds")
        points = table()
        first, second = (self.proposals(points, seconds=120.0, generations=self.generations, seed=3) for _ in range(2))
        assert [p.form for p in first] == [p.form for p in second]
        assert [p.constants for p in first] == [p.constants for p in second]

    # -- hostile input -------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("kind", ["constant column", "few rows", "zeros", "huge range", "negative", "equal rows"])
    def test_hostile_tables(self, kind: str) -> None:
        """Forms, nothing, or an error of formsearch's own; never another exception, never the end of the process."""
        points = hostile(kind)
        found: list[Proposal] = []
        with contextlib.suppress(FormsearchError):
            found = self.proposals(points, seconds=min(self.seconds, 1.5))
        assert all(variables(p.form.body) <= set(points.factors) for p in found)

    def test_weights_and_groups(self) -> None:
        """Weighted and grouped points are searched, or refused in words."""
        points = table()
        group = np.array(["a", "b"])[np.arange(len(points)) % 2]
        weighted = Points(
            points.target, dict(points.factors), name="grouped", group=group, weight=np.linspace(1.0, 3.0, len(points))
        )
        found: list[Proposal] = []
        with contextlib.suppress(FormsearchError):
            found = self.proposals(weighted, seconds=min(self.seconds, 2.0))
        for p in found:
            assert all(len(c) == len(p.form.kinds) for c in p.group_constants)

    def test_an_interruption_keeps_what_was_found(self) -> None:
        """Ctrl-C while it searches ends it; no other exception comes of it."""
        points = table()

        def interrupt(_: Progress) -> None:
            raise KeyboardInterrupt

        try:
            found: Iterable[Proposal] = list(self.made().propose(points, self.config(points), interrupt))
        except KeyboardInterrupt:
            found = []
        assert all(isinstance(p, Proposal) for p in found)


def hostile(kind: str) -> Points:
    """Small tables that have ended processes."""
    base = table(4, 0.01)
    N, D, y = base.factors["N"], base.factors["D"], base.target
    match kind:
        case "constant column":
            return Points(y, {"N": N, "D": np.full_like(D, 3.0)}, name=kind)
        case "few rows":
            return Points(y[:3], {"N": N[:3], "D": D[:3]}, name=kind)
        case "zeros":
            return Points(y, {"N": N, "sparsity": np.where(np.median(D) < D, 0.5, 0.0)}, name=kind)
        case "huge range":
            return Points(y, {"N": np.geomspace(1e-3, 1e30, len(y)), "D": D}, name=kind)
        case "negative":
            return Points(y - y.mean(), {"N": N, "D": D}, name=kind, target_quantity="score")
        case _:
            return Points(np.full_like(y, 2.0), {"N": N, "D": D}, name=kind)
