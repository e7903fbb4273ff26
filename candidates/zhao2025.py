"""L = (e*G + f/G + m*S**2 + n*S)*phi + a*N**-alpha + b*D**-beta + c*Na**-alpha + eps  (Zhao et al. 2025, Eq. 11)

where phi = N**-alpha + k*Na**-alpha + h*Na/N
"""

from formsearch.law import Constant, Law, Published, Start, Variable, positive

LAW = Law(
    name="zhao2025",
    title="Zhao 2025: mixture of experts in size, active size, data, active experts and shared ratio",
    formula="(e*G + f/G + m*S**2 + n*S)*(N**-alpha + k*Na**-alpha + h*Na/N)"
    " + a*N**-alpha + b*D**-beta + c*Na**-alpha + eps",
    variables=(
        Variable("N", "N", "total non-embedding parameters"),
        Variable("Na", "N_active", "activated non-embedding parameters"),
        Variable("D", "D", "training tokens"),
        Variable("G", "active_experts", "activated experts per token, shared + routed"),
        Variable("S", "shared_ratio", "shared experts / activated experts"),
    ),
    constants=(
        positive("e", "cost of each further active expert"),
        positive("f", "cost of few active experts"),
        positive("m", "curvature in the shared ratio"),
        Constant("n", "slope in the shared ratio at zero; negative where some sharing helps"),
        positive("alpha", "exponent of total and of active size", Start(0.1, 1.0)),
        positive("k", "weight of active size in phi", Start(1e-4, 10.0, log=True, scale="(Na/N)**alpha")),
        positive("h", "weight of the activation ratio in phi", Start(1e-2, 1e2, log=True, scale="N**(1 - alpha)/Na")),
        positive("a", "amplitude of total size"),
        positive("b", "amplitude of data"),
        positive("beta", "exponent of data", Start(0.1, 1.0)),
        positive("c", "amplitude of active size"),
        positive("eps", "irreducible loss, nats/token"),
    ),
    source="Zhao et al. 2025, Towards a Comprehensive Scaling Law of Mixture-of-Experts, arXiv:2509.23678",
    equation="11 (also 1 and 15)",
    published={
        "zhao2025": Published(
            {
                "e": 0.1577, "f": 7.2446, "m": 5.1395, "n": -3.2363, "k": 0.0013, "h": 0.0450, "a": 38.0510,
                "alpha": 0.2383, "b": 27129.0488, "beta": 0.4694, "c": 31.0958, "eps": 1.8182,
            },
            source="Table 2",
            evidence="text",
            note="printed without uncertainties; one point on a long ridge, see the caveats",
        )
    },
    limits={
        "N": "(e*G + f/G + m*S**2 + n*S)*k*Na**-alpha + b*D**-beta + c*Na**-alpha + eps",
        "D": "(e*G + f/G + m*S**2 + n*S)*(N**-alpha + k*Na**-alpha + h*Na/N) + a*N**-alpha + c*Na**-alpha + eps",
        "G": "oo",
    },
    monotone={"N": "decreasing", "D": "decreasing"},
    fitted_range="268 runs: N 133M-3.4B, N_active 31M-2.2B, D 10-50B, G 2.5-20, S 0-.8, N_active/N .052-.914; "
    "validated to N 9.0B, D 100B",
    fitted_with="objective, optimiser, weights and starts are not stated in the paper",
    derived=(
        "G_opt = sqrt(f/e) = 6.7778, whatever N, N_active and D (Eq. 12)",
        "S_opt = -n/(2*m) = .31485 (Eq. 13)",
        "N_active/N at fixed N: r_opt = (alpha*(k*A + c)/(h*N**alpha*A))**(1/(1 + alpha)), "
        "A = e*G + f/G + m*S**2 + n*S; 22.02 % at N = 671e9, G = 7, S = .31 (Eq. 14)",
    ),
    caveats=(
        "k cannot be identified: k*A/c = 6.8e-5, its relative standard deviation on the paper's design is near 900.",
        "e, f, m, n against h share one scale; trust G_opt, S_opt, r_opt and predictions, not single constants.",
        "h*Na/N does not vanish as N grows at a fixed ratio, so the irreducible loss depends on the architecture.",
        "That G_opt and S_opt do not depend on N, N_active and D is assumed by the product, not tested by the design.",
        "As Na grows at fixed N, beyond N even, h*Na/N grows without bound; its factor is positive at the published "
        "constants.",
        "The measured losses were never published.",
        "Eq. 33 (L* = 1.87 + 576*C**-.158) holds only with h = 0; with h the limit is 1.951.",
    ),
    conflicts=(
        "G counts active experts; Krajewski's G is d_ff/d_expert, Tian's is 2*d_model/d_expert.",
        "S is the share of shared experts; Abnar's S is the share of inactive experts, Frantar's of zero weights.",
        "r_opt is interior at fixed total size; at fixed compute Abnar and Tian find sparser always better, "
        "at fixed memory Liew 2026 finds denser better.",
        "S_opt is .31; Tian finds one shared expert (16.7 % to 8.3 %) best.",
    ),
)  # fmt: skip
