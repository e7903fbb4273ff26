"""L = a*N**-alpha + b*D**-beta + eps  (Zhao et al. 2025, arXiv:2509.23678, Eq. 4: size and data alone)"""

from candidates import zhao2025
from formsearch.law import Law, Start, Variable, positive

LAW = Law(
    name="zhao2025_eq4",
    title="Zhao 2025, Eq. 4: total size and data",
    formula="a*N**-alpha + b*D**-beta + eps",
    variables=(
        Variable("N", "N", "total non-embedding parameters"),
        Variable("D", "D", "training tokens"),
    ),
    constants=(
        positive("a", "amplitude of total size"),
        positive("alpha", "exponent of total size", Start(0.1, 1.0)),
        positive("b", "amplitude of data"),
        positive("beta", "exponent of data", Start(0.1, 1.0)),
        positive("eps", "irreducible loss, nats/token"),
    ),
    source=zhao2025.LAW.source,
    equation="4",
    limits={"N": "b*D**-beta + eps", "D": "a*N**-alpha + eps"},
    monotone={"N": "decreasing", "D": "decreasing"},
    fitted_range=zhao2025.LAW.fitted_range,
    fitted_with=zhao2025.LAW.fitted_with,
    caveats=("The paper prints a validation error (.0180) for this form, but no constants.",),
    conflicts=("Chinchilla's form; N is non-embedding here and includes embeddings there.",),
    nested_in="zhao2025_eq7",
)
