"""L = E + A*N**-alpha + B*D**-beta + P*w**-gamma + Q*l**-delta  (McLeish et al. 2025, arXiv:2502.06857, Gemstones)"""

from formsearch.law import Law, Published, Start, Variable, positive

LAW = Law(
    name="gemstones2025",
    title="Gemstones: Chinchilla's form with terms for width and depth",
    formula="E + A*N**-alpha + B*D**-beta + P*w**-gamma + Q*l**-delta",
    variables=(
        Variable("N", "N", "parameters, including embeddings"),
        Variable("D", "D", "training tokens"),
        Variable("w", "width", "model width"),
        Variable("l", "depth", "number of layers"),
    ),
    constants=(
        positive("E", "irreducible loss, nats/token"),
        positive("A", "amplitude of size"),
        positive("alpha", "exponent of size", Start(0.1, 1.0)),
        positive("B", "amplitude of data"),
        positive("beta", "exponent of data", Start(0.1, 1.0)),
        positive("P", "amplitude of width"),
        positive("gamma", "exponent of width", Start(0.1, 1.5)),
        positive("Q", "amplitude of depth"),
        positive("delta", "exponent of depth", Start(0.1, 1.5)),
    ),
    source="McLeish et al. 2025, Gemstones: A Model Suite for Multi-Faceted Scaling Laws, arXiv:2502.06857",
    published={
        "hot": Published(
            {
                "E": 1.48061568, "A": 2892.95370, "alpha": 0.5000839, "B": 23375.0946, "beta": 0.4761056,
                "P": 4.27169456, "gamma": 0.2446914, "Q": 0.924870085, "delta": 0.3871517,
            },
            source="authors' repository, constant learning rate, 220 points of 22 models",
            evidence="code",
            note="given there as logarithms of the amplitudes; objective 1.11878e-4",
        )
    },
    limits={
        "N": "E + B*D**-beta + P*w**-gamma + Q*l**-delta",
        "D": "E + A*N**-alpha + P*w**-gamma + Q*l**-delta",
        "w": "E + A*N**-alpha + B*D**-beta + Q*l**-delta",
        "l": "E + A*N**-alpha + B*D**-beta + P*w**-gamma",
    },
    monotone={"N": "decreasing", "D": "decreasing", "w": "decreasing", "l": "decreasing"},
    fitted_range="48M-2.0B parameters, width 256-3072, depth 3-80, 10-100B tokens",
    fitted_with="Huber(1e-4) on ln L, log-sum-exp, L-BFGS from a grid",
    objective="huber:1e-4:log",
    caveats=("N is nearly 12*width**2*depth, so the four terms are far from independent.",),
    conflicts=("N includes embeddings here.",),
)  # fmt: skip
