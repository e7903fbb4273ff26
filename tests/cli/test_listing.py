"""The verbs that show what is there: laws, data, doctor."""

import csv
import tomllib
from pathlib import Path

import pytest

from formsearch.lawpage import law_list, law_page, page_markdown, page_text
from formsearch.registry import Registry, laws


def test_laws_lists_all_and_shows_one(cli, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = cli("laws")
    assert done.code == 0
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines[2:] if line[0] != " "] == list(laws)
    assert max(map(len, lines)) <= 80
    shown = cli("laws", "chinchilla").out
    assert shown == page_text(laws["chinchilla"], 80) + "\n"
    assert "L = E + A⋅N   + B⋅D" in shown
    for part in ("besiroglu2024", "arXiv:2203.15556", "read in the paper", "Caveats", "Conflicts with other laws"):
        assert part in shown
    assert "Krajewski's G is d_ff/d_expert" in cli("laws", "zhao2025").out


def test_laws_as_json(cli) -> None:
    listed = cli("laws", "--json").result["laws"]
    assert listed == law_list(laws.values())
    law = cli("laws", "chinchilla", "--json").result
    assert law == law_page(laws["chinchilla"])
    assert law["published"]["besiroglu2024"]["constants"]["alpha"] == 0.3478
    assert law["constants"][0] == {
        "symbol": "E", "meaning": "irreducible loss, nats/token", "lower": 0.0, "upper": None,
    }  # fmt: skip


def test_laws_are_written_as_markdown_or_json(cli, tmp_path) -> None:
    assert cli("laws", "abnar2025", "--out", tmp_path / "abnar.md", "--quiet").out == ""
    assert (tmp_path / "abnar.md").read_text() == page_markdown(laws["abnar2025"])
    cli("laws", "--out", tmp_path / "laws.md")
    assert (tmp_path / "laws.md").read_text().count("\n| ") == len(laws)
    cli("laws", "--out", tmp_path / "laws.json")
    assert '"abnar2025"' in (tmp_path / "laws.json").read_text()


def test_a_law_of_a_plug_in_package_is_listed(cli, monkeypatch, tmp_path) -> None:
    example = Path(__file__).parents[1] / "plugin_example"
    points = tomllib.loads((example / "pyproject.toml").read_text())["project"]["entry-points"]["formsearch.laws"]
    info = tmp_path / "formsearch_example_laws-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: formsearch-example-laws\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(
        "[formsearch.laws]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(example / "src"))
    monkeypatch.setattr("formsearch.registry.laws", Registry())
    assert "\nexample_product " in cli("laws").out
    assert "L = E + A⋅(N⋅D)" in cli("laws", "example_product").out


def test_an_unknown_law_suggests_the_nearest(cli) -> None:
    done = cli("laws", "chinchila")
    assert (done.code, done.out) == (2, "")
    assert "did you mean 'chinchilla'" in done.err


def test_data_lists_built_in_and_fetchable_sets(cli) -> None:
    done = cli("data")
    assert "built in" in done.out
    assert "formsearch data fetch chinchilla" in done.out
    assert cli("data", "--json").result["datasets"][0]["name"] == "zhao2025"


def test_data_says_simulated_in_every_form(cli, tmp_path) -> None:
    assert "SIMULATED target: simulated from Eq. 11" in cli("data", "zhao2025").out
    result = cli("data", "zhao2025", "--json").result
    assert result["points"]["simulated"].startswith("simulated from Eq. 11")
    assert result["card"]["simulation"]["sigma"] == 0.0071
    assert result["laws"]["chinchilla"] is None
    assert "experts" in result["laws"]["ludziejewski2025"]


def test_data_describes_a_table_and_what_it_assumed(cli, runs) -> None:
    done = cli("data", runs)
    assert "columns assumed: N=params, D=tokens (base units)" in done.out
    assert "C = 6*N*D" in done.out
    assert "chinchilla" in done.out


def test_data_is_written_as_csv_or_json(cli, runs, tmp_path) -> None:
    assert cli("data", runs, "--out", tmp_path / "points.csv", "--scale", "D=2").code == 0
    with (tmp_path / "points.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["D"]) == 2e9
    assert cli("data", runs, "--out", tmp_path / "points.json", "--quiet").out == ""
    assert '"rows": 20' in (tmp_path / "points.json").read_text()
    assert cli("data", runs, "--out", tmp_path / "points.xls").code == 2


def test_fetch_explains_what_it_wants(cli) -> None:
    assert "fetch what?" in cli("data", "fetch").err
    assert "'zhao2025' is built in" in cli("data", "fetch", "zhao2025").err
    assert "did you mean 'chinchilla'" in cli("data", "fetch", "chinchila").err


def test_a_remote_set_shows_its_card_before_it_is_fetched(cli, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("FORMSEARCH_CACHE", str(tmp_path))
    done = cli("data", "chinchilla")
    assert done.code == 0
    assert "not on this machine yet: formsearch data fetch chinchilla" in done.out
    assert cli("data", "chinchilla", "--json").result["points"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--columns", "N=parms"], "unknown column 'parms': did you mean 'params'?"),
        (["--columns", "Nactive=params"], "unknown quantity 'Nactive': did you mean 'N_active'"),
        (["--columns", "N"], "--columns 'N': write it as NAME=VALUE"),
        (["--target", "los"], "unknown target column 'los': did you mean 'loss'?"),
        (["--scale", "D=billion"], "'billion' is not a number"),
        (["--scale", "G=2"], "map it with --columns first"),
        (["--where", "kind == 'c'"], "no row meets --where"),
        (["--where", "import os"], "cannot read --where"),
        (["--group", "knid"], "unknown group column 'knid': did you mean 'kind'?"),
        (["--split-column", "knid"], "unknown split column"),
        (["--columns", "N=kind"], "column 'kind' must hold finite numbers: row 1 has 'a'"),
    ],
)
def test_bad_reading_options_are_one_line_with_a_remedy(cli, runs, words, message) -> None:
    done = cli("data", runs, *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert message in done.err


def test_doctor_finds_a_working_installation(cli, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("FORMSEARCH_CACHE", str(tmp_path))
    done = cli("doctor", "--json")
    states = {f["name"]: f["state"] for f in done.result["findings"]}
    assert states["numpy"] == states["laws"] == states["store"] == states["built-in data"] == "ok"
    assert set(states.values()) <= {"ok", "missing"}
    assert done.code == 0


def test_doctor_reports_what_is_broken(cli, monkeypatch, tmp_path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    monkeypatch.setenv("FORMSEARCH_CACHE", str(tmp_path / "cache"))
    done = cli("doctor", "--json")
    broken = [f for f in done.result["findings"] if f["state"] == "broken"]
    assert [f["name"] for f in broken] == ["cache folder"]
    assert done.code == 1
