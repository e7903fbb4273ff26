"""L = E + (A/(N*(k*log(P) + 1)))**alpha  (Chen et al. 2025, arXiv:2505.10475, ParScale)"""

from formsearch.law import Law, Published, Start, Variable, positive

LAW = Law(
    name="parscale2025",
    title="ParScale: size and number of parallel streams",
    formula="E + (A/(N*(k*log(P) + 1)))**alpha",
    variables=(
        Variable("N", "N", "non-embedding parameters, with the overhead of the streams"),
        Variable("P", "parallel_streams", "parallel streams"),
    ),
    constants=(
        positive("E", "irreducible loss at the given data, nats/token"),
        positive("A", "critical size", Start(1e-6, 1e2, log=True, scale="N")),
        positive("k", "gain of size by e times the streams", Start(0.01, 3.0, log=True)),
        positive("alpha", "exponent of size", Start(0.05, 1.0)),
    ),
    source="Chen et al. 2025, Parallel Scaling Law for Language Models, arXiv:2505.10475",
    published={
        "stack": Published(
            {"E": 0.6912, "A": 1.13e7, "alpha": 0.1894, "k": 0.3935},
            source="refit of the authors' 24 losses on Stack-V2-Python",
            evidence="computed",
            note="R2 .9978",
        ),
        "pile": Published(
            {"E": 1.2889, "A": 1.972e8, "alpha": 0.1964, "k": 0.3344},
            source="refit of the authors' 24 losses on the Pile",
            evidence="computed",
            note="R2 .9987",
        ),
    },
    limits={"N": "E", "P": "E"},
    monotone={"N": "decreasing", "P": "decreasing"},
    fitted_with="Huber(1e-3) on ln L, L-BFGS-B from a grid",
    objective="huber:1e-3:log",
    derived=("P streams are worth k*log(P) + 1 times the parameters",),
    caveats=("The data are the same for every run, so E holds the data term.", "log is natural."),
)
