"""Pickling and copying of frozen dataclasses that hold read-only mappings (which Python cannot pickle itself)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from types import MappingProxyType
from typing import Any


def rebuild(cls: Callable[..., Any], values: dict[str, Any]) -> Any:
    """The object again, through its constructor and so with all its checks."""
    return cls(**values)


class ByFields:
    """Mixin: pickles and copies by the dataclass's fields; what it has computed and kept is left behind."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        values = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        plain = {k: dict(v) if isinstance(v, MappingProxyType) else v for k, v in values.items()}
        return rebuild, (type(self), plain)
