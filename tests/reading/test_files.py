"""Files of all the usual formats, encodings, separators; exports of run trackers as they come."""

import bz2
import gzip
import json
import lzma
import sys
from pathlib import Path

import pandas as pd
import pytest

from formsearch import read_points
from formsearch.exceptions import EngineMissingError, PointsError

ROWS = [{"params": 1e8, "tokens": 2e9, "loss": 3.25}, {"params": 2e8, "tokens": 4e9, "loss": 3.0}]
CSV = "params,tokens,loss\n1e8,2e9,3.25\n2e8,4e9,3.0\n"
HASH = read_points(pd.DataFrame(ROWS)).hash


def text(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(content.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("runs.csv", CSV),
        ("runs.csv", CSV.replace("\n", "\r\n")),
        ("runs.csv", CSV.replace(",", "\t")),
        ("runs.tsv", CSV.replace(",", "\t")),
        ("runs.csv", CSV.replace(",", ";")),
        ("runs.csv", "params;tokens;loss\n1e8;2e9;3,25\n2e8;4e9;3,0\n"),
        ("runs.psv", CSV.replace(",", "|")),
        ("runs.dat", CSV.replace(",", "   ")),
        ("runs.txt", "# params tokens loss\n1e8 2e9 3.25\n2e8 4e9 3.0\n"),
        ("runs.csv", "# made by a script\n" + CSV),
        ("runs.csv", 'params,tokens,loss\n"100,000,000","2,000,000,000",3.25\n"200,000,000","4,000,000,000",3.0\n'),
        ("runs.csv", "params,tokens,loss\n100M,2B,3.25\n0.2B,4 billion tokens,3.0\n"),
        ("runs.csv", "params (M),tokens_B,val/loss\n100,2,3.25\n200,4,3.0\n"),
        ("runs.jsonl", "\n".join(map(json.dumps, ROWS))),
        ("runs.ndjson", "\n".join(map(json.dumps, ROWS)) + "\n\n"),
        ("runs.json", json.dumps(ROWS)),
        ("runs.json", json.dumps({"runs": ROWS})),
        ("runs.json", json.dumps({k: [r[k] for r in ROWS] for k in ROWS[0]})),
        ("runs.json", pd.DataFrame(ROWS).to_json()),
        ("runs.txt", json.dumps(ROWS, indent=1)),
        ("runs.jsonl", "\n".join(json.dumps({"config": {"params": r["params"], "tokens": {"value": r["tokens"]}},
                                             "summary": {"val": {"loss": r["loss"]}}, "tags": ["a"]}) for r in ROWS)),
    ],
)  # fmt: skip
def test_the_same_points_whatever_the_format(tmp_path: Path, name: str, content: str) -> None:
    points = read_points(text(tmp_path / name, content))
    assert points.target.tolist() == [3.25, 3.0]
    assert points.hash == HASH


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    content = CSV.replace("loss\n", "loss,größe\n").replace("5\n", "5,groß\n").replace(".0\n", ".0,klein\n")
    raw = ("\ufeff" if encoding == "utf-16-le" else "") + content
    points = read_points(text(tmp_path / "runs.csv", raw, encoding))
    assert points.other["größe"].tolist() == ["groß", "klein"]
    assert any("Windows-1252" in n for n in points.notes) == (encoding == "cp1252")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("name", ["runs.csv.gz", "runs.csv"])
def test_compressed_files_are_known_by_how_they_begin(tmp_path: Path, pack, name: str) -> None:
    (tmp_path / name).write_bytes(pack(CSV.encode()))
    assert read_points(tmp_path / name).hash == HASH


def test_binary_formats(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS)
    frame.to_parquet(tmp_path / "runs.parquet")
    assert read_points(tmp_path / "runs.parquet").hash == HASH
    pytest.importorskip("openpyxl", reason="needs the extra [excel]")
    with pd.ExcelWriter(tmp_path / "runs.xlsx") as writer:
        frame.to_excel(writer, sheet_name="runs", index=False, startrow=2, startcol=1)
        frame.head(1).to_excel(writer, sheet_name="draft", index=False)
    points = read_points(tmp_path / "runs.xlsx")
    assert points.hash == HASH
    assert "sheet 'runs' read, the first of 2" in points.notes
    pd.DataFrame().to_excel(tmp_path / "empty.xlsx")
    with pytest.raises(PointsError, match="put the table on the first sheet"):
        read_points(tmp_path / "empty.xlsx")


@pytest.mark.parametrize(("suffix", "package"), [(".xlsx", "openpyxl"), (".parquet", "pyarrow"), (".ods", "odf")])
def test_a_missing_package_is_named_with_what_to_type(tmp_path, monkeypatch, suffix: str, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, "fastparquet", None)
    path = tmp_path / f"runs{suffix}"
    # The smallest file that pandas takes for a spreadsheet of that kind
    path.write_bytes(b"PAR1" if suffix == ".parquet" else b"PK\x03\x04")
    with pytest.raises(EngineMissingError, match="pip install ") as error:
        read_points(path)
    assert error.value.exit_code == 3
    assert "\n" not in str(error.value)


def test_a_table_made_by_the_api_of_wandb(tmp_path: Path) -> None:
    """Its documentation's own export: one column of summaries, one of configurations, printed by Python."""
    table = pd.DataFrame(
        {
            "summary": [{"loss": r["loss"], "_step": 10, "best": float("nan")} for r in ROWS],
            "config": [{"params": r["params"], "tokens": r["tokens"], "use_moe": False} for r in ROWS],
            "name": ["a", "b"],
        }
    )
    table.to_csv(tmp_path / "project.csv")
    points = read_points(tmp_path / "project.csv")
    assert points.hash == HASH
    assert points.other["name"].tolist() == ["a", "b"]
    assert "columns assumed: N=config.params, D=config.tokens (base units)" in points.notes


def test_a_table_of_mlflow(tmp_path: Path) -> None:
    lines = ["run_id,status,metrics.val_loss,params.n_params,params.tokens,tags.mlflow.user"]
    lines += [f"r{i},FINISHED,{r['loss']},{r['params']},{r['tokens']},x" for i, r in enumerate(ROWS)]
    points = read_points(text(tmp_path / "runs.csv", "\n".join(lines)))
    assert points.hash == HASH
    assert "target assumed: metrics.val_loss" in points.notes


def test_the_export_of_a_chart_is_refused_with_the_way_out(tmp_path: Path) -> None:
    chart = 'Step,"run a - loss","run a - loss__MIN","run a - loss__MAX"\n1,3,3,3\n'
    with pytest.raises(PointsError, match="export the table of runs instead"):
        read_points(text(tmp_path / "chart.csv", chart))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("runs.jsonl", '{"loss": 1}\n{"loss": \n', "line 2 is not JSON"),
        ("runs.jsonl", '{"loss": 1}\n3\n', "line 2 is JSON, but not an object"),
        ("runs.json", "[1, 2]", "not one object a run"),
        ("runs.json", '{"N": [1, 2], "loss": [1]}', "its columns differ in length"),
        ("runs.csv", "\n\n", "it is empty"),
        ("runs.csv", "params,loss\n1e8,\n", "row 1 has an empty cell"),
        ("runs.csv", "params,loss\n7B?,2.5\n", "column 'params' must hold finite numbers: row 1 has '7B?'"),
        ("runs.csv", "params,loss\n1e8,2.5B\n", "column 'loss' must hold finite numbers: row 1 has '2.5B'"),
    ],
)
def test_what_cannot_be_read_is_explained_in_one_line(tmp_path: Path, name, content, message: str) -> None:
    with pytest.raises(PointsError, match=message.replace("?", r"\?")) as error:
        read_points(text(tmp_path / name, content))
    assert "\n" not in str(error.value)


def test_a_damaged_archive_is_explained(tmp_path: Path) -> None:
    (tmp_path / "runs.csv.gz").write_bytes(gzip.compress(CSV.encode())[:-9])
    with pytest.raises(PointsError, match=r"cannot read runs\.csv\.gz: "):
        read_points(tmp_path / "runs.csv.gz")
