"""What is known of a form in normal form, so that it need not be found out again for each of its children."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from formsearch.search.grammar import Apply, Form, Kind, Sum, Term, constants_of, uses
from formsearch.search.order import key_in_order


class Settled(NamedTuple):
    """The kinds of the constants and how often each occurs; of every term, at any depth, its constants and its key."""

    kinds: tuple[Kind, ...]
    often: Mapping[int, int]
    terms: Mapping[Term, tuple[tuple[int, ...], str]]

    def keeps(self, term: Term, count: Mapping[int, int]) -> bool:
        """Whether a term stands in the form as it is here, with constants that occur as often there."""
        known = self.terms.get(term)
        return known is not None and all(count[i] == self.often[i] for i in known[0])

    def constants(self, term: Term) -> tuple[int, ...]:
        """The constants of a term, of the form or not, by first occurrence."""
        known = self.terms.get(term)
        return constants_of(term) if known is None else known[0]

    def keys(self, kinds: Mapping[int, Kind]) -> dict[Term, str]:
        """The keys of the terms that have no constant of another kind now."""
        same = {i for i, kind in enumerate(self.kinds) if kinds[i] == kind}
        return {term: key for term, (constants, key) in self.terms.items() if same.issuperset(constants)}


@lru_cache(maxsize=1 << 8)
def settled(form: Form) -> Settled:
    """Of a form in normal form; remembered for as many as are parents at a time."""
    kinds = dict(enumerate(form.kinds))
    terms = {term: (constants_of(term), key_in_order((term,), kinds)) for term in _terms(form.body)}
    return Settled(form.kinds, uses(form.body), terms)


def _terms(body: Sum) -> Iterator[Term]:
    """Every term of a sum, at any depth."""
    for term in body:
        yield term
        for factor in term.factors:
            if isinstance(factor, Apply):
                for argument in factor.arguments:
                    yield from _terms(argument)
