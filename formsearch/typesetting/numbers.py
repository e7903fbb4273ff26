"""Numbers as people print them: significant digits, powers of ten, sizes with a suffix, values with an interval.

All functions return plain Unicode text (`9.01×10⁹`), which reads the same in HTML and Markdown;
`formsearch.report.text` turns the few special characters into LaTeX.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUFFIXES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
SUFFIX_UNITS = frozenset({"parameters", "tokens", "characters", "samples"})
"""Units whose values are written 247M, 9.01B, as the field does."""

MISSING = "–"

TINY = 1e-250
"""A constant at a lower bound of zero is fitted as a number below this one: it is printed as zero."""


def power_of_ten(exponent: int) -> str:
    """`power_of_ten(-7)` is "10⁻⁷"."""
    return "10" + superscript(exponent)


def superscript(exponent: int) -> str:
    """`superscript(-7)` is "⁻⁷"."""
    return str(exponent).translate(_SUPERSCRIPT)


def number(value: object, digits: int = 4) -> str:
    """`digits` significant digits; a power of ten outside [1e-4, 1e6). Not a number and None give a dash."""
    if value is None or isinstance(value, str):
        return value or MISSING if isinstance(value, str) else MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    x = float(value)  # type: ignore[arg-type]
    if math.isnan(x):
        return MISSING
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    if abs(x) < TINY:
        return "0"
    if isinstance(value, int) and abs(value) < 1_000_000:
        return str(value).replace("-", "−")
    rounded = float(f"{x:.{digits - 1}e}")
    exponent = math.floor(math.log10(abs(rounded)))
    if -4 <= exponent < 6:
        text = f"{rounded:.{max(digits - 1 - exponent, 0)}f}"
    else:
        mantissa = f"{rounded / 10.0**exponent:.{digits - 1}f}"
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        one = {"1": "", "-1": "-"}.get(mantissa)
        text = f"{mantissa}×{power_of_ten(exponent)}" if one is None else f"{one}{power_of_ten(exponent)}"
    return text.replace("-", "−")


def sized(value: float, unit: str = "", digits: int = 3) -> str:
    """A value of a quantity: 247M and 9.01B for counts of things, `number` otherwise."""
    x = float(value)
    if unit in SUFFIX_UNITS and math.isfinite(x):
        for factor, suffix in _SUFFIXES:
            scaled = float(f"{abs(x) / factor:.{digits - 1}e}")
            if scaled >= 1:
                if scaled >= 1e4:
                    break
                text = f"{scaled:.{max(digits - 1 - math.floor(math.log10(scaled)), 0)}f}"
                text = text.rstrip("0").rstrip(".") if "." in text else text
                return ("−" if x < 0 else "") + text + suffix
    text = number(x, digits)
    return text.rstrip("0").rstrip(".") if "." in text and "×" not in text else text


def decimals_for(low: float, high: float) -> int | None:
    """Decimals that show the width of an interval with two significant digits; None if that is not sensible."""
    width = abs(high - low)
    if not math.isfinite(width) or width == 0:
        return None
    decimals = 1 - math.floor(math.log10(width)) if width > TINY else 0
    return decimals if decimals <= 8 and max(abs(low), abs(high)) < 1e6 else None


def with_interval(value: float, low: float, high: float) -> tuple[str, str]:
    """The value, and "low to high", rounded so that the interval's width has two significant digits."""
    decimals = decimals_for(low, high)
    if decimals is None or not math.isfinite(value):
        return number(value), f"{number(low)} to {number(high)}"
    shown = [f"{round(x, decimals):.{max(decimals, 0)}f}".replace("-", "−") for x in (value, low, high)]
    return shown[0], f"{shown[1]} to {shown[2]}"


def uniform(values: Sequence[float], digits: int = 4) -> Callable[[float], str]:
    """How to print the numbers of one column: with equally many decimals, where they are of like size."""
    sizes = [abs(v) for v in values if math.isfinite(v) and v != 0]
    if not sizes or max(sizes) >= 1e6 or max(sizes) / min(sizes) > 10**digits:
        return lambda value: number(value, digits)
    decimals = max(0, digits - 1 - math.floor(math.log10(max(sizes))))
    whole = all(v == int(v) for v in sizes)
    return lambda value: f"{value:.{0 if whole else decimals}f}".replace("-", "−")


def percent(fraction: float, digits: int = 3) -> str:
    """`percent(.2202)` is "22.0 %"."""
    return f"{number(100 * fraction, digits)} %"


def plural(count: int, noun: str, many: str = "") -> str:
    """`plural(1, "row")` is "1 row", `plural(3, "row")` is "3 rows"."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def listed(items: list[str] | tuple[str, ...], most: int = 6) -> str:
    """Items in a sentence: "a, b and c", or "a, b, c and 4 more"."""
    items = list(items)
    if len(items) > most:
        items = [*items[: most - 1], f"{len(items) - most + 1} more"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
