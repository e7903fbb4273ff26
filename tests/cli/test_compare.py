"""`formsearch compare`: the true law wins on exact runs; the built-in data rank as they were made."""

import csv
from pathlib import Path

import pytest

BOWL = Path(__file__).parents[2] / "docs" / "examples" / "bowl.py"
OWN = """
from formsearch import Constant, Law, Variable, positive
LAW = Law(
    "mine", "E + A/N**a + B/D**b", (Variable("N", "N"), Variable("D", "D")),
    (positive("E"), positive("A"), positive("B")),
)
"""


def test_the_true_form_wins_by_extrapolation(cli, runs) -> None:
    done = cli("compare", runs, "--laws", "chinchilla,kaplan2020,kaplan2020_size", "--json")
    assert done.code == 0
    board = done.result
    assert board["best"] == "chinchilla"
    assert board["split"].startswith("ordered by C")
    assert board["scores"][0]["test"]["mae"] < 1e-6


def test_nested_forms_rank_by_what_they_leave_out(cli) -> None:
    done = cli("compare", "zhao2025", "--laws", "zhao2025,zhao2025_eq9,zhao2025_eq7,zhao2025_eq4", "--json")
    scores = {s["law"]: s for s in done.result["scores"]}
    in_sample = [scores[name]["train"]["mae"] for name in ("zhao2025", "zhao2025_eq9", "zhao2025_eq7", "zhao2025_eq4")]
    assert in_sample == sorted(in_sample)
    held_out = [scores[name]["test"]["mae"] for name in ("zhao2025", "zhao2025_eq7", "zhao2025_eq4")]
    assert held_out == sorted(held_out)
    assert scores["zhao2025"]["test"]["mae"] < 0.0068
    assert done.result["points"]["simulated"].startswith("simulated from Eq. 11")


def test_laws_that_cannot_be_fed_are_listed_with_the_reason(cli, runs) -> None:
    done = cli("compare", runs, "--laws", "chinchilla,zhao2025")
    assert done.code == 0
    assert "zhao2025" in done.out
    assert "active_experts" in done.out


def test_nothing_applicable_is_bad_input(cli, runs) -> None:
    done = cli("compare", runs, "--laws", "zhao2025")
    assert (done.code, done.out) == (2, "")
    assert "no law could be judged on these points; zhao2025:" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--laws", "chinchila"], "did you mean 'chinchilla'"),
        (["--split", "odered:C"], "unknown split 'odered': did you mean 'ordered'"),
        (["--split", "ordered:C:2"], "test must be a share between 0 and 1"),
        (["--split", "column:fit:validation"], "split"),
        (["--metric", "mea"], "did you mean 'mae'"),
    ],
)
def test_bad_requests_are_one_line(cli, runs, words, message) -> None:
    done = cli("compare", runs, *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err


# -- laws of one's own -----------------------------------------------------------------------------------------------


def test_a_formula_is_compared_like_any_other_law(cli, runs) -> None:
    formula = "E + A/N**a + B/D**b"
    done = cli("compare", runs, "--laws", "chinchilla,kaplan2020_size", "--formula", formula, "--json")
    scores = {s["label"]: s for s in done.result["scores"]}
    assert set(scores) == {"formula", "chinchilla", "kaplan2020_size"}
    assert scores["formula"]["formula"] == formula
    assert scores["formula"]["test"]["mae"] < 1e-6
    assert scores["formula"]["values"]["a"] == pytest.approx(0.34, rel=1e-4)
    shown = cli("compare", runs, "--laws", "chinchilla", "--formula", formula, "--formula", "C + A/N**a").out
    assert "formula_1: variables N (total parameters), D (training tokens); constants E, A, a, B, b" in shown
    assert "formula_2: variables C (training compute), N (total parameters); constants A, a" in shown


def test_a_file_is_compared_with_all_laws_and_never_run(cli, runs, tmp_path) -> None:
    (tmp_path / "mylaw.py").write_text(OWN)
    labels = [s["label"] for s in cli("compare", runs, "--law", tmp_path / "mylaw.py", "--json").result["scores"]]
    assert {"mine", "chinchilla", "kaplan2020"} <= set(labels)
    alone = cli("compare", runs, "--laws", tmp_path / "mylaw.py", "--json").result
    assert [s["label"] for s in alone["scores"]] == ["mine"]
    (tmp_path / "bad.py").write_text(OWN + f"open({str(tmp_path / 'trace')!r}, 'w')")
    for words in (["--law"], ["--laws"]):
        done = cli("compare", runs, *words, tmp_path / "bad.py")
        assert (done.code, done.out) == (2, "")
        assert "is refused: a law file is read, never run" in done.err
    assert not (tmp_path / "trace").exists()


def test_laws_taken_with_all_still_have_to_give_the_target(cli, runs) -> None:
    board = cli("compare", runs, "--formula", "E + A/N**a", "--json").result
    reasons = {r["law"]: r["reason"] for r in board["not_applicable"]}
    assert reasons["tian2025"].startswith("it gives efficiency_leverage")


def test_fit_and_derive_take_laws_of_ones_own(cli, runs, tmp_path) -> None:
    (tmp_path / "mylaw.py").write_text(OWN)
    for words in (["--law", tmp_path / "mylaw.py"], ["--formula", "E + A/N**a + B/D**b"]):
        fitted = cli("fit", runs, *words, "--bootstrap", "0", "--json", "--out", tmp_path / "fit.json").result
        assert fitted["constants"]["b"] == pytest.approx(0.28, rel=1e-4)
    at = ["--subject-to", "C = 6*N*D", "--set", "C=1e21", "--json"]
    numbers = "E=1.8,A=400,a=0.34,B=400,b=0.28"
    expected = (0.34 / 0.28) ** (1 / 0.62) * (1e21 / 6) ** (0.28 / 0.62)
    for words in ([tmp_path / "mylaw.py"], ["--formula", "E + A/N**a + B/D**b"]):
        found = cli("derive", *words, "--constants", numbers, *at).result["results"]
        assert next(r for r in found if r["symbol"] == "N")["value"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compare", "RUNS", "--formula", "E + A/N**"], "cannot read formula"),
        (["compare", "RUNS", "--formula", "E + A*kind/N"], "--columns user_kind=kind"),
        (["compare", "RUNS", "--formula", "E + A/params**a + D"], "tables use for N: write N"),
        (["compare", "RUNS", "--formula", "__import__('os').getpid() + N"], "not allowed"),
        (["compare", "RUNS", "--law", "none.py"], "no such file: none.py"),
        (["compare", "RUNS", "--law", "E + A/N**a"], "give it as --formula 'E + A/N**a'"),
        (["fit", "https://example.org/runs.csv", "--law", "chinchilla"], "tables are read from files, so download it"),
        (["fit", "RUNS"], "which law? give --law"),
        (["fit", "RUNS", "--law", "chinchilla", "--formula", "N"], "exclude each other"),
        (["derive"], "which law? give LAW"),
        (["laws", "none.py"], "no such file: none.py"),
    ],
)
def test_laws_that_cannot_be_meant_are_one_line(cli, runs, words, message) -> None:
    done = cli(*(runs if w == "RUNS" else w for w in words))
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    told = [line for line in done.err.splitlines() if not line.startswith("note: ") and not line.endswith(" ...")]
    assert len(told) == 1


# -- groups, objectives, renderings ----------------------------------------------------------------------------------


@pytest.fixture
def two_targets(tmp_path) -> Path:
    lines = ["params,tokens,loss_a,loss_b"]
    for n in (5e7, 1e8, 2e8, 4e8, 8e8):
        for d in (1e9, 3e9, 9e9, 27e9):
            x = 400 * n**-0.34 + 400 * d**-0.28
            lines.append(f"{n},{d},{1.8 + x!r},{0.7 + 2 * x!r}")
    path = tmp_path / "two.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_several_targets_get_constants_of_their_own(cli, two_targets) -> None:
    words = ["--target", "loss_a", "--target", "loss_b", "--laws", "chinchilla", "--json"]
    own = cli("compare", two_targets, *words).result["scores"][0]
    assert own["constants"] == 10
    assert own["group_values"]["loss_a"]["E"] == pytest.approx(1.8, rel=1e-4)
    assert own["group_values"]["loss_b"]["E"] == pytest.approx(0.7, rel=1e-4)
    assert set(own["by_group"]) == {"loss_a", "loss_b"}
    pooled = cli("compare", two_targets, *words, "--pooled").result["scores"][0]
    assert pooled["constants"] == 5
    assert pooled["test"]["mae"] > 0.03
    shared = cli("compare", two_targets, *words, "--shared", "alpha,beta").result["scores"][0]
    assert shared["constants"] == 8
    assert shared["test"]["mae"] < 1e-5


def test_groups_held_out_whole_share_their_constants_and_it_is_said(cli, two_targets) -> None:
    words = ["--target", "loss_a", "--target", "loss_b", "--laws", "chinchilla", "--split", "level:group"]
    done = cli("compare", two_targets, *words)
    assert done.code == 0
    assert "constants common to all groups, since the split holds whole groups out" in done.out


def test_published_objectives_are_fitted_beside_the_common_one(cli, runs) -> None:
    def labels(*words: str) -> set[str]:
        done = cli("compare", runs, "--laws", "chinchilla,skaling2026", *words, "--json")
        return {s["label"] for s in done.result["scores"]}

    assert labels("--objective", "published") == {
        "chinchilla", "chinchilla (Huber(0.001, log))", "skaling2026", "skaling2026 (Huber(0.05, log))",
    }  # fmt: skip
    assert labels("--objective", "huber:1e-3", "--objective", "published") == {
        "chinchilla", "skaling2026", "skaling2026 (Huber(0.05, log))",
    }  # fmt: skip
    assert "chinchilla [besiroglu2024]" in labels("--published")


def test_the_board_is_written_in_the_rendering_of_its_suffix(cli, runs, tmp_path) -> None:
    for suffix in ("csv", "md", "tex", "json"):
        assert cli("compare", runs, "--laws", "chinchilla,kaplan2020", "--out", tmp_path / f"b.{suffix}").code == 0
    with (tmp_path / "b.csv").open() as file:
        assert [r["law"] for r in csv.DictReader(file)] == ["chinchilla", "kaplan2020"]
    assert "| chinchilla " in (tmp_path / "b.md").read_text()
    assert r"\bottomrule" in (tmp_path / "b.tex").read_text()
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("b.")) == ["b.csv", "b.json", "b.md", "b.tex"]


def test_a_folder_gets_the_figures_and_their_data(cli, runs, tmp_path) -> None:
    cli("compare", runs, "--laws", "chinchilla,kaplan2020", "--out", tmp_path / "out")
    for name in ("parity", "residuals-N", "residuals-D", "extrapolation"):
        assert (tmp_path / "out" / "figures" / f"{name}.svg").exists()
        with (tmp_path / "out" / "figures" / f"{name}.csv").open() as file:
            assert len(list(csv.DictReader(file))) >= 4


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_numbers_are_never_cut_on_a_terminal(cli, runs, monkeypatch, width) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    done = cli("compare", runs, "--laws", "chinchilla,kaplan2020,kaplan2020_size", "--published")
    table = done.out.split("k: fitted constants")[0]
    assert "…" not in table
    assert max(map(len, table.splitlines())) <= width
    board = cli("compare", runs, "--laws", "chinchilla,kaplan2020,kaplan2020_size", "--published", "--json").result
    assert table.count("as printed") == sum(s["kind"] == "published" for s in board["scores"])
    assert ("interval" in table) == (width >= 80)


# -- real tables -----------------------------------------------------------------------------------------------------


def test_a_file_with_bounds_and_starts_explains_real_sweeps(cli, shared_table) -> None:
    """The documented comparison on Step Law's mixtures of experts: learning rate and batch size matter most."""
    columns = (
        "N=total_params_nonemb,N_active=active_params_nonemb,D=tokens,active_experts=top_k,experts=n_experts_routed"
    )
    done = cli(
        "compare", shared_table("steplaw_moe"), "--columns", columns + ",lr=lr,batch_size=batch_size_tokens",
        "--laws", "chinchilla,wang2024", "--law", BOWL, "--split", "level:D", "--json",
    )  # fmt: skip
    scores = {s["law"]: s for s in done.result["scores"]}
    assert done.result["best"] == "bowl"
    assert scores["bowl"]["test"]["relative"] == pytest.approx(0.0080, abs=0.0003)
    assert scores["wang2024"]["test"]["relative"] == pytest.approx(0.0124, abs=0.0003)
    assert scores["bowl"]["values"]["t"] == pytest.approx(0.506, abs=0.005)  # Step Law prints .571 for its own sweeps


def test_gemstones_run_through_with_the_laws_of_their_authors(cli, shared_table) -> None:
    done = cli(
        "compare", shared_table("gemstones"), "--columns", "N=params,D=tokens,width=width,depth=depth",
        "--where", "subset == 'hot'", "--laws", "gemstones2025,chinchilla", "--objective", "huber:1e-4",
        "--cluster", "run_name", "--published", "--json",
    )  # fmt: skip
    scores = {s["label"]: s for s in done.result["scores"]}
    assert scores["gemstones2025"]["train"]["mae"] < scores["chinchilla"]["train"]["mae"]
    assert scores["gemstones2025 [hot]"]["test"]["mae"] == pytest.approx(0.0126, abs=2e-4)


def test_losses_on_several_texts_extrapolate_with_constants_each(cli, shared_table) -> None:
    done = cli(
        "compare", shared_table("olmo_ladder"), "--columns", "N=params_nonemb,D=tokens", "--target", "loss_c4_en",
        "--target", "loss_pile", "--laws", "chinchilla,skaling2026", "--split", "ordered:C:>1e21", "--json",
    )  # fmt: skip
    assert done.result["best"] == "skaling2026"
    assert set(done.result["scores"][0]["by_group"]) == {"loss_c4_en", "loss_pile"}
