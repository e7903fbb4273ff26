"""Markdown: rendered by a CommonMark parser, tables whole, pictures there, markup escaped."""

from pathlib import Path

from markdown_it import MarkdownIt

from formsearch.report.context import build
from formsearch.report.markdown import markdown
from tests.report import example
from tests.report.reader import Page


def rendered(folder: Path) -> Page:
    return Page(MarkdownIt("commonmark").enable("table").render((folder / "report.md").read_text(encoding="utf-8")))


def test_tables_are_tables(measured: Path) -> None:
    page = rendered(measured)
    source = (measured / "report.md").read_text(encoding="utf-8")
    assert len(page.every("table")) == len(list((measured / "tables").glob("*.csv")))
    assert source.count("\n|:") + source.count("\n|-") == len(page.every("table"))
    widths = {line.count("|") - line.count(r"\|") for line in source.splitlines() if line.startswith("| chinchilla")}
    assert len(widths) >= 1
    assert not [t for t in page.text("p") if t.startswith("|")]  # no row fell out of its table


def test_rows_have_as_many_cells_as_their_head(measured: Path) -> None:
    block: list[str] = []
    for line in [*(measured / "report.md").read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("|"):
            block.append(line)
        elif block:
            counts = {row.replace(r"\|", "").count("|") for row in block}
            assert len(counts) == 1, block[0]
            block = []


def test_pictures_are_there_and_described(measured: Path) -> None:
    pictures = rendered(measured).every("img")
    assert len(pictures) > 8
    for attributes in pictures:
        assert (measured / (attributes["src"] or "")).exists()
        assert len(attributes["alt"] or "") > 30


def test_the_same_content_as_the_page(measured: Path) -> None:
    page = rendered(measured)
    html = Page((measured / "report.html").read_text(encoding="utf-8"))
    assert page.text("h2") == html.text("h2")
    assert page.text("h1") == html.text("h1")


def test_names_do_not_become_markup(tmp_path: Path) -> None:
    name = "<b>x</b> | `rm` [a](b) *c* $d$"
    report = build(example.results(name=name, best=name))
    (tmp_path / "report.md").write_text(markdown(report), encoding="utf-8")
    page = rendered(tmp_path)
    assert name in page.text("h1")[0]
    assert not [a for a in page.every("a") if a.get("href") == "b"]
    assert len(page.every("table")) == len(report.tables())
