"""The derivation room against the printed numbers, and its closed forms against those of the papers."""

from typing import Any

import pytest
import sympy

import formsearch as fs
from formsearch.derive import derive
from formsearch.formula import parse_formula
from tests.known_answers.derivations import DERIVATIONS
from tests.known_answers.test_published_numbers import DERIVED, _close, _rows


def _of_the_room(checks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [c for c in checks if c["what"] in DERIVATIONS]


def _outputs(check: dict[str, Any], row: list[float]) -> tuple[dict[str, float], dict[str, float]]:
    law = fs.laws[check["law"]]
    inputs, printed = row[: len(check["inputs"])], row[len(check["inputs"]) :]
    found = DERIVATIONS[check["what"]](
        law, law.published[check["fit"]].constants, **dict(zip(check["inputs"], inputs, strict=True))
    )
    return found, dict(zip(check["outputs"], printed, strict=True))


@pytest.mark.parametrize(("check", "i", "row"), _rows(_of_the_room(DERIVED["derived"])))
def test_the_machine_finds_what_is_printed(check: dict[str, Any], i: int, row: list[float]) -> None:
    found, printed = _outputs(check, row)
    for output, number in printed.items():
        assert _close(check, output, found[output], number), (output, found[output], number, check["source"])


@pytest.mark.parametrize(("check", "i", "row"), _rows(_of_the_room(DERIVED["not_reproducible"])))
def test_the_machine_finds_what_the_constants_give(check: dict[str, Any], i: int, row: list[float]) -> None:
    found, printed = _outputs(check, row)
    assert not all(_close(check, o, found[o], number) for o, number in printed.items()), check["source"]
    for output, ours in zip(check["outputs"], check["ours"][i], strict=True):
        assert found[output] == pytest.approx(ours, rel=1e-3), check["source"]


G = "(alpha*A/(beta*B))**(1/(alpha + beta))"
CLOSED_FORMS = [
    ("chinchilla", "N", None, "C = 6*N*D", f"{G}*(C/6)**(beta/(alpha + beta))"),
    ("chinchilla", "D", None, "C = 6*N*D", f"(C/6)**(alpha/(alpha + beta))/{G}"),
    ("skaling2026", "N", None, "C = 6*N*D", f"{G}*(C/6)**(beta/(alpha + beta))"),
    ("gadre2024", "M", None, None, "(b/a)**(1/(2*eta))"),
    ("zhao2025", "G", None, None, "sqrt(f/e)"),
    ("zhao2025", "S", None, None, "-n/(2*m)"),
    ("zhao2025", "Na/N", None, None, "(alpha*(k*A + c)/(h*N**alpha*A))**(1/(1 + alpha))"),
    ("abnar2025", "S", None, None, "1 - (d*delta*N**-gamma/(-c*lam))**(1/(delta - lam))"),
    ("frantar2023", "S", ("S", "D"), "C = 6*N*D/(1 - S)",
     "1 - (bD*aD**bD*N**bN/(bS*aS)*(C/(6*N))**-bD)**(1/(bS + bD))"),
    ("sun2025", "M", ("E", "M"), "P = E + M + 1", "nu*P/(delta + nu) - 1/2"),
    ("sun2025", "E", ("E", "M"), "P = E + M + 1", "delta*P/(delta + nu) - 1/2"),
    ("sun2025", "D", None, None,
     "(d*gamma*N**alpha*(E + 0.5)**delta*(M + 0.5)**nu*log(2)/log(B))**(1/(2*beta))"),
    ("tian2025", "G", None, None, "2**(-beta/(2*gamma))"),
    ("clark2022", "N where E turns", None, None, "10**(-b/c)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "symbol", "minimise", "subject_to", "formula"), CLOSED_FORMS)
def test_closed_forms_of_the_papers(
    name: str, symbol: str, minimise: Any, subject_to: str | None, formula: str
) -> None:
    """Found from the law alone; compared in 30 digits at random constants, whatever their signs."""
    law = fs.laws[name]
    result = derive(law, "published" if law.published else None, minimise, subject_to, resamples=0, seconds=2)[symbol]
    assert result.full is not None
    symbols = {str(s): s for s in result.full.free_symbols}
    if name == "zhao2025" and symbol == "Na/N":
        formula = formula.replace("A", "(e*G + f/G + m*S**2 + n*S)")
    printed = parse_formula(formula, symbols)
    for shift in range(4):
        at = {s: (-1 if s.is_negative else 1) * sympy.Rational(7 + 3 * i + shift, 11 + 2 * i)
              for i, s in enumerate(sorted(symbols.values(), key=str))}  # fmt: skip
        a, b = (sympy.N(e.subs(at), 30) for e in (result.full, printed))
        assert abs(a - b) < 1e-25 * abs(b)


def test_krajewski_with_routing_charged() -> None:
    """Table 2, all rows: the best size at given FLOPs within 5 %, the best granularity the nearest power of two."""
    rows = next(c for c in DERIVED["derived"] if c["what"] == "krajewski_flops")["rows"]
    cost = "F = (72*(N/8.0625)**(2/3) + 896*G*(N/8.0625)**(1/3))*D*(N/8.0625)**(1/3)/64"
    d = derive(fs.laws["krajewski2024"], "published", ["N", "D", "G"], cost, sweep={"F": [r[3] for r in rows]},
               resamples=0, seconds=1)  # fmt: skip
    assert d.ok
    table = d.table("frontier")
    for (active, tokens, granularity, _), n, best, t in zip(
        rows, table.column("N"), table.column("G"), table.column("D"), strict=True
    ):
        assert n / 43 == pytest.approx(active, rel=0.1)
        assert t == pytest.approx(tokens, rel=0.15)
        assert 2**-0.5 < best / granularity < 2**0.5


def test_every_law_named_for_closed_forms_is_covered() -> None:
    covered = {c["law"] for c in _of_the_room([*DERIVED["derived"], *DERIVED["not_reproducible"]])}
    assert {"zhao2025", "chinchilla", "skaling2026", "ludziejewski2025", "abnar2025", "tian2025", "clark2022",
            "sun2025", "frantar2023", "kumar2024", "muennighoff2023"} <= covered  # fmt: skip
