"""Printed claims against the law: what holds, what holds only if, what fails, with the corrected form."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from formsearch.derive.case import Printed
from formsearch.derive.claims import Claims, read_claims, shipped
from formsearch.derive.verify import Verification, verify
from formsearch.exceptions import InputError, UnknownNameError


def _some(name: str, *ids: str) -> Verification:
    claims = read_claims(name)
    kept = tuple(c for c in claims.claims if c.id in ids)
    assert len(kept) == len(ids)
    return verify(replace(claims, claims=kept))


@pytest.fixture(scope="module")
def zhao() -> Verification:
    return _some(
        "zhao2025", "Eq. 12", "Eq. 13", "Eq. 14", "Eq. 16", "Eq. 17", "Eq. 25", "App. F second derivative", "Eq. 31",
        "Eq. 32", "Eq. 33", "Eq. 34", "Eq. 35", "Table 3, G", "Table 3, S", "Table 3, own G", "Table 3, own S",
        "Table 4, theoretical", "Table 4, practical, .001", "Table 4, practical, .005", "Eq. 6", "Sec. 4.5, m", "Cost",
        "Validation rows held out",
    )  # fmt: skip


def test_no_file_of_claims_holds_a_verdict() -> None:
    assert {"zhao2025", "chinchilla", "ludziejewski2025", "krajewski2024", "sun2025", "frantar2023",
            "muennighoff2023"} <= set(shipped())  # fmt: skip
    for path in shipped().values():
        text = path.read_text(encoding="utf-8")
        assert "verdict =" not in text
        assert "holds =" not in text


@pytest.mark.parametrize("claim", ["Eq. 12", "Eq. 13", "Eq. 14", "Eq. 17", "Eq. 25", "App. F second derivative",
                                   "Eq. 34", "Eq. 35"])  # fmt: skip
def test_what_holds(zhao: Verification, claim: str) -> None:
    assert zhao[claim].verdict == "holds"


def test_tables_of_the_seed(zhao: Verification) -> None:
    assert zhao["Table 3, G"].numbers == (18, 18)
    assert zhao["Table 3, S"].numbers == (18, 18)
    assert zhao["Table 4, theoretical"].numbers == (8, 9)
    assert zhao["Table 4, theoretical"].corrected.startswith("Qwen3-30B-A3B: 40.05 (40.0491")
    assert zhao["Table 4, practical, .001"].numbers == (9, 9)
    assert zhao["Table 4, practical, .005"].numbers == (9, 9)
    assert zhao["Table 3, own G"].numbers == (7, 9)
    assert zhao["Table 3, own S"].numbers == (2, 9)


def test_a_wrong_sign_in_an_exponent_is_found(zhao: Verification) -> None:
    assert zhao["Eq. 31"].verdict == "fails"
    assert "exponent of Na is -alpha - 1, printed alpha - 1" in zhao["Eq. 31"].sentence
    assert "alpha*(k*A + c)/Na**(alpha + 1)" in zhao["Eq. 31"].corrected
    assert "s should read eps" in zhao["Eq. 32"].sentence
    assert "exponent of Na is -alpha, printed alpha" in zhao["Eq. 32"].sentence


def test_the_power_law_of_the_frontier_needs_h_zero(zhao: Verification) -> None:
    v = zhao["Eq. 33"]
    assert v.verdict == "holds only if"
    assert "h = 0: then 1.873025 + 575.947*C**-0.158059" in v.sentence
    assert "tends to 1.950738" in v.sentence
    assert any("printed form 1.9149, true minimum 1.9541" in row for row in v.details)


def test_conditions_on_unknown_symbols(zhao: Verification) -> None:
    assert (zhao["Eq. 16"].verdict, zhao["Eq. 6"].verdict) == ("holds only if", "holds only if")
    assert "s = eps" in zhao["Eq. 16"].sentence
    assert "iota = 1" in zhao["Eq. 6"].sentence


def test_statements(zhao: Verification) -> None:
    assert zhao["Sec. 4.5, m"].corrected == "decreasing"
    assert "factor of 6" in zhao["Cost"].sentence
    assert zhao["Validation rows held out"].sentence.startswith("85")


def test_a_verification_prints_and_serialises(zhao: Verification) -> None:
    json.dumps(zhao.to_dict(), allow_nan=False)
    assert zhao.counts == {"holds": 12, "holds only if": 3, "fails": 8}
    assert "FAILS (8/9): Table 4, theoretical" in zhao.text()
    assert "| Eq. 12" in zhao.markdown()
    assert len(zhao.errata) == 11


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("zhao2025", {"holds": 28, "holds only if": 5, "fails": 27}),
        ("chinchilla", {"holds": 6, "fails": 2}),
        ("ludziejewski2025", {"holds": 11}),
        ("krajewski2024", {"holds": 6, "fails": 1}),
        ("sun2025", {"holds": 6, "fails": 1}),
        ("frantar2023", {"holds": 3, "fails": 1}),
        ("muennighoff2023", {"holds": 4}),
    ],
)
def test_every_shipped_file(name: str, counts: dict[str, int]) -> None:
    assert verify(name).counts == counts


def test_rounding_follows_the_printed_digits() -> None:
    assert Printed.of("40.04").agrees(40.0449)
    assert not Printed.of("40.04").agrees(40.0492)
    assert Printed.of("40.04").rounded(40.0492) == "40.05"
    assert Printed.of("2.95e18").agrees(2.9545e18)
    assert not Printed.of("2.95e18").agrees(2.956e18)
    assert Printed.of("576").agrees(575.947)
    assert Printed.of(".158").unit == pytest.approx(1e-3)
    with pytest.raises(InputError, match="is not a number"):
        Printed.of("about 3")


BASE = 'law = "chinchilla"\n[[claim]]\nid = "x"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BASE + 'kind = "value"\nexpression = "L"\n', r"claim 'x' of kind value needs printed"),
        (BASE + 'kind = "proof"\n', r"unknown kind of claim 'x'.*'proof'"),
        (BASE + 'kind = "value"\nexpression = "E"\nprinted = "1"\nrounded = 2\n', r"unknown field 'rounded'"),
        (BASE + 'kind = "value"\nexpression = "N"\nprinted = "1"\n', r"claim 'x': no value for N: add it to settings"),
        (BASE + 'kind = "value"\nexpression = "E+"\nprinted = "1"\n', r"claim 'x': cannot read formula"),
        (BASE + 'kind = "value"\nexpression = "E"\nprinted = ["1", "2"]\nover = {N = [1.0]}\n', r"different lengths"),
        ("law = \n", r"is not readable TOML"),
        ('law = "chinchilla"\n', r"has no \[\[claim\]\]"),
        (BASE + 'kind = "agreement"\nvalues = {a = 1}\n' + '[[claim]]\nid = "x"\nkind = "agreement"\nvalues = {}\n',
         r"id 'x' is used twice"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "claims.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=message) as error:
        verify(file)
    assert "\n" not in str(error.value)


def test_unknown_names_of_files() -> None:
    with pytest.raises(UnknownNameError, match="zhao2025"):
        verify("zhao2024")


def test_a_claim_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'title = "mine"\nlaw = "chinchilla"\n[define]\nG = "(alpha*A/(beta*B))**(1/(alpha + beta))"\n'
        '[[claim]]\nid = "N"\nkind = "optimum"\nsubject_to = "C = 6*N*D"\nminimise = ["N", "D"]\nresult = "N"\n'
        'equals = "G*(C/6)**(alpha/(alpha + beta))"\n'
    )
    claims: Claims = read_claims(file)
    v = verify(claims)["N"]
    assert v.verdict != "holds"  # the exponent is beta/(alpha + beta)
    assert "beta" in v.corrected
