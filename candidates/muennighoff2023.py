"""L = E + A*Np**-alpha + B*Dp**-beta  (Muennighoff et al. 2023, arXiv:2305.16264, repeated data)

where Dp = U*(1 + RD*(1 - exp(-Max(D/U - 1, 0)/RD)))
and Np = UN*(1 + RN*(1 - exp(-(N/UN - 1)/RN)))
and UN = Min(N, G*(U*G)**(beta/alpha))
and G = (alpha*A/(beta*B))**(1/(alpha + beta))
"""

from formsearch.law import Law, Published, Start, Variable, positive

G = "(alpha*A/(beta*B))**(1/(alpha + beta))"
UN = f"Min(N, {G}*(U*{G})**(beta/alpha))"
NP = f"{UN}*(1 + RN*(1 - exp(-(N/{UN} - 1)/RN)))"
DP = "U*(1 + RD*(1 - exp(-Max(D/U - 1, 0)/RD)))"

SOURCE = "Muennighoff et al. 2023, Scaling Data-Constrained Language Models, arXiv:2305.16264"

LAW = Law(
    name="muennighoff2023",
    title="Muennighoff 2023: size and data under repetition, with decaying value of both",
    formula=f"E + A*({NP})**-alpha + B*({DP})**-beta",
    variables=(
        Variable("N", "N", "parameters"),
        Variable("D", "D", "training tokens, repeats counted each time"),
        Variable("U", "unique_tokens", "distinct training tokens"),
    ),
    constants=(
        positive("E", "irreducible loss, nats/token"),
        positive("alpha", "exponent of size", Start(0.1, 1.0)),
        positive("A", "amplitude of size", Start(1e-2, 10.0, log=True, scale="N**alpha")),
        positive("beta", "exponent of data", Start(0.1, 1.0)),
        positive("B", "amplitude of data", Start(1e-2, 10.0, log=True, scale="D**beta")),
        positive("RN", "decay scale of excess parameters", Start(1.0, 50.0, log=True)),
        positive("RD", "decay scale of repeats", Start(1.0, 50.0, log=True)),
    ),
    source=SOURCE,
    published={
        "muennighoff2023": Published(
            {
                "E": 1.86914368, "A": 520.824952, "alpha": 0.3526596, "B": 1487.71609, "beta": 0.3526596,
                "RN": 5.309743, "RD": 15.387756,
            },
            source="authors' code, C4",
            evidence="code",
            note="given there as ln E .6254804, ln A 6.255414, ln B 7.3049974; alpha = beta imposed",
        )
    },
    limits={
        "N": f"E + A*({G}*(U*{G})**(beta/alpha)*(1 + RN))**-alpha + B*({DP})**-beta",
        "D": f"E + A*({NP})**-alpha + B*(U*(1 + RD))**-beta",
    },
    monotone={"N": "decreasing", "D": "decreasing", "U": "decreasing"},
    fitted_range="C4; the base law on 54 runs of one epoch, the decay scales on 182 runs",
    fitted_with="Huber(1e-3) on ln L, L-BFGS from a grid, in two stages",
    objective="huber:1e-3:log",
    derived=(
        "About 4 epochs are nearly as good as new data",
        "C = 1e22, U = 25e9: D* = 2.3734e11 (9.49 epochs), N* = 7.02e9",
    ),
    caveats=(
        "RD is the decay scale in repeats, about 15; notes that say 4 mean the epochs that cost nothing yet.",
        "Repeats never hurt in this form; observed overfitting after many epochs is outside it.",
        "As U grows beyond D nothing is meant: there are no more distinct tokens than tokens.",
    ),
)  # fmt: skip
