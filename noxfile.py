"""Sessions that need environments of their own: other Pythons, the oldest and the newest dependencies, the audit.

nox -s newest-3.11    newest releases of everything
nox -s lowest         the lower bounds of pyproject.toml, on Python 3.11
nox -s pinned         the versions in constraints.txt
nox -s audit          known vulnerabilities of the pinned versions (needs pypi.org or api.osv.dev)
nox -s package        wheel and sdist, installed in a clean environment and tried
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import nox

nox.options.sessions = ["newest", "lowest", "package"]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
CONSTRAINTS = Path("constraints.txt")


@nox.session(python=PYTHONS)
def newest(session: nox.Session) -> None:
    """The tests with the newest releases."""
    session.install("--upgrade", "-e", ".[dev]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """The tests with the oldest releases that pyproject.toml allows."""
    bounds = Path(session.create_tmp()) / "lowest.txt"
    bounds.write_text("\n".join(lower_bounds()) + "\n")
    session.install("-e", ".[parquet,excel,profile,dask]", *tools(), "-c", str(bounds))
    # Old releases use what newer ones of their own dependencies call deprecated; that is not ours to mend.
    session.run("python", "-m", "pytest", "-W", "ignore::DeprecationWarning", *session.posargs)


@nox.session(python="3.11")
def pinned(session: nox.Session) -> None:
    """The tests with the pinned versions."""
    session.install("-e", ".[dev]", "-c", str(CONSTRAINTS))
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python="3.11")
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of the pinned versions.

    The audit asks pypi.org (or, with `-- --vulnerability-service osv`, api.osv.dev) about each version. Where neither
    can be reached it would skip every package and find nothing; `--strict` makes that a failure.
    """
    session.install("pip-audit")
    words = ("--requirement", str(CONSTRAINTS), "--no-deps", "--disable-pip", "--strict")
    session.run("pip-audit", *words, *session.posargs)


@nox.session(python="3.11")
def package(session: nox.Session) -> None:
    """What is published: built, looked into, installed and tried."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "pytest", "-m", "slow", "tests/test_package.py", *session.posargs)


def project() -> dict[str, Any]:
    """The table `project` of pyproject.toml."""
    return tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]


def tools() -> list[str]:
    """What the tests need beside the product, at any version; without pyoperon, which needs NumPy 2."""
    return [d for d in project()["optional-dependencies"]["dev"] if not d.startswith(("formsearch", "pyoperon"))]


def lower_bounds() -> list[str]:
    """`name==version` for every run-time dependency and extra that has a lower bound and can be had at it together."""
    extras = project()["optional-dependencies"]
    apart = ("dev", "operon", "ray", "fuzz", "docs")
    wanted = [*project()["dependencies"], *(d for name, extra in extras.items() if name not in apart for d in extra)]
    found = (re.match(r"([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?>=([0-9.]+)", text) for text in wanted)
    return [f"{match[1]}=={match[2]}" for match in found if match is not None]
