"""The candidate laws that come with formsearch: one law a file, gathered in `LAWS`.

To add one, copy a file, change its data, and add a line here; `formsearch.testing.LawContract` then checks it.
"""

from candidates import chinchilla
from formsearch.law import Law

LAWS: dict[str, Law] = {
    law.name: law
    for law in (
        chinchilla.LAW,
    )
}  # fmt: skip
