"""`formsearch verify`: verdicts on printed claims, from a shipped file or one's own."""

import json

import pytest

OWN = """
title = "mine"
law = "chinchilla"
constants = "hoffmann2022"
[[claim]]
id = "exponent"
kind = "value"
expression = "beta/(alpha + beta)"
printed = "{printed}"
"""


def test_shipped_claims_by_name(cli) -> None:
    done = cli("verify", "zhao2025", "--only", "Table 4, theoretical", "--only", "Eq. 12")
    assert done.code == 0  # a slip that was found is an answer
    assert "holds (1/1): Eq. 12" in done.out
    assert "FAILS (8/9): Table 4, theoretical" in done.out
    assert "40.05 (40.0491" in done.out


def test_the_shipped_files_are_listed(cli) -> None:
    names = {c["name"] for c in cli("verify", "--json").result["claims"]}
    assert {"zhao2025", "chinchilla", "ludziejewski2025", "krajewski2024", "sun2025", "frantar2023"} <= names


@pytest.mark.parametrize(("printed", "verdict", "strict"), [("0.46", "holds", 0), ("0.47", "fails", 1)])
def test_a_file_of_ones_own(cli, tmp_path, printed: str, verdict: str, strict: int) -> None:
    file = tmp_path / "claims.toml"
    file.write_text(OWN.format(printed=printed))
    done = cli("verify", file, "--json")
    assert done.code == 0
    assert [v["verdict"] for v in done.result["verdicts"]] == [verdict]
    assert cli("verify", file, "--strict").code == strict


def test_undecided_is_told_by_the_exit_code(cli, tmp_path) -> None:
    file = tmp_path / "claims.toml"
    file.write_text('[[claim]]\nid = "x"\nkind = "solution"\nequation = "x + exp(x) + log(x) = a"\nsolve_for = "x"\n'
                    'equals = "a"\nlaw = "chinchilla"\n')  # fmt: skip
    done = cli("verify", file, "--json", "--seconds", "1")
    assert done.code == 1
    assert done.result["counts"] == {"undecided": 1}


def test_verdicts_are_written_to_a_file(cli, tmp_path) -> None:
    file = tmp_path / "claims.toml"
    file.write_text(OWN.format(printed="0.46"))
    assert cli("verify", file, "--out", tmp_path / "verdicts.json").code == 0
    assert json.loads((tmp_path / "verdicts.json").read_text())["result"]["counts"] == {"holds": 1}
    assert cli("verify", file, "--out", tmp_path / "verdicts.md").code == 0
    assert "| exponent | holds" in (tmp_path / "verdicts.md").read_text()


def test_unknown_names_are_bad_input(cli) -> None:
    assert cli("verify", "zhao2024").code == 2
    done = cli("verify", "chinchilla", "--only", "Eq. 99")
    assert done.code == 2
    assert "no claim of chinchilla has 'Eq. 99' in its id" in done.err
