"""L = (A*N**-alpha + B*D**-beta)**k + E  (Videau et al. 2026, arXiv:2608.07222, Skaling)"""

from formsearch.law import Constant, Law, Published, Start, Variable, positive

LAW = Law(
    name="skaling2026",
    title="Skaling: Chinchilla's sum of power laws, raised to a power",
    formula="(A*N**-alpha + B*D**-beta)**k + E",
    variables=(
        Variable("N", "N", "non-embedding parameters"),
        Variable("D", "D", "training tokens"),
    ),
    constants=(
        positive("alpha", "exponent of size inside the sum", Start(0.1, 1.0)),
        positive("A", "amplitude of size inside the sum", Start(1e-3, 10.0, log=True, scale="N**alpha")),
        positive("beta", "exponent of data inside the sum", Start(0.1, 1.0)),
        positive("B", "amplitude of data inside the sum", Start(1e-3, 10.0, log=True, scale="D**beta")),
        Constant("k", "outer power; 1 is Chinchilla", 0.01, 2.0, Start(0.2, 1.2)),
        positive("E", "irreducible loss"),
    ),
    source="Videau et al. 2026, arXiv:2608.07222",
    published={
        "farseer_404": Published(
            {"A": 101.95, "alpha": 0.3874, "B": 739.0, "beta": 0.4210, "k": 0.4902, "E": 0.2728},
            source="refit on the 404 public Farseer runs, least squares on ln L, 150 starts, one optimum",
            evidence="computed",
            note="loss in bits per character; mean relative error .191 %; the paper reports E near .03, which on "
            "these runs makes the objective 3.4 times larger",
        ),
        "chinchilla_240": Published(
            {"A": 2304.0, "alpha": 0.4243, "B": 9951.0, "beta": 0.4305, "k": 0.774, "E": 1.7571},
            source="refit on the 240 digitised Chinchilla points, Huber(1e-3) on ln L",
            evidence="computed",
            note="objective 9.54e-4 against 1.018e-3 for k = 1",
        ),
    },
    limits={"N": "(B*D**-beta)**k + E", "D": "(A*N**-alpha)**k + E"},
    monotone={"N": "decreasing", "D": "decreasing"},
    fitted_with="Huber(.05) on ln L, bounded L-BFGS-B in basin hopping, 2,000 Sobol starts; bounds: A, B 1e-6 to 1e7, "
    "exponents and k .01 to 2, E 0 to 3",
    objective="huber:0.05:log",
    derived=(
        "C = 6*N*D: the optimum is Chinchilla's, since k cancels",
        "D*/N* ~ C**((alpha - beta)/(alpha + beta))",
    ),
    caveats=("E and k trade off: E can fall from .45 to .03 with hardly any change of the fit.",),
    conflicts=(
        "Finds D*/N* falling with compute on the runs on which Farseer claims that it rises.",
        "The paper's table of coefficients was not available; the fits here are recomputed.",
    ),
)
