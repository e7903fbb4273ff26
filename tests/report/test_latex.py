"""LaTeX: balanced and escaped; compiled where a TeX is installed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from formsearch.report.writing import write
from tests.report import example

TEX = shutil.which("tectonic") or shutil.which("pdflatex")


def test_environments_close_and_figures_exist(measured: Path) -> None:
    source = (measured / "report.tex").read_text(encoding="utf-8")
    stack: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+\*?)\}", source):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    assert "\\toprule" in source
    assert "\\begin{equation}\\tag{1}" in source
    for path in re.findall(r"\\includegraphics\[[^]]*\]\{([^}]+)\}", source):
        assert (measured / path).exists()


def test_every_figure_and_table_of_the_page_is_in_the_article(measured: Path) -> None:
    source = (measured / "report.tex").read_text(encoding="utf-8")
    assert source.count("\\includegraphics") == len(list((measured / "figures").glob("*.pdf")))
    assert source.count("\\toprule") >= len(list((measured / "tables").glob("*.csv")))


@pytest.mark.slow
@pytest.mark.skipif(TEX is None, reason="needs a TeX: install tectonic, or Debian's texlive-latex-recommended")
@pytest.mark.parametrize("name", ["runs.csv", "50 % of $N_a$ | #1 & {co} \\input{x} ~^ <b> é 模"])
def test_the_article_compiles(name: str, tmp_path: Path) -> None:
    write(example.results(simulated="drawn from a law", name=name, best=name), tmp_path)
    assert TEX is not None
    command = (
        [TEX, "report.tex"] if "tectonic" in TEX else [TEX, "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    )
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=300)
    assert done.returncode == 0, done.stdout[-3000:]
    assert (tmp_path / "report.pdf").stat().st_size > 20_000
