"""Every example that `--help` prints does what it says, on tables of the names that the examples use."""

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from formsearch.cli.app import VERBS
from formsearch.data.cards import card

EXAMPLES = [
    line.removeprefix("Example:  ")
    for function in VERBS.values()
    for line in function.epilog.split("\n\n")  # type: ignore[attr-defined]
]
SHORT = {
    "run": "--seconds 0 --starts 2 --laws chinchilla",
    "compare": "--starts 2 --laws chinchilla,kaplan2020",
    "search": "--seconds 2",
    "fit": "--starts 4 --bootstrap 20",
    "advise": "--starts 2",
    "verify": "--seconds 1",
}
"""Verb -> options that make an example short; one that it has already is not changed, times and starts excepted."""

CLAIMS = """
title = "A claim"
source = "this test"
law = "zhao2025"
constants = "published"
[[claim]]
id = "G"
kind = "value"
expression = "sqrt(f/e)"
printed = "6.78"
"""

LONG = ("run", "verify", "derive", "advise")
"""Verbs whose examples take seconds in symbolic steps; the first example of each is run by the quick tests too."""


def params() -> list[object]:
    seen: set[str] = set()
    marked: list[object] = []
    for example in EXAMPLES:
        verb = example.split()[1]
        slow = verb in LONG and (verb in seen or verb in ("run", "verify", "advise"))
        marked.append(pytest.param(example, marks=pytest.mark.slow) if slow else example)
        seen.add(verb)
    return marked


def table(folder: Path) -> None:
    """runs.csv with all columns that examples name."""
    n, d = (v.ravel() for v in np.meshgrid(np.geomspace(5e7, 2e9, 6), np.geomspace(1e9, 3e10, 6)))
    loss = 1.8 + 400 * n**-0.34 + 400 * d**-0.28 + np.random.default_rng(0).normal(0, 0.003, n.size)
    frame = pd.DataFrame(
        {"params": n, "tokens": d, "size": n / 1e6, "loss": loss, "val_loss": loss + 0.01, "loss_c4": loss,
         "loss_pile": loss - 0.3, "is_outlier": 0, "split": np.where(d > 1e10, "test", "fit")}
    )  # fmt: skip
    frame.to_csv(folder / "runs.csv", index=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tables, and with finished runs called out and other."""
    import subprocess
    import sys

    folder = tmp_path_factory.mktemp("examples")
    table(folder)
    (folder / "claims.toml").write_text(CLAIMS)
    (folder / "mylaw.py").write_text('FORMULA = "E + A/N**a + B/D**b"\n')

    def formsearch(line: str) -> None:
        subprocess.run([sys.executable, "-m", "formsearch", *shlex.split(line)], cwd=folder, check=True)

    formsearch("run runs.csv --columns N=params --formula 'E + A/N**a' --laws mylaw.py --seconds 0 --quiet --out other")
    shutil.copytree(folder / "other", folder / "out")
    formsearch("fit zhao2025 --law zhao2025 --starts 4 --bootstrap 0 --quiet --out out")
    return folder


@pytest.fixture
def stage(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "stage"
    shutil.copytree(finished, folder)
    monkeypatch.chdir(folder)
    return folder


def shortened(words: list[str]) -> list[str]:
    more = shlex.split(SHORT.get(words[0], ""))
    found = list(words)
    for option, value in zip(more[::2], more[1::2], strict=True):
        if option not in words or option in ("--seconds", "--starts", "--bootstrap"):
            found += [option, value]
    return found


def test_every_verb_has_an_example() -> None:
    assert {e.split()[1] for e in EXAMPLES} == set(VERBS)
    assert all(e.startswith("formsearch ") for e in EXAMPLES)


@pytest.mark.parametrize("example", params())
def test_examples_run(cli, stage: Path, shared_table: Callable[..., Path], monkeypatch, example: str) -> None:
    words = shlex.split(example)[1:]
    if "fetch" in words:  # what would be downloaded lies in the cache already
        file = next(iter(card("chinchilla").files))
        monkeypatch.setenv("FORMSEARCH_CACHE", str(stage / "cache"))
        (stage / "cache" / "chinchilla").mkdir(parents=True)
        shutil.copy(shared_table("chinchilla_svg", file), stage / "cache" / "chinchilla" / file)
    if words[0] == "init":
        words.append("--force")
    done = cli(*shortened(words))
    if done.code == 3:  # the engine that the example names is not installed here: it says what to type
        assert "--engine" in words
        assert "error: engine " in done.err
        return
    assert done.code in (0, 1), done.err  # 1: the little table may hold nothing acceptable
    assert done.out
    assert "error:" not in done.err
    if "--out" in words:
        assert (stage / words[words.index("--out") + 1]).exists()
