"""The contract of engines, over the project's own."""

from formsearch.search.native import Native
from formsearch.search.operon.engine import Effort, Operon
from formsearch.testing import EngineContract


class TestNative(EngineContract):
    engine = Native
    generations = 2


class TestOperon(EngineContract):
    @staticmethod
    def engine() -> Operon:  # type: ignore[override]
        return Operon(Effort(population=200, generations=10, side=2))

    generations = 3
