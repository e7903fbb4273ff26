"""The registry, and plug-ins that add laws to it through an entry point."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import candidates
from formsearch.exceptions import UnknownNameError
from formsearch.law import Law
from formsearch.registry import Registry, laws

ROOT = Path(__file__).parents[1]
EXAMPLE = Path(__file__).parent / "plugin_example"


def test_it_is_a_read_only_mapping_of_the_candidates() -> None:
    assert dict(laws.items()).keys() >= candidates.LAWS.keys()
    assert all(isinstance(law, Law) and law.name == name for name, law in laws.items())
    assert "chinchilla" in laws
    assert "nobody2030" not in laws
    assert repr(laws).startswith(f"<{len(laws)} laws: ")
    with pytest.raises(TypeError):
        laws["mine"] = laws["chinchilla"]  # type: ignore[index]


def test_the_laws_of_the_first_release_are_there() -> None:
    assert {
        "zhao2025", "zhao2025_eq4", "zhao2025_eq7", "zhao2025_eq9", "krajewski2024", "krajewski2024_dense",
        "abnar2025", "ludziejewski2025", "chinchilla",
    } <= set(laws)  # fmt: skip


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown law 'chinchila': did you mean 'chinchilla'"):
        laws["chinchila"]
    assert Registry().get("nobody2030") is None


@pytest.fixture
def installed(tmp_path: Path) -> Callable[..., dict[str, object]]:
    """Puts packages beside a dist-info folder each, as an installer does, and lists the laws in a new process."""

    def install(name: str, entry_points: str) -> None:
        info = tmp_path / f"{name.replace('-', '_')}-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
        (info / "entry_points.txt").write_text(textwrap.dedent(entry_points))

    def names(packages: dict[str, str], modules: dict[str, str]) -> dict[str, object]:
        for package, entry_points in packages.items():
            install(package, entry_points)
        for module, text in modules.items():
            (tmp_path / f"{module}.py").write_text(textwrap.dedent(text))
        program = textwrap.dedent("""
            import json, warnings
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                from formsearch import laws
                names = list(laws)
            from importlib.metadata import distributions
            print(json.dumps({"names": names, "warnings": [str(w.message) for w in caught],
                              "constants": list(laws["example_product"].constant_names)
                              if "example_product" in laws else [],
                              "formulas": {n: laws[n].formula for n in ("chinchilla", *names[-1:])}}))
        """)
        path = [str(tmp_path), str(EXAMPLE / "src"), str(ROOT)]
        done = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{program}"],
            capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60,
        )  # fmt: skip
        return dict(json.loads(done.stdout))

    return names


def _entry_points_of_example() -> str:
    import tomllib

    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    lines = (f"{k} = {v}" for k, v in project["entry-points"]["formsearch.laws"].items())
    return "[formsearch.laws]\n" + "\n".join(lines) + "\n"


def test_an_installed_package_adds_its_law(installed: Callable[..., dict[str, object]]) -> None:
    found = installed({"formsearch-example-laws": _entry_points_of_example()}, {})
    assert found["warnings"] == []
    assert found["names"] == [*candidates.LAWS, "example_product"]
    assert found["constants"] == ["E", "A", "alpha"]


def test_broken_plug_ins_are_left_out_with_a_warning_that_names_them(
    installed: Callable[..., dict[str, object]],
) -> None:
    found = installed(
        {
            "broken-import": "[formsearch.laws]\nbad = not_there:LAW\n",
            "broken-type": "[formsearch.laws]\nbad = wrong_type:LAWS\n",
            "name-thief": "[formsearch.laws]\nbad = thief:LAW\n",
            "formsearch-example-laws": _entry_points_of_example(),
        },
        {
            "wrong_type": "LAWS = {'x': 3}\n",
            "thief": """
                from formsearch.law import Law, Variable
                LAW = Law("chinchilla", "N*a", (Variable("N", "N"),))
            """,
        },
    )
    assert found["names"] == [*candidates.LAWS, "example_product"]
    warnings = sorted(map(str, found["warnings"]))  # type: ignore[call-overload]
    assert len(warnings) == 3
    assert any("broken-import" in w and "No module named 'not_there'" in w for w in warnings)
    assert any("broken-type" in w and "are not formsearch.Law objects" in w for w in warnings)
    assert any("name-thief" in w and "the name is taken" in w for w in warnings)
    assert "alpha" in str(found["formulas"])


def test_listing_laws_does_not_import_sympy() -> None:
    program = "import sys; from formsearch import laws; list(laws.values()); print('sympy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    assert done.stdout.strip() == "False"
