"""L = c + (g*G**-gamma + a)*N**-alpha + b*D**-beta  (Krajewski et al. 2024, arXiv:2402.07871, fine-grained experts)"""

from formsearch.law import Constant, Law, Published, Start, Variable, positive

LAW = Law(
    name="krajewski2024",
    title="Krajewski 2024: fine-grained mixture of experts in size, data and granularity",
    formula="c + (g*G**-gamma + a)*N**-alpha + b*D**-beta",
    variables=(
        Variable("N", "N", "total non-embedding parameters"),
        Variable("D", "D", "training tokens"),
        Variable("G", "granularity", "width of the dense feed-forward layer / width of one expert"),
    ),
    constants=(
        positive("c", "irreducible loss, nats/token"),
        positive("g", "amplitude of coarseness"),
        # The largest published value is .986; a quarter above it is allowed. Without a bound, runs with an optimum in G
        # drive gamma to 70 and more: a term that speaks at the coarsest runs alone and explodes just outside them.
        Constant("gamma", "exponent of granularity", lower=0.0, upper=1.25, start=Start(0.1, 1.25)),
        positive("a", "amplitude of size at infinite granularity"),
        positive("alpha", "exponent of size", Start(0.05, 1.0)),
        positive("b", "amplitude of data"),
        positive("beta", "exponent of data", Start(0.05, 1.0)),
    ),
    source="Krajewski et al. 2024, Scaling Laws for Fine-Grained Mixture of Experts, arXiv:2402.07871",
    published={
        "krajewski2024": Published(
            {"a": 18.1, "alpha": 0.115, "b": 30.8, "beta": 0.147, "g": 2.1, "gamma": 0.58, "c": 0.47},
            source="main fit, expansion rate 64",
            evidence="text",
            note="rounded: the paper's table of losses lies .011-.023 above what these constants give",
        ),
        "krajewski2024_80_percent": Published(
            {"a": 17.6, "alpha": 0.114, "b": 26.7, "beta": 0.140, "g": 2.07, "gamma": 0.570, "c": 0.472},
            source="refit on 80 % of the runs, expansion rate 64",
            evidence="text",
        ),
        "krajewski2024_e16": Published(
            {"a": 19.64, "alpha": 0.124, "b": 57.07, "beta": 0.169, "g": 1.18, "gamma": 0.986, "c": 0.472},
            source="expansion rate 16",
            evidence="text",
        ),
    },
    limits={
        "N": "c + b*D**-beta",
        "D": "c + (g*G**-gamma + a)*N**-alpha",
        "G": "c + a*N**-alpha + b*D**-beta",
    },
    monotone={"N": "decreasing", "D": "decreasing", "G": "decreasing"},
    fitted_range="more than 100 runs: N 129M-3.7B, D 16-130B, G 1-16; 64 times as many feed-forward parameters "
    "as active ones",
    fitted_with="Huber(.1) on the training loss, BFGS, weight decay 5e-4 on the coefficients; RMSE .015",
    objective="huber:0.1:raw",
    derived=(
        "Architecture with n blocks of width d = 64*n: N = d**2*(8*E + 4)*n, N_active = 12*d**2*n, "
        "so N = 43*N_active at E = 64",
        "F = (12*d**2*6 + d*E*G*14)*D*n FLOPs: the optimal granularity grows with compute, "
        "only because routing is charged",
    ),
    caveats=(
        "The expansion rate is fixed: the form says nothing about N_active/N.",
        "Without the routing cost the loss falls with G without bound.",
        "The bound on gamma is ours. Where the loss has an optimum in G, the form can only call G useless (g = 0).",
        "Loss is the smoothed training loss on C4, expert-choice routing.",
    ),
    conflicts=(
        "G is d_ff/d_expert; Zhao's G counts active experts, Tian's is 2*d_model/d_expert.",
        "N is total; Zhao's baseline description calls it active parameters.",
    ),
)
