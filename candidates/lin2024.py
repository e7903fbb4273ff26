"""L = B/(Dl + D**beta) + E  (Lin et al. 2024, arXiv:2402.02314, rectified law of fine-tuning)"""

from formsearch.law import Law, Start, Variable, positive

SOURCE = "Lin et al. 2024, Selecting Large Language Model to Fine-tune via Rectified Scaling Law, arXiv:2402.02314"

LAW = Law(
    name="lin2024",
    title="Lin 2024: rectified law of fine-tuning in the number of samples",
    formula="B/(Dl + D**beta) + E",
    variables=(Variable("D", "samples", "fine-tuning samples"),),
    constants=(
        positive("B", "amplitude"),
        positive("beta", "exponent of samples", Start(0.05, 1.5)),
        positive("Dl", "pre-learned data size, in samples**beta", Start(1e-2, 1e2, log=True, scale="D**beta")),
        positive("E", "limit with unlimited samples, nats/token"),
    ),
    source=SOURCE,
    limits={"D": "E"},
    monotone={"D": "decreasing"},
    fitted_range="30 models x FLAN, WMT19, Gigaword; 200 to 1,638,400 samples",
    fitted_with="the authors' code fits (A - |E|)/(1 + exp(beta*ln(D) + B')) + |E|, "
    "so that Dl = exp(-B') and B = (A - E)*exp(-B')",
    derived=("The phase before and the power phase join at D = Dl**(1/beta)",),
    caveats=("Constants belong to one model and data set.",),
)
