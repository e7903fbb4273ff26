"""`verify`: what holds of the printed equations and numbers of a paper, what holds only if, and what fails.

Each claim is derived anew from the law and compared. The verdicts are computed; a file of claims holds none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formsearch.derive import judge_equations, judge_numbers
from formsearch.derive.case import Case
from formsearch.derive.claims import Claim, Claims, Verdict, read_claims
from formsearch.exceptions import DerivationError, InputError

JUDGES: Mapping[str, Callable[[Case], Verdict]] = {**judge_equations.JUDGES, **judge_numbers.JUDGES}
"""Kind of claim -> the function that judges it."""


@dataclass(frozen=True)
class Verification:
    """The verdicts on a file of claims."""

    claims: Claims
    verdicts: tuple[Verdict, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Verdicts by kind of outcome."""
        seen = Counter(v.verdict for v in self.verdicts)
        return {w: seen[w] for w in ("holds", "holds only if", "fails", "undecided") if seen[w]}

    @property
    def errata(self) -> tuple[Verdict, ...]:
        """The claims that do not hold as printed."""
        return tuple(v for v in self.verdicts if v.verdict != "holds")

    def __getitem__(self, claim: str) -> Verdict:
        for v in self.verdicts:
            if v.claim.id == claim:
                return v
        raise KeyError(f"no claim {claim!r}; there are: {', '.join(v.claim.id for v in self.verdicts)}")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "title": self.claims.title,
            "source": self.claims.source,
            "note": self.claims.note,
            "counts": self.counts,
            "verdicts": [v.to_dict() for v in self.verdicts],
        }

    def text(self, width: int = 110) -> str:
        """For a terminal: every verdict on its lines, errata with their corrections, counts at the end."""
        import textwrap

        out = [self.claims.title, self.claims.source, ""]
        for v in self.verdicts:
            numbers = f" ({v.numbers[0]}/{v.numbers[1]})" if v.numbers else ""
            head = f"{v.verdict.upper() if v.verdict != 'holds' else v.verdict}{numbers}: {v.claim.id}"
            if v.claim.statement:
                head += f" -- {v.claim.statement}"
            out.append(textwrap.fill(head, width, subsequent_indent="   "))
            for line in (v.sentence, f"corrected: {v.corrected}" if v.corrected else "", *v.details):
                if line:
                    out.append(textwrap.fill(line, width, initial_indent="     ", subsequent_indent="     ",
                                             break_long_words=False))  # fmt: skip
        out += ["", ", ".join(f"{n} {w}" for w, n in self.counts.items()) + f"; {len(self.verdicts)} claims"]
        if self.claims.note:
            out.append(textwrap.fill(self.claims.note, width))
        return "\n".join(out) + "\n"

    def markdown(self) -> str:
        """A table of verdicts, then the errata one by one."""
        from tabulate import tabulate

        rows = [[v.claim.id, v.verdict, f"{v.numbers[0]}/{v.numbers[1]}" if v.numbers else "",
                 f"`{v.corrected}`" if v.corrected else "", v.sentence] for v in self.verdicts]  # fmt: skip
        table = tabulate(rows, headers=["claim", "verdict", "numbers", "corrected", "how"], tablefmt="pipe")
        counts = ", ".join(f"{n} {w}" for w, n in self.counts.items())
        return f"## {self.claims.title}\n\n{self.claims.source}\n\n{counts}\n\n{table}\n\n{self.claims.note}\n"

    def __str__(self) -> str:
        return self.text()


def verify(
    source: str | Path | Claims, progress: Callable[[Claim], None] | None = None, seconds: float = 4.0
) -> Verification:
    """Judge every claim of a file (or of a shipped one, by name).

    Parameters
    ----------
    source : path of a TOML file, name of a shipped one such as `"zhao2025"`, or claims that were read.
    progress : called with each claim before it is judged.
    seconds : time limit of each symbolic step.

    Raises `InputError` for a file or a claim that is not understood; a claim that cannot be judged is "undecided".
    """
    claims = source if isinstance(source, Claims) else read_claims(source)
    verdicts = []
    for claim in claims.claims:
        if progress is not None:
            progress(claim)
        try:
            verdicts.append(JUDGES[claim.kind](Case(claim, claims.define, seconds)))
        except InputError as error:
            raise InputError(f"claim {claim.id!r}: {error}") from None
        except DerivationError as error:
            verdicts.append(Verdict(claim, "undecided", str(error)))
    return Verification(claims, tuple(verdicts))
