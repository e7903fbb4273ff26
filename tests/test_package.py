"""What is published: the two packages with their data, nothing else; and it works installed."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def run(*words: object, **options: object) -> str:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, timeout=900, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return str(done.stdout)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", folder, cwd=ROOT)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def sources(*folders: str) -> set[str]:
    """Files of the repository in these folders, new ones included; all files where there is no repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return {name for name in listed.stdout.split("\n") if name and (ROOT / name).exists()}
    found = (
        p for folder in folders for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts
    )
    return {p.relative_to(ROOT).as_posix() for p in found}


def test_the_wheel_holds_the_packages_and_nothing_else(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        names = {n for n in wheel.namelist() if not n.endswith("/")}
    tops = {n.split("/")[0] for n in names}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"formsearch", "candidates"}
    packed = {n for n in names if not n.split("/")[0].endswith(".dist-info")}
    assert not [n for n in packed if "__pycache__" in n or n.endswith((".nbi", ".nbc", ".sqlite", ".orig", ".part"))]
    assert packed == sources("formsearch", "candidates")
    described = {n.split("/", 1)[1] for n in names if n.split("/")[0].endswith(".dist-info")}
    assert {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"} <= described


def test_the_sdist_can_be_tested(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as sdist:
        names = {n.partition("/")[2] for n in sdist.getnames()}
    assert {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "tests/conftest.py",
        "Makefile",
        "noxfile.py",
        "constraints.txt",
    } <= names
    assert not [n for n in names if "__pycache__" in n or n.startswith((".venv", ".git/", "shared"))]


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_it_works_in_a_clean_environment(built: tuple[Path, Path], tmp_path: Path, kind: str) -> None:
    """Dependencies are those of this environment, the package is the one that was built."""
    import site

    run(sys.executable, "-m", "venv", tmp_path / "venv", "--without-pip")
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    inside = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    # The editable install of this environment lives in a .pth file, which is not read from a path added so.
    (inside / "dependencies.pth").write_text("\n".join(p for p in site.getsitepackages() if Path(p).is_dir()) + "\n")
    artefact = built[0] if kind == "wheel" else built[1]
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-build-isolation", artefact)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    where = run(
        python, "-c", "import formsearch, candidates; print(formsearch.__file__)", cwd=tmp_path, env=environment
    )
    assert Path(where.strip()).is_relative_to(inside)
    command = [python, "-m", "formsearch"]
    assert "zhao2025" in run(*command, "data", cwd=tmp_path, env=environment)
    run(*command, "run", "zhao2025", "--laws", "zhao2025_eq4", "--starts", "4", "--seconds", "0", "--out", "out",
        cwd=tmp_path, env=environment)  # fmt: skip
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
    assert "done" in run(*command, "runs", cwd=tmp_path, env=environment)


def test_the_lower_bounds_are_read_from_the_project() -> None:
    sys.path.insert(0, str(ROOT))
    try:
        noxfile = pytest.importorskip("noxfile")
    finally:
        sys.path.remove(str(ROOT))
    bounds = noxfile.lower_bounds()
    assert "numpy==1.26" in bounds
    assert all("==" in b for b in bounds)
