"""L = (A*N**-alpha + B*Eh**-beta + C*D**-gamma + F)*exp(d*log(N)*log(Eh))  (Yun et al. 2024, arXiv:2404.02852)

where Eh = 1/(1/(E - 1 + 1/(1/Es - 1/Em)) + 1/Em)
"""

from candidates._expressions import saturated
from formsearch.law import Constant, Law, Start, Variable, positive

EH = saturated("E - 1", "Es", "Em")

LAW = Law(
    name="yun2024",
    title="Yun 2024: mixture of experts in dense size, data and number of experts, for inference",
    formula=f"(A*N**-alpha + B*({EH})**-beta + C*D**-gamma + F)*exp(d*log(N)*log({EH}))",
    variables=(
        Variable("N", "N_dense", "parameters of the dense base model"),
        Variable("D", "D", "training tokens"),
        Variable("E", "experts", "number of experts (1 is dense)"),
    ),
    constants=(
        positive("A", "amplitude of size"),
        positive("alpha", "exponent of size", Start(0.05, 1.0)),
        positive("B", "amplitude of effective experts"),
        Constant("Es", "effective experts of a dense model", 0.1, 100.0, Start(1.0, 4.0)),
        Constant("Em", "effective experts at most", 1.0, 1e5, Start(50.0, 1e3, log=True)),
        positive("beta", "exponent of effective experts", Start(0.05, 1.0)),
        positive("C", "amplitude of data"),
        positive("gamma", "exponent of data", Start(0.05, 1.0)),
        positive("F", "irreducible loss, nats/token"),
        Constant("d", "interaction of size and experts", start=Start(-0.01, 0.01)),
    ),
    source="Yun et al. 2024, Toward Inference-optimal Mixture-of-Expert Large Language Models, arXiv:2404.02852",
    limits={
        "D": f"(A*N**-alpha + B*({EH})**-beta + F)*exp(d*log(N)*log({EH}))",
        "E": "(A*N**-alpha + B*Em**-beta + C*D**-gamma + F)*exp(d*log(N)*log(Em))",
    },
    monotone={"D": "decreasing"},
    fitted_range="100M-730M base parameters, 4-32 experts, 2.5-20B tokens, SlimPajama",
    fitted_with="Huber(1e-3) on ln L, L-BFGS; root mean squared log error 3.9e-3",
    objective="huber:1e-3:log",
    derived=(
        "N_MoE = (1 + (E - 1)/3)*N",
        "4-8 experts are the most efficient to serve, at 2.5-3.5 times the training compute",
    ),
    caveats=(
        "The published constants were not available; the form is known from one secondary text.",
        "As N grows the loss grows without bound with d > 0, and vanishes with d < 0: not a form to extrapolate in N.",
    ),
    conflicts=("N is the dense base model; Zhao and Krajewski count all experts.",),
)
