"""A derivation tells how far it is: shares that only grow, from the first variable to the last row of a table."""

import pytest

from formsearch.derive import derive
from formsearch.pace import each, part


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, ["premises", "optimum in N", "optimum in D", "numbers of N", "numbers of D"]),
        (
            {"subject_to": "C = 6*N*D", "sweep": {"C": [1e20, 1e21]}},
            ["premises", "optimum in N", "numbers of N", "numbers of D", "growth", "frontier at C = 1e+20",
             "frontier at C = 1e+21"],
        ),
    ],
)  # fmt: skip
def test_every_part_is_told_before_it_begins(asked: dict[str, object], told: list[str]) -> None:
    heard: list[tuple[float, str]] = []
    derive("chinchilla", "besiroglu2024", progress=lambda done, doing: heard.append((done, doing)), **asked)  # type: ignore[arg-type]
    shares = [done for done, _ in heard]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.5 < shares[-1] < 1
    assert sorted(doing for _, doing in heard) == sorted(told)


def test_turns_over_the_variables_that_are_left_fill_their_share() -> None:
    heard: list[float] = []
    asked = {"minimise": ["active_experts", "shared_ratio"], "settings": {"N": 1e10, "Na": 1e9, "D": 1e11}}
    derive("zhao2025", "published", progress=lambda done, doing: heard.append(done), **asked)  # type: ignore[arg-type]
    assert heard == sorted(heard)
    assert heard[:3] == [0.0, 0.0, pytest.approx(0.7 / 3)]
    assert heard[-1] < 1


def test_parts_and_items() -> None:
    heard: list[tuple[float, str]] = []
    inner = part(lambda done, doing: heard.append((done, doing)), 0.5, 0.7)
    assert list(each("ab", inner, str.upper)) == ["a", "b"]
    assert heard == [(0.5, "A"), (pytest.approx(0.6), "B")]
