"""L = 10**(a*log10(N) + b*log10(E) + c*log10(N)*log10(E) + d)  (Clark et al. 2022, without saturation)"""

from candidates.clark2022 import SOURCE
from formsearch.law import Constant, Law, Start, Variable

LAW = Law(
    name="clark2022_bilinear",
    title="Clark 2022: routed models in dense size and number of experts, without saturation",
    formula="10**(a*log10(N) + b*log10(E) + c*log10(N)*log10(E) + d)",
    variables=(
        Variable("N", "N_dense", "parameters of the dense base model"),
        Variable("E", "experts", "number of experts (1 is dense)"),
    ),
    constants=(
        Constant("a", "exponent of size", start=Start(-0.2, -0.02)),
        Constant("b", "exponent of experts", start=Start(-0.4, 0.05)),
        Constant("c", "interaction: positive where experts help large models less", start=Start(-0.01, 0.04)),
        Constant("d", "log10 of the loss at N = E = 1", start=Start(1.0, 2.5, scale="-a*log10(N)")),
    ),
    source=SOURCE,
    objective="log-ls",
    caveats=(
        "Every run has 130B tokens: no data term.",
        "Without saturation experts help without bound below the cutoff.",
        "As N grows the loss goes to 0 while a + c*log10(E) < 0, and grows without bound beyond.",
        "As E grows the loss goes to 0 while b + c*log10(N) < 0, and grows without bound beyond.",
    ),
    conflicts=("N is the dense base model; Zhao and Krajewski count all experts.",),
    nested_in="clark2022",
)
