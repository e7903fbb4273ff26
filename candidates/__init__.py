"""The candidate laws that come with formsearch: one law a file, gathered in `LAWS`.

To add one, copy a file, change its data, and add a line here; `formsearch.testing.LawContract` then checks it.
"""

from candidates import (
    abnar2025,
    caballero2022,
    chinchilla,
    clark2022,
    clark2022_bilinear,
    farseer2025,
    frantar2023,
    gadre2024,
    gadre2024_error,
    gao2024,
    gemstones2025,
    kaplan2020,
    kaplan2020_univariate,
    krajewski2024,
    krajewski2024_dense,
    kumar2024,
    kumar2024_ptq,
    liew2025,
    lin2024,
    lin2024_power,
    ludziejewski2025,
    muennighoff2023,
    muennighoff2023_data,
    parscale2025,
    shukor2025,
    skaling2026,
    sun2025,
    tao2024,
    tao2024_characters,
    tian2025,
    wang2024,
    ye2024,
    yun2024,
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
        clark2022.LAW,
        clark2022_bilinear.LAW,
        wang2024.LAW,
        yun2024.LAW,
        liew2025.LAW,
        tian2025.LAW,
        # size and data
        chinchilla.LAW,
        kaplan2020.LAW,
        *kaplan2020_univariate.LAWS,
        skaling2026.LAW,
        farseer2025.LAW,
        gemstones2025.LAW,
        gadre2024.LAW,
        gadre2024_error.LAW,
        # data: repeats, mixtures, fine-tuning, vocabulary
        muennighoff2023.LAW,
        muennighoff2023_data.LAW,
        *ye2024.LAWS,
        *shukor2025.LAWS,
        lin2024.LAW,
        lin2024_power.LAW,
        tao2024.LAW,
        tao2024_characters.LAW,
        # precision, sparsity, parallel streams
        kumar2024.LAW,
        kumar2024_ptq.LAW,
        sun2025.LAW,
        frantar2023.LAW,
        parscale2025.LAW,
        # one variable, and other fields
        *caballero2022.LAWS,
        gao2024.LAW,
    )
}
