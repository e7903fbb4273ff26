"""The page of a law and the list of laws, in all their shapes."""

import json
import re

import pytest

from formsearch import laws
from formsearch.law import Law, Variable
from formsearch.lawpage import EVIDENCE, law_list, law_page, list_markdown, list_text, page_markdown, page_text

PLAIN = Law("plain", "a*x", (Variable("x", "user_heads"),))


@pytest.mark.parametrize("name", sorted(laws))
def test_every_page_is_complete_in_every_shape(name: str) -> None:
    law = laws[name]
    page = json.loads(json.dumps(law_page(law), allow_nan=False))
    text, markdown = page_text(law), page_markdown(law)
    assert {v["symbol"] for v in page["variables"]} == set(law.variable_names)
    assert {c["symbol"] for c in page["constants"]} == set(law.constant_names)
    for part in (*law.published, *law.monotone, *law.quantities):
        assert part in text
        assert part in markdown
    joined = " ".join(text.replace("- ", "").split())
    read = re.sub(r"\\([*<|$`\\])", r"\1", markdown)
    for sentence in (law.title, *law.derived, *law.caveats, *law.conflicts, law.source):
        assert sentence in read, "a product of powers must not be taken for emphasis"
        assert " ".join(sentence.replace("- ", "").split()) in joined
    for fit in law.published.values():
        assert EVIDENCE[fit.evidence] in joined
        assert all(f"{value:.10g}" in text for value in fit.constants.values())


def test_the_page_says_that_g_is_not_the_g_of_others() -> None:
    assert "Krajewski's G is d_ff/d_expert" in page_text(laws["zhao2025"], width=200)
    assert law_page(laws["zhao2025"])["variables"][3] == {
        "symbol": "G",
        "quantity": "active_experts",
        "unit": "count",
        "domain": "> 0",
        "meaning": "activated experts per token, shared + routed",
    }


def test_bounds_and_missing_fits_are_said() -> None:
    assert law_page(laws["abnar2025"])["constants"][5] | {"meaning": ""} == {
        "symbol": "lam", "meaning": "", "lower": None, "upper": None,
    }  # fmt: skip
    assert "none: the constants have to be fitted" in page_text(laws["wang2024"])
    assert "0.01 to 2" in page_text(laws["skaling2026"])
    assert "<= 0" in page_text(laws["farseer2025"])


def test_a_law_of_ones_own_with_nothing_but_a_form() -> None:
    text = page_text(PLAIN)
    assert text.startswith("plain\n")
    assert "loss = a*x" not in text
    assert "L = a⋅x" in text
    assert "Caveats" not in text
    assert "## plain" in page_markdown(PLAIN)


def test_text_keeps_to_its_width() -> None:
    for width in (80, 100, 140):
        for name in ("zhao2025", "clark2022", "sun2025", "krajewski2024"):
            assert max(len(line) for line in page_text(laws[name], width).splitlines()) <= width, (name, width)


def test_the_list() -> None:
    records = law_list(laws.values())
    assert [r["name"] for r in records] == list(laws)
    assert records[0]["quantities"] == ["N", "N_active", "D", "active_experts", "shared_ratio"]
    json.dumps(records, allow_nan=False)
    text, markdown = list_text(laws.values()), list_markdown(laws.values())
    for law in laws.values():
        assert law.name in text
        assert f"| {law.name} " in markdown
    assert "proportion_1 to 5" in markdown
    assert len(markdown.splitlines()) == len(laws) + 2


def test_powers_are_no_emphasis_in_markdown() -> None:
    markdown = page_markdown(laws["krajewski2024"])
    assert r"- D -> oo: c + (g\*G\*\*-gamma + a)\*N\*\*-alpha" in markdown
