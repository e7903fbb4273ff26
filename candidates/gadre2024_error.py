"""Err = eps - k*exp(-gamma*L)  (Gadre et al. 2024, arXiv:2403.08540, task error from loss)"""

from candidates.gadre2024 import SOURCE
from formsearch.law import Law, Start, Variable, positive

LAW = Law(
    name="gadre2024_error",
    title="Gadre 2024: average task error from validation loss",
    formula="eps - k*exp(-gamma*L)",
    variables=(Variable("L", "loss", "validation loss"),),
    constants=(
        positive("eps", "error of a model that knows nothing"),
        positive("k", "amplitude"),
        positive("gamma", "rate, 1/(nats/token)", Start(0.1, 5.0)),
    ),
    target="error",
    source=SOURCE,
    limits={"L": "eps"},
    monotone={"L": "increasing"},
    fitted_with="least squares, Levenberg-Marquardt",
    objective="ls",
    caveats=(
        "Holds for averages over many tasks, not for each one.",
        "The published constants were not available.",
    ),
)
