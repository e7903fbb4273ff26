"""Downloads: pinned address, pinned SHA-256, one cache folder. A file that is not the pinned one is never kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from formsearch.data.cards import Card, RemoteFile, card
from formsearch.exceptions import FetchError, InputError, UnknownNameError
from formsearch.pace import Tell

CACHE_VARIABLE = "FORMSEARCH_CACHE"
TIMEOUT_SECONDS = 30.0


def cache_folder() -> Path:
    """Where fetched files lie: the environment variable FORMSEARCH_CACHE, or the user's cache folder."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("formsearch") / "data"


def fetch(
    dataset: str | Card,
    files: Sequence[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    progress: Tell | None = None,
) -> list[Path]:
    """Download a data set's files (all, or those named) unless they are there; return their paths.

    They lie under `folder` (default: `cache_folder()`) in a folder of the data set's name. Raises `FetchError` when
    a download fails or brings anything but the pinned file (which is deleted), and `InputError` for a data set that
    needs no download. `progress` hears the share of each file that has arrived, and its name.
    """
    about = dataset if isinstance(dataset, Card) else card(dataset)
    if not about.files:
        raise InputError(f"data set {about.name!r} is built in: there is nothing to fetch, use its name as DATA")
    for name in files or ():
        if name not in about.files:
            raise UnknownNameError(f"file of data set {about.name!r}", name, about.files)
    root = (Path(folder) if folder is not None else cache_folder()) / about.name
    return [_retrieve(about.files[name], root, progress) for name in files or about.files]


def fetched(about: Card, file: str) -> Path | None:
    """Path of a fetched file, or None. Raises `FetchError` if what lies there is not the pinned file."""
    path = cache_folder() / about.name / file
    if not path.is_file():
        return None
    if _sha256(path) != about.files[file].sha256:
        raise FetchError(
            f"{path} is not the pinned file of data set {about.name!r} (SHA-256 differs): "
            f"run `formsearch data fetch {about.name}` to replace it"
        )
    return path


@dataclass
class _Bar:
    """What pooch asks of a progress bar; the size is that of the pinned file."""

    tell: Tell
    file: RemoteFile
    total: int = 0
    arrived: int = 0

    def update(self, count: int) -> None:
        self.arrived += count
        self.tell(min(self.arrived / max(self.file.bytes, 1), 1.0), self.file.name)

    def reset(self) -> None:
        self.arrived = 0

    def close(self) -> None:
        """Nothing is left open."""


def _retrieve(file: RemoteFile, root: Path, tell: Tell | None = None) -> Path:
    """Download to a temporary file beside the target, check it, move it into place."""
    path = root / file.name
    if path.is_file() and _sha256(path) == file.sha256:
        return path
    address = urlsplit(file.url)
    if address.scheme != "https" and address.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise FetchError(f"{file.name}: {file.url} is not https; nothing is downloaded over an open connection")

    import pooch

    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        bar = False if tell is None else _Bar(tell, file)
        pooch.HTTPDownloader(progressbar=bar, timeout=TIMEOUT_SECONDS)(file.url, str(partial), None)
        found = _sha256(partial)
        if found != file.sha256:
            raise FetchError(
                f"{file.name}: {file.url} brought {partial.stat().st_size} bytes with SHA-256 {found[:12]}..., "
                f"pinned are {file.bytes} bytes with {file.sha256[:12]}...; it was deleted, and nothing is installed"
            )
        partial.replace(path)
    except FetchError:
        raise
    except Exception as error:  # requests' errors and the file system's: all mean that the file did not arrive
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise FetchError(
            f"cannot fetch {file.name}: {reason}; check the connection, or put the file at {path} by hand "
            f"(from {file.url})"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def _sha256(path: Path) -> str:
    import pooch

    return str(pooch.file_hash(str(path), alg="sha256"))
