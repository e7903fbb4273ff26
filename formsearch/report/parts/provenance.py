"""How to get the same numbers again."""

from __future__ import annotations

from formsearch.report.blocks import Block, Details, Facts, Paragraph, Section
from formsearch.report.context import Builder
from formsearch.typesetting.numbers import number


def section(b: Builder) -> Section:
    """Versions, seed, command, files."""
    p = b.document.provenance
    facts = [("formsearch", p.formsearch), ("Python", p.python)]
    if p.seed is not None:
        facts.append(("Seed", str(p.seed)))
    if p.created:
        facts.append(("Made", p.created))
    if p.seconds is not None:
        facts.append(("Time taken", f"{number(p.seconds, 3)} s"))
    if p.command:
        facts.append(("Command", p.command))
    for points in b.document.points:
        facts.append((f"Points {points.name}", points.hash))
    blocks: list[Block] = [
        Facts(tuple(facts)),
        Paragraph(
            "The numbers of every table are in tables/, those of every figure in figures/ (CSV), all results in "
            "results.json; the command formsearch report makes this report again from that file alone."
        ),
    ]
    if p.versions:
        blocks.append(Details("Versions of the packages used", (Facts(tuple(p.versions.items())),)))
    return Section("provenance", "Provenance", tuple(blocks))
