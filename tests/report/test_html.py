"""The page: whole, safe, self-contained, accessible, and open about simulated losses."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from formsearch.report.blocks import Table
from formsearch.report.context import build
from formsearch.report.figures import Picture, render
from formsearch.report.html import html
from tests.report import example
from tests.report.reader import Page

EVIL = '<script>alert("1")</script>&lt;"\'><img src=x onerror=alert(1)>'


def page_of(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_elements_close_in_turn_and_headings_descend(measured: Path) -> None:
    page = Page(page_of(measured))
    assert len(page.every("h1")) == 1
    assert {"The points", "Leaderboard", "How chinchilla fits", "The search for a new form",
            "What follows from chinchilla", "What the points tell about the constants",
            "What to run next", "Provenance"} == set(page.text("h2"))  # fmt: skip


def test_the_answer_stands_on_top(measured: Path) -> None:
    page = Page(page_of(measured))
    labels, lines = page.text("dt"), page.text("dd")
    assert labels[:5] == ["Question", "Best law", "How sure", "New form", "What it says to do"]
    assert lines[1].startswith("chinchilla: mean absolute error")
    assert "stands alone in the 90 % confidence set; the next law, kaplan2020, errs by 0.020 more" in lines[2]
    assert lines[3].startswith("The search proposes found1 (4 constants), held-out error 0.0120 against 0.0130")
    assert "N growing as C to the power 0.513" in lines[4]
    items = page.text("li")
    assert "N_opt is a power of C with exponent β/(α + β) = 0.513 (0.481 to 0.546)." in items
    assert "✗ contradicted: put back into the slope it gives zero by algebra." in [i.replace("✗", "✗ ") for i in items]


def test_a_find_that_cannot_be_judged_is_told_on_top() -> None:
    document = example.results()
    reason = "it has no finite value on 3 of 12 test rows (first: row 4, N = 1e9); a score would not be on the same"
    document["leaderboards"][0]["not_applicable"].append({"law": "found1", "reason": reason})
    document["leaderboards"][0]["scores"][1]["law"] = "found2"
    told = dict(build(document).answer)["New form"]
    assert "; it is not on the leaderboard, because it has no finite value on 3 of 12 test rows; " in told
    assert "found2, which the search cannot tell from it, is number 2" in told


def test_the_ladder_ends_with_the_form_that_is_proposed(measured: Path) -> None:
    *_, last = csv.reader((measured / "tables" / "ladder.csv").read_text(encoding="utf-8").splitlines())
    assert last[:3] == ["3", "10", "0.012"]
    assert last[3].startswith("made simpler")
    assert "B" in last[4]
    *_, drawn = (measured / "figures" / "search-ladder.csv").read_text(encoding="utf-8").splitlines()
    assert drawn.startswith("3,0.012,")


def test_advice_names_runs_with_their_price_and_what_no_run_serves(measured: Path) -> None:
    source = page_of(measured)
    assert "To tell chinchilla from kaplan2020" in source
    assert "enough to decide." in source
    assert "No run within the budget tells more about α (now 0.34)." in source
    table = (measured / "tables" / "advice-1.csv").read_text(encoding="utf-8").splitlines()
    assert table[0] == "Runs,N,D,FLOPs each,chinchilla,kaplan2020,Outside"
    assert [line.split(",")[0] for line in table[1:]] == ["2", "1"]
    assert "N 2 times beyond" in table[1]
    assert len(table) == 3


def test_nothing_is_loaded_from_elsewhere(measured: Path) -> None:
    source = page_of(measured)
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", source)
    page = Page(source)
    assert not [t for t, _, _ in page.elements if t in ("script", "link", "iframe", "object", "img")]
    for _, attributes, _ in page.elements:
        assert not [k for k in attributes if k.startswith("on")]
        for key in ("src", "href"):
            if (value := attributes.get(key)) is not None:
                assert value.startswith(("#", "data:image/png;base64,")), (key, value[:40])


def test_links_and_references_lead_somewhere_and_ids_are_unique(measured: Path) -> None:
    page = Page(page_of(measured))
    ids = [a["id"] for _, a, _ in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {a["href"] for _, a, _ in page.elements if (a.get("href") or "").startswith("#")}
    targets |= {f"#{m}" for m in re.findall(r"url\(#([^)]+)\)", page_of(measured))}
    assert {t[1:] for t in targets if t} <= set(ids)


def test_figures_have_alternative_texts_and_captions(measured: Path) -> None:
    page = Page(page_of(measured))
    pictures = page.every("svg")
    assert len(pictures) == len(page.every("figure")) == len(page.every("figcaption")) > 8
    for attributes in pictures:
        assert attributes["role"] == "img"
        assert len(attributes["aria-label"] or "") > 30
    assert len({a["aria-label"] for a in pictures}) == len(pictures)


def test_tables_have_captions_and_headers(measured: Path) -> None:
    page = Page(page_of(measured))
    tables = page.every("table")
    assert len(tables) == len(page.every("caption")) > 6
    for _, attributes, parents in [e for e in page.elements if e[0] == "th"]:
        assert attributes.get("scope") in ("col", "row")
        assert "table" in parents


def test_formulas_are_mathml_with_latex_beside_them(measured: Path) -> None:
    source = page_of(measured)
    blocks = re.findall(r'<math display="block"[^>]*>(.*?)</math>', source, flags=re.DOTALL)
    twice = source.count('<math display="block" class="narrow"')  # once more, for telephones
    assert len(blocks) - twice == source.count('<details class="source">') > 8
    for block in blocks:
        ElementTree.fromstring(f"<math>{block}</math>")  # well-formed, no HTML-only entities
    assert r"L = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}" in source


def every_string(value: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key) of every string in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        if isinstance(inner, str):
            yield value, key
        yield from every_string(inner)


def test_no_string_of_the_document_becomes_markup() -> None:
    document = example.results()
    structure = {
        "kind",
        "metric",
        "hash",
        "best",
        "label",
        "law",
        "name",
        "symbol",
        "target",
        "target_quantity",
        "quantity",
    }
    changed = 0
    for container, key in list(every_string(document)):
        if key not in structure:
            container[key] = EVIL
            changed += 1
    assert changed > 100
    page = unillustrated(document)
    assert not [t for t, _, _ in page.elements if t in ("script", "img")]
    assert page.text("body")[0].count(EVIL) > 50


def unillustrated(document: dict[str, Any]) -> Page:
    """The page with empty pictures: drawing takes most of the time of a report."""
    report = build(document)
    return Page(html(report, {f.name: Picture("<svg></svg>", "", b"") for f in report.figures()}))


@pytest.mark.parametrize("name", [EVIL, "50 % of $N_a$ | #1 & co", "模型.csv", "a" * 300])
def test_names_of_files_and_laws_are_shown_as_they_are(name: str) -> None:
    document = example.results(name=name, best=name)
    page = unillustrated(document)
    assert any(name in t for t in page.text("h1"))
    assert any(name in t for t in page.text("th"))
    assert not page.every("script")
    assert not page.every("img")
    for figure in build(document).figures():
        if figure.name in ("leaderboard-errors", "extrapolation"):  # those that show names of laws
            ElementTree.fromstring(render(figure.draw, figure.name, figure.alt).svg)
            Page(render(figure.draw, figure.name, figure.alt).inline)


def test_simulated_losses_are_called_so_wherever_they_are_shown(simulated: Path, measured: Path) -> None:
    page = Page(page_of(simulated))
    assert "simulated" in page.text("title")[0]
    assert "simulated" in page.text("h1")[0]
    assert "Simulated losses, not measurements" in page.text("p")
    about_form = {"Where the runs lie on the range of each factor; a dot's area is the number of runs."}
    for caption in page.text("figcaption"):
        assert "simulated losses" in caption or caption in about_form
    for caption in page.text("caption"):
        assert "simulated losses" in caption or caption.startswith("Laws that could not be judged")
    tex, md = ((simulated / f"report.{kind}").read_text(encoding="utf-8") for kind in ("tex", "md"))
    assert tex.count("simulated losses") > 20 < md.count("simulated losses")
    for kind in ("html", "md", "tex"):
        assert "simulated" not in (measured / f"report.{kind}").read_text(encoding="utf-8").lower()


def test_colours_stand_out_in_both_modes() -> None:
    from formsearch.report.templating import template_text

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    blocks = re.findall(r":root \{(.*?)\}", template_text("report.css"), flags=re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for name, least in (("ink", 7), ("muted", 4.5), ("blue", 4.5), ("vermilion", 4), ("green", 4), ("purple", 4)):
            for ground in ("page", "raised"):
                pair = sorted((luminance(colours[name]), luminance(colours[ground])))
                assert (pair[1] + 0.05) / (pair[0] + 0.05) >= least, (name, ground)


def test_the_page_is_small(measured: Path) -> None:
    assert (measured / "report.html").stat().st_size < 1_000_000


def test_groups_have_their_errors_and_constants() -> None:
    document = example.results()
    for score in document["leaderboards"][0]["scores"]:
        score["by_group"] = dict.fromkeys(("code", "<prose>"), score["test"])
    document["fits"][0] |= {"constants": {}, "group_constants": dict.fromkeys(("code", "<prose>"), example.PUBLISHED)}
    page = unillustrated(document)
    assert "Mean absolute error on the judged rows of each group." in page.text("caption")
    assert "Constants of chinchilla by group." in page.text("caption")
    assert page.text("th").count("<prose>") == 2


def test_several_runs_in_one_report() -> None:
    one, other = example.results(), example.results(simulated="drawn from a law", name="other")
    other["points"][0]["hash"] = "ba9876543210"
    other["leaderboards"][0]["points"]["hash"] = "ba9876543210"
    for part in ("points", "leaderboards", "fronts", "derivations", "fits"):
        one[part] += other[part]
    report = build(one)
    names = [f.name for f in report.figures()] + [t.name for t in report.tables()]
    assert len(names) == len(set(names))
    page = unillustrated(one)
    ids = [a["id"] for _, a, _ in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert {"The points: runs.csv", "The points: other"} <= set(page.text("h2"))
    captions = page.text("caption")
    assert "Ranges of the 60 points." in captions
    assert "Ranges of the 60 points (simulated losses)." in captions


def test_points_that_feed_no_law() -> None:
    document = example.results()
    board = document["leaderboards"][0]
    board |= {"scores": [], "best": None, "pairs": [], "confidence_set": None, "sentences": [], "rows": {}}
    document["fronts"][0] |= {"candidates": [], "best": None, "near": [], "trace": [], "reference": None}
    page = unillustrated(document)
    assert "None: no law could be judged on these points." in page.text("dd")
    assert "The search found no form that passes every check." in page.text("dd")


def test_a_document_of_one_derivation_is_a_report() -> None:
    document = example.results()
    for part in ("leaderboards", "fronts", "fits", "points"):
        document[part] = []
    report = build(document)
    page = Page(html(report, {f.name: render(f.draw, f.name, f.alt) for f in report.figures()}))
    assert page.text("h1") == ["What follows from chinchilla"]


def test_a_law_under_another_name_is_told_once() -> None:
    document = example.results()
    board = document["leaderboards"][0]
    again = {**board["scores"][0], "label": "krajewski2024_dense", "law": "krajewski2024_dense"}
    board["scores"].insert(1, again)
    board["confidence_set"]["members"] = [board["scores"][0]["label"], "krajewski2024_dense"]
    told = dict(build(document).answer)["How sure"]
    assert "It stands alone" in told
    assert told.endswith(f"; krajewski2024_dense is the same as {board['scores'][0]['label']} on these points.")
    blocks = next(s.blocks for s in build(document).sections if s.title == "Leaderboard")
    rows = next(block.rows for block in blocks if isinstance(block, Table))
    assert rows[1][3] == f"the same as {rows[0][0]}"
