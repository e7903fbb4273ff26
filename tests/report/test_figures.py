"""Pictures: the same bytes for the same data, colours from the page, unique identifiers, units on axes."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from formsearch.report import plots
from formsearch.report.figures import VARIABLES, axis_label, panel, render, scale, wants_log

X = np.geomspace(1e8, 1e10, 12)
Y = np.linspace(3.0, 2.0, 12)
TEST = np.arange(12) > 8

PANELS: dict[str, Callable[[], Figure]] = {
    "levels": lambda: plots.levels({"N": X, "shared_ratio": np.linspace(0, 1, 12), "D": np.full(12, 1e9)}),
    "design": lambda: plots.design(X, X[::-1], Y, ("N", "D"), "loss"),
    "overview": lambda: plots.overview(X, Y, ["fit"] * 6 + ["test"] * 6, "C", "loss"),
    "coverage": lambda: plots.coverage(["N", "D", "active_experts"], np.full((3, 3), 0.5)),
    "forest": lambda: plots.forest([plots.Bar("a", 0.01, 0.005, 0.02), plots.Bar("b", 0.5, None, None)], "error"),
    "parity": lambda: plots.parity(Y, Y + 0.01, TEST, "nats/token"),
    "residuals": lambda: plots.residuals(X, Y - 2.5, TEST, "N", "nats/token"),
    "reach": lambda: plots.reach({"a": np.abs(Y), "b": np.abs(Y) / 9}, np.linspace(0, 1, 12), "distance", "nats/token"),
    "front": lambda: plots.front(np.arange(12.0), Y, Y, TEST, 3, "nats/token", 2.5),
    "ladder": lambda: plots.ladder(Y, "nats/token"),
    "valley": lambda: plots.valley(X, Y, "N", "loss", 1e9, (5e8, 2e9)),
    "allocation": lambda: plots.allocation(X * 1e11, {"N": X, "D": X * 20}, "C"),
    "valleys": lambda: plots.valleys({"C = 1": (X, Y, 1e9, 2.5)}, "N", "loss"),
}


@pytest.mark.parametrize("name", PANELS)
def test_every_panel_is_drawn_the_same_twice_and_follows_the_page(name: str) -> None:
    first, second = (render(PANELS[name], name, f"{name} <of> test") for _ in range(2))
    assert first == second
    assert first.pdf.startswith(b"%PDF")
    drawn = set(re.findall(r"#[0-9a-f]{6}\b", first.inline)) & set(VARIABLES)
    assert not drawn
    assert "var(--" in first.inline
    assert 'aria-label="' + name + ' &lt;of&gt; test"' in first.inline
    assert "DejaVu" not in first.svg
    assert "<metadata" not in first.svg
    width = float(re.search(r'width="(\d+)"', first.inline)[1])  # type: ignore[index]
    assert 350 <= width <= 370
    assert len(first.inline) < 60_000


def test_identifiers_of_two_panels_differ() -> None:
    one, other = (render(PANELS["parity"], name, "p") for name in ("parity", "parity-2"))
    ids = [set(re.findall(r' id="([^"]+)"', p.inline)) for p in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_one_run_and_equal_runs_can_be_drawn() -> None:
    one = np.asarray([1.0])
    flat = np.full(3, 2.0)
    for draw in (
        lambda: plots.levels({"N": one}),
        lambda: plots.parity(flat, flat, np.zeros(3, bool), "u"),
        lambda: plots.residuals(flat, flat * 0, np.ones(3, bool), "N", "u"),
        lambda: plots.overview(flat, flat, [], "N", "u"),
        lambda: plots.forest([plots.Bar("only", 0.0, 0.0, 0.0)], "error"),
        lambda: plots.front(one, one, one, np.asarray([False]), None, "u", None),
        lambda: plots.reach({"a": np.zeros(3)}, flat, "distance", "u"),
    ):
        assert render(draw, "edge", "edge").svg


def test_axes_say_their_units_and_read_as_people_write() -> None:
    assert axis_label("C") == "compute C (FLOPs)"
    assert axis_label("D") == "training tokens D"
    assert axis_label("lr") == "learning rate"
    assert axis_label("user_temperature") == "user temperature"
    figure, axes = panel()
    axes.plot(X, np.geomspace(1e18, 1e22, 12))
    scale(axes, "x", X, "N")
    scale(axes, "y", np.geomspace(1e18, 1e22, 12), "C")
    figure.canvas.draw()
    assert {"100M", "1B", "10B"} <= {t.get_text() for t in axes.get_xticklabels()}
    assert "10²⁰" in {t.get_text() for t in axes.get_yticklabels()}


def test_shares_and_narrow_ranges_stay_linear() -> None:
    assert wants_log(X, "N")
    assert not wants_log(np.asarray([0.01, 0.9]), "shared_ratio")
    assert not wants_log(np.asarray([2.0, 3.0]))
    assert not wants_log(np.asarray([0.0, 1e9]), "N")
    assert not wants_log(np.asarray([np.nan]), "N")


def test_files_of_figures_carry_their_data(measured: Path) -> None:
    for svg in (measured / "figures").glob("*.svg"):
        head, *rows = svg.with_suffix(".csv").read_text(encoding="utf-8").splitlines()
        assert head
        assert rows
        assert svg.with_suffix(".pdf").stat().st_size > 1000
        assert svg.read_text(encoding="utf-8").startswith("<svg")
    parity = (measured / "figures" / "parity.csv").read_text(encoding="utf-8").splitlines()
    assert parity[0] == "row,observed,predicted,judged"
    assert len(parity) == 61
