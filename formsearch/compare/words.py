"""What a comparison says, in sentences: who is best, by how much, and which laws cannot be told apart.

A difference is printed with half the width of its interval, "0.0003 ± 0.0005".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from formsearch.compare.confidence_set import ConfidenceSet
from formsearch.compare.paired import Pair
from formsearch.compare.scores import Metric


def significant(value: float, digits: int = 3) -> str:
    """A number with that many significant digits, plain where it can be read so."""
    if not math.isfinite(value):
        return "-" if math.isnan(value) else str(value)
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if -5 <= size < 6:
        return f"{value:.{max(0, digits - 1 - size)}f}"
    return f"{value:.{digits - 1}e}"


def plus_minus(value: float, half: float, percent: bool = False) -> str:
    """`value ± half`, both to two significant digits of the half-width."""
    factor, unit = (100.0, " %") if percent else (1.0, "")
    value, half = value * factor, half * factor
    if not (math.isfinite(half) and half > 1e-6 * abs(value)):
        return f"{significant(value)}{unit}"
    places = 1 - math.floor(math.log10(half))
    if places > 8 or places < -6:
        text = f"{value:.1e} ± {half:.1e}"
    else:
        text = f"{value:.{max(0, places)}f} ± {half:.{max(0, places)}f}"
    return f"({text}){unit}" if unit else text


def p_text(p: float) -> str:
    """A p value, `p < 0.001` at the bottom."""
    return "p unknown" if math.isnan(p) else "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def tie_sentence(pair: Pair, measure: Metric) -> str:
    """Two laws that cannot be told apart."""
    if pair.same:
        return f"{pair.better} and {pair.worse} are equal on these points: their errors agree to a millionth"
    amount = plus_minus(pair.difference, (pair.high - pair.low) / 2, measure.percent)
    # An interval without zero is about this pair alone; the statement is about all pairs of the board.
    chance = f", {p_text(pair.p_holm)} corrected for all pairs" if pair.low > 0 else ""
    return f"{pair.better} and {pair.worse} cannot be told apart on these points (difference {amount}{chance})"


def better_sentence(pair: Pair, measure: Metric) -> str:
    """One law that is better than another, as a ratio with its interval."""
    amount = plus_minus(pair.difference, (pair.high - pair.low) / 2, measure.percent)
    ratio = ""
    if math.isfinite(pair.ratio_low) and pair.ratio >= 1.005:
        ratio = (
            f" {significant(pair.ratio)} times smaller (interval {significant(pair.ratio_low)} to "
            f"{significant(pair.ratio_high)}),"
        )
    return f"{pair.better} beats {pair.worse}: {measure.title}{ratio} difference {amount}, {p_text(pair.p_holm)}"


def verdicts(
    refits: Sequence[str],
    published: Sequence[tuple[str, str]],
    pairs: Sequence[Pair],
    measure: Metric,
    level: float,
    confidence: ConfidenceSet | None,
) -> tuple[str, ...]:
    """The confidence set, the best refitted law against every other, neighbours further down, published constants.

    `refits` are labels, best first; `published` are (label of published constants, label of the law's own refit).
    """
    known = {(p.better, p.worse): p for p in pairs}
    known |= {(p.worse, p.better): p for p in pairs}

    def told(first: str, second: str) -> str:
        pair = known[first, second]
        return better_sentence(pair, measure) if pair.distinct(level) else tie_sentence(pair, measure)

    sentences: list[str] = []
    leaders: list[str] = []
    for label in refits:
        if leaders and known[leaders[-1], label].same:
            sentences.append(tie_sentence(known[leaders[-1], label], measure))
        else:
            leaders.append(label)
    sentences = [told(leaders[0], other) for other in leaders[1:]] + sentences
    sentences += [told(a, b) for a, b in pairwise(leaders[1:])]
    sentences += [told(label, refit) for label, refit in published]
    if confidence is not None:
        names = ", ".join(n for n in refits if n in confidence.members)
        sentences.insert(0, f"the {100 * confidence.level:g} % confidence set of the best law is: {names}")
    return tuple(sentences)
