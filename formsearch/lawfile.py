"""Laws of one's own: from a formula, or from a Python file that is read and never run.

A formula such as `E + A/N**a + B/D**b` needs nothing else: names of quantities are its variables, all others its
constants. A file says more (bounds, meanings, starts, published constants):

    from formsearch import Law, Variable, Constant

    LAW = Law(
        name="mine",
        formula="E + A*(N + K)**-a",
        variables=(Variable("N", "N"),),
        constants=(Constant("K", "parameters that do not count", lower=0.0),),
    )

The file is parsed, and of its syntax tree only literals and calls of the classes of `formsearch.law` are understood,
so a file from a stranger can state a law and do nothing else. `FORMULA = "..."` in place of `LAW` is enough, too.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from formsearch.exceptions import FormsearchError, FormulaError, InputError, UnknownNameError
from formsearch.formula import names_in, source_of
from formsearch.law import Constant, Law, Published, Start, Variable, positive
from formsearch.quantities import QUANTITIES, Quantity, quantity

if TYPE_CHECKING:
    from formsearch.points import Points

MAX_BYTES = 200_000
MAX_DEPTH = 30
MAX_PARTS = 20_000
"""Literals, names and calls in a file, each counted as often as it is used."""

CLASSES: Mapping[str, Callable[..., Any]] = {
    "Law": Law, "Variable": Variable, "Constant": Constant, "positive": positive, "Published": Published,
    "Start": Start,
}  # fmt: skip
MODULES = ("formsearch", "formsearch.law", "math", "__future__")
"""Imports that a file may state; they are not carried out."""


# -- a formula -------------------------------------------------------------------------------------------------------


def formula_law(formula: str, name: str = "formula", points: Points | None = None) -> Law:
    """A law from its formula: names of quantities are variables, all others constants without bounds.

    The target may stand before it, `loss = E + A/N**a`; it is the loss otherwise. With `points`, a constant may not
    be called like a column of their table, which was surely meant. Raises `FormulaError` with the name at fault.
    """
    target, text = _target(formula)
    names = names_in(text)
    found = [n for n in names if _meaning(n) is not None]
    if not found:
        raise FormulaError(
            f"formula {text[:80]!r} uses no quantity, so nothing in it varies; write it in N, D, N_active, ... "
            f"(`formsearch data` names those of a table), or in user_anything; its names: {', '.join(names) or 'none'}"
        )
    for symbol in names:
        if symbol not in found:
            _refuse_column(symbol, points)
    law = Law(name, text, tuple(Variable(n, n) for n in found), target=target)
    law.expression  # noqa: B018  (refuse what is not on the whitelist here, not at the first fit)
    return law


def binding(law: Law) -> str:
    """What the names of a law were taken for, in a clause: in a formula, a constant called C would be compute."""
    variables = ", ".join(f"{v.symbol} ({re.split('[,(]', v.about.meaning)[0].strip()})" for v in law.variables)
    return f"{law.name}: variables {variables}; constants {', '.join(law.constant_names) or 'none'}"


def _target(formula: str) -> tuple[str, str]:
    left, sign, right = formula.partition("=")
    if not sign:
        return "loss", formula.strip()
    name = left.strip()
    targets = [q.name for q in QUANTITIES.values() if q.is_target]
    if name not in targets:
        raise UnknownNameError("target", name, targets, "what stands before = in a formula is what it predicts")
    return name, right.strip()


def _meaning(name: str) -> Quantity | None:
    try:
        return quantity(name)
    except UnknownNameError:
        return None


def _refuse_column(symbol: str, points: Points | None) -> None:
    from formsearch.reading import ALIASES

    if symbol in ALIASES:
        raise FormulaError(
            f"formula uses {symbol!r}, which tables use for {ALIASES[symbol]}: write {ALIASES[symbol]}, or give the "
            "constant another name"
        )
    if points is not None and symbol in points.other:
        raise FormulaError(
            f"formula uses {symbol!r}, a column of {points.name} that no quantity is mapped to: map it, e.g. --columns "
            f"user_{symbol}={symbol}, and write user_{symbol}; or give the constant another name"
        )


# -- a file ----------------------------------------------------------------------------------------------------------


def read_law(path: str | Path) -> Law:
    """The law that a Python file states as `LAW = Law(...)`, or as `FORMULA = "..."`; nothing in it is run.

    Raises `InputError` with file and line for anything but literals and calls of the classes of `formsearch.law`.
    """
    path = Path(path)
    assigned = _assignments(path)
    if "LAW" in assigned:
        law = _Literals(path, assigned).value(assigned["LAW"])
        if not isinstance(law, Law):
            raise InputError(f"{path}: LAW is not a Law(...); write LAW = Law(name=..., formula=..., variables=...)")
    elif "FORMULA" in assigned:
        text = _Literals(path, assigned).value(assigned["FORMULA"])
        if not isinstance(text, str):
            raise InputError(f'{path}: FORMULA is not a text; write FORMULA = "E + A/N**a"')
        name = re.sub(r"[^A-Za-z0-9_.\-]", "_", path.stem)
        law = formula_law(text, name if name[0].isalpha() else f"law_{name}")
    else:
        raise InputError(f'{path} states no law; write LAW = Law(...) or FORMULA = "E + A/N**a" in it')
    law.expression  # noqa: B018
    return law


def _assignments(path: Path) -> dict[str, ast.expr]:
    """The file's assignments by name. Raises `InputError` for any other statement but imports and a docstring."""
    found: dict[str, ast.expr] = {}
    for i, statement in enumerate(_statements(path)):
        match statement:
            case ast.Expr(value=ast.Constant(value=str())) if i == 0:
                pass
            case ast.Import(names=names) if all(n.name in MODULES for n in names):
                pass
            case ast.ImportFrom(module=module, level=0) if module in MODULES:
                pass
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                if name in found or name in CLASSES:
                    raise InputError(
                        f"{path}, line {statement.lineno}: {name} has a meaning already; choose another name"
                    )
                found[name] = value
            case ast.Expr(value=ast.Constant(value=str())):  # a comment below an assignment
                pass
            case _:
                raise InputError(
                    f"{path}, line {statement.lineno}: {source_of(statement)!r} is refused: a law file is read, "
                    "never run, and may hold assignments, and imports of formsearch, only"
                )
    return found


def _statements(path: Path) -> list[ast.stmt]:
    if not path.is_file():
        raise InputError(f"no such file: {path}; give a Python file that holds LAW = Law(...)")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError(f"{path} has more than {MAX_BYTES} bytes: that is no law file")
    try:
        with warnings.catch_warnings():  # of odd escapes in its texts, which are not ours to tell
            warnings.simplefilter("ignore")
            return ast.parse(data.decode("utf-8-sig"), filename=str(path)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        reason = getattr(error, "msg", None) or type(error).__name__
        raise InputError(f"{path}{line}: cannot be read as Python: {reason}") from None


class _Literals:
    """Values of expressions made of literals, names of other assignments, and calls of `CLASSES`."""

    def __init__(self, path: Path, assigned: Mapping[str, ast.expr]) -> None:
        self.path = path
        self.assigned = assigned
        self.parts = 0

    def value(self, node: ast.expr, depth: int = 0) -> Any:
        """The value of a node. Raises `InputError` with its line for anything else."""
        self.parts += 1
        if depth > MAX_DEPTH:
            raise self._error(node, f"is nested deeper than {MAX_DEPTH} levels: write it flat")
        if self.parts > MAX_PARTS:
            raise self._error(node, f"is one part too many: at most {MAX_PARTS} are read")

        def inner(part: ast.expr) -> Any:
            return self.value(part, depth + 1)

        match node:
            case ast.Constant(value=None | bool() | int() | float() | str() as value):
                return value
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return tuple(inner(p) for p in parts)
            case ast.Dict(keys=keys, values=values) if all(isinstance(k, ast.Constant) for k in keys):
                pairs = zip(keys, values, strict=True)
                return {k.value: inner(v) for k, v in pairs if isinstance(k, ast.Constant)}
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                number = inner(operand)
                if isinstance(number, int | float) and not isinstance(number, bool):
                    return -number
            case ast.Name(id=name) if name in self.assigned:
                return inner(self.assigned[name])
            case ast.Name(id="inf") | ast.Attribute(value=ast.Name(id="math"), attr="inf"):
                return math.inf
            case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value="inf" | "-inf" as sign)], keywords=[]):
                return float(sign)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(value=ast.Name(), attr=name)) if name in CLASSES:
                return self._made(node, name, depth)
        raise self._error(
            node,
            f"is refused: a law file is read, never run; literals and calls of {', '.join(CLASSES)} are understood",
        )

    def _made(self, node: ast.Call, name: str, depth: int) -> Any:
        """An object of one of `CLASSES`, every field checked for its type."""
        from pydantic import TypeAdapter, ValidationError

        if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            raise self._error(node, "unpacks with a star: name the arguments one by one")
        args = [self.value(a, depth + 1) for a in node.args]
        named = {str(k.arg): self.value(k.value, depth + 1) for k in node.keywords}
        try:
            given = inspect.signature(CLASSES[name]).bind(*args, **named).arguments
            if name == "positive":
                name, given = "Constant", {**given, "lower": 0.0}
            adapter: TypeAdapter[Any] = TypeAdapter(cast(Any, CLASSES[name]))
            return adapter.validate_python(given)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise self._error(node, f"{where}: {first['msg']}, not {first['input']!r:.60}") from None
        except (FormsearchError, TypeError) as error:
            raise self._error(node, str(error)) from None

    def _error(self, node: ast.expr, what: str) -> InputError:
        return InputError(f"{self.path}, line {node.lineno}: {source_of(node)!r} {what}".replace("\n", " "))
