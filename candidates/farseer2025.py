"""L = exp(s*N**q + S) + exp(B*N**b + Q)*D**(-exp(A*N**a + E))  (Li et al. 2025, arXiv:2506.10972, Farseer)"""

from formsearch.law import Constant, Law, Published, Start, Variable, positive

LAW = Law(
    name="farseer2025",
    title="Farseer: a data term whose amplitude and exponent depend on size",
    formula="exp(s*N**q + S) + exp(B*N**b + Q)*D**(-exp(A*N**a + E))",
    variables=(
        Variable("N", "N", "non-embedding parameters"),
        Variable("D", "D", "training tokens"),
    ),
    constants=(
        # Runs fix the argument of each exponential near their middle sizes, and hardly its power: the powers are drawn
        # from around the published ones.
        positive("q", "power of size in the limit", Start(0.02, 0.2)),
        Constant("s", "slope of the log limit", upper=0.0, start=Start(-2.0, -0.3, scale="N**-q")),
        Constant("S", "offset of the log limit", start=Start(-1.0, 2.0)),
        Constant("b", "power of size in the data amplitude", upper=0.0, start=Start(-0.25, -0.05)),
        positive("B", "slope of the log data amplitude", Start(3.0, 12.0, scale="N**-b")),
        Constant("Q", "offset of the log data amplitude", start=Start(-4.0, 0.0)),
        positive("a", "power of size in the data exponent", Start(0.02, 0.2)),
        Constant("A", "slope of the log data exponent", upper=0.0, start=Start(-5.0, -1.0, scale="N**-a")),
        Constant("E", "offset of the log data exponent", start=Start(0.4, 0.9, scale="-A*N**a")),
    ),
    source="Li et al. 2025, Predictable Scale: Part II, Farseer, arXiv:2506.10972",
    published={
        "farseer2025": Published(
            {
                "s": -0.062465473, "q": 0.13, "S": 0.1284880679442551, "B": 230.73437075885855, "b": -0.1729,
                "Q": -1.544209554, "A": -1.665630816, "a": 0.0459, "E": 3.133347198805445,
            },
            source="constants noted in a benchmark that uses the paper's runs (ScaleBench, arXiv:2604.22753)",
            evidence="one secondary",
            note="checked on the 404 public runs: mean relative error .226 %, at most 1.44 %; keep every digit",
        )
    },
    limits={"N": "exp(Q)", "D": "exp(s*N**q + S)"},
    monotone={"N": "decreasing", "D": "decreasing"},
    fitted_range="404 runs: N 99.6M-6.4B",
    fitted_with="differential piecewise estimation, then iterative refinement",
    caveats=(
        "Loss is in bits per character, not nats per token.",
        "Nine constants on a ridge: on the 404 public runs least squares end at a = .038, of log errors at a = .026, "
        "and cannot tell A; Huber(1e-3) goes on towards a = 0, and says so. Trust predictions, not constants.",
        "Nested exponentials: values are extremely sensitive to the digits of the constants.",
        "As N grows without bound the data exponent tends to 0, so that more data stop to help and the loss tends to "
        "exp(Q) = .2135. From N = 1.5e11 and D = 1e12 on, larger models are predicted to be worse.",
    ),
    conflicts=("Claims that D*/N* rises with compute; Skaling on the same runs finds that it falls.",),
)  # fmt: skip
