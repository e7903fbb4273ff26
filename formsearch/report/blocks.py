"""What a report is made of: a small document tree, written once and rendered as HTML, Markdown and LaTeX.

Every string in it is plain text (never markup): the renderers escape all of them. Formulas carry LaTeX, MathML and
text; figures carry a function that draws them and the data behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from formsearch.typesetting.maths import Formula as Formula

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

Kind = Literal["plain", "note", "warning"]


@dataclass(frozen=True, slots=True)
class Value:
    """A table cell that is printed rounded and exported in full: `text` to readers, `raw` to the CSV file."""

    text: str
    raw: object


Cell = str | Formula | Value


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; a note or a warning is set apart."""

    text: str
    kind: Kind = "plain"


@dataclass(frozen=True, slots=True)
class Bullets:
    """An unordered list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Label and value pairs, a definition list."""

    items: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Equation:
    """A displayed formula with its number in the report."""

    formula: Formula
    number: int


@dataclass(frozen=True, slots=True)
class Check:
    """One check with its outcome: `passed` None means it could not be decided."""

    name: str
    passed: bool | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Checks:
    """A list of checks."""

    items: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """Head of a table column; numbers are set flush right, long texts get room."""

    title: str
    numeric: bool = False
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """A table with a caption; `name` is the stem of its CSV file. The first column heads its row."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    strong: int | None = None
    """Index of the row to stress."""


@dataclass(frozen=True)
class Figure:
    """One panel: `draw` makes the picture, `data` (columns of equal length) is what it shows."""

    name: str
    caption: str
    alt: str
    draw: Callable[[], Drawing]
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Figures:
    """Panels that belong together, set side by side where the page is wide enough."""

    panels: tuple[Figure, ...]


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    text: str


@dataclass(frozen=True)
class Details:
    """Blocks that a reader may skip: folded in HTML, set in full elsewhere."""

    summary: str
    blocks: tuple[Block, ...]


Block = Paragraph | Bullets | Facts | Equation | Checks | Table | Figures | Heading | Details


@dataclass(frozen=True)
class Section:
    """A numbered part of the report; `anchor` is its id in HTML."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """The whole document. `answer` are the lines on top, label and sentence; `simulated` says how, or is empty."""

    title: str
    subtitle: str
    simulated: str
    answer: tuple[tuple[str, str], ...]
    headline: Equation | None
    sections: tuple[Section, ...]
    results: Mapping[str, Any] = field(repr=False)

    def blocks(self) -> Iterator[Block]:
        """All blocks in reading order, folded ones included."""

        def walk(blocks: Sequence[Block]) -> Iterator[Block]:
            for block in blocks:
                yield block
                if isinstance(block, Details):
                    yield from walk(block.blocks)

        for section in self.sections:
            yield from walk(section.blocks)

    def tables(self) -> list[Table]:
        """All tables in reading order."""
        return [b for b in self.blocks() if isinstance(b, Table)]

    def figures(self) -> list[Figure]:
        """All panels in reading order."""
        return [p for b in self.blocks() if isinstance(b, Figures) for p in b.panels]
