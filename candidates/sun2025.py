"""L = n*N**-alpha + d*D**-beta + eps + Q  (Sun et al. 2025, arXiv:2501.02423, floating-point training)

where Q = D**beta*N**-alpha*log2(B)/(gamma*(E + 0.5)**delta*(M + 0.5)**nu)
"""

from formsearch.law import Law, Published, Start, Variable, positive

LAW = Law(
    name="sun2025",
    title="Sun 2025: size, data and floating-point format in training",
    formula="n*N**-alpha + d*D**-beta + eps + D**beta*N**-alpha*log2(B)/((E + 0.5)**delta*(M + 0.5)**nu*gamma)",
    variables=(
        Variable("N", "N", "parameters"),
        Variable("D", "D", "training tokens"),
        Variable("E", "exponent_bits", "exponent bits"),
        Variable("M", "mantissa_bits", "mantissa bits"),
        Variable("B", "block_size", "elements that share one scaling factor"),
    ),
    constants=(
        positive("n", "amplitude of size"),
        positive("alpha", "exponent of size", Start(0.1, 1.0)),
        positive("d", "amplitude of data"),
        positive("beta", "exponent of data", Start(0.1, 1.0)),
        positive("eps", "irreducible loss, nats/token"),
        positive("delta", "exponent of exponent bits", Start(0.5, 5.0)),
        positive("nu", "exponent of mantissa bits", Start(0.5, 5.0)),
        positive(
            "gamma",
            "tolerance of low precision",
            Start(1.0, 1e4, log=True, scale="D**beta*N**-alpha*log2(B)/((E + 0.5)**delta*(M + 0.5)**nu)"),
        ),
    ),
    source="Sun et al. 2025, Scaling Laws for Floating Point Quantization Training, arXiv:2501.02423",
    published={
        "sun2025": Published(
            {
                "n": 69.2343, "alpha": 0.2368, "d": 68973.0621, "beta": 0.5162, "eps": 1.9061, "gamma": 11334.5197,
                "delta": 3.1926, "nu": 2.9543,
            },
            source="table of fitted coefficients",
            evidence="text",
        )
    },
    limits={
        "D": "oo",
        "N": "d*D**-beta + eps",
        "E": "n*N**-alpha + d*D**-beta + eps",
        "M": "n*N**-alpha + d*D**-beta + eps",
        "B": "oo",
    },
    monotone={"N": "decreasing", "E": "decreasing", "M": "decreasing", "B": "increasing"},
    fitted_range="41M-679M parameters, Dolma; checked at 1.2B, 7B and 70B; 366 runs (another place says 358)",
    derived=(
        "Best split of P = E + M + 1 bits: M = nu*P/(delta + nu) - .5, E = delta*P/(delta + nu) - .5: "
        "E2M1, E4M3, E8M7 for 4, 8, 16 bits",
        "Best total bits at cost N*D*P: P**(delta + nu) = (delta + nu - alpha)/(alpha*n)*K*D**beta, "
        "K = log2(B)*(delta + nu)**(delta + nu)/(gamma*delta**delta*nu**nu): 4.3 bits at D = 1e11, 7.6 at 1e14",
        "Critical data: D = (d*gamma*N**alpha*(E + .5)**delta*(M + .5)**nu/log2(B))**(1/(2*beta))",
    ),
    caveats=(
        "log2(B) is a factor over gamma; a note that writes log2(B**gamma) is wrong.",
        "For scaling by channel put log2(B) = 13.1567.",
    ),
)  # fmt: skip
