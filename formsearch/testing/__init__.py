"""Contracts that laws and engines inherit, those of other packages included.

class TestMyLaw(LawContract):
    laws = (my_package.LAW,)

pytest then checks the law as it checks the laws that come with formsearch.
"""

from formsearch.testing.laws import LawContract

__all__ = ["LawContract"]
