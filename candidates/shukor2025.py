"""L = E + 1/SUM(i = 1..M of Ci*hi**gi) + A*N**-alpha + B*D**-beta  (Shukor et al. 2025, data mixtures)"""

from formsearch.law import Law, Start, Variable, positive


def additive(domains: int) -> Law:
    """Chinchilla's form with a term for the shares of `domains` training domains."""
    shares = range(1, domains + 1)
    return Law(
        name=f"shukor2025_mix{domains}",
        title=f"Shukor 2025: size, data and the mixture of {domains} training domains",
        formula=f"E + 1/({' + '.join(f'C{i}*h{i}**g{i}' for i in shares)}) + A*N**-alpha + B*D**-beta",
        variables=(
            Variable("N", "N", "parameters"),
            Variable("D", "D", "training tokens"),
            *(Variable(f"h{i}", f"proportion_{i}", f"share of training domain {i}") for i in shares),
        ),
        constants=(
            positive("E", "irreducible loss, nats/token"),
            *(positive(f"C{i}", f"worth of domain {i}", Start(0.1, 1e2, log=True)) for i in shares),
            *(positive(f"g{i}", f"exponent of domain {i}", Start(0.1, 2.0)) for i in shares),
            positive("A", "amplitude of size"),
            positive("alpha", "exponent of size", Start(0.1, 1.0)),
            positive("B", "amplitude of data"),
            positive("beta", "exponent of data", Start(0.1, 1.0)),
        ),
        source="Shukor et al. 2025, Scaling Laws for Optimal Data Mixtures, arXiv:2507.09404",
        limits={
            "N": f"E + 1/({' + '.join(f'C{i}*h{i}**g{i}' for i in shares)}) + B*D**-beta",
            "D": f"E + 1/({' + '.join(f'C{i}*h{i}**g{i}' for i in shares)}) + A*N**-alpha",
        },
        monotone={"N": "decreasing", "D": "decreasing"},
        fitted_with="Huber(1e-3), basin hopping",
        caveats=("One law for each validation domain.", "The best mixture does not depend on N and D in this form."),
    )


LAWS = (additive(5),)
