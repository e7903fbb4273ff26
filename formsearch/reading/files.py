"""A file -> a data frame: delimited text, JSON, Parquet, Excel, compressed or not, and exports of run trackers.

Cells of text formats stay text: they become numbers column by column later, so that a bad cell can be named.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from formsearch.exceptions import EngineMissingError, FormsearchError, PointsError

if TYPE_CHECKING:
    import pandas as pd

FORMATS = "CSV, TSV, Parquet, JSON lines or Excel"
SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
EXCEL = {".xlsx": "openpyxl", ".xlsm": "openpyxl", ".xls": "xlrd", ".ods": "odf", ".xlsb": "pyxlsb"}
"""Suffix -> the engine by which pandas reads it."""

MOST_COLUMNS = 5_000
MOST_BYTES = 1 << 30
"""Unpacked; a small file may unpack to any size."""

_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ": "lzma"}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class Table:
    """A data frame as it lies in a file, and what was assumed to read it."""

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    decimal_comma: bool = False


def read_table(path: Path) -> Table:
    """The table in a file. Raises `PointsError` naming the file and the remedy, `EngineMissingError` where a package
    is needed that is not installed.
    """
    if not path.is_file() and str(path).startswith(("http:", "https:")):
        raise PointsError(f"{path} is an address: tables are read from files, so download it first")
    if not path.is_file():
        raise PointsError(f"no such file: {path}; give a {FORMATS} file, or a name from `formsearch data`")
    suffixes = [s.lower() for s in path.suffixes]
    content = path.read_bytes()
    try:
        content = _decompressed(content)
        if {".parquet", ".pq"} & set(suffixes):
            return _parquet(path, content)
        if kinds := [s for s in suffixes if s in EXCEL]:
            return _excel(path, content, kinds[-1])
        text, notes = _decoded(content)
        if {".jsonl", ".ndjson", ".json"} & set(suffixes) or re.match(r"\s*(\[\s*)?\{\s*\"", text):
            found = Table(_frame(_records(text)))
        else:
            found = _delimited(text)
        frame = _with_open_dicts(found.frame)
        _refuse_panel(frame)
    except FormsearchError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise PointsError(f"cannot read {path.name}: {reason}; is it {FORMATS}, with one header line?") from None
    return Table(frame, (*notes, *found.notes), found.decimal_comma)


def _decompressed(content: bytes) -> bytes:
    """The bytes inside gzip, bzip2 or xz, known by how the file begins, whatever it is called."""
    import importlib

    for magic, module in _COMPRESSED.items():
        if content.startswith(magic):
            with importlib.import_module(module).open(io.BytesIO(content)) as file:
                inside: bytes = file.read(MOST_BYTES + 1)
            if len(inside) > MOST_BYTES:
                raise ValueError(f"it holds more than {MOST_BYTES >> 20} MB when it is unpacked")
            return inside
    return content


def _decoded(content: bytes) -> tuple[str, list[str]]:
    """Text by its byte-order mark, else UTF-8, else Windows-1252. Raises `ValueError` for what is no text."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16"), []
    try:
        text, notes = content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        text, notes = content.decode("cp1252", errors="replace"), ["text read as Windows-1252, since it is not UTF-8"]
    if bad := _CONTROL.search(text):
        raise ValueError(f"it holds no text (character {ord(bad[0]):#04x} at position {bad.start()})")
    return text, notes


# -- delimited text ----------------------------------------------------------------------------------------------


def _delimited(text: str) -> Table:
    """Delimited text, all cells as text; the separator is the one that gives the header the most fields.

    The header is read as a row like the others, since pandas would rename a repeated name, and take the first column
    for row names where rows are longer than the header.
    """
    import pandas as pd

    lines = _without_comments(text.splitlines())
    if not lines:
        raise ValueError("it is empty")
    separator = _separator(lines)
    columns = _fields(lines[0], separator)
    if columns > MOST_COLUMNS:
        raise ValueError(f"it has {columns} columns, more than {MOST_COLUMNS}: leave out those that are not needed")
    cells = pd.read_csv(
        io.StringIO("\n".join(lines)), sep=separator, header=None, dtype=str, keep_default_na=False,
        skipinitialspace=True,
    ).fillna("")  # fmt: skip
    header = [str(c).strip() for c in cells.iloc[0]]
    frame = cells.iloc[1:].reset_index(drop=True)
    frame.columns = pd.Index([name or f"column_{i}" for i, name in enumerate(header, start=1)])
    notes = () if separator in ",\t" else (f"columns separated by {SEPARATORS.get(separator, 'spaces')}",)
    return Table(frame, notes, decimal_comma=separator in ";\t|")


def _separator(lines: list[str]) -> str:
    fields = {s: _fields(lines[0], s) for s in SEPARATORS}
    best = max(fields, key=lambda s: fields[s])
    words = len(lines[0].split())
    if fields[best] == 1 and words > 1 and len(lines) > 1 and all(len(line.split()) == words for line in lines[:20]):
        return r"\s+"
    return best if fields[best] > 1 else ","


def _fields(header: str, separator: str) -> int:
    """How many fields a header has."""
    if len(separator) > 1:
        return len(header.split())
    if len(header) > csv.field_size_limit():  # what is longer than a field may be is no header
        return header.count(separator) + 1
    return len(next(csv.reader([header], delimiter=separator, skipinitialspace=True)))


def _without_comments(lines: list[str]) -> list[str]:
    """Leading lines that begin with # are remarks, but the last one is the header if numbers follow (numpy.savetxt)."""
    lines = [line for line in lines if line.strip()]
    first = next((i for i, line in enumerate(lines) if not line.lstrip().startswith("#")), len(lines))
    if first and first < len(lines) and not re.search(r"[A-DF-Za-df-z]", lines[first]):
        return [lines[first - 1].lstrip("# "), *lines[first:]]
    return lines[first:]


# -- JSON --------------------------------------------------------------------------------------------------------


def _records(text: str) -> list[dict[str, Any]]:
    """One record a run: a JSON array, an object of columns, an object that holds an array, or JSON lines."""
    try:
        document = json.loads(text)
    except ValueError:
        return _json_lines(text)
    if isinstance(document, dict):
        tables = [v for v in document.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
        if len(tables) == 1:
            document = tables[0]
        elif document and all(isinstance(v, list | dict) for v in document.values()):
            columns = {k: list(v.values()) if isinstance(v, dict) else v for k, v in document.items()}
            if len({len(v) for v in columns.values()}) != 1:
                raise ValueError("its columns differ in length")
            document = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        else:
            document = [document]
    if not isinstance(document, list) or not all(isinstance(r, dict) for r in document):
        raise ValueError("it is JSON, but not one object a run")
    return document


def _json_lines(text: str) -> list[dict[str, Any]]:
    records = []
    for i, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {i} is not JSON ({error})") from None
        if not isinstance(record, dict):
            raise ValueError(f"line {i} is JSON, but not an object")
        records.append(record)
    return records


def _frame(records: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([_flat(r) for r in records])


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested objects as `outer.inner`; a configuration's {"value": x, "desc": ...} as x. Lists are left out."""
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, Mapping) and "value" in value and set(value) <= {"value", "desc"}:
            value = value["value"]
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        elif not isinstance(value, list):
            flat[f"{prefix}{key}"] = value
    return flat


# -- exports of run trackers -------------------------------------------------------------------------------------


def _with_open_dicts(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of dictionaries (`config`, `summary` of a table made by the W&B API) opened as `config.lr`, ..."""
    import pandas as pd

    parts = []
    for i, name in enumerate(frame.columns):
        texts = [str(c).strip() for c in frame.iloc[:, i]]
        if any(texts) and all(t.startswith("{") and t.endswith("}") for t in texts if t):
            records = [_flat(_dict(t), f"{name}.") if t else {} for t in texts]
            parts.append(pd.DataFrame(records, index=frame.index))
        else:
            parts.append(frame.iloc[:, [i]])
    return pd.concat(parts, axis=1) if parts else frame


def _dict(text: str) -> dict[str, Any]:
    """A dictionary from JSON or from Python's way of printing one; nothing is run."""
    try:
        value = json.loads(text)
    except ValueError:
        value = ast.literal_eval(re.sub(r"(?<=[:\[,(])\s*-?(nan|inf)\b", " None", text))
    if not isinstance(value, dict):
        raise ValueError(f"{text[:40]!r} is not a dictionary")
    return value


def _refuse_panel(frame: pd.DataFrame) -> None:
    """A chart's export has a column for each run, and nothing of what was varied."""
    if any(str(c).endswith(("__MIN", "__MAX")) for c in frame.columns):
        raise PointsError(
            "this is the export of a W&B chart: one column a run, and nothing of what was varied; "
            "export the table of runs instead (Runs > Download > CSV)"
        )


# -- binary formats ----------------------------------------------------------------------------------------------


def _parquet(path: Path, content: bytes) -> Table:
    import pandas as pd

    read = _needing(path, "pyarrow", "pip install 'formsearch[parquet]'", lambda: pd.read_parquet(io.BytesIO(content)))
    return Table(_with_open_dicts(read))


def _excel(path: Path, content: bytes, suffix: str) -> Table:
    """The first sheet; its first row is the header."""
    import pandas as pd

    engine: Any = EXCEL[suffix]
    package = "odfpy" if engine == "odf" else engine
    install = "pip install 'formsearch[excel]'" if package == "openpyxl" else f"pip install {package}"
    sheets = _needing(
        path, package, install, lambda: pd.read_excel(io.BytesIO(content), engine=engine, sheet_name=None, header=None)
    )
    name, cells = next(iter(sheets.items()))
    cells = cells.dropna(how="all").dropna(how="all", axis=1)
    if cells.empty:
        raise PointsError(f"{path.name}: sheet {name!r} is empty; put the table on the first sheet")
    frame = cells.iloc[1:].reset_index(drop=True).infer_objects()
    header = ["" if pd.isna(c) else str(c).strip() for c in cells.iloc[0]]
    frame.columns = pd.Index([c or f"column_{i}" for i, c in enumerate(header, start=1)])
    notes = (f"sheet {name!r} read, the first of {len(sheets)}",) if len(sheets) > 1 else ()
    return Table(frame, notes)


def _needing(path: Path, package: str, install: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except ImportError:
        raise EngineMissingError(f"{path.name}: reading it needs {package}: {install}") from None
