"""L = a*N**-alpha + b*D**-beta + c*Na**-alpha + h*Na/N + eps  (Zhao et al. 2025, arXiv:2509.23678, Eq. 7)"""

from candidates import zhao2025
from formsearch.law import Law, Start, Variable, positive

LAW = Law(
    name="zhao2025_eq7",
    title="Zhao 2025, Eq. 7: total size, active size and data",
    formula="a*N**-alpha + b*D**-beta + c*Na**-alpha + h*Na/N + eps",
    variables=(
        Variable("N", "N", "total non-embedding parameters"),
        Variable("Na", "N_active", "activated non-embedding parameters"),
        Variable("D", "D", "training tokens"),
    ),
    constants=(
        positive("a", "amplitude of total size"),
        positive("alpha", "exponent of total and of active size", Start(0.1, 1.0)),
        positive("b", "amplitude of data"),
        positive("beta", "exponent of data", Start(0.1, 1.0)),
        positive("c", "amplitude of active size"),
        positive("h", "cost of a large activation ratio"),
        positive("eps", "irreducible loss, nats/token"),
    ),
    source=zhao2025.LAW.source,
    equation="7",
    limits={
        "N": "b*D**-beta + c*Na**-alpha + eps",
        "Na": "oo",
        "D": "a*N**-alpha + c*Na**-alpha + h*Na/N + eps",
    },
    monotone={"N": "decreasing", "D": "decreasing"},
    fitted_range=zhao2025.LAW.fitted_range,
    fitted_with=zhao2025.LAW.fitted_with,
    derived=("N_active/N at fixed N: r_opt = (alpha*c/(h*N**alpha))**(1/(1 + alpha))",),
    caveats=(
        "The paper prints a validation error (.0125) for this form, but no constants.",
        "One exponent for N and N_active is imposed.",
    ),
    nested_in="zhao2025_eq9",
)
