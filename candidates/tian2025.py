"""EL = Ah**(a + d*log10(C) + gamma*log2(G)**2 + beta*log2(G))  (Tian et al. 2025, efficiency leverage)

where Ah = 1/(1/(A + 1/(1/As - 1/Am)) + 1/Am)
"""

from candidates._expressions import saturated
from formsearch.law import Constant, Law, Published, Start, Variable

AH = saturated("A", "As", "Am")

LAW = Law(
    name="tian2025",
    title="Tian 2025: efficiency leverage of a mixture of experts over a dense model",
    formula=f"({AH})**(a + d*log10(C) + gamma*log2(G)**2 + beta*log2(G))",
    variables=(
        Variable("A", "activation_ratio", "(active + shared experts)/(all + shared experts)"),
        Variable("G", "granularity_width", "2 x model width / width of one expert"),
        Variable("C", "C", "training compute, non-embedding FLOPs per token x tokens"),
    ),
    constants=(
        Constant("As", "effective activation ratio at 0", 1e-6, 1.0, Start(1e-3, 0.1, log=True)),
        Constant("Am", "effective activation ratio at most", 1.0, 1e20, Start(1.0, 1e3, log=True)),
        Constant("a", "exponent of the activation ratio", start=Start(-1.0, 3.0)),
        Constant("d", "change of the exponent with log10(C)", start=Start(-0.2, 0.1)),
        Constant("gamma", "curvature in log2(G)", start=Start(-0.05, 0.05)),
        Constant("beta", "slope in log2(G)", start=Start(-0.5, 0.5)),
    ),
    target="efficiency_leverage",
    source="Tian et al. 2025, Towards Greater Leverage: Scaling Laws for Efficient Mixture-of-Experts Language Models, "
    "arXiv:2507.17702",
    published={
        "tian2025": Published(
            {"a": 1.23, "d": -7.61e-2, "gamma": 1.67e-2, "beta": -1.17e-1, "As": 1.63e-2, "Am": 5.28e16},
            source="table of fitted coefficients",
            evidence="text",
            note="the bases of the logarithms are inferred: only log10 for C with log2 for G gives the paper's numbers",
        )
    },
    fitted_range="points with leverage below 6; checked on those above",
    fitted_with="Huber, BFGS",
    derived=(
        "Best granularity: 2**(-beta/(2*gamma)) = 11.34",
        "Leverage 7.245 at 3.1 % activation, G = 12, C = 1e22",
    ),
    caveats=(
        "Not a law of loss: above 1 the mixture of experts needs less compute for the same loss.",
        "The text calls d positive, the table gives it negative; since Ah < 1 the negative d makes leverage grow "
        "with C.",
        "Am is so large that the saturation at the top does nothing.",
        "As C grows the leverage of a sparse model grows without bound with d < 0, as published.",
        "As G grows beyond its best value the leverage goes to 0 with gamma > 0, as published.",
    ),
    conflicts=(
        "G is 2*d_model/d_expert; Zhao's counts active experts, Krajewski's is d_ff/d_expert.",
        "Leverage has no optimum in sparsity at fixed compute; Zhao's best N_active/N at fixed size is 20-43 %.",
    ),
)
