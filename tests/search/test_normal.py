"""Normal form: a form in normal form is its own, and what is known of a parent changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from formsearch import laws
from formsearch.search.alphabet import Alphabet
from formsearch.search.expression import from_law
from formsearch.search.grammar import AMPLITUDE, EXPONENT, LEVEL, Power, Term, constant, describe, number, variables
from formsearch.search.moves import moves_of
from formsearch.search.normal import Sketch, normalise
from formsearch.search.places import Draft


def start(name: str, rng: np.random.Generator) -> tuple[Sketch, Alphabet]:
    """A registry law in normal form at random constants, and an alphabet in its variables."""
    form = from_law(laws[name])
    values = dict(enumerate(map(float, rng.uniform(0.1, 2.0, len(form.kinds)))))
    sketch = normalise(form.body, dict(enumerate(form.kinds)), values)
    names = tuple(sorted(variables(sketch.form.body)))
    return sketch, Alphabet.of(names, dict.fromkeys(names, False), LEVEL, dict.fromkeys(names, 1.0))


@pytest.mark.parametrize(
    "name", ["zhao2025", "zhao2025_eq9", "abnar2025", "krajewski2024", "muennighoff2023", "bnsl1", "ye2024_mix5"]
)
def test_a_child_is_the_same_with_and_without_what_is_known_of_its_parent_and_its_own_normal_form(name: str) -> None:
    rng = np.random.default_rng(7)
    parent, alphabet = start(name, rng)
    for _ in range(3):
        moves = [move for group in moves_of(parent, alphabet).values() for move in group]
        children = []
        for k in rng.permutation(len(moves))[:60]:
            draft = Draft(parent)
            body = moves[k].rewrite(draft)
            if not body:
                continue
            fresh = normalise(body, draft.kinds, draft.values)
            child = normalise(body, draft.kinds, draft.values, parent=parent.form)
            assert child.form == fresh.form, (describe(parent.form), moves[k].label)
            np.testing.assert_allclose(child.values, fresh.values, rtol=1e-9)
            again = normalise(child.form.body, dict(enumerate(child.form.kinds)), dict(enumerate(child.values)))
            assert again.form == child.form, (describe(child.form), moves[k].label)
            children.append(child)
        form, values = children[int(rng.integers(len(children)))]
        known = (float(rng.uniform(0.1, 2.0)) if np.isnan(v) else v for v in values)
        parent = Sketch(form, tuple(known))


def test_terms_with_equal_factors_in_another_order_become_one() -> None:
    x, y = Power("x", number(-0.5)), Power("y", constant(2))
    kinds = {0: AMPLITUDE, 1: AMPLITUDE, 2: EXPONENT}
    sketch = normalise((Term(constant(0), (x, y)), Term(constant(1), (y, x))), kinds, {0: 2.0, 1: 3.0, 2: 0.4})
    assert len(sketch.form.body) == 1
    assert 5.0 in sketch.values
