"""L = c + a*N**-alpha + b*D**-beta  (Krajewski et al. 2024, arXiv:2402.07871, dense baseline)"""

from formsearch.law import Law, Published, Start, Variable, positive

LAW = Law(
    name="krajewski2024_dense",
    title="Krajewski 2024: dense baseline of the fine-grained law",
    formula="c + a*N**-alpha + b*D**-beta",
    variables=(
        Variable("N", "N", "non-embedding parameters"),
        Variable("D", "D", "training tokens"),
    ),
    constants=(
        positive("c", "irreducible loss, nats/token"),
        positive("a", "amplitude of size"),
        positive("alpha", "exponent of size", Start(0.05, 1.0)),
        positive("b", "amplitude of data"),
        positive("beta", "exponent of data", Start(0.05, 1.0)),
    ),
    source="Krajewski et al. 2024, Scaling Laws for Fine-Grained Mixture of Experts, arXiv:2402.07871",
    published={
        "krajewski2024": Published(
            {"a": 16.3, "alpha": 0.126, "b": 26.7, "beta": 0.127, "c": 0.47},
            source="dense fit",
            evidence="text",
            note="c is shared with the mixture-of-experts fit",
        ),
    },
    limits={"N": "c + b*D**-beta", "D": "c + a*N**-alpha"},
    monotone={"N": "decreasing", "D": "decreasing"},
    fitted_with="Huber(.1) on the training loss, BFGS, weight decay 5e-4 on the coefficients",
    objective="huber:0.1:raw",
    caveats=("Loss is the smoothed training loss on C4.",),
    conflicts=("Chinchilla's form; N excludes embeddings here.",),
    nested_in="krajewski2024",
)
