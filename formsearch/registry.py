"""`laws`: the registry of candidate laws, a read-only mapping name -> `Law`.

The project's own laws are the dict `candidates.LAWS`. Other packages add theirs through the entry-point group
`formsearch.laws`: each entry point loads a `Law`, or a mapping of them. A plug-in that fails to load, or that
reuses a name, is left out with a warning that names its distribution.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property

from formsearch.exceptions import UnknownNameError
from formsearch.law import Law

GROUP = "formsearch.laws"


class Registry(Mapping[str, Law]):
    """Loaded at first use; unknown names raise `UnknownNameError` with the nearest ones."""

    @cached_property
    def _laws(self) -> dict[str, Law]:
        from importlib.metadata import entry_points

        from candidates import LAWS

        table = dict(LAWS)
        for entry in entry_points(group=GROUP):
            origin = f"{entry.name} of {entry.dist.name if entry.dist else 'an unknown package'}"
            try:
                loaded = entry.load()
                added = {loaded.name: loaded} if isinstance(loaded, Law) else dict(loaded)
                wrong = [n for n, law in added.items() if not isinstance(law, Law)]
                if wrong:
                    raise TypeError(f"{wrong} are not formsearch.Law objects")
            except Exception as error:  # a broken plug-in must not take the product down
                warnings.warn(f"law plug-in {origin} is left out: {error}", RuntimeWarning, stacklevel=2)
                continue
            for name, law in added.items():
                if name in table:
                    warnings.warn(f"law {name!r} of plug-in {origin} is left out: the name is taken",
                                  RuntimeWarning, stacklevel=2)  # fmt: skip
                else:
                    table[name] = law
        return table

    def __getitem__(self, name: str) -> Law:
        try:
            return self._laws[name]
        except KeyError:
            raise UnknownNameError("law", name, self._laws, "`formsearch laws` lists them") from None

    def __contains__(self, name: object) -> bool:
        return name in self._laws

    def __iter__(self) -> Iterator[str]:
        return iter(self._laws)

    def __len__(self) -> int:
        return len(self._laws)

    def __repr__(self) -> str:
        return f"<{len(self)} laws: {', '.join(self)}>"


laws = Registry()
