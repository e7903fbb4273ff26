"""L = a*N**-alpha + b*D**-beta + c*(1 - S)**-lam + d*(1 - S)**-delta*N**-gamma + e  (Abnar et al. 2025)"""

from formsearch.law import Constant, Law, Published, Start, Variable, positive

LAW = Law(
    name="abnar2025",
    title="Abnar 2025: mixture of experts in size, data and sparsity",
    formula="a*N**-alpha + b*D**-beta + c*(1 - S)**-lam + d*(1 - S)**-delta*N**-gamma + e",
    variables=(
        Variable("N", "N", "total parameters"),
        Variable("D", "D", "training tokens"),
        Variable("S", "sparsity", "share of inactive experts"),
    ),
    constants=(
        positive("a", "amplitude of size"),
        positive("alpha", "exponent of size", Start(0.1, 1.0)),
        positive("b", "amplitude of data"),
        positive("beta", "exponent of data", Start(0.1, 1.0)),
        positive("c", "amplitude of the active share"),
        Constant("lam", "exponent of the active share; negative: sparsity by itself helps", start=Start(-1.0, 1.0)),
        positive("d", "amplitude of the interaction of sparsity and size"),
        positive("delta", "exponent of the active share in the interaction", Start(0.02, 1.0)),
        positive("gamma", "exponent of size in the interaction", Start(0.02, 1.0)),
        positive("e", "irreducible loss, nats/token"),
    ),
    source="Abnar et al. 2025, Parameters vs FLOPs: Scaling Laws for Optimal Sparsity for Mixture-of-Experts "
    "Language Models, arXiv:2501.12370",
    published={
        "abnar2025": Published(
            {
                "a": 16612.50, "alpha": 0.5962, "b": 5455.67, "beta": 0.3954, "c": 0.4598, "lam": -0.1666,
                "d": 17.26, "delta": 0.1603, "gamma": 0.1595, "e": 0.94,
            },
            source="table of the parametric fit",
            evidence="two secondary",
            note="mean squared error .00056 on the fit, .0058 on the held-out S = .98",
        )
    },
    limits={
        "N": "b*D**-beta + c*(1 - S)**-lam + e",
        "D": "a*N**-alpha + c*(1 - S)**-lam + d*(1 - S)**-delta*N**-gamma + e",
    },
    monotone={"N": "decreasing", "D": "decreasing"},
    fitted_range="S in {0, .25, .5, .75, .9, .95}, 3e19-1e21 FLOPs; S = .98 held out",
    fitted_with="Huber(1e-3), L-BFGS from a grid of starts; the residual (assumed that of ln L) is not stated",
    objective="huber:1e-3:log",
    derived=(
        "At fixed N and D: 1 - S* = (d*delta*N**-gamma/(-c*lam))**(1/(delta - lam)), that is S* = .2309, .7499, "
        ".9187, .9736 at N = 1e10, 1e11, 1e12, 1e13",
    ),
    caveats=(
        "The fit explains 68 % of the variance at the held-out S = .98.",
        "The form has a pole at S = 1 unless delta and lam are negative.",
        "c and e cannot be told apart as lam approaches 0.",
    ),
    conflicts=(
        "S is the share of inactive experts; Zhao's S is the share of shared experts, Frantar's of zero weights.",
        "At fixed compute the best sparsity tends to 1; Zhao's best N_active/N at fixed total size is 20-43 %.",
    ),
)  # fmt: skip
