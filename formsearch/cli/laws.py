"""`formsearch laws [NAME]`: the registry, or one law with everything known of it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from formsearch.cli.terminal import number, table
from formsearch.cli.verb import Session, verb

if TYPE_CHECKING:
    from formsearch.law import Law


@verb("formsearch laws", "formsearch laws chinchilla", out="Write the JSON to this file (*.json).")
def laws(
    session: Session,
    name: Annotated[str | None, typer.Argument(help="Show this law; without it all are listed.")] = None,
) -> None:
    """List the candidate laws, or show one: formula, constants, published fits, caveats."""
    from formsearch.registry import laws as registry

    if name is None:
        session.say(
            table(
                ("law", "needs", "constants", "title"),
                [(law.name, ", ".join(law.quantities), len(law.constants), law.title) for law in registry.values()],
                right=("constants",),
            )
        )
        session.emit({"laws": [summary(law) for law in registry.values()]})
        return
    law = registry[name]
    _show(session, law)
    session.emit(details(law))


def summary(law: "Law") -> dict[str, Any]:
    """The line of a law in the list, JSON-ready."""
    return {
        "name": law.name,
        "title": law.title,
        "formula": law.formula,
        "target": law.target,
        "quantities": list(law.quantities),
        "constants": list(law.constant_names),
        "source": law.source,
    }


def details(law: "Law") -> dict[str, Any]:
    """All that is known of a law, JSON-ready."""
    return {
        **summary(law),
        "equation": law.equation,
        "latex": law.latex(),
        "key": law.key,
        "variables": [
            {"symbol": v.symbol, "quantity": v.quantity, "unit": v.about.unit, "meaning": v.meaning or v.about.meaning}
            for v in law.variables
        ],
        "constants": [
            {"symbol": c.symbol, "meaning": c.meaning, "lower": c.lower, "upper": c.upper} for c in law.constants
        ],
        "published": {
            label: {"constants": dict(fit.constants), "source": fit.source, "evidence": fit.evidence, "note": fit.note}
            for label, fit in law.published.items()
        },
        "limits": dict(law.limits),
        "monotone": dict(law.monotone),
        "fitted_range": law.fitted_range,
        "fitted_with": law.fitted_with,
        "derived": list(law.derived),
        "caveats": list(law.caveats),
        "conflicts": list(law.conflicts),
        "nested_in": law.nested_in,
    }


def _show(session: Session, law: "Law") -> None:
    session.say(f"{law.name}: {law.title}\n\n  {law.target} = {law.formula}\n")
    session.say(
        table(
            ("symbol", "quantity", "unit", "meaning"),
            [(v.symbol, v.quantity, v.about.unit, v.meaning or v.about.meaning) for v in law.variables],
        )
    )
    published = law.published
    session.say(
        table(
            ("constant", *published, "meaning"),
            [
                (c.symbol, *(number(fit.constants[c.symbol], 6) for fit in published.values()), c.meaning)
                for c in law.constants
            ],
            right=tuple(published),
        )
    )
    lines = [f"source: {law.source}" + (f", Eq. {law.equation}" if law.equation else "")]
    lines += [f"fitted on: {law.fitted_range}"] if law.fitted_range else []
    lines += [f"fitted with: {law.fitted_with}"] if law.fitted_with else []
    lines += [f"published fit {label}: {fit.source} ({fit.evidence})" for label, fit in published.items()]
    lines += [f"nested in: {law.nested_in}"] if law.nested_in else []
    for heading, texts in (("derived", law.derived), ("caveat", law.caveats), ("conflict", law.conflicts)):
        lines += [f"{heading}: {text}" for text in texts]
    session.say("\n".join(lines))
