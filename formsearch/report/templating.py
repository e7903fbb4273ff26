"""The jinja2 environments of the three outputs."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(autoescape: bool, **delimiters: Any) -> Environment:
    """An environment over this package's templates; undefined names are errors."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("formsearch.report", "templates"),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **delimiters,
    )


def template_text(name: str) -> str:
    """A template file as it is."""
    return files("formsearch.report").joinpath("templates", name).read_text(encoding="utf-8")
