"""L = E + A*N**-alpha + B*D**-beta  (Hoffmann et al. 2022, arXiv:2203.15556, Eq. 2)."""

from formsearch.law import Law, Published, Start, Variable, positive

LAW = Law(
    name="chinchilla",
    title="Chinchilla: additive power laws in size and data",
    formula="E + A*N**-alpha + B*D**-beta",
    variables=(
        Variable("N", "N", "parameters, including embeddings in the paper"),
        Variable("D", "D", "training tokens"),
    ),
    constants=(
        positive("E", "irreducible loss, nats/token"),
        positive("A", "amplitude of the size term"),
        positive("alpha", "exponent of size", Start(0.1, 1.0)),
        positive("B", "amplitude of the data term"),
        positive("beta", "exponent of data", Start(0.1, 1.0)),
    ),
    source="Hoffmann et al. 2022, Training Compute-Optimal Large Language Models, arXiv:2203.15556",
    equation="2",
    published={
        "besiroglu2024": Published(
            {"E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43, "beta": 0.3658},
            source="Besiroglu et al. 2024, arXiv:2404.10102, 240 digitised points",
            evidence="text",
            note="standard errors E .03, A 124.58, B 1293.23, alpha .02, beta .02",
        ),
        "besiroglu2024_245": Published(
            {"E": 1.89, "A": 463.3, "alpha": 0.345, "B": 12530.0, "beta": 0.452},
            source="Besiroglu et al. 2024, arXiv:2404.10102, 245 digitised points, five of them outliers",
            evidence="text",
            note="standard errors E .044, A 145, B 61650, alpha .018, beta .054",
        ),
        "hoffmann2022": Published(
            {"E": 1.6934, "A": 406.4, "alpha": 0.3392, "B": 410.7, "beta": 0.2849},
            source="Hoffmann et al. 2022, TeX source",
            evidence="text",
            note="the printed table rounds to E 1.69, alpha .34, beta .28: 93 instead of 59 tokens per parameter",
        ),
        "hoffmann2022_printed": Published(
            {"E": 1.69, "A": 406.4, "alpha": 0.34, "B": 410.7, "beta": 0.28},
            source="Hoffmann et al. 2022, Eq. 10",
            evidence="text",
            note="two-decimal exponents; far from the optimum of the digitised points",
        ),
        "gemstones_hot": Published(
            {"E": 2.15182603, "A": 234.510133, "alpha": 0.2989181, "B": 3178671.82, "beta": 0.6928331},
            source="McLeish et al. 2025, arXiv:2502.06857, authors' repository, constant learning rate, 220 points",
            evidence="code",
            note="given there as logarithms of E, A, B; Huber(1e-4) on ln L, objective 2.0760e-4",
        ),
        "gemstones_cool_end": Published(
            {"E": 2.10831489, "A": 213.320600, "alpha": 0.2970133, "B": 3178016.44, "beta": 0.6903992},
            source="McLeish et al. 2025, arXiv:2502.06857, authors' repository, after the cool-down, 199 points",
            evidence="code",
            note="given there as logarithms of E, A, B; Huber(1e-4) on ln L, objective 2.0594e-4",
        ),
    },
    limits={"N": "E + B*D**-beta", "D": "E + A*N**-alpha"},
    monotone={"N": "decreasing", "D": "decreasing"},
    fitted_range="N 70M-16B, D 5B-500B tokens, more than 400 runs",
    fitted_with="Huber(1e-3) on ln L, L-BFGS from a grid of 4,500 starts",
    objective="huber:1e-3:log",
    derived=(
        "C = 6*N*D: N* = G*(C/6)**(beta/(alpha+beta)), D* = (C/6)**(alpha/(alpha+beta))/G, "
        "G = (alpha*A/(beta*B))**(1/(alpha+beta))",
    ),
    caveats=(
        "Hoffmann's optimiser averaged the loss and stopped early; Besiroglu et al. replicate the fit.",
        "Five outliers of the digitised points move beta from .367 to .453.",
    ),
    conflicts=("N includes embeddings here; Kaplan, Zhao and Krajewski count non-embedding parameters.",),
)
