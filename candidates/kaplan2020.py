"""L = ((Nc/N)**(aN/aD) + Dc/D)**aD  (Kaplan et al. 2020, arXiv:2001.08361, Eq. 1.5)"""

from formsearch.law import Law, Published, Start, Variable, positive

SOURCE = "Kaplan et al. 2020, Scaling Laws for Neural Language Models, arXiv:2001.08361"

LAW = Law(
    name="kaplan2020",
    title="Kaplan 2020: size and data without an irreducible term",
    formula="((Nc/N)**(aN/aD) + Dc/D)**aD",
    variables=(
        Variable("N", "N", "non-embedding parameters"),
        Variable("D", "D", "training tokens"),
    ),
    constants=(
        positive("aN", "exponent of size", Start(0.03, 0.5)),
        positive("aD", "exponent of data", Start(0.03, 0.5)),
        positive("Nc", "critical size", Start(1e-2, 1e6, log=True, scale="N")),
        positive("Dc", "critical data", Start(1e-2, 1e6, log=True, scale="D")),
    ),
    source=SOURCE,
    equation="1.5",
    published={
        "kaplan2020": Published(
            {"aN": 0.076, "aD": 0.103, "Nc": 6.4e13, "Dc": 1.8e13},
            source="joint fit",
            evidence="text",
            note="differs from the fits in one variable (.076, 8.8e13; .095, 5.4e13): do not mix them",
        )
    },
    limits={"N": "(Dc/D)**aD", "D": "(Nc/N)**aN"},
    monotone={"N": "decreasing", "D": "decreasing"},
    fitted_range="N 768-1.5B, D 22M-23B tokens, WebText2",
    derived=("C = 6*N*D: N* ~ C**.73 by the paper", "Overfitting is avoided for D >= 5e3*N**.74"),
    caveats=(
        "No irreducible term, so the loss is said to vanish in the limit.",
        "Loss is the early-stopped test loss on WebText2.",
    ),
    conflicts=("N excludes embeddings here, Chinchilla's includes them.",),
)
