"""Contracts that laws and engines inherit, those of other packages included.

class TestMyLaw(LawContract):
    laws = (my_package.LAW,)

class TestMyEngine(EngineContract):
    engine = my_package.MyEngine

pytest then checks them as it checks the laws and engines that come with formsearch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formsearch.testing.laws import LawContract

if TYPE_CHECKING:
    from formsearch.testing.engines import EngineContract

__all__ = ["EngineContract", "LawContract"]


def __getattr__(name: str) -> Any:
    # Its fixtures need pytest, which is no dependency of formsearch.
    if name == "EngineContract":
        from formsearch.testing.engines import EngineContract

        return EngineContract
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
