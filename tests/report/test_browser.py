"""The page in Chromium: nothing overflows at any width, mathematics and pictures have boxes, links lead on."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")

# The page stands in a frame of the asked width (its own policy forbids scripts); the script of the outer page measures.
MEASURE = """
<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe id="f" style="border:0;width:{width}px;height:3000px" srcdoc="{page}"></iframe>
<script>
addEventListener("load", () => {{
  const d = document.getElementById("f").contentDocument, root = d.documentElement;
  d.querySelectorAll("details").forEach(e => e.open = true);
  const box = e => e.getBoundingClientRect();
  const over = [...d.querySelectorAll("body *")].filter(e =>
    box(e).right > {width} + 1 && !e.closest(".scroll, pre, svg") && !e.parentElement.closest("math"));
  const out = {{
    scroll: root.scrollWidth, over: over.map(e => e.tagName + "." + e.className).slice(0, 5),
    maths: [...d.querySelectorAll("math")].map(e => [box(e).width, box(e).height]),
    wide: [...d.querySelectorAll(".equation .scroll")].filter(e => e.scrollWidth > e.clientWidth + 1).length,
    equations: d.querySelectorAll(".equation").length,
    pictures: [...d.querySelectorAll("figure svg")].map(e => [box(e).width, box(e).height]),
    small: [...d.querySelectorAll("figure svg text")].map(e => box(e).height).filter(h => h > 0 && h < 7).length,
    broken: [...d.querySelectorAll("a[href^='#']")]
      .filter(e => !d.getElementById(e.getAttribute("href").slice(1))).length,
  }};
  document.title = JSON.stringify(out);
}});
</script>
"""


def measured_at(page: Path, width: int, folder: Path) -> dict[str, object]:
    source = html.escape(page.read_text(encoding="utf-8"), quote=True)
    outer = folder / f"frame-{width}.html"
    outer.write_text(MEASURE.format(width=width, page=source), encoding="utf-8")
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--enable-logging=stderr", f"--user-data-dir={folder / 'profile'}", f"--window-size={max(width, 500)},900",
         "--virtual-time-budget=4000", "--dump-dom", outer.as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not complaints, complaints
    title = re.search(r"<title>(.*?)</title>", done.stdout, flags=re.DOTALL)
    assert title is not None, done.stderr[-2000:]
    found: dict[str, object] = json.loads(html.unescape(title[1]))
    return found


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_overflows_and_everything_has_a_box(width: int, measured: Path, tmp_path: Path) -> None:
    found = measured_at(measured / "report.html", width, tmp_path)
    assert found["over"] == []
    assert found["scroll"] <= width  # type: ignore[operator]
    assert found["broken"] == 0
    for name in ("maths", "pictures"):
        boxes = found[name]
        assert isinstance(boxes, list)
        assert len(boxes) > 8
        assert all(w > 3 and h > 3 for w, h in boxes), name
    assert found["small"] == 0
    if width > 1000:
        assert found["wide"] == 0  # on a desk every equation is seen whole
