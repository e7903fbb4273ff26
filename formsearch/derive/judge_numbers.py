"""Judging printed numbers: values, ranges, sizes from a stepwise rule, statements about tables."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from formsearch.derive.case import Case, Printed
from formsearch.derive.claims import Verdict
from formsearch.derive.practical import stepwise
from formsearch.derive.problem import resolve
from formsearch.derive.ranges import within
from formsearch.exceptions import InputError


def compare_rows(case: Case, values: list[float], printed: list[Any], labels: list[str]) -> Verdict:
    """A verdict on printed numbers, one a row."""
    tolerance = float(case.claim.get("tolerance", 0.0))
    wrong = []
    for value, text, label in zip(values, printed, labels, strict=True):
        p = Printed.of(text)
        if not p.agrees(value, tolerance):
            wrong.append(f"{label}: {p.rounded(value)} ({value:.7g}), printed {p.text}")
    good = len(values) - len(wrong)
    said = f"{good} of {len(values)} agree" if len(values) > 1 else f"{values[0]:.8g}, printed {printed[0]}"
    if tolerance:
        said += f" (within {tolerance:g})"
    corrected = "; ".join(wrong)
    return Verdict(case.claim, "fails" if wrong else "holds", said, corrected, (good, len(values)))


def _listed(printed: Any) -> list[Any]:
    return list(printed) if isinstance(printed, list) else [printed]


def judge_value(case: Case) -> Verdict:
    """`expression` at settings and each row of `over`, times `scale`, against `printed`."""
    rows = case.claim.rows
    expression = case.parse(str(case.claim.get("expression")))
    scale = float(case.claim.get("scale", 1.0))
    values = [scale * case.number(expression, row) for row in rows]
    return compare_rows(case, values, _listed(case.claim.get("printed")), [case.label(r) for r in rows])


def judge_range(case: Case) -> Verdict:
    """Both ends of the range within `threshold` of the best, rounded inward to `step` as a scan over a grid does."""
    claim = case.claim
    step = float(claim.get("step", 0.01))
    wrong: list[str] = []
    total = 0
    for row, (low, high) in zip(claim.rows, claim.get("printed"), strict=True):
        found = _range(case, row)
        ends = found.inward(step)
        for side, raw, value, text in zip(("low", "high"), (found.low, found.high), ends, (low, high), strict=True):
            total += 1
            p = Printed.of(text)
            if abs(value - p.value) > 1e-6 * step:
                wrong.append(f"{case.label(row)} {side} end: {p.rounded(value)} ({raw:.6g}), printed {p.text}")
    said = f"{total - len(wrong)} of {total} ends agree, rounded inward to {step:g}"
    return Verdict(claim, "fails" if wrong else "holds", said, "; ".join(wrong), (total - len(wrong), total))


def _range(case: Case, row: Mapping[str, Any]) -> Any:
    """The range for one row; other variables that have an optimum of their own stand at it."""
    problem = case.named
    name = resolve(case.law, str(case.claim.get("minimise")))
    settings = {k: v for k, v in case.variables(row).items() if k != name}
    for other in case.law.variable_names:
        if other != name and other not in settings and other not in problem.settings:
            own = case.outcome(other).result.value
            if own is None:
                raise InputError(f"the range of {name} needs a value for {other}: add it to settings or over")
            settings[other] = own
    return within(problem, case.outcome(name), float(case.claim.get("threshold")), settings)


def judge_inside(case: Case) -> Verdict:
    """How many of the rows' own values (`own`, a column of `over`) lie inside their range."""
    own = str(case.claim.get("own"))
    inside: list[str] = []
    outside: list[str] = []
    for row in case.claim.rows:
        if own not in row:
            raise InputError(f"own = {own!r} is no column of over")
        found = _range(case, {k: v for k, v in row.items() if k != own})
        side = "inside" if found.holds(float(row[own])) else "outside"
        (inside if side == "inside" else outside).append(
            f"{case.label(row)}: {float(row[own]):.3g} {side} [{found.low:.3g}, {found.high:.3g}]"
        )
    total = len(inside) + len(outside)
    said = f"{len(inside)} of {total} lie inside their range"
    return Verdict(case.claim, "fails" if outside else "holds", said, "", (len(inside), total),
                   tuple(inside + outside))  # fmt: skip


def judge_stepwise(case: Case) -> Verdict:
    """The practical size of Algorithm 1 (first step that pays less than `threshold`), in per cent of the total."""
    claim = case.claim
    step = float(claim.get("step", 0.01))
    values = [
        100 * stepwise(case.law, dict(case.given.constants), str(claim.get("variable")), str(claim.get("total")),
                       {**case.settings, **case.variables(row)}, float(claim.get("threshold")), step)
        for row in claim.rows
    ]  # fmt: skip
    return compare_rows(case, values, _listed(claim.get("printed")), [case.label(r) for r in claim.rows])


_RELATIONS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b, "<": lambda a, b: a < b, ">": lambda a, b: a > b,
}  # fmt: skip


def judge_relation(case: Case) -> Verdict:
    """An inequality between two formulas, at each row."""
    text = str(case.claim.get("relation"))
    sign = next((s for s in _RELATIONS if s in text), None)
    if sign is None:
        raise InputError(f"relation {text!r} needs one of {', '.join(_RELATIONS)}")
    left, right = (case.parse(part) for part in text.split(sign, 1))
    wrong = []
    for row in case.claim.rows:
        a, b = case.number(left, row), case.number(right, row)
        if not _RELATIONS[sign](a, b):
            wrong.append(f"{case.label(row)}: {a:.6g} is not {sign} {b:.6g}")
    total = len(case.claim.rows)
    said = f"true in {total - len(wrong)} of {total}" if total > 1 else ("true" if not wrong else "not true")
    return Verdict(case.claim, "fails" if wrong else "holds", said, "; ".join(wrong), (total - len(wrong), total))


def judge_trend(case: Case) -> Verdict:
    """Whether a formula rises or falls along the rows."""
    direction = str(case.claim.get("direction"))
    if direction not in {"increasing", "decreasing"}:
        raise InputError(f"direction must be increasing or decreasing, not {direction!r}")
    expression = case.parse(str(case.claim.get("expression")))
    values = [case.number(expression, row) for row in case.claim.rows]
    up = all(b > a for a, b in itertools.pairwise(values))
    down = all(b < a for a, b in itertools.pairwise(values))
    seen = "increasing" if up else "decreasing" if down else "neither"
    shown = ", ".join(f"{v:.4g}" for v in values)
    return Verdict(case.claim, "holds" if seen == direction else "fails", f"{shown}: {seen}, printed {direction}",
                   "" if seen == direction else seen)  # fmt: skip


def judge_agreement(case: Case) -> Verdict:
    """One thing stated in several places: they must agree."""
    values = dict(case.claim.get("values"))
    same = len({str(v) for v in values.values()}) == 1
    shown = "; ".join(f"{place}: {value}" for place, value in values.items())
    return Verdict(case.claim, "holds" if same else "fails", shown if same else f"the places contradict: {shown}")


def judge_points(case: Case) -> Verdict:
    """A statistic of a data set's configurations: rows, distinct, min or max of a column, values of a column."""
    from formsearch.data import load
    from formsearch.where import rows_where

    claim = case.claim
    whole = load(str(claim.get("data"))).frame
    condition = claim.get("where")
    frame = whole[rows_where(whole, str(condition))] if condition else whole
    statistic = str(claim.get("statistic"))
    column = claim.get("column")
    if statistic in {"min", "max", "values"} and column not in frame.columns:
        raise InputError(f"column {column!r} is not in the data; there are: {', '.join(map(str, frame.columns))}")
    if statistic == "values":
        seen = sorted({float(v) for v in frame[column]})
        stated = sorted(float(v) for v in _listed(claim.get("printed")))
        good = seen == stated
        shown = ", ".join(f"{v:g}" for v in seen)
        return Verdict(claim, "holds" if good else "fails", f"{column} takes {shown}", "" if good else shown)

    def unseen() -> float:
        columns = list(claim.get("columns"))
        other = whole[rows_where(whole, str(claim.get("against")))][columns]
        known = set(other.itertuples(index=False, name=None))
        return float(sum(row not in known for row in frame[columns].itertuples(index=False, name=None)))

    results: Mapping[str, Callable[[], float]] = {
        "unseen": unseen,
        "rows": lambda: float(len(frame)),
        "distinct": lambda: float(len(frame[list(claim.get("columns"))].drop_duplicates())),
        "min": lambda: float(frame[column].min()),
        "max": lambda: float(frame[column].max()),
    }
    if statistic not in results:
        raise InputError(f"statistic must be one of {', '.join((*results, 'values'))}, not {statistic!r}")
    return compare_rows(case, [results[statistic]()], _listed(claim.get("printed")), [str(column or statistic)])


JUDGES: Mapping[str, Callable[[Case], Verdict]] = {
    "value": judge_value, "range": judge_range, "inside": judge_inside, "stepwise": judge_stepwise,
    "relation": judge_relation, "trend": judge_trend, "agreement": judge_agreement, "points": judge_points,
}  # fmt: skip
