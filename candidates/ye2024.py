"""L = c + k*exp(SUM(j = 1..M of tj*rj))  (Ye et al. 2024, arXiv:2403.16952, data mixing)"""

from formsearch.law import Constant, Law, Start, Variable


def mixing(domains: int) -> Law:
    """The loss on one validation domain as a function of the shares of `domains` training domains.

    The shares sum to 1, so adding a number to every t only rescales k. The t are therefore made to sum to 0: the
    last one is minus the sum of the others, and the exponent is the sum of tj*(rj - r_last).
    """
    last = f"r{domains}"
    exponent = " + ".join(f"t{j}*(r{j} - {last})" for j in range(1, domains))
    return Law(
        name=f"ye2024_mix{domains}",
        title=f"Ye 2024: data mixing law for {domains} training domains",
        formula=f"c + k*exp({exponent})",
        variables=tuple(
            Variable(f"r{j}", f"proportion_{j}", f"share of training domain {j}") for j in range(1, domains + 1)
        ),
        constants=(
            Constant("c", "loss that no mixture removes", lower=0.0),
            Constant("k", "loss that mixtures change, at equal shares", lower=0.0),
            *(
                Constant(f"t{j}", f"effect of domain {j} against the mean of all", start=Start(-5.0, 5.0))
                for j in range(1, domains)
            ),
        ),
        source="Ye et al. 2024, Data Mixing Laws, arXiv:2403.16952",
        fitted_with="Huber(1e-2) on ln L, L-BFGS, many starts",
        objective="huber:1e-2:log",
        derived=(
            f"t{domains} = -(t1 + ... + t{domains - 1}); the paper's t', k': t = t' - mean(t'), k = k'*exp(mean(t'))",
            "The loss on a mixed validation set is the sum of such laws, weighted by its shares",
        ),
        caveats=(
            "One law for each validation domain; constants belong to one mixture, size and budget.",
            "The paper leaves one direction of t free; here the t sum to 0.",
        ),
    )


LAWS = (mixing(5),)
