"""Where runs of PySR are kept: a folder for each, never written twice, with a record that makes sense of its rows."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from formsearch.exceptions import InputError
from formsearch.search.pysr.hall import Row, read_hall
from formsearch.search.pysr.template import same

RECORD = "run.json"


def runs_folder() -> Path:
    """Where runs are kept by default: the user's state folder."""
    from platformdirs import user_state_path

    return user_state_path("formsearch") / "pysr"


def fresh_folder(base: Path, points: str) -> Path:
    """A new folder for a run on the points of that hash. Raises `InputError` where none can be made."""
    stem = f"{points}-{time.strftime('%Y%m%d-%H%M%S')}"
    for k in range(1000):
        folder = base / (stem if not k else f"{stem}-{k}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise InputError(f"cannot write to {base} ({error.strerror}): choose another folder") from None
        return folder.absolute()
    raise InputError(f"{base} holds a thousand runs of this second: choose another folder")


def last_run(base: Path, points: str) -> Path:
    """The newest run on the points of that hash: names begin with it, then the time. Raises `InputError` for none."""
    runs = sorted(base.glob(f"{points}-*"), key=lambda folder: (folder.stat().st_mtime_ns, folder.name))
    if not runs:
        raise InputError(f"there is no earlier run of PySR on these points in {base}: leave resume out")
    return runs[-1]


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write what a run was asked and what came of it, whole or not at all."""
    part = folder / f"{RECORD}.part"
    part.write_text(json.dumps(record, indent=1), encoding="utf-8")
    os.replace(part, folder / RECORD)


def saved_rows(folder: Path, task: Mapping[str, Any]) -> list[Row]:
    """The rows of an earlier run, as far as it came.

    Raises `InputError` for a folder that is no run of ours, and for one whose rows would mean something else in `task`:
    other points, scales or names, or another template.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        old = record["task"]
        halls = [read_hall(p) for p in sorted(folder.iterdir()) if p.is_dir()]
        differing = [k for k in task if k != "template" and old.get(k) != task[k]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{folder} is no folder of a PySR run of formsearch: it has no {RECORD}") from None
    if differing:
        raise InputError(
            f"{folder} was searched on other data ({', '.join(differing)} differ): resume with the same table, "
            "variables and rows"
        )
    if not same(old.get("template"), task["template"]):
        was = record.get("around") or ("groups" if old.get("template") else "no template")
        raise InputError(f"{folder} was searched with another template ({was}): resume with the same, or not")
    return [row for hall in halls for row in hall.rows]
