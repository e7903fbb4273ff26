"""Downloads, against a server on this machine: what is not the pinned file is never kept."""

import hashlib
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from formsearch.data import Card, RemoteFile, cache_folder, card, fetch, load
from formsearch.data import cards as cards_module
from formsearch.exceptions import FetchError, InputError, UnknownNameError

TABLE = b"params,tokens,loss\n1e8,1e9,3.1\n2e8,2e9,2.9\n4e8,4e9,2.8\n"


class _Quiet(SimpleHTTPRequestHandler):
    served: ClassVar[list[str]] = []

    def log_message(self, *words: object) -> None:
        type(self).served.append(self.path)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "served"
    (folder / "sub").mkdir(parents=True)
    (folder / "runs.csv").write_bytes(TABLE)
    (folder / "sub" / "more.csv").write_bytes(TABLE + b"8e8,8e9,2.7\n")
    _Quiet.served = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORMSEARCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def remote(name: str, url: str, content: bytes, **read: object) -> RemoteFile:
    return RemoteFile(name, url, hashlib.sha256(content).hexdigest(), len(content), read)


def dataset(*files: RemoteFile, name: str = "demo") -> Card:
    return Card(name, "Demo", "nowhere", "none", files={f.name: f for f in files})


def known(monkeypatch: pytest.MonkeyPatch, about: Card) -> None:
    """Make `load` know the card."""
    table = {**cards_module.cards(), about.name: about}
    # Through sys.modules: as an attribute of the package, `load` is the function.
    monkeypatch.setattr(sys.modules["formsearch.data.load"], "cards", lambda: table)


def test_a_pinned_file_arrives_once_and_is_loaded_by_name(address, cache, monkeypatch) -> None:
    about = dataset(remote("runs.csv", f"{address}/runs.csv", TABLE, columns={"N": "params", "D": "tokens"}))
    known(monkeypatch, about)
    with pytest.raises(InputError, match="run `formsearch data fetch demo` first"):
        load("demo")
    assert fetch(about) == [cache / "demo" / "runs.csv"]
    assert fetch(about) == [cache / "demo" / "runs.csv"]
    assert len(_Quiet.served) == 1
    points = load("demo")
    assert points.factors["D"].tolist() == [1e9, 2e9, 4e9]
    assert points.name == "demo"


def test_how_much_has_arrived_is_told(address, cache) -> None:
    told: list[tuple[float, str]] = []
    about = dataset(remote("runs.csv", f"{address}/runs.csv", TABLE), remote("sub/more.csv", f"{address}/sub/more.csv",
                                                                            TABLE + b"8e8,8e9,2.7\n"))  # fmt: skip
    fetch(about, progress=lambda done, name: told.append((done, name)))
    for name in ("runs.csv", "sub/more.csv"):
        shares = [done for done, whose in told if whose == name]
        assert shares == sorted(shares)
        assert shares[-1] == 1.0
    told.clear()
    fetch(about, progress=lambda done, name: told.append((done, name)))
    assert told == []  # they are there


def test_files_of_a_set_are_named_after_it(address, cache, monkeypatch) -> None:
    more = TABLE + b"8e8,8e9,2.7\n"
    about = dataset(
        remote("runs.csv", f"{address}/runs.csv", TABLE), remote("sub/more.csv", f"{address}/sub/more.csv", more)
    )
    known(monkeypatch, about)
    assert fetch(about, files=["sub/more.csv"]) == [cache / "demo" / "sub" / "more.csv"]
    assert not (cache / "demo" / "runs.csv").exists()
    assert len(load("demo/sub/more.csv")) == 4
    with pytest.raises(InputError, match=r"has 2 files: name one, e\.g\. demo/runs\.csv"):
        load("demo")
    with pytest.raises(UnknownNameError, match=r"did you mean 'sub/more\.csv'"):
        load("demo/sub/mor.csv")
    with pytest.raises(UnknownNameError):
        load("demo/../../etc/passwd")


def test_another_file_than_the_pinned_one_is_deleted(address, cache) -> None:
    about = dataset(remote("runs.csv", f"{address}/runs.csv", TABLE + b"tampered"))
    with pytest.raises(FetchError, match="it was deleted, and nothing is installed") as error:
        fetch(about)
    assert "\n" not in str(error.value)
    assert [p for p in cache.rglob("*") if p.is_file()] == []


def test_a_missing_address_and_a_dead_server_are_explained(address, cache) -> None:
    for url in (f"{address}/absent.csv", "http://127.0.0.1:9/runs.csv"):
        with pytest.raises(FetchError, match=r"cannot fetch runs\.csv: .*check the connection") as error:
            fetch(dataset(remote("runs.csv", url, TABLE)))
        assert "\n" not in str(error.value)
    assert [p for p in cache.rglob("*") if p.is_file()] == []


def test_open_connections_are_refused(cache) -> None:
    with pytest.raises(FetchError, match="is not https"):
        fetch(dataset(remote("runs.csv", "http://example.org/runs.csv", TABLE)))


def test_a_damaged_cache_is_noticed_and_replaced(address, cache, monkeypatch) -> None:
    about = dataset(remote("runs.csv", f"{address}/runs.csv", TABLE))
    known(monkeypatch, about)
    (path,) = fetch(about)
    path.write_bytes(TABLE.replace(b"3.1", b"1.3"))
    with pytest.raises(FetchError, match="is not the pinned file"):
        load("demo")
    fetch(about)
    assert path.read_bytes() == TABLE


def test_built_in_sets_need_no_download() -> None:
    with pytest.raises(InputError, match="'zhao2025' is built in"):
        fetch("zhao2025")
    with pytest.raises(UnknownNameError, match="did you mean 'chinchilla'"):
        fetch("chinchila")


def test_the_cache_folder_can_be_chosen(cache, monkeypatch) -> None:
    assert cache_folder() == cache
    monkeypatch.delenv("FORMSEARCH_CACHE")
    assert cache_folder().parts[-1] == "data"


def test_every_registered_download_is_pinned_and_https() -> None:
    for name in ("chinchilla", "clark2022", "sldbench"):
        about = card(name)
        assert about.files
        for file in about.files.values():
            assert file.url.startswith("https://")
            assert len(file.sha256) == 64
            assert file.bytes > 0
            assert ".." not in Path(file.name).parts


def test_the_chinchilla_reading_gives_the_240_fitted_points(shared_table, cache) -> None:
    """The pinned file itself, put where a download would put it."""
    target = cache / "chinchilla" / "svg_extracted_data.csv"
    target.parent.mkdir(parents=True)
    target.write_bytes(shared_table("chinchilla_svg", "svg_extracted_data.csv").read_bytes())
    points = load("chinchilla")
    fitted = load(shared_table("chinchilla_svg"), where="is_outlier == 0", columns={"N": "params", "D": "tokens"})
    assert len(points) == 240
    assert points.target.tolist() == fitted.target.tolist()
    assert points.column("D") == pytest.approx(fitted.factors["D"], rel=1e-12)


@pytest.mark.parametrize(
    "task",
    ["data_constrained", "domain_mixture", "easy_question", "lr_bsz", "moe", "parallel", "sft", "vocab"],
)
def test_the_sldbench_readings_fit_their_tables(shared_table, task: str) -> None:
    read = dict(card("sldbench").files[f"{task}/train.parquet"].read)
    points = load(shared_table("sldbench", f"{task}.csv"), **read)
    assert len(points) >= 36
    if task == "domain_mixture":
        assert len(points.groups) == 20
        assert sum(points.factors[f"proportion_{i}"][0] for i in range(1, 6)) == pytest.approx(1)


def test_a_pinned_parquet_file_is_read_as_it_comes(shared_table, cache) -> None:
    target = cache / "sldbench" / "moe" / "train.parquet"
    target.parent.mkdir(parents=True)
    target.write_bytes(shared_table("sldbench", "raw/moe-train.parquet").read_bytes())
    points = load("sldbench/moe/train.parquet")
    assert len(points) == 193
    assert set(points.factors) == {"experts", "N_dense"}
    assert "N_dense" not in load(target, target="loss_validation").factors  # the card is what maps it
