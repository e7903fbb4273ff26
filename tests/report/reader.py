"""Reads HTML strictly: every element closed in its turn; gathers what the tests ask about."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """`elements` are (tag, attributes, parent tags); `text(tag)` is the text inside each element of that tag."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, list[str]]] = []
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(source)
        self.close()
        assert not self.open, f"not closed: {[t for t, _ in self.open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(t for t, _ in self.open)))
        if tag not in VOID:
            self.open.append((tag, []))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(t for t, _ in self.open)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1][0] == tag, f"</{tag}> closes <{self.open[-1][0]}> at {self.getpos()}"
        name, parts = self.open.pop()
        self.texts.setdefault(name, []).append("".join(parts))

    def handle_data(self, data: str) -> None:
        for _, parts in self.open:
            parts.append(data)

    def text(self, tag: str) -> list[str]:
        """Text of each element of that tag, in the order they end."""
        return [" ".join(t.split()) for t in self.texts.get(tag, [])]

    def every(
        self, tag: str, where: Callable[[dict[str, str | None]], bool] = lambda _: True
    ) -> list[dict[str, str | None]]:
        """Attributes of the elements of that tag."""
        return [a for t, a, _ in self.elements if t == tag and where(a)]
