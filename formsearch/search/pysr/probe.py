"""What of PySR is here: the Python package, Julia, SymbolicRegression.jl. Offline, nothing imported, nothing installed.

`import pysr` without Julia raises a bare `Exception`, or downloads 2 GB unasked. So the package is found by
`find_spec`, its needs are read from its `juliapkg.json`, Julia is looked for where juliapkg looks (in its order), and
the backend's version is read from the manifest of the Julia project. Only `julia --version` is run.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import ssl
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

CONSENT = "FORMSEARCH_ALLOW_JULIA_INSTALL"
"""Environment variable: set to 1, a search may let PySR download Julia and its packages."""
BACKEND = "SymbolicRegression"
VERSION_SECONDS = 20.0
INSTALL_PACKAGE = "pip install 'pysr>=1.5.9'"
SIZE = "downloads Julia and its packages, about 2 GB, once"


@dataclass(frozen=True)
class Probe:
    """What was found; None where something is not there. `wanted` versions are in Julia's notation.

    project : the folder of the Julia environment that PySR uses, whether it exists or not.
    trouble : why something that is there cannot be used, one sentence; empty where nothing stands against it.
    """

    package: Path | None
    package_version: str | None
    julia: str | None
    julia_version: str | None
    julia_wanted: str
    backend_version: str | None
    backend_wanted: str
    project: str
    trouble: str = ""

    def missing(self, install: bool = False) -> str | None:
        """None if PySR can run, else one line: what is missing and the one command that completes it.

        With `install`, Julia and its packages may still be missing: they come at first use.
        """
        if self.package is None:
            return f"the Python package pysr is not installed; to get all of it: {self.remedy()}"
        if install:
            return None
        if self.trouble:
            return f"{self.trouble}; to complete it: {self.remedy()} ({SIZE}), or search with --allow-julia-install"
        return None

    def remedy(self) -> str:
        """The one command that completes what is missing; empty where nothing is."""
        if self.package is None:
            return f"{python()} -m {INSTALL_PACKAGE} && {self.install_command}"
        return self.install_command if self.trouble else ""

    @property
    def install_command(self) -> str:
        """Importing PySR fetches Julia and its packages by itself, unless it is told to stay offline."""
        return f'{python()} -c "import pysr"'

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "package": None if self.package is None else str(self.package)}


def python() -> str:
    """How to call this very Python from a shell: `python`, unless that is another one."""
    found = shutil.which("python")
    # Not resolved: the Python of a virtual environment is a link to that of the system.
    same = found is not None and Path(found).absolute().parent == Path(sys.executable).absolute().parent
    return "python" if same else shlex.quote(sys.executable)


def consent() -> bool:
    """Whether the environment variable allows to download Julia."""
    return os.environ.get(CONSENT, "").strip().lower() in ("1", "yes", "true")


def probe(environment: Mapping[str, str] | None = None) -> Probe:
    """Look for PySR and all it needs. Reads files and runs `julia --version`; takes well under a second."""
    env = os.environ if environment is None else environment
    package = _package()
    needs = _needs(package)
    wanted = str(needs.get("julia", ""))
    about = needs.get("packages", {}).get(BACKEND, {})
    # Releases ask for a range of versions, previews for one tag.
    tag = str(about.get("rev", "")).removeprefix("v")
    backend_wanted = str(about.get("version", "")) or tag
    project = _project(env)
    julia, found, wrong = _julia(env, project, wanted)
    backend = _backend(project)
    trouble = ""
    if julia is None:
        trouble = f"Julia is not installed (PySR needs {_bounds(wanted)})"
        if wrong:
            trouble = f"Julia {wrong} is not a version that PySR takes ({_bounds(wanted)})"
    elif backend is None:
        trouble = f"{BACKEND}.jl is not installed in {project}"
    elif not (backend == tag if tag[:1].isdigit() else _admits(backend_wanted, backend)):
        trouble = f"{BACKEND}.jl {backend} is installed in {project}, but this PySR needs {backend_wanted}"
    return Probe(
        package, _package_version(package), julia, found or wrong, _bounds(wanted), backend, backend_wanted,
        str(project), trouble,
    )  # fmt: skip


# -- Python ------------------------------------------------------------------------------------------------------


def _package() -> Path | None:
    """The folder of the package, found without importing it."""
    try:
        spec = importlib.util.find_spec("pysr")
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent


def _package_version(package: Path | None) -> str | None:
    if package is None:
        return None
    try:
        return version("pysr")
    except PackageNotFoundError:  # a source tree on the path
        return "unknown"


def _needs(package: Path | None) -> dict[str, Any]:
    if package is None:
        return {}
    try:
        found = json.loads((package / "juliapkg.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


# -- Julia -------------------------------------------------------------------------------------------------------


def _depot(env: Mapping[str, str]) -> Path:
    path = env.get("JULIA_DEPOT_PATH", "").split(os.pathsep)[0]
    return Path(path).absolute() if path else Path.home() / ".julia"


def _project(env: Mapping[str, str]) -> Path:
    """The Julia environment that juliacall will use."""
    given = env.get("PYTHON_JULIACALL_PROJECT") or env.get("PYTHON_JULIAPKG_PROJECT")
    if given:
        return Path(given)
    prefix = sys.prefix if sys.prefix != sys.base_prefix else env.get("CONDA_PREFIX")
    if prefix:
        return Path(prefix).absolute() / "julia_env"
    return _depot(env) / "environments" / "pyjuliapkg"


def _executables(env: Mapping[str, str], project: Path) -> Iterator[tuple[str, bool]]:
    """(executable, whether it is used whatever its version), in the order in which juliapkg looks."""
    for name in ("PYTHON_JULIACALL_EXE", "PYTHON_JULIAPKG_EXE"):
        if env.get(name):
            yield env[name], True
            return
    ending = ".exe" if os.name == "nt" else ""
    own = project / "pyjuliapkg" / "install" / "bin" / f"julia{ending}"
    if own.exists():
        yield str(own), False
    yield from ((path, False) for path in _juliaup(env, ending))
    on_path = shutil.which("julia", path=env.get("PATH"))
    if on_path:
        yield on_path, False


def _juliaup(env: Mapping[str, str], ending: str) -> list[str]:
    """Executables that juliaup has installed, read from its own file: asking juliaup might make it download."""
    depot = Path(env.get("JULIAUP_DEPOT_PATH") or Path.home() / ".julia") / "juliaup"
    try:
        installed = json.loads((depot / "juliaup.json").read_text(encoding="utf-8"))["InstalledVersions"]
        folders = [(v, depot / str(about["Path"])) for v, about in installed.items() if "Path" in about]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    paths = [folder / "bin" / f"julia{ending}" for _, folder in sorted(folders, reverse=True)]
    return [str(p.resolve()) for p in paths if p.exists()]


def _julia(env: Mapping[str, str], project: Path, wanted: str) -> tuple[str | None, str | None, str | None]:
    """(executable, its version, version of one that does not do)."""
    wrong = None
    for path, forced in _executables(env, project):
        found = _version_of(path)
        if found is None:
            continue
        # PySR uses an executable that the user names whatever its version, with a warning.
        if forced or (_admits(wanted, found) and _admits(_openssl(), found)):
            return path, found, None
        wrong = wrong or found
    return None, None, wrong


def _version_of(executable: str) -> str | None:
    try:
        said = subprocess.run(
            [executable, "--version"], capture_output=True, text=True, timeout=VERSION_SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    words = said.split()
    return words[2] if len(words) >= 3 and words[0].lower() == "julia" else None


def _openssl() -> str:
    """Julia 1.12 needs OpenSSL 3.5, which juliapkg shares between Python and Julia."""
    return "" if ssl.OPENSSL_VERSION_INFO[:2] >= (3, 5) else "1 - 1.11"


def _bounds(wanted: str) -> str:
    """Julia's notation in words: "=1.10.0, 1.10.3" is that version, or 1.10.3 and later ones."""
    last = f"up to {_openssl()[4:]}" if _openssl() else "and later"
    if not wanted:
        return f"any version {last}" if _openssl() else "any version"
    return f"{' or '.join(part.strip().removeprefix('=') for part in wanted.split(','))} {last}"


def _backend(project: Path) -> str | None:
    """The version of SymbolicRegression.jl in the project's manifest."""
    for path in sorted(project.glob("Manifest*.toml"), reverse=True):
        try:
            entries = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        for entry in entries.get("deps", entries).get(BACKEND, []):
            if isinstance(entry, dict) and "version" in entry:
                return str(entry["version"])
    return None


def _admits(wanted: str, found: str) -> bool:
    """Whether a version satisfies Julia's notation; True where that cannot be told."""
    if not wanted:
        return True
    try:
        from juliapkg.compat import Compat, Version  # comes with pysr; reads and starts nothing

        return Version.parse(found) in Compat.parse(wanted)
    except (ImportError, ValueError, TypeError):
        return True
