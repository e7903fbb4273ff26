"""Expressions that several laws share, as formula text."""


def saturated(count: str, start: str, end: str) -> str:
    """Saturating transform of a count or ratio: `start` at a count of 1 (0 for a ratio), at most `end`.

        1/Eh = 1/(count - 1 + 1/(1/start - 1/end)) + 1/end

    `count` is the formula text of count - 1 (of the ratio itself, for a ratio). Clark et al. 2022,
    arXiv:2202.01169; also in Ludziejewski 2025, Yun 2024 and, for the activation ratio, Tian 2025.
    """
    return f"1/(1/({count} + 1/(1/{start} - 1/{end})) + 1/{end})"
