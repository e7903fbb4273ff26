"""L = A*Neff**-alpha + B*D**-beta + E  (Kumar et al. 2024, arXiv:2411.04330, training precision)

where Neff = N*(1 - exp(-Pw/gw))*(1 - exp(-Pa/ga))*(1 - exp(-Pkv/gkv))
"""

from formsearch.law import Law, Published, Start, Variable, positive

SOURCE = "Kumar et al. 2024, Scaling Laws for Precision, arXiv:2411.04330"

LAW = Law(
    name="kumar2024",
    title="Kumar 2024: size, data and training precision",
    formula="A*(N*(1 - exp(-Pw/gw))*(1 - exp(-Pa/ga))*(1 - exp(-Pkv/gkv)))**-alpha + B*D**-beta + E",
    variables=(
        Variable("N", "N", "parameters"),
        Variable("D", "D", "training tokens"),
        Variable("Pw", "weight_bits", "bits of the weights in training"),
        Variable("Pa", "activation_bits", "bits of the activations in training"),
        Variable("Pkv", "kv_bits", "bits of the key-value cache in training"),
    ),
    constants=(
        positive("A", "amplitude of effective size"),
        positive("gw", "bits over which weights saturate", Start(0.3, 8.0, log=True)),
        positive("ga", "bits over which activations saturate", Start(0.3, 8.0, log=True)),
        positive("gkv", "bits over which the key-value cache saturates", Start(0.3, 8.0, log=True)),
        positive("alpha", "exponent of effective size", Start(0.1, 1.0)),
        positive("B", "amplitude of data"),
        positive("beta", "exponent of data", Start(0.1, 1.0)),
        positive("E", "irreducible loss, nats/token"),
    ),
    source=SOURCE,
    published={
        "kumar2024": Published(
            {
                "A": 4.299e3, "alpha": 0.4965, "B": 1.806e4, "beta": 0.4965, "E": 2.7648,
                "gw": 2.6745, "ga": 2.2102, "gkv": 0.9578,
            },
            source="Appendix K, integer training precision",
            evidence="text",
            note="alpha = beta imposed; the appendix lists a further shape constant per factor, whose place in the "
            "form is not clear; the plain form reproduces the printed retention",
        )
    },
    limits={
        "N": "B*D**-beta + E",
        "D": "A*(N*(1 - exp(-Pw/gw))*(1 - exp(-Pa/ga))*(1 - exp(-Pkv/gkv)))**-alpha + E",
        "Pw": "A*(N*(1 - exp(-Pa/ga))*(1 - exp(-Pkv/gkv)))**-alpha + B*D**-beta + E",
        "Pa": "A*(N*(1 - exp(-Pw/gw))*(1 - exp(-Pkv/gkv)))**-alpha + B*D**-beta + E",
        "Pkv": "A*(N*(1 - exp(-Pw/gw))*(1 - exp(-Pa/ga)))**-alpha + B*D**-beta + E",
    },
    monotone={"N": "decreasing", "D": "decreasing", "Pw": "decreasing", "Pa": "decreasing", "Pkv": "decreasing"},
    fitted_range="465 runs, up to 1.7B parameters and 26B tokens, Dolma 1.7",
    derived=(
        "Share of effective parameters from weights alone: .998, .950, .894, .776, .674, .527 at 16, 8, 6, 4, 3, 2 "
        "bits",
    ),
    caveats=(
        "The paper's best precision of 7-8 bits does not follow from these constants: at cost N*D*P/16 it is 5.1 bits "
        "if all three factors have the constant of the weights, 3.5 bits with each its own.",
    ),
)  # fmt: skip
