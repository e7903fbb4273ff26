"""L = exp(alpha + bk*log(k) + bn*log(n) + gamma*log(k)*log(n)) + exp(zeta + eta*log(k))  (Gao et al. 2024)"""

from formsearch.law import Constant, Law, Published, Start, Variable

LAW = Law(
    name="gao2024",
    title="Gao 2024: sparse autoencoders in dictionary size and active latents",
    formula="exp(alpha + bk*log(k) + bn*log(n) + gamma*log(k)*log(n)) + exp(zeta + eta*log(k))",
    variables=(
        Variable("n", "latents", "dictionary size"),
        Variable("k", "active_latents", "active latents per token"),
    ),
    constants=(
        Constant("alpha", "log amplitude of the reducible term", start=Start(-3.0, 3.0)),
        Constant("bk", "slope in ln k", start=Start(-0.5, 0.5)),
        Constant("bn", "slope in ln n", start=Start(-0.5, 0.2)),
        Constant("gamma", "interaction of ln k and ln n", start=Start(-0.1, 0.1)),
        Constant("zeta", "log amplitude of the irreducible term", start=Start(-4.0, 1.0)),
        Constant("eta", "slope of the irreducible term in ln k", start=Start(-0.5, 0.2)),
    ),
    target="error",
    source="Gao et al. 2024, Scaling and Evaluating Sparse Autoencoders, arXiv:2406.04093",
    published={
        "gao2024": Published(
            {"alpha": -0.50, "bk": 0.26, "bn": -0.017, "gamma": -0.042, "zeta": -1.32, "eta": -0.085},
            source="quoted in a benchmark, agrees with 45 digitised points (R2 .996)",
            evidence="one secondary",
        )
    },
    fitted_range="45 digitised points: 2,048 to 524,288 latents, 32 to 512 of them active",
    caveats=(
        "The target is normalised mean squared error of reconstruction, not loss.",
        "As n grows the first term goes to 0 where bn + gamma*log(k) < 0, as published for every k.",
        "As k grows both terms go to 0 where bk + gamma*log(n) < 0 and eta < 0, as published for n above 500.",
    ),
)
