"""What the pages under docs/ tell people to type exists, what they link to is there, their example is a good law."""

import re
import shlex
import subprocess
import sys
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
PAGES = sorted(p for p in DOCS.rglob("*.md") if p.relative_to(DOCS).parts[0] not in ("generated", "_build"))
BOWL = DOCS / "examples" / "bowl.py"


def commands(page: Path) -> list[str]:
    """Whole commands of a page, without the remarks beside them."""
    blocks = re.findall(r"```\w*\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", "").splitlines()
    return [re.split(r" {3,}", line)[0] if " --" not in line.split("    ")[-1] else line for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_verbs_options_laws_and_splits_exist(page: Path) -> None:
    for line in (c for c in commands(page) if c.startswith("formsearch ")):
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


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("generated/"):  # made by the build, whose own test is below
            assert (page.parent / target).exists(), target


def test_the_documentation_builds_without_a_warning_and_its_examples_hold(tmp_path: Path) -> None:
    """In processes of its own: Sphinx keeps global state, and its libraries warn of each other."""
    pytest.importorskip("sphinx", reason="needs the extra formsearch[docs]")
    for builder in ("html", "doctest"):
        # The pages are read once: the second builder takes them from the first one's doctrees.
        words = ["-W", "--keep-going", "-q", "-b", builder, "-d", str(tmp_path / "read"), str(DOCS),
                 str(tmp_path / builder)]  # fmt: skip
        done = subprocess.run([sys.executable, "-m", "sphinx", *words], capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    made = tmp_path / "html" / "generated"
    assert {p.stem for p in (made / "laws").glob("*.html")} == set(fs.laws)
    assert 'id="formsearch.advise"' in (made / "api.html").read_text(encoding="utf-8")


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
