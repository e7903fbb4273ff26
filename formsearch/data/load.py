"""`load`: a data set's name, or the path of a table -> points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from formsearch.data.cards import Card, cards
from formsearch.data.fetch import fetched
from formsearch.exceptions import InputError, UnknownNameError
from formsearch.points import Points
from formsearch.reading import read_points


def load(name_or_path: str | Path, *, sigma: float | None = None, seed: int | None = None, **options: Any) -> Points:
    """Points of a data set (by name) or of a table (by path).

    Parameters
    ----------
    name_or_path : `"zhao2025"`, a fetched data set (`"chinchilla"`), one file of it (`"sldbench/moe/train.parquet"`),
        or a path. A name of a data set wins over a file of the same name: write `./zhao2025` for the file.
    sigma, seed : for a simulated data set, the noise's standard deviation (nats/token) and NumPy's
        `default_rng` seed, instead of the card's.
    options : passed to `read_points`, over what the card says.

    Raises `UnknownNameError` for a name that is neither a data set nor a file, and what `read_points` raises.
    """
    text = str(name_or_path)
    set_name, _, file = text.partition("/")
    about = cards().get(set_name)
    try:
        there = Path(text).is_file()
    except OSError as error:  # too long for a name, say
        raise InputError(f"DATA {text[:60]!r}... cannot be a path: {error.strerror}; give a shorter one") from None
    if about is None or (file and there):
        if sigma is not None or seed is not None:
            raise InputError(
                f"{text}: sigma and seed are for simulated data sets only, this is a table: leave them out"
            )
        _must_exist(text)
        return read_points(name_or_path, **options)
    if about.table is None:
        if sigma is not None or seed is not None:
            raise InputError(f"{text}: sigma and seed are for simulated data sets only: leave them out")
        return _load_fetched(about, file, options)
    if file:
        raise UnknownNameError("data set", text, cards(), "`formsearch data` lists them")
    return _load_built_in(about, sigma, seed, options)


def _must_exist(text: str) -> None:
    """A bare word that is no file is more likely a misspelt data set than a path."""
    if not Path(text).exists() and not Path(text).suffix and "/" not in text and "\\" not in text:
        raise UnknownNameError(
            "data set or file",
            text,
            cards(),
            "give the path of a table, or a name from `formsearch data`",
        )


def _load_built_in(about: Card, sigma: float | None, seed: int | None, options: dict[str, Any]) -> Points:
    import pandas as pd

    assert about.table is not None
    frame = pd.read_csv(about.table)
    simulated = None
    if about.simulation is not None:
        frame["loss"], simulated = _simulate(about, frame, sigma, seed)
    return read_points(frame, **{"name": about.name, "simulated": simulated, **about.read, **options})


def _simulate(about: Card, frame: Any, sigma: float | None, seed: int | None) -> tuple[Any, str]:
    """Target values of a simulated table and the sentence that says how they were made."""
    from formsearch.registry import laws

    made = about.simulation
    assert made is not None
    sigma = made.sigma if sigma is None else float(sigma)
    seed = made.seed if seed is None else int(seed)
    if not (np.isfinite(sigma) and sigma >= 0):
        raise InputError(f"data set {about.name}: sigma must be a finite number, zero or above, not {sigma!r}")
    if seed < 0:
        raise InputError(f"data set {about.name}: seed must be zero or above, not {seed}")
    law = laws[made.law]
    columns = {quantity: frame[column].to_numpy(dtype=np.float64) for quantity, column in about.read["columns"].items()}
    exact = law.evaluate(columns, next(iter(law.published.values())).constants)
    noise = np.random.default_rng(seed).normal(0.0, sigma, size=len(frame))
    noise_words = f" + Gaussian noise of standard deviation {sigma:g} (seed {seed})" if sigma else ", without noise"
    # Ten decimals: the last bits of a power differ between platforms, the content hash of the points must not.
    return np.round(exact + noise, 10), f"simulated from {made.equation}{noise_words}; the losses were never measured"


def _load_fetched(about: Card, file: str, options: dict[str, Any]) -> Points:
    if not file:
        if len(about.files) > 1:
            example = f"{about.name}/{next(iter(about.files))}"
            raise InputError(f"data set {about.name!r} has {len(about.files)} files: name one, e.g. {example}")
        file = next(iter(about.files))
    if file not in about.files:
        raise UnknownNameError(f"file of data set {about.name!r}", file, about.files)
    path = fetched(about, file)
    if path is None:
        raise InputError(
            f"data set {about.name!r} is not on this machine: run `formsearch data fetch {about.name}` first"
        )
    remote = about.files[file]
    # The card's row condition and columns belong together: a caller who maps columns reads the raw table.
    defaults = {} if options.get("columns") else dict(remote.read)
    name = about.name if len(about.files) == 1 else f"{about.name}/{file}"
    return read_points(path, **{"name": name, **defaults, **options})
