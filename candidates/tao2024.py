"""Lu = -E + A1*(Nnv/1e6)**-a1 + A2*(Nv/1e6)**-a2 + B*(D/1e9)**-beta  (Tao et al. 2024, arXiv:2407.13623, vocabulary)"""

from formsearch.law import Law, Published, Start, Variable, positive

SOURCE = "Tao et al. 2024, Scaling Laws with Vocabulary: Larger Models Deserve Larger Vocabularies, arXiv:2407.13623"

LAW = Law(
    name="tao2024",
    title="Tao 2024: size outside the vocabulary, size of the vocabulary, and data",
    formula="-E + A1*(Nnv/1e6)**-a1 + A2*(Nv/1e6)**-a2 + B*(D/1e9)**-beta",
    variables=(
        Variable("Nnv", "N_nonvocab", "parameters outside the vocabulary matrices"),
        Variable("Nv", "N_vocab", "parameters of the vocabulary matrices, vocabulary size x width"),
        Variable("D", "D", "training tokens"),
    ),
    constants=(
        positive("E", "depth of the limit below the unigram model, nats/token"),
        positive("A1", "amplitude of size outside the vocabulary, at 1e6 parameters"),
        positive("a1", "exponent of size outside the vocabulary", Start(0.1, 1.0)),
        positive("A2", "amplitude of vocabulary size, at 1e6 parameters"),
        positive("a2", "exponent of vocabulary size", Start(0.1, 1.5)),
        positive("B", "amplitude of data, at 1e9 tokens"),
        positive("beta", "exponent of data", Start(0.1, 1.0)),
    ),
    target="score",
    source=SOURCE,
    published={
        "tao2024": Published(
            {
                "A1": 1.8313851559554126, "A2": 0.19584238398665638, "B": 2.1241123120064955, "E": 5.5327846803337435,
                "a1": 0.44660634152009615, "a2": 0.6707374679896795, "beta": 0.44660634152009615,
            },
            source="authors' code",
            evidence="code",
            note="sizes in millions and data in billions of tokens there: the formula divides; a1 = beta imposed",
        )
    },
    limits={
        "Nnv": "-E + A2*(Nv/1e6)**-a2 + B*(D/1e9)**-beta",
        "Nv": "-E + A1*(Nnv/1e6)**-a1 + B*(D/1e9)**-beta",
        "D": "-E + A1*(Nnv/1e6)**-a1 + A2*(Nv/1e6)**-a2",
    },
    monotone={"Nnv": "decreasing", "Nv": "decreasing", "D": "decreasing"},
    fitted_range="1,200 rows",
    fitted_with="Huber(1e-3) on the raw target, L-BFGS-B",
    objective="huber:1e-3:raw",
    derived=(
        "Best vocabulary size grows slower than the model: Nv = 3145728*(Nnv/33e6)**.8354",
        "At compute F in 1e15 FLOPs: Nv = exp(-1.5890)*F**.41636, Nnv = exp(-2.48465)*F**.5, both in millions",
    ),
    caveats=(
        "The target is the loss minus that of the unigram model, so it is negative.",
        "D here is tokens, as in the code; the paper writes characters H, with D = H*f(V).",
    ),
)  # fmt: skip
