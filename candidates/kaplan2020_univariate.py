"""L = (Xc/x)**alpha  (Kaplan et al. 2020, arXiv:2001.08361, Eq. 1.1 to 1.3: one factor at a time)"""

from collections.abc import Mapping

from candidates.kaplan2020 import SOURCE
from formsearch.law import Law, Published, Start, Variable, positive


def univariate(
    name: str, symbol: str, quantity: str, meaning: str, equation: str, published: Mapping[str, Published]
) -> Law:
    """The power law without a limit in one quantity."""
    critical = f"{symbol}c"
    return Law(
        name=name,
        title=f"Kaplan 2020: a power law in {meaning} alone",
        formula=f"({critical}/{symbol})**alpha",
        variables=(Variable(symbol, quantity, meaning),),
        constants=(
            positive("alpha", f"exponent of {meaning}", Start(0.02, 0.5)),
            positive(critical, f"{meaning} at a loss of 1", Start(1e-2, 1e8, log=True, scale=symbol)),
        ),
        source=SOURCE,
        equation=equation,
        published=published,
        limits={symbol: "0"},
        monotone={symbol: "decreasing"},
        caveats=(
            "Holds where nothing else limits the loss.",
            "No irreducible term, so the loss is said to vanish in the limit.",
        ),
    )


LAWS = (
    univariate(
        "kaplan2020_size", "N", "N", "non-embedding parameters", "1.1",
        {
            "kaplan2020": Published({"alpha": 0.076, "Nc": 8.8e13}, source="Eq. 1.1", evidence="text"),
            "clark2022_dense": Published(
                {"alpha": 0.078, "Nc": 3.568e13},
                source="Clark et al. 2022, arXiv:2202.01169, dense models at 130B tokens",
                evidence="two secondary",
            ),
            "clark2022_dense_refit": Published(
                {"alpha": 0.0785, "Nc": 3.69e13},
                source="refit on the authors' published runs (google-deepmind/scaling_laws_for_routing)",
                evidence="computed",
            ),
        },
    ),
    univariate(
        "kaplan2020_data", "D", "D", "training tokens", "1.2",
        {"kaplan2020": Published({"alpha": 0.095, "Dc": 5.4e13}, source="Eq. 1.2", evidence="text")},
    ),
    univariate(
        "kaplan2020_compute", "C", "C", "optimally allocated training compute", "1.3",
        {
            "kaplan2020": Published(
                {"alpha": 0.050, "Cc": 2.6784e28},
                source="Eq. 1.3",
                evidence="text",
                note="printed as 3.1e8 PF-days; one PF-day is 8.64e19 FLOPs",
            )
        },
    ),
)  # fmt: skip
