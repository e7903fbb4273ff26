"""What the tests of a plug-in package look like: inherit the contract."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "src"))

import example_laws

from formsearch.testing import LawContract

sys.path.pop(0)


class TestExample(LawContract):
    laws = (example_laws.LAW,)
    docstrings = {"example_product": example_laws.__doc__}  # noqa: RUF012
