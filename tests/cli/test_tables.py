"""The main job on every public table at hand that has sizes and tokens: options at most, no code."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from formsearch.reading.names import matches

TABLES: dict[str, list[str]] = {
    "chinchilla_svg/data.csv": ["--where", "is_outlier == 0"],
    "chinchilla_svg/svg_extracted_data.csv": [],
    "farseer/data.csv": [],
    "gemstones/data.csv": ["--where", "subset == 'hot'"],
    "isoflops_collection/data.csv": ["--group", "dataset", "--where", "flagged_by_source == 0"],
    "misfitting_dense/data.csv": ["--duplicates", "min", "--columns", "N=params,D=tokens"],
    "misfitting_moe_small/data.csv": [
        "--columns", "N_dense=dense_params_nonemb,experts=n_experts,D=tokens,lr=lr", "--where", "finished == 1",
    ],
    "olmo_ladder/data.csv": ["--target", "loss_c4_en"],
    "sldbench/data_constrained.csv": [],
    "sldbench/lr_bsz.csv": [
        "--columns", "N=non_embedding_param_size,D=data_size,lr=lr,batch_size=bsz", "--scale", "batch_size=2048",
    ],
    "steplaw_moe/data.csv": [],
    "steplaw_moe/best.csv": [],
    "xlstm/data.csv": ["--where", "diverged == 0", "--group", "arch"],
}  # fmt: skip
"""Table -> options of `formsearch run`."""

WITHOUT_LOSS = ("zhao2025-configurations/data.csv",)

Table = Callable[..., Path]


def find(shared_table: Table, name: str) -> Path:
    folder, _, file = name.rpartition("/")
    return shared_table(folder, file)


def test_every_table_with_sizes_and_tokens_is_in_the_list(shared_table: Table) -> None:
    root = find(shared_table, "farseer/data.csv").parents[1]
    known = {*TABLES, *WITHOUT_LOSS}
    for path in root.glob("*/*.csv"):
        found, _ = matches(map(str, pd.read_csv(path, nrows=1).columns))
        if {"N", "N_active"} & set(found) and {"D", "C"} & set(found):
            assert path.relative_to(root).as_posix() in known


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_read_with_sizes_and_tokens(cli, shared_table: Table, name: str) -> None:
    done = cli("data", find(shared_table, name), *TABLES[name], "--json")
    assert done.code == 0, done.err
    points = done.result["points"]
    sizes = {"N", "N_active", "N_dense"} & set(points["ranges"])
    assert all(points["ranges"][q][0] > 1e6 for q in sizes)
    assert "D" in points["ranges"] or "C" in points["ranges"]
    assert points["rows"] >= 16


@pytest.mark.slow  # `test_run` has the points of Chinchilla
@pytest.mark.parametrize("name", TABLES)
def test_the_main_job_on_every_table(cli, shared_table: Table, tmp_path: Path, name: str) -> None:
    short = ["--seconds", "5", "--starts", "8"]
    done = cli("run", find(shared_table, name), *TABLES[name], *short, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
    assert (tmp_path / "out" / "results.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_what_init_writes_is_enough_for_the_main_job(cli, shared_table: Table, tmp_path, monkeypatch, name) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli("init", find(shared_table, name), "--yes")
    assert done.code == 0, done.err
    done = cli("run", "--seconds", "0", "--starts", "8", "--laws", "all", "--out", "out")
    assert done.code == 0, done.err
