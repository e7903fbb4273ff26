"""L = E + A*N**-alpha + B*Dp**-beta  (Muennighoff et al. 2023, arXiv:2305.16264, decay of repeated data alone)

where Dp = U*(1 + RD*(1 - exp(-Max(D/U - 1, 0)/RD)))
"""

from candidates.muennighoff2023 import DP, SOURCE
from formsearch.law import Law, Start, Variable, positive

LAW = Law(
    name="muennighoff2023_data",
    title="Muennighoff 2023: size and data under repetition, every parameter of full value",
    formula=f"E + A*N**-alpha + B*({DP})**-beta",
    variables=(
        Variable("N", "N", "parameters"),
        Variable("D", "D", "training tokens, repeats counted each time"),
        Variable("U", "unique_tokens", "distinct training tokens"),
    ),
    constants=(
        positive("E", "irreducible loss, nats/token"),
        positive("A", "amplitude of size"),
        positive("alpha", "exponent of size", Start(0.1, 1.0)),
        positive("B", "amplitude of data"),
        positive("RD", "decay scale of repeats", Start(1.0, 50.0, log=True)),
        positive("beta", "exponent of data", Start(0.1, 1.0)),
    ),
    source=SOURCE,
    limits={"N": f"E + B*({DP})**-beta", "D": "E + A*N**-alpha + B*(U*(1 + RD))**-beta"},
    monotone={"N": "decreasing", "D": "decreasing", "U": "decreasing"},
    objective="huber:1e-3:log",
    caveats=(
        "The full law without its decay of excess parameters (RN to infinity).",
        "As U grows beyond D nothing is meant: there are no more distinct tokens than tokens.",
    ),
    nested_in="muennighoff2023",
)
