"""L = B*D**-beta + E  (the plain power law that Lin et al. 2024, arXiv:2402.02314, rectify: Dl = 0)"""

from candidates.lin2024 import SOURCE
from formsearch.law import Law, Start, Variable, positive

LAW = Law(
    name="lin2024_power",
    title="Plain power law of fine-tuning in the number of samples",
    formula="B*D**-beta + E",
    variables=(Variable("D", "samples", "fine-tuning samples"),),
    constants=(
        positive("B", "amplitude"),
        positive("beta", "exponent of samples", Start(0.05, 1.5)),
        positive("E", "limit with unlimited samples, nats/token"),
    ),
    source=SOURCE,
    limits={"D": "E"},
    monotone={"D": "decreasing"},
    caveats=(
        "GPT-2 on FLAN: the paper prints a root mean squared deviation of .0697 against .0075 for the rectified law.",
    ),
    nested_in="lin2024",
)
