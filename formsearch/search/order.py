"""Order of terms and factors: equal forms are written equally, whatever order they were built in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from operator import itemgetter

from formsearch.search.grammar import Apply, Kind, Log, Power, Scalar, Sum, Term


@lru_cache(maxsize=1 << 12)
def _text(number: float) -> str:
    # As a plain float: what is remembered must not depend on who asked first, an int or a NumPy scalar.
    return repr(float(number))


def _scalar_key(s: Scalar, kinds: Mapping[int, Kind]) -> str:
    if not s.constants:
        return _text(s.number)
    if len(s.constants) == 1:
        ((i, p),) = s.constants
        return f"{_text(s.number)}{kinds[i].tag}{p}"
    return _text(s.number) + "".join(f"{kinds[i].tag}{p}" for i, p in s.constants)


def _leaf_key(f: Power | Log, kinds: Mapping[int, Kind]) -> str:
    return f"{f.variable}^{_scalar_key(f.exponent, kinds)}" if isinstance(f, Power) else f"{f.variable}!"


def in_order(body: Sum, kinds: Mapping[int, Kind], known: Mapping[Term, str] | None = None) -> Sum:
    """The sum with its terms, and their factors, sorted by what they say.

    `known` tells what terms say whose factors are in order.
    """
    return _with_keys(body, kinds, known or {})[0]


def key_in_order(body: Sum, kinds: Mapping[int, Kind]) -> str:
    """What a sum says, whatever the order it stands in."""
    return _with_keys(body, kinds, {})[1]


def _with_keys(body: Sum, kinds: Mapping[int, Kind], known: Mapping[Term, str]) -> tuple[Sum, str]:
    """The sum with terms and factors in order, and its key, each part read once."""
    terms: list[tuple[bool, str, Term]] = []
    for t in body:
        if known and t in known:
            terms.append((bool(t.factors), known[t], t))
            continue
        factors = []
        for f in t.factors:
            if isinstance(f, Apply):
                inside = [_with_keys(a, kinds, known) for a in f.arguments]
                f = Apply(f.function, tuple(a for a, _ in inside), f.exponent)
                key = f"~{f.function}({','.join(k for _, k in inside)})^{_scalar_key(f.exponent, kinds)}"
            else:
                key = _leaf_key(f, kinds)
            factors.append((key, f))
        factors.sort(key=_first)
        key = "*".join(k for k, _ in factors) + ";" + _scalar_key(t.coefficient, kinds)
        terms.append((bool(factors), key, Term(t.coefficient, tuple(f for _, f in factors))))
    terms.sort(key=_first_two)
    return tuple(t for _, _, t in terms), "+".join(key for _, key, _ in terms)


_first = itemgetter(0)
_first_two = itemgetter(0, 1)
