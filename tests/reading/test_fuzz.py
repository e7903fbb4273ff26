"""Whatever a file holds, reading it gives points or one line that says what is wrong; never another error."""

import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from formsearch import Points, read_points
from formsearch.exceptions import FormsearchError
from formsearch.reading.guess import guess
from formsearch.reading.read import open_table

CELLS = st.one_of(
    st.sampled_from(["", "1e9", "7B", "3.1", "1,5", "nan", "-1", "0", "inf", "1e999", "x", '"', "'", "{", "#",
                     "true", "None", "1_000", "٣", "²", "1e", "\x00", "\ufeff", "NA", "<NA>", "1;2", "a\nb",
                     '{"a": 1}']),
    st.text(max_size=4),
)  # fmt: skip
NAMES = st.sampled_from(
    ["params", "tokens_B", "loss", "val/loss", "run_id", "step", "N", "C", "state", "split", "", "loss"]
)
TABLES = st.builds(
    lambda head, rows, sep: "\n".join(sep.join(r) for r in [head, *rows]),
    st.lists(NAMES, min_size=1, max_size=5),
    st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=6),
    st.sampled_from([",", "\t", ";", "|", " "]),
)
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def judged(path: Path, **options: object) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the packages that read a format; formsearch itself warns of nothing here
        try:
            found: object = read_points(path, **options)  # type: ignore[arg-type]
        except FormsearchError as error:
            found = str(error)
    assert isinstance(found, Points) or (found and "\n" not in found)


@SLOW
@given(TABLES, st.sampled_from(["runs.csv", "runs.tsv", "runs.dat"]), st.sampled_from([None, "run_id", "state"]))
@example("loss,N\n1,\u0663\n", "runs.csv", None)
def test_tables(tmp_path: Path, text: str, name: str, last_by: str | None) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8", errors="surrogatepass")
    judged(tmp_path / name, last_by=last_by, duplicates="mean")


@SLOW
@given(TABLES)
def test_guesses(tmp_path: Path, text: str) -> None:
    (tmp_path / "runs.csv").write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        found = guess(open_table(tmp_path / "runs.csv"), {})
    except FormsearchError:
        return
    assert set(found.reasons) >= set(found.values) - {"columns", "scale"}


@SLOW
@given(st.binary(max_size=60), st.sampled_from(["", "\x1f\x8b", "PAR1", "PK\x03\x04", "\xff\xfe", "BZh9", "{", "[{"]))
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".json", ".jsonl", ".parquet", ".xlsx"])
def test_bytes(tmp_path: Path, suffix: str, content: bytes, begin: str) -> None:
    path = tmp_path / f"runs{suffix}"
    path.write_bytes(begin.encode("latin-1") + content)
    judged(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@SLOW
@given(st.lists(JSON, max_size=4) | JSON, st.booleans())
def test_json(tmp_path: Path, document: object, lines: bool) -> None:
    import json

    one_a_line = lines and isinstance(document, list)
    text = "\n".join(map(json.dumps, document)) if one_a_line else json.dumps(document)  # type: ignore[call-overload]
    (tmp_path / "runs.json").write_text(text)
    judged(tmp_path / "runs.json")
