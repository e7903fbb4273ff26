"""What the pages under docs/ tell people to type exists, what they link to is there, their example is a good law."""

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import typer

import formsearch as fs
from formsearch.cli.app import VERBS, app
from formsearch.compare import parse_split
from formsearch.testing import LawContract

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
BOWL = DOCS / "examples" / "bowl.py"


def commands(page: Path) -> list[str]:
    """Whole commands of a page, without the remarks beside them."""
    blocks = re.findall(r"```\w*\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", "").splitlines()
    return [re.split(r" {3,}", line)[0] if " --" not in line.split("    ")[-1] else line for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_verbs_options_laws_and_splits_exist(page: Path) -> None:
    found = [c for c in commands(page) if c.startswith("formsearch ")]
    assert found
    for line in found:
        words = shlex.split(line)
        assert words[1] in VERBS, line
        command = typer.main.get_command(app).commands[words[1]]  # type: ignore[attr-defined]
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert {w for w in words if w.startswith("--")} <= known, line
        for option, value in pairwise(words):
            if option == "--laws":
                assert set(value.split(",")) <= set(fs.laws), line
            if option == "--split":
                parse_split(value)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_splits_in_the_table_of_options_are_read() -> None:
    text = (DOCS / "compare.md").read_text(encoding="utf-8")
    splits = re.findall(r"`(?:--split )?((?:ordered|kfold|repeated|group|level|column):[^`]+)`", text)
    assert len(splits) >= 7
    for split in splits:
        parse_split(split)


class TestBowl(LawContract):
    """The example file, read as the command line reads it."""

    laws = (fs.read_law(BOWL),)
    docstrings: ClassVar[dict[str, str]] = {"bowl": BOWL.read_text().split('"""')[1]}


def test_the_example_is_fitted_from_its_own_starts() -> None:
    law = fs.read_law(BOWL)
    rng = np.random.default_rng(0)
    n = 200
    factors = {
        "N_active": 10 ** rng.uniform(8, 9.5, n), "D": 10 ** rng.uniform(9, 10.5, n),
        "lr": 10 ** rng.uniform(-4, -2, n), "batch_size": 10 ** rng.uniform(4.5, 6.5, n),
    }  # fmt: skip
    truth = {"E": 1.8, "A": 400.0, "a": 0.34, "B": 700.0, "b": 0.32, "u": 0.03, "p": 2e-4, "r": 0.05, "v": 0.02,
             "s": 2.0, "t": 0.5}  # fmt: skip
    fitted = fs.fit(law, fs.Points(law.evaluate(factors, truth), factors))
    assert fitted.ok
    assert fitted.constants["t"] == pytest.approx(0.5, rel=1e-5)
    assert fitted.constants["p"] * 1e10 ** fitted.constants["r"] == pytest.approx(2e-4 * 1e10**0.05, rel=1e-5)
