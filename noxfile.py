"""Sessions that need environments of their own: other Pythons, the oldest and the newest dependencies, the audit.

nox -s newest-3.11    newest releases of everything
nox -s lowest         the lower bounds of pyproject.toml, on Python 3.11
nox -s pinned         the versions in constraints.txt
nox -s audit          known vulnerabilities of the pinned versions
nox -s package        wheel and sdist, installed in a clean environment and tried
"""

import re
import tomllib
from pathlib import Path

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
    session.install("-e", ".[dev]", "-c", str(bounds))
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python="3.11")
def pinned(session: nox.Session) -> None:
    """The tests with the pinned versions."""
    session.install("-e", ".[dev]", "-c", str(CONSTRAINTS))
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python="3.11")
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of the pinned versions."""
    session.install("pip-audit")
    session.run("pip-audit", "--requirement", str(CONSTRAINTS), "--no-deps", "--disable-pip", *session.posargs)


@nox.session(python="3.11")
def package(session: nox.Session) -> None:
    """What is published: built, looked into, installed and tried."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "pytest", "-m", "slow", "tests/test_package.py", *session.posargs)


def lower_bounds() -> list[str]:
    """`name==version` for every run-time dependency and extra that has a lower bound."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(d for name, extra in extras.items() if name != "dev" for d in extra)]
    found = (re.match(r"([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?>=([0-9.]+)", text) for text in wanted)
    return [f"{match[1]}=={match[2]}" for match in found if match is not None]
