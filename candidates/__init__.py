"""The candidate laws that come with formsearch: one law a file, gathered in `LAWS`.

To add one, copy a file, change its data, and add a line here; `formsearch.testing.LawContract` then checks it.
"""

from candidates import (
    abnar2025,
    chinchilla,
    krajewski2024,
    krajewski2024_dense,
    ludziejewski2025,
    zhao2025,
    zhao2025_eq4,
    zhao2025_eq7,
    zhao2025_eq9,
)
from formsearch.law import Law

LAWS: dict[str, Law] = {
    law.name: law
    for law in (
        # mixtures of experts
        zhao2025.LAW,
        zhao2025_eq9.LAW,
        zhao2025_eq7.LAW,
        zhao2025_eq4.LAW,
        krajewski2024.LAW,
        krajewski2024_dense.LAW,
        abnar2025.LAW,
        ludziejewski2025.LAW,
        # size and data
        chinchilla.LAW,
    )
}
