"""L = (aS*(1 - S)**bS + cS)*N**-bN + (aD/D)**bD + c  (Frantar et al. 2023, arXiv:2309.08520, weight sparsity)"""

from formsearch.law import Law, Published, Start, Variable, positive

LAW = Law(
    name="frantar2023",
    title="Frantar 2023: non-zero size, weight sparsity and data",
    formula="(aS*(1 - S)**bS + cS)*N**-bN + (aD/D)**bD + c",
    variables=(
        Variable("S", "weight_sparsity", "share of weights pruned to zero"),
        Variable("N", "N_nonzero", "non-zero parameters"),
        Variable("D", "D", "training tokens (images for the vision models)"),
    ),
    constants=(
        positive("aS", "amplitude of density"),
        positive("bS", "exponent of density", Start(0.1, 2.0)),
        positive("cS", "amplitude of size that sparsity cannot lower"),
        positive("bN", "exponent of non-zero size", Start(0.1, 1.0)),
        positive("aD", "critical data", Start(1e-4, 1e2, log=True, scale="D")),
        positive("bD", "exponent of data", Start(0.1, 1.0)),
        positive("c", "irreducible loss"),
    ),
    source="Frantar et al. 2023, Scaling Laws for Sparsely-Connected Foundation Models, arXiv:2309.08520",
    published={
        "t5_c4": Published(
            {"aS": 16.8, "bS": 0.722, "cS": 45.0, "bN": 0.245, "aD": 6.90e8, "bD": 0.203, "c": 0.651},
            source="T5 on C4",
            evidence="two secondary",
        ),
        "vit_jft": Published(
            {"aS": 294.0, "bS": 0.821, "cS": 468.0, "bN": 0.392, "aD": 2.37e8, "bD": 0.890, "c": 4.517},
            source="ViT on JFT",
            evidence="two secondary",
        ),
    },
    limits={
        "N": "(aD/D)**bD + c",
        "D": "(aS*(1 - S)**bS + cS)*N**-bN + c",
    },
    monotone={"N": "decreasing", "D": "decreasing", "S": "decreasing"},
    derived=(
        "A sparse model is worth ((aS + cS)/(aS*(1 - S)**bS + cS))**(1/bN) times its non-zero size: 1.59, 2.16, 2.64 "
        "at 50, 75, 87.5 % for T5",
        "Best sparsity at N non-zeros and C = 6*N*D/(1 - S): "
        "1 - S = (bD*aD**bD*N**bN/(bS*aS)*(C/(6*N))**-bD)**(1/(bS + bD)), where that is below 1",
    ),
    caveats=(
        "N counts non-zero parameters: at fixed N a sparser model is a larger one.",
        "The paper's own cost also counts the schedule of pruning.",
    ),
    conflicts=("S is the share of zero weights; Zhao's S is shared experts, Abnar's inactive experts.",),
)
