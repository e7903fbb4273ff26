"""The grammar: every registry law is in it, normal form and emission keep the values, complexity is one measure."""

import numpy as np
import pytest
import sympy

from formsearch.core.batch import Pack
from formsearch.registry import laws
from formsearch.search.canonical import canonical
from formsearch.search.canonical import complexity as tree_complexity
from formsearch.search.emit import Columns, emit, to_centred, to_raw
from formsearch.search.expression import from_law, to_law, to_sympy
from formsearch.search.grammar import (
    AMPLITUDE,
    EXPONENT,
    POSITIVE,
    UNIT,
    Apply,
    Form,
    Power,
    Scalar,
    Term,
    complexity,
    constant,
    describe,
)
from formsearch.search.normal import normalise


def table_and_constants(law, rng):
    """A random table inside the quantities' domains and random constants inside their bounds."""
    table = {}
    for v in law.variables:
        high = v.about.high
        table[v.quantity] = rng.uniform(0.1, 0.6, 20) if high <= 1 else np.exp(rng.uniform(1, 3, 20))
    constants = {}
    for c in law.constants:
        value = rng.uniform(0.2, 0.9) if c.upper > 0 else -rng.uniform(0.1, 0.3)
        constants[c.symbol] = float(np.clip(value, c.lower, c.upper))
    return table, constants


def run(form, values, table):
    columns = Columns(table)
    emitted = emit(form, columns.centres)
    pack = Pack.of([emitted.tape], columns, columns.rows)
    return pack.values(to_centred(emitted, np.asarray(values)))[0]


@pytest.mark.parametrize("name", sorted(laws))
def test_every_registry_law_is_in_the_grammar(name):
    law = laws[name]
    rng = np.random.default_rng(0)
    table, constants = table_and_constants(law, rng)
    form = from_law(law)
    values = [constants[c] for c in law.constant_names]
    expected = law.evaluate(table, constants)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(run(form, values, table), expected, rtol=1e-12)
    # The normal form has the same values at constants that it carries along.
    sketch = normalise(form.body, dict(enumerate(form.kinds)), dict(enumerate(values)))
    assert len(sketch.form.kinds) <= len(form.kinds)
    np.testing.assert_allclose(run(sketch.form, sketch.values, table), expected, rtol=1e-10)
    # And the way out: a law made of the form is the same function again.
    back = to_law(sketch.form, sketch.values, "again", law.target)
    again = back.evaluate(table, dict(zip(_names(back, sketch.form), sketch.values, strict=True)))
    np.testing.assert_allclose(again, expected, rtol=1e-9)


def _names(law, form):
    from formsearch.search.expression import constant_names, variable_symbols
    from formsearch.search.grammar import variables

    symbols = set(variable_symbols(sorted(variables(form.body))).values())
    names = constant_names(form, symbols)
    assert set(law.constant_names) <= set(names)
    return names


def body_of_zhao():
    a = laws["zhao2025"]
    form = from_law(a)
    return normalise(form.body, dict(enumerate(form.kinds)), {})


def test_normal_form_opens_the_group_with_most_terms():
    sketch = body_of_zhao()
    columns = Columns({q: np.linspace(1, 2, 5) for q in laws["zhao2025"].quantities})
    tape = emit(sketch.form, columns.centres).tape
    # eps, a, b, c and e, f, m, n: all that can be linear at once.
    assert int(tape.linear.sum()) == 8


def test_redundant_scales_and_exponents_are_removed():
    # c0 * (c1 * N**-c2)**c3 is one amplitude and one exponent.
    inner = (Term(constant(1), (Power("N", constant(2, -1)),)),)
    body = (Term(constant(0), (Apply("power", (inner,), constant(3)),)),)
    kinds = {0: AMPLITUDE, 1: POSITIVE, 2: EXPONENT, 3: EXPONENT}
    sketch = normalise(body, kinds, {0: 2.0, 1: 3.0, 2: 0.5, 3: 0.7})
    assert len(sketch.form.kinds) == 2
    assert describe(sketch.form) == "c0*N^-c1"


def test_equal_terms_are_merged_and_sorting_makes_equal_forms_equal():
    a = Term(constant(0), (Power("N", constant(1, -1)),))
    b = Term(constant(2), (Power("D", constant(3, -1)),))
    kinds = {0: AMPLITUDE, 1: EXPONENT, 2: AMPLITUDE, 3: EXPONENT, 4: AMPLITUDE}
    one = normalise((a, b), kinds, {})
    other = normalise((b, a), kinds, {})
    assert one.form == other.form
    twice = normalise((a, b, Term(constant(4), a.factors)), kinds, {})
    assert twice.form == one.form


def test_ties_are_never_broken():
    tied = (
        Term(constant(0), (Power("N", constant(1, -1)),)),
        Term(constant(2), (Power("D", constant(1, -1)),)),
    )
    sketch = normalise(tied, {0: AMPLITUDE, 1: EXPONENT, 2: AMPLITUDE}, {})
    assert len(sketch.form.kinds) == 3


def test_centred_amplitudes_return_to_raw_units():
    rng = np.random.default_rng(1)
    table = {"N": np.exp(rng.uniform(16, 23, 30)), "D": np.exp(rng.uniform(20, 26, 30))}
    form = from_law(laws["chinchilla"])
    emitted = emit(form, Columns(table).centres)
    values = np.array([1.8, 480.0, 0.35, 2100.0, 0.37])
    np.testing.assert_allclose(to_raw(emitted, to_centred(emitted, values)), values, rtol=1e-12)
    assert 0.01 < to_centred(emitted, values)[1] < 10.0


@pytest.mark.parametrize("name", ["chinchilla", "zhao2025", "skaling2026", "krajewski2024", "lin2024", "wang2024"])
def test_complexity_is_that_of_the_canonical_tree(name):
    law = laws[name]
    sketch = normalise((form := from_law(law)).body, dict(enumerate(form.kinds)), {})
    symbols = [sympy.Symbol(f"c{i}") for i in range(len(sketch.form.kinds))]
    names = {q: sympy.Symbol(q, positive=True) for q in law.quantities}
    expression = to_sympy(sketch.form, symbols, names)
    assert abs(complexity(sketch.form) - tree_complexity(expression, symbols)) <= 1


def test_canonical_form_renames_constants_and_merges_exponents():
    a, b, x, y = sympy.symbols("a b x y", positive=True)
    p, q = sympy.symbols("p q", positive=True)
    one = canonical(a * x**p * x**-q + b, [a, b, p, q])
    assert one.has(x)
    assert len(one.free_symbols) == 5
    assert canonical(a + b * y, [a, b]) == canonical(b + a * y, [a, b])


def test_a_scalar_prints_its_number():
    form = Form((Term(Scalar(UNIT.number * 2), (Power("N", UNIT),)),), ())
    assert describe(form) == "2*N"


def test_a_constant_that_runs_away_is_infinite_in_silence():
    emitted = emit(Form((Term(constant(0), (Power("N", constant(1, -1)),)),), (AMPLITUDE, EXPONENT)), {"N": 60.0})
    assert to_raw(emitted, np.array([1e200, 6.0]))[0] == np.inf


def test_constants_that_run_away_are_absorbed_in_silence():
    body = (Term(constant(0), (Apply("power", ((Term(constant(1), (Power("N", UNIT),)),),)),)),)
    huge = np.float64(1e200)
    sketch = normalise(body, {0: AMPLITUDE, 1: AMPLITUDE}, {0: huge, 1: huge})
    assert sketch.values == (np.inf,)
