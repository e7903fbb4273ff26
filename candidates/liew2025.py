"""L = A*D1**-a1*D2**(-a2 + a3*log(D1)) + E  (Liew et al. 2025, arXiv:2502.03009, upcycling; family only)"""

from formsearch.law import Constant, Law, Start, Variable, positive

LAW = Law(
    name="liew2025",
    title="Liew 2025: upcycling a dense model into a mixture of experts, in both token counts",
    formula="A*D1**-a1*D2**(-a2 + a3*log(D1)) + E",
    variables=(
        Variable("D1", "D_dense", "tokens of dense pre-training"),
        Variable("D2", "D", "tokens of training after upcycling"),
    ),
    constants=(
        positive("A", "amplitude"),
        positive("a1", "exponent of dense tokens", Start(0.02, 0.5)),
        positive("a2", "exponent of upcycled tokens at D1 = 1", Start(0.05, 1.0)),
        Constant("a3", "interaction: positive where more dense tokens slow upcycling", start=Start(-0.01, 0.03)),
        positive("E", "irreducible loss, nats/token"),
    ),
    source="Liew et al. 2025, Scaling Laws for Upcycling Mixture-of-Experts Language Models, arXiv:2502.03009",
    fitted_range="to 7B parameters, SlimPajama Common Crawl",
    caveats=(
        "A multiplicative power law with an interaction of the logarithms, as abstracts and reviews describe it; "
        "the paper's exact form and constants were not available.",
        "As D1 grows the loss tends to E while a3*log(D2) < a1, and grows without bound beyond.",
        "As D2 grows the loss tends to E while a3*log(D1) < a2, and grows without bound beyond.",
        "Model size is not in the form: constants belong to one architecture.",
    ),
)
