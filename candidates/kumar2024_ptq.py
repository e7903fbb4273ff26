"""L = A*N**-alpha + B*D**-beta + E + CT*exp(-P/gP)*D**gD*N**-gN  (Kumar et al. 2024, quantisation after training)"""

from candidates.kumar2024 import SOURCE
from formsearch.law import Law, Published, Start, Variable, positive

LAW = Law(
    name="kumar2024_ptq",
    title="Kumar 2024: size, data and precision after training",
    formula="A*N**-alpha + B*D**-beta + E + CT*exp(-P/gP)*D**gD*N**-gN",
    variables=(
        Variable("N", "N", "parameters"),
        Variable("D", "D", "training tokens"),
        Variable("P", "post_training_bits", "bits of the weights after training"),
    ),
    constants=(
        positive("A", "amplitude of size"),
        positive("alpha", "exponent of size", Start(0.1, 1.0)),
        positive("B", "amplitude of data"),
        positive("beta", "exponent of data", Start(0.1, 1.0)),
        positive("E", "irreducible loss, nats/token"),
        positive("CT", "amplitude of the loss by quantisation"),
        positive("gP", "bits over which that loss falls by e", Start(0.1, 3.0, log=True)),
        positive("gD", "exponent of data in that loss", Start(0.1, 1.0)),
        positive("gN", "exponent of size in that loss", Start(0.1, 1.0)),
    ),
    source=SOURCE,
    published={
        "kumar2024": Published(
            {
                "A": 4.299e3, "alpha": 0.4965, "B": 1.806e4, "beta": 0.4965, "E": 2.7648,
                "CT": 0.0598, "gP": 0.5907, "gD": 0.5068, "gN": 0.3439,
            },
            source="Appendix K",
            evidence="text",
            note="training in high precision: the factors in the difference of the precisions are then 1",
        )
    },
    limits={"N": "B*D**-beta + E", "D": "oo", "P": "A*N**-alpha + B*D**-beta + E"},
    monotone={"P": "decreasing", "N": "decreasing"},
    fitted_range="465 runs, up to 1.7B parameters and 26B tokens, Dolma 1.7",
    derived=("More data hurt a model that is quantised afterwards beyond "
        "D = (beta*B*N**gN*exp(P/gP)/(gD*CT))**(1/(beta + gD))",),
)  # fmt: skip
