"""`formsearch.toml` is validated whole: every problem is told at once, with key, value and remedy."""

import re
import tomllib
from pathlib import Path

import pytest

from formsearch import config
from formsearch.config import Config, number_text, read_config, toml_text
from formsearch.exceptions import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "formsearch.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        read_config(write(folder, text))
    assert error.value.exit_code == 2
    assert all("\n" not in p for p in error.value.problems)
    return [p.removeprefix("formsearch.toml: ") for p in error.value.problems]


def test_the_example_in_the_documentation_is_valid_and_has_every_key(tmp_path: Path) -> None:
    assert config.__doc__ is not None
    example = "\n".join(line.removeprefix("    ") for line in config.__doc__.splitlines() if line.startswith("    "))
    (tmp_path / "mylaw.py").write_text('FORMULA = "E + A/N**a"\n')
    found = read_config(write(tmp_path, example))
    keys = set(re.findall(r"^(\w+) =", example.split("[columns]")[0], flags=re.MULTILINE))
    assert keys | {"group", "weight", "split_column", "columns", "scale", "budget"} == set(Config.model_fields)
    assert found.columns == {"N": "params", "D": "tokens"}
    assert found.budget.seconds == 60
    assert found.laws == ["chinchilla", str(tmp_path / "mylaw.py")]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = """
    data = 3
    laws = ["chinchilla", "chinchila", "missing.py"]
    splt = "a"
    split = "ordred:C"
    objective = ["huber:1e-3", "published", "hubber"]
    engines = "nativ"
    starts = 0
    seed = 1.5
    formulas = "E + A/("
    duplicates = "median"
    [columns]
    M = "params"
    loss = "loss"
    N = 3
    [scale]
    D = -1
    N_active = "1e9"
    [budget]
    second = 3
    seconds = inf
    """
    told = problems(tmp_path, text)
    for begins in (
        "data = 3: must be text in quotes",
        "laws[1] = 'chinchila': unknown law 'chinchila': did you mean 'chinchilla'?",
        "laws[2] = 'missing.py': no such file",
        "splt: unknown key; did you mean 'split'?",
        "split = 'ordred:C': unknown split 'ordred': did you mean 'ordered'?",
        "objective[2] = 'hubber': unknown objective 'hubber': did you mean 'huber'?",
        "engines[0] = 'nativ': unknown engine 'nativ': did you mean 'native'?",
        "starts = 0: must be at least 1",
        "seed = 1.5: must be a whole number",
        "formulas[0] = 'E + A/(': cannot read formula",
        "duplicates = 'median': write 'keep', 'mean' or 'min'",
        "columns.M: unknown quantity 'M'",
        "columns.loss: loss is what laws predict, not a factor; write it as target",
        "columns.N = 3: must be text in quotes",
        "scale.D = -1: must be above 0",
        "scale.D = -1: no column is mapped to D; add it under [columns]",
        "scale.N_active = '1e9': must be a number without quotes",
        "budget.second: unknown key; did you mean 'seconds'?",
        "budget.seconds = inf: must be finite",
    ):
        assert sum(p.startswith(begins) for p in told) == 1, (begins, told)
    assert len(told) == 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data = runs.csv", "it is not TOML: "),
        ("data = 'a'\ndata = 'b'", "it is not TOML: "),
        ("columns = 'N=params'", "columns = 'N=params': must be a table of NAME = VALUE lines"),
        ("budget = 60", "budget = 60: must be a table of NAME = VALUE lines"),
        ("target = 3", "target = 3: must be text in quotes, or a list"),
    ],
)
def test_what_is_no_configuration_is_explained(tmp_path: Path, text: str, message: str) -> None:
    (told,) = problems(tmp_path, text)
    assert told.startswith(message)


def test_files_that_cannot_be_read_are_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`formsearch init DATA` writes one"):
        read_config(tmp_path / "formsearch.toml")
    (tmp_path / "latin.toml").write_bytes(b"data = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_config(tmp_path / "latin.toml")
    assert read_config(write(tmp_path, "\ufeff")) == Config()


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    document = {
        "data": 'runs "of" C:\\tmp\t\x7f é.csv', "target": ["a", "b"], "starts": 3,
        "columns": {"N": "Model Size", "D": "tokens # B"}, "scale": {"D": 1e9, "N": 1 / 3}, "budget": {"seconds": 2.5},
    }  # fmt: skip
    remarks = {"": ["head"], "target": ["two of them"], "columns": ["why"], "columns.D": ["in billions"]}
    text = toml_text(document, remarks)
    assert tomllib.loads(text) == document
    assert text.startswith("# head\n")
    assert "\n# in billions\nD = " in text
    found = read_config(write(tmp_path, text))
    assert found.scale == document["scale"]


@pytest.mark.parametrize("number", [1e9, 1 / 3, 1e6 + 0.5, 123456789.0, 5e-324])
def test_numbers_are_written_exactly(number: float) -> None:
    assert float(number_text(number)) == number


def test_the_example_of_the_page_on_tables_is_valid(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "tables.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    found = read_config(write(tmp_path, example))
    told = set(re.findall(r"`(\w+)`", page.split("Further keys are")[1].split(";")[0]))
    assert set(found.model_fields_set) | told == set(Config.model_fields)
