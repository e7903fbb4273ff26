"""Lu = -E + A1*Nnv**-a1 + A2*V**-a2 + B*H**-beta  (after Tao et al. 2024, in characters)"""

from candidates.tao2024 import SOURCE
from formsearch.law import Law, Start, Variable, positive

LAW = Law(
    name="tao2024_characters",
    title="Tao 2024 in the entries of the vocabulary and in characters",
    formula="-E + A1*Nnv**-a1 + A2*V**-a2 + B*H**-beta",
    variables=(
        Variable("Nnv", "N_nonvocab", "parameters outside the vocabulary matrices"),
        Variable("V", "vocab_size", "entries of the vocabulary"),
        Variable("H", "characters", "training characters"),
    ),
    constants=(
        positive("E", "depth of the limit below the unigram model, nats/token"),
        positive("A1", "amplitude of size outside the vocabulary"),
        positive("a1", "exponent of size outside the vocabulary", Start(0.1, 1.0)),
        positive("A2", "amplitude of the vocabulary"),
        positive("a2", "exponent of the vocabulary", Start(0.1, 1.5)),
        positive("B", "amplitude of data"),
        positive("beta", "exponent of data", Start(0.1, 1.0)),
    ),
    target="score",
    source=SOURCE,
    limits={
        "Nnv": "-E + A2*V**-a2 + B*H**-beta",
        "V": "-E + A1*Nnv**-a1 + B*H**-beta",
        "H": "-E + A1*Nnv**-a1 + A2*V**-a2",
    },
    monotone={"Nnv": "decreasing", "V": "decreasing", "H": "decreasing"},
    caveats=(
        "For tables that lack the width and the tokenizer's rate: the vocabulary's entries stand for its parameters, "
        "characters for tokens.",
        "The target is the loss minus that of the unigram model, so it is negative.",
    ),
)
