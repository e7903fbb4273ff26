"""L = E + (a*M**eta + b*M**-eta)*C**-eta  (Gadre et al. 2024, arXiv:2403.08540, over-training)"""

from formsearch.law import Law, Start, Variable, positive

SOURCE = (
    "Gadre et al. 2024, Language Models Scale Reliably with Over-Training and on Downstream Tasks, arXiv:2403.08540"
)

LAW = Law(
    name="gadre2024",
    title="Gadre 2024: compute and tokens per parameter",
    formula="E + (a*M**eta + b*M**-eta)*C**-eta",
    variables=(
        Variable("M", "tokens_per_parameter", "D/N"),
        Variable("C", "C", "training compute, 6*N*D"),
    ),
    constants=(
        positive("E", "irreducible loss, nats/token"),
        positive("a", "amplitude where data are many"),
        positive("eta", "exponent of compute", Start(0.05, 0.5)),
        positive("b", "amplitude where parameters are many"),
    ),
    source=SOURCE,
    limits={"C": "E", "M": "oo"},
    monotone={"C": "decreasing"},
    fitted_range="104 models, .011-6.9B parameters, 20-640 tokens per parameter; C4, RedPajama, RefinedWeb",
    fitted_with="least squares, Levenberg-Marquardt, few small runs",
    objective="ls",
    derived=(
        "Chinchilla's form with alpha = beta = 2*eta, a = A*6**eta, b = B*6**eta",
        "Best M at any compute: (b/a)**(1/(2*eta))",
    ),
    caveats=("The published constants were not available.",),
    nested_in="chinchilla",
)
