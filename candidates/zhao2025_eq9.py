"""L = (e*G + f/G)*phi + a*N**-alpha + b*D**-beta + c*Na**-alpha + eps  (Zhao et al. 2025, arXiv:2509.23678, Eq. 9)

where phi = N**-alpha + k*Na**-alpha + h*Na/N
"""

from candidates import zhao2025
from formsearch.law import Law, Start, Variable, positive

LAW = Law(
    name="zhao2025_eq9",
    title="Zhao 2025, Eq. 9: total size, active size, data and active experts",
    formula="(e*G + f/G)*(N**-alpha + k*Na**-alpha + h*Na/N) + a*N**-alpha + b*D**-beta + c*Na**-alpha + eps",
    variables=(
        Variable("N", "N", "total non-embedding parameters"),
        Variable("Na", "N_active", "activated non-embedding parameters"),
        Variable("D", "D", "training tokens"),
        Variable("G", "active_experts", "activated experts per token, shared + routed"),
    ),
    constants=(
        positive("e", "cost of each further active expert"),
        positive("f", "cost of few active experts"),
        positive("alpha", "exponent of total and of active size", Start(0.1, 1.0)),
        positive("k", "weight of active size in phi", Start(1e-4, 10.0, log=True, scale="(Na/N)**alpha")),
        positive("h", "weight of the activation ratio in phi", Start(1e-2, 1e2, log=True, scale="N**(1 - alpha)/Na")),
        positive("a", "amplitude of total size"),
        positive("b", "amplitude of data"),
        positive("beta", "exponent of data", Start(0.1, 1.0)),
        positive("c", "amplitude of active size"),
        positive("eps", "irreducible loss, nats/token"),
    ),
    source=zhao2025.LAW.source,
    equation="9",
    limits={
        "N": "(e*G + f/G)*k*Na**-alpha + b*D**-beta + c*Na**-alpha + eps",
        "Na": "oo",
        "D": "(e*G + f/G)*(N**-alpha + k*Na**-alpha + h*Na/N) + a*N**-alpha + c*Na**-alpha + eps",
        "G": "oo",
    },
    monotone={"N": "decreasing", "D": "decreasing"},
    fitted_range=zhao2025.LAW.fitted_range,
    fitted_with=zhao2025.LAW.fitted_with,
    derived=("G_opt = sqrt(f/e)",),
    caveats=(
        "The paper prints a validation error (.0083) for this form, but no constants.",
        "k is hardly identifiable, and e, f against h share one scale.",
    ),
    conflicts=zhao2025.LAW.conflicts[:1],
    nested_in="zhao2025",
)
