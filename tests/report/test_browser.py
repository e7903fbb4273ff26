"""The page in Chromium, by Playwright: opens quickly, nothing overflows at any width, all has a box, links lead on."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import formsearch as fs
from formsearch.report import report

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install 'formsearch[dev]'")

CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
DESK, PHONE = 1280, 390
LARGEST = 2_000_000
"""Bytes of the file."""
LONGEST = 2.0
"""Seconds until it is laid out."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")

MEASURE = """
() => {
  const width = document.documentElement.clientWidth;
  document.querySelectorAll("details").forEach(e => e.open = true);
  const box = e => e.getBoundingClientRect(), size = e => [box(e).width, box(e).height];
  const all = q => [...document.querySelectorAll(q)];
  return {
    scroll: document.documentElement.scrollWidth,
    over: all("body *").filter(e =>
      box(e).right > width + 1 && !e.closest(".scroll, pre, svg") && !e.parentElement.closest("math"))
      .map(e => e.tagName + "." + e.className).slice(0, 5),
    maths: all("math").filter(e => e.checkVisibility()).map(size),
    twice: all(".equation .scroll").filter(e => [...e.children].filter(m => m.checkVisibility()).length != 1).length,
    wide: all(".equation .scroll").filter(e => e.scrollWidth > e.clientWidth + 1).length,
    cut: all(".tablebox > .scroll").filter(e => e.scrollWidth > e.clientWidth + 1)
      .map(e => e.getAttribute("aria-label")),
    pictures: all("figure svg, img").map(size),
    missing: all("img").filter(e => !e.complete || e.naturalWidth === 0).length,
    small: all("figure svg text").map(e => box(e).height).filter(h => h > 0 && h < 7).length,
    links: all("a[href]").map(e => e.getAttribute("href")),
  };
}
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(chromium: Any, path: Path, width: int, kept: Path, scheme: str = "light") -> Iterator[Any]:
    """The page at this width, without a network. On failure a picture of it lies in `kept`."""
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    try:
        page.goto(path.absolute().as_uri(), wait_until="load")
        yield page
        assert complaints == []
    except AssertionError as error:
        folder = Path(os.environ.get("FORMSEARCH_SCREENSHOTS", kept))
        picture = folder / f"{path.parent.name}-{width}-{scheme}.png"
        page.screenshot(path=str(picture), full_page=True)
        error.add_note(f"what it looked like: {picture}")
        raise
    finally:
        context.close()


def check(chromium: Any, page_file: Path, width: int, kept: Path) -> None:
    """All that is asked of a report."""
    assert page_file.stat().st_size < LARGEST
    with opened(chromium, page_file, width, kept) as page:
        found = page.evaluate(MEASURE)
        assert found["over"] == []
        assert found["scroll"] <= width
        assert found["missing"] == found["small"] == found["twice"] == 0
        for name in ("maths", "pictures"):
            assert len(found[name]) > 5
            assert all(w > 3 and h > 3 for w, h in found[name]), name
        if width == DESK:
            assert found["wide"] == 0  # on a desk every equation is seen whole
            assert found["cut"] == []  # and every table
        assert found["links"]
        for link in dict.fromkeys(found["links"]):
            assert link.startswith("#"), link  # a report leads nowhere else
            page.click(f'a[href="{link}"]')
            top = page.evaluate("() => document.querySelector(':target')?.getBoundingClientRect().top ?? null")
            assert top is not None, link
            assert -1 <= top < 900, link


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_report_of_every_part(chromium: Any, measured: Path, tmp_path: Path, width: int) -> None:
    check(chromium, measured / "report.html", width, tmp_path)


@pytest.fixture(scope="module")
def of_zhao2025(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the built-in data: a board and what follows from the best of it."""
    points = fs.load("zhao2025")
    board = fs.compare(points, laws=["zhao2025_eq7", "chinchilla", "abnar2025"], starts=4)
    best = board.score("zhao2025_eq7").fit
    out = tmp_path_factory.mktemp("zhao2025")
    report([points, board, fs.derive(best.law, best, resamples=20)], out)
    return out


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_the_report_of_zhao2025(chromium: Any, of_zhao2025: Path, tmp_path: Path, width: int) -> None:
    check(chromium, of_zhao2025 / "report.html", width, tmp_path)


def test_it_is_there_in_two_seconds(chromium: Any, of_zhao2025: Path) -> None:
    """Processor time of the page's thread: other work on the machine must not decide."""
    context = chromium.new_context(viewport={"width": DESK, "height": 900}, offline=True)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto((of_zhao2025 / "report.html").absolute().as_uri(), wait_until="load")
    measured = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    context.close()
    assert measured["Nodes"] > 1000
    assert 0 < measured["TaskDuration"] < LONGEST


@pytest.mark.slow
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_the_report_of_real_runs(chromium: Any, shared_table: Callable[..., Path], tmp_path: Path, width: int) -> None:
    points = fs.read_points(shared_table("chinchilla_svg"), where="is_outlier == 0")
    board = fs.compare(points, laws=["chinchilla", "kaplan2020"], starts=4)
    best = board.score("chinchilla").fit
    derived = fs.derive(best.law, best, subject_to="C = 6*N*D", sweep={"C": [1e19, 1e20, 1e21]}, resamples=20)
    report([points, board, derived], tmp_path / "real")
    check(chromium, tmp_path / "real" / "report.html", width, tmp_path)


def test_colours_follow_the_dark_mode_and_print_shows_what_is_folded(
    chromium: Any, measured: Path, tmp_path: Path
) -> None:
    look = (
        "() => ['body', 'figure svg text'].map(q => getComputedStyle(document.querySelector(q)))"
        ".map(s => s.color + s.fill)"
    )
    shades = {}
    for scheme in ("light", "dark"):
        with opened(chromium, measured / "report.html", DESK, tmp_path, scheme) as page:
            shades[scheme] = page.evaluate(look)
            ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
            shades[scheme].append(ground)
    assert all(a != b for a, b in zip(shades["light"], shades["dark"], strict=True))
    with opened(chromium, measured / "report.html", DESK, tmp_path) as page:
        page.emulate_media(media="print")
        heights = page.evaluate(
            "() => [...document.querySelectorAll('details.more')]"
            ".map(e => [...e.children].slice(1).map(c => c.getBoundingClientRect().height))"
        )
        assert heights
        assert all(max(h) > 5 for h in heights)
