"""L = a*Eh**delta*Nact**(alpha + gamma*log(Eh)) + b*Eh**omega*D**(beta + zeta*log(Eh)) + c  (Ludziejewski et al. 2025)

where Eh = 1/(1/(E - 1 + 1/(1/Es - 1/Em)) + 1/Em)
"""

from candidates._expressions import saturated
from formsearch.law import Constant, Law, Published, Start, Variable, positive

EH = saturated("E - 1", "Es", "Em")

LAW = Law(
    name="ludziejewski2025",
    title="Ludziejewski 2025: joint law of active size, data and number of experts",
    formula=f"a*({EH})**delta*Nact**(alpha + gamma*log({EH})) + b*({EH})**omega*D**(beta + zeta*log({EH})) + c",
    variables=(
        Variable("Nact", "N_active", "active parameters, with embedding and unembedding"),
        Variable("D", "D", "training tokens"),
        Variable("E", "experts", "number of experts, one active (1 is dense)"),
    ),
    constants=(
        positive("a", "amplitude of active size"),
        Constant("Es", "effective experts of a dense model", 0.1, 100.0, Start(1.0, 4.0)),
        Constant("Em", "effective experts at most", 1.0, 1e5, Start(50.0, 1e3, log=True)),
        Constant("delta", "exponent of effective experts in the size term", start=Start(-1.0, 1.0)),
        Constant("alpha", "exponent of active size, sign included", upper=0.0, start=Start(-0.6, -0.05)),
        Constant("gamma", "change of the size exponent with ln(Eh)", start=Start(-0.05, 0.05)),
        positive("b", "amplitude of data"),
        Constant("omega", "exponent of effective experts in the data term", start=Start(-1.0, 1.0)),
        Constant("beta", "exponent of data, sign included", upper=0.0, start=Start(-0.6, -0.05)),
        Constant("zeta", "change of the data exponent with ln(Eh)", start=Start(-0.05, 0.05)),
        positive("c", "irreducible loss, nats/token"),
    ),
    source="Ludziejewski et al. 2025, Joint MoE Scaling Laws: Mixture of Experts Can Be Memory Efficient, "
    "arXiv:2502.05172",
    published={
        "ludziejewski2025": Published(
            {
                "a": 35.91, "alpha": -0.1889, "delta": -0.2285, "gamma": 0.0098, "b": 35.98, "beta": -0.1775,
                "omega": 0.5529, "zeta": -0.0259, "Es": 2.0732, "Em": 290.4521, "c": 1.3637,
            },
            source="table of fitted coefficients",
            evidence="text",
            note="exponents carry their sign; some notes print delta or the exponents with the other sign",
        )
    },
    limits={
        "D": f"a*({EH})**delta*Nact**(alpha + gamma*log({EH})) + c",
        "Nact": f"b*({EH})**omega*D**(beta + zeta*log({EH})) + c",
        "E": "a*Em**delta*Nact**(alpha + gamma*log(Em)) + b*Em**omega*D**(beta + zeta*log(Em)) + c",
    },
    monotone={"Nact": "decreasing", "D": "decreasing"},
    fitted_range="more than 280 runs, to 2.7B active and 5B total parameters, E 1-32",
    fitted_with="Huber(1e-2) on ln L, L-BFGS, weight decay 1e-5; RMSE .0062",
    objective="huber:1e-2:log",
    derived=(
        "At given E: L = m*N**mu + n*D**nu + c; with F = 6*N*D the best size is "
        "N* = (mu*m/(nu*n))**(-1/(mu + nu))*(F/6)**(nu/(mu + nu))",
        "Memory: N_total = 2*d*V + (4 + 9*E)*n*d**2 and N_active = 2*d*V + 13*n*d**2; for E <= 8 a model of equal "
        "total size, trained on E times the tokens, beats the compute-optimal dense one",
    ),
    caveats=(
        "The limits need alpha + gamma*ln(Eh) < 0 and beta + zeta*ln(Eh) < 0, true at the published constants "
        "for every E.",
        "Loss is the final training loss; one routed expert is active.",
    ),
    conflicts=("N counts embeddings here; Krajewski, Zhao and Clark do not count them.",),
)  # fmt: skip
