"""`formsearch derive`: the seed's optima, each with second-order condition and numeric cross-check."""

import json

import pytest


@pytest.fixture
def results(cli):
    def call(*words: object) -> dict:
        done = cli("derive", *words, "--json")
        assert done.code == 0
        return {r["symbol"]: r for r in done.result["results"]}

    return call


def test_published_constants_give_the_published_optima(results) -> None:
    """Zhao et al. 2025, Eq. 12-14, from Table 2's constants; 22.02 % is Table 4's column at N = 671e9."""
    found = results("zhao2025", "--constants", "published", "--set", "N=671e9,G=7,S=0.31")
    ratio = found["Na/N"]
    assert ratio["value"] == pytest.approx(0.2202, abs=5e-5)
    found = results("zhao2025", "--constants", "published")
    assert found["G"]["value"] == pytest.approx(6.7778, abs=1e-4)
    assert found["G"]["expression"] == "sqrt(f/e)"
    assert found["S"]["value"] == pytest.approx(0.31485, abs=1e-5)
    for name in ("G", "S", "Na/N"):
        assert found[name]["second_order"]["check"]["kind"] == "proved"
        assert found[name]["check"]["passed"]


def test_the_text_names_conditions_and_checks(cli) -> None:
    done = cli("derive", "zhao2025", "--constants", "published", "--minimise", "active_experts")
    assert done.code == 0
    assert "G_opt = sqrt(f/e) = 6.7778" in done.out
    assert "second-order condition" in done.out
    assert "direct numeric minimisation" in done.out


def test_constants_come_from_a_fit_on_disk(cli, results, tmp_path) -> None:
    words = ["--where", "split == 'fit'", "--law", "zhao2025", "--bootstrap", "0"]
    cli("fit", "zhao2025", *words, "--out", tmp_path / "fit.json")
    found = results("zhao2025", "--constants", tmp_path / "fit.json", "--minimise", "G")
    constants = json.loads((tmp_path / "fit.json").read_text())["result"]["constants"]
    assert found["G"]["value"] == pytest.approx((constants["f"] / constants["e"]) ** 0.5)
    assert found["G"]["value"] == pytest.approx(6.78, abs=0.5)


def test_constants_come_from_the_board_of_a_run(cli, runs, results, tmp_path) -> None:
    words = ["--laws", "chinchilla,kaplan2020", "--seconds", "0", "--out", tmp_path / "out"]
    assert cli("run", runs, *words).code == 0
    found = results(
        "chinchilla", "--constants", tmp_path / "out" / "results.json", "--subject-to", "C = 6*N*D", "--set", "C=1e21"
    )
    # loss = 1.8 + 400 N^-.34 + 400 D^-.28: N* = G (C/6)^(.28/.62), G = (.34/.28)^(1/.62)
    assert found["N"]["value"] == pytest.approx((0.34 / 0.28) ** (1 / 0.62) * (1e21 / 6) ** (0.28 / 0.62), rel=1e-4)


def test_constants_as_numbers(results) -> None:
    numbers = "e=1,f=4,m=1,n=-1,alpha=0.2,k=0,h=0.05,a=30,b=2e4,beta=0.5,c=30,eps=1.8"
    assert results("zhao2025", "--constants", numbers, "--minimise", "G")["G"]["value"] == pytest.approx(2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["zhao2052"], "did you mean 'zhao2025'"),
        (["zhao2025", "--constants", "publshed"], "did you mean 'published'?"),
        (["zhao2025", "--constants", "e=1"], "--constants lacks f"),
        (["zhao2025", "--constants", "missing.json"], "no such file: missing.json"),
        (["zhao2025", "--minimise", "Q"], "unknown"),
        (["zhao2025", "--constants", "published", "--set", "N=big"], "'big' is not a number"),
    ],
)
def test_bad_requests_are_one_line(cli, words, message) -> None:
    done = cli("derive", *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_file_without_the_law_is_refused(cli, tmp_path) -> None:
    (tmp_path / "other.json").write_text('{"result": {"law": "chinchilla", "constants": {"E": 1}}}')
    assert "holds no fit of law zhao2025" in cli("derive", "zhao2025", "--constants", tmp_path / "other.json").err
    (tmp_path / "broken.json").write_text("{")
    assert "is no JSON file" in cli("derive", "zhao2025", "--constants", tmp_path / "broken.json").err


def test_effective_parameters(cli) -> None:
    """Clark et al. 2022: 5M parameters with 128 experts are worth about 55M dense ones."""
    words = ["clark2022", "--constants", "s_base", "--set", "N=5e6,E=128", "--equivalent", "N", "--reference", "E=1"]
    done = cli("derive", *words, "--json")
    assert done.code == 0
    (answer,) = done.result["answers"]["results"]
    assert answer["value"] == pytest.approx(55e6, rel=0.07)
    assert "N_equivalent" in cli("derive", *words).out
    assert cli("derive", *words[:-2]).code == 2  # no reference


def test_crossings_of_settings_and_of_laws(cli) -> None:
    at = "Na=1e9,D=1e11,G=7,S=0.3"
    words = ["zhao2025", "--constants", "published", "--set", at, "--reference", "Na=9e9"]
    done = cli("derive", *words, "--crossing", "N",
               "--json")  # fmt: skip
    assert done.code == 0
    (table,) = done.result["answers"]["tables"]
    assert table["columns"]["N"] == pytest.approx([6.4617e9], rel=1e-4)
    done = cli("derive", "chinchilla", "--constants", "besiroglu2024", "--crossing", "D", "--set", "N=1e9", "--other",
               "chinchilla", "--other-constants", "hoffmann2022")  # fmt: skip
    assert "are equal" in done.out


def test_sensitivity(cli) -> None:
    words = ["chinchilla", "--constants", "besiroglu2024", "--set", "N=1e10,D=2e11", "--sensitivity"]
    done = cli("derive", *words)
    assert done.code == 0
    assert "Elasticities of L = 2.13075" in done.out
    assert "no interaction" in done.out
    answers = cli("derive", *words, "--json").result["answers"]
    assert [t["name"] for t in answers["tables"]] == ["elasticities"]
    assert {r["about"] for r in answers["results"]} == {"Interactions", "Rates of substitution"}


def test_best_learning_rate_of_a_bowl(cli) -> None:
    """A law file of one's own: the optimum of a squared logarithm is where it vanishes."""
    from tests.test_docs import DOCS

    numbers = "E=2,A=3,a=0.1,B=4,b=0.2,u=0.1,p=0.01,r=-0.2,v=0.1,s=1e5,t=0.3"
    words = [DOCS / "examples" / "bowl.py", "--constants", numbers, "--minimise", "lr", "--set", "D=1e10", "--json"]
    done = cli("derive", *words)
    assert done.code == 0
    (result,) = done.result["results"]
    assert result["expression"] == "D**r*p"
    assert result["value"] == pytest.approx(0.01 * 1e10**-0.2)
