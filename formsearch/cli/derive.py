"""`formsearch derive LAW`: the optima of a law, each proved or checked."""

import difflib
import shutil
from typing import TYPE_CHECKING, Annotated, Any

import typer

from formsearch.cli.fit import Level
from formsearch.cli.own import Formula, one_law, tell_own
from formsearch.cli.terminal import progress
from formsearch.cli.verb import Session, factors, pairs, verb, words, write_report
from formsearch.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from formsearch.cli.answers import Answers
    from formsearch.law import Law


@verb(
    "formsearch derive zhao2025 --constants published",
    "formsearch derive chinchilla --constants besiroglu2024 --subject-to 'C = 6*N*D' --set C=1e21",
    "formsearch derive zhao2025 --constants out/results.json --minimise G",
    "formsearch derive --formula 'E + A/N**a + B/D**b' --constants E=1.8,A=480,a=0.35,B=2100,b=0.37 "
    "--subject-to 'C = 6*N*D'",
    "formsearch derive clark2022 --constants s_base --set N=5e6,E=128 --equivalent N --reference E=1",
)
def derive(
    session: Session,
    law: Annotated[
        str | None,
        typer.Argument(
            help="The law, from `formsearch laws`, or a Python file with LAW = Law(...), read, never run.",
            metavar="LAW",
        ),
    ] = None,
    formula: Formula = None,
    constants: Annotated[
        str | None,
        typer.Option(
            help="`published`, the name of a published fit, numbers as a=1,b=2, or a JSON file written by "
            "`formsearch fit --out` or `run`. Without it: algebra only.",
            metavar="CONSTANTS",
        ),
    ] = None,
    minimise: Annotated[
        list[str] | None,
        typer.Option(help="Symbols or quantities to optimise, or a ratio such as N_active/N.", metavar="SYMBOL"),
    ] = None,
    subject_to: Annotated[str | None, typer.Option(help="A constraint, e.g. 'C = 6*N*D'.", metavar="EQUATION")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Values of other variables.", metavar="SYMBOL=VALUE")
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(
            help="Under a constraint: values of the given quantity for the frontier's table.",
            metavar="SYMBOL=V1,V2,...",
        ),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Also the range of each optimum within this much of the best loss.", min=0.0)
    ] = None,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="Also elasticities, interactions and rates of substitution.")
    ] = False,
    equivalent: Annotated[
        str | None,
        typer.Option(help="The value of this variable that does the same at --reference.", metavar="SYMBOL"),
    ] = None,
    reference: Annotated[
        list[str] | None, typer.Option(help="Settings to compare those of --set with.", metavar="SYMBOL=VALUE")
    ] = None,
    crossing: Annotated[
        str | None,
        typer.Option(
            help="Where along this variable the law equals --other, or itself at --reference.", metavar="SYMBOL"
        ),
    ] = None,
    other: Annotated[str | None, typer.Option(help="Another law for --crossing.", metavar="LAW")] = None,
    other_constants: Annotated[
        str | None, typer.Option(help="Its constants, like --constants.", metavar="CONSTANTS")
    ] = "published",
    level: Level = 0.9,
) -> int:
    """Derive the optima of a law, with second-order conditions and a numeric cross-check of each.

    --equivalent and --crossing answer their question instead; --sensitivity adds to the optima.
    """
    from formsearch.cli import answers

    chosen = one_law(law, formula, "LAW")
    given, at, there = _constants(chosen, constants), factors(settings, "--set"), factors(reference, "--reference")
    if equivalent is not None:
        return _answer(session, chosen, lambda: answers.equal_at(chosen, given, equivalent, at, there, level))
    if crossing is not None:
        second = None if other is None else one_law(other, None, "--other")
        against = None if second is None else (second, _constants(second, other_constants))
        return _answer(session, chosen, lambda: answers.crossing(chosen, given, crossing, at, there, against, level))
    asked = {
        "constants": given, "minimise": words(minimise) or None, "subject_to": subject_to, "settings": at or None,
        "sweep": _sweep(sweep), "threshold": threshold, "level": level,
    }  # fmt: skip
    return _optima(session, chosen, asked, sensitivity)


def _answer(session: Session, law: "Law", find: "Callable[[], Answers]") -> int:
    """One question in place of the optima."""
    with progress(session.quiet) as report:
        report("derivation")
        said = find()
    tell_own(session, [law])
    session.say(said.text(law), preformatted=True)
    session.emit(said.to_dict())
    return 0 if any(t.rows for t in said.tables) or said.results else 1


def _optima(session: Session, law: "Law", asked: dict[str, Any], sensitivity: bool) -> int:
    """The optima, and the sensitivities beside them."""
    from formsearch.cli import answers
    from formsearch.derive import derive as derive_optima

    with progress(session.quiet) as report:
        found = derive_optima(law, **asked, progress=lambda done, doing: report("derivation", done, doing))
        more = answers.Answers()
        if sensitivity:
            report("sensitivities")
            more = answers.sensitivity(law, asked["constants"], asked["settings"] or {}, asked["level"],
                                       lambda done, doing: report("sensitivities", done, doing))  # fmt: skip
    tell_own(session, [law])
    if found.results or not sensitivity:
        session.say(found.text(width=min(shutil.get_terminal_size((110, 24)).columns, 110)), preformatted=True)
    if sensitivity:
        session.say(more.text(law), preformatted=True)
    session.emit({**found.to_dict(), "answers": None, **more.to_dict()})
    write_report(session, [found])
    return 0 if found.ok and (found.results or more.results) else 1


def _sweep(text: str | None) -> dict[str, list[float]] | None:
    """`"C=1e20,1e21"` -> `{"C": [1e20, 1e21]}`."""
    if text is None:
        return None
    ((name, values),) = pairs([text], "--sweep").items()
    try:
        return {name: [float(v) for v in values.split(",")]}
    except ValueError:
        raise InputError(f"--sweep {text}: write numbers, e.g. --sweep C=1e20,1e21,1e22") from None


def _constants(law: "Law", text: str | None) -> Any:
    """None, the name of a published fit, or a mapping: given as a=1,b=2, or read from a result in JSON."""
    if text is None or text == "published" or text in law.published:
        return text
    if text.endswith(".json"):
        return _from_file(law, text)
    if "=" in text:
        given = factors([text], "--constants")
        if missing := [n for n in law.constant_names if n not in given]:
            raise InputError(
                f"--constants lacks {', '.join(missing)}: law {law.name} needs {', '.join(law.constant_names)}"
            )
        return given
    names = ("published", *law.published)
    near = difflib.get_close_matches(text, names, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"give one of {', '.join(names)}"
    raise InputError(f"--constants {text!r}: {hint}, or numbers as a=1,b=2, or a JSON file of a fit")


def _from_file(law: "Law", path: str) -> dict[str, float]:
    """Constants of the law in a result of `fit` or `run`: the first entry that names the law and has them all."""
    import json
    from pathlib import Path

    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"no such file: {path}; write one with `formsearch fit DATA --law {law.name} --out fit.json`"
        ) from None
    except ValueError as error:
        raise InputError(f"{path} is no JSON file: {error}") from None
    for entry in _entries(document):
        numbers = entry.get("constants")
        if not isinstance(numbers, dict):  # a line of a leaderboard counts them there
            numbers = entry.get("values")
        if entry.get("law") == law.name and isinstance(numbers, dict) and set(law.constant_names) <= set(numbers):
            return {name: float(numbers[name]) for name in law.constant_names}
    raise InputError(f"{path} holds no fit of law {law.name}; fit it first, or name another file")


def _entries(node: Any) -> Any:
    """Every JSON object of a document, outer ones first."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from _entries(part)
