"""L = A*N**-alpha*E**-gamma + B*D**-beta + sigma  (Wang et al. 2024, arXiv:2410.05661, dense and MoE in one form)"""

from formsearch.law import Law, Start, Variable, positive

LAW = Law(
    name="wang2024",
    title="Wang 2024: dense models and mixtures of experts in one form",
    formula="A*N**-alpha*E**-gamma + B*D**-beta + sigma",
    variables=(
        Variable("N", "N_active", "non-embedding parameters"),
        Variable("D", "D", "training tokens"),
        Variable("E", "experts", "number of experts, below 100 (1 is dense)"),
    ),
    constants=(
        positive("A", "amplitude of size"),
        positive("alpha", "exponent of size", Start(0.1, 1.0)),
        positive("gamma", "exponent of experts", Start(0.02, 0.5)),
        positive("B", "amplitude of data"),
        positive("beta", "exponent of data", Start(0.1, 1.0)),
        positive("sigma", "irreducible loss, nats/token"),
    ),
    source="Wang et al. 2024, Scaling Laws Across Model Architectures: A Comparative Analysis of Dense and MoE Models "
    "in Large Language Models, arXiv:2410.05661",
    limits={
        "N": "B*D**-beta + sigma",
        "D": "A*N**-alpha*E**-gamma + sigma",
        "E": "B*D**-beta + sigma",
    },
    monotone={"N": "decreasing", "D": "decreasing", "E": "decreasing"},
    fitted_range="dense 50M-7B, MoE 200M-3B active with 8 experts, 2 active; to 100B tokens, the Pile",
    derived=("N* ~ C**.590 and D* ~ C**.410 for MoE, C**.507 and C**.493 for dense models",),
    caveats=(
        "The published constants were not available.",
        "That N counts active parameters is inferred from the sizes of the runs.",
        ".507 and .590 are exponents of the allocation, not of the loss, as one note has it.",
    ),
)
