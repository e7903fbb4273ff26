"""y = a + b*x**-c0*PRODUCT(i = 1..n of (1 + (x/di)**(1/fi))**(-ci*fi))  (Caballero et al. 2022, BNSL)"""

from formsearch.law import Constant, Law, Start, Variable, positive

STEEPEST = 10.0
"""Bound of the slopes in log-log; without it a break outside the points sends its slope to infinity."""


def broken(breaks: int) -> Law:
    """The broken neural scaling law with `breaks` breaks: a power law with a limit if there is none."""
    formula = "a + b*x**-c0"
    constants = [
        Constant("a", "limit"),
        Constant("b", "offset"),
        Constant("c0", "slope before the first break", -STEEPEST, STEEPEST, Start(0.0, 1.5)),
    ]
    for i in range(1, breaks + 1):
        formula += f"*(1 + (x/d{i})**(1/f{i}))**(-c{i}*f{i})"
        constants += [
            positive(f"d{i}", f"place of break {i}", Start(1e-2, 1e2, log=True, scale="x")),
            Constant(f"f{i}", f"width of break {i}", 1e-2, 1e2, Start(0.1, 2.0, log=True)),
            Constant(f"c{i}", f"change of slope at break {i}; may be negative", -STEEPEST, STEEPEST, Start(-1.0, 1.5)),
        ]
    words = {0: "no break", 1: "one break"}.get(breaks, f"{breaks} breaks")
    return Law(
        name=f"bnsl{breaks}",
        title=f"Broken neural scaling law with {words}",
        formula=formula,
        variables=(Variable("x", "scale", "any one scale: tokens, parameters, compute, samples, steps"),),
        constants=tuple(constants),
        target="score",
        source="Caballero et al. 2022, Broken Neural Scaling Laws, arXiv:2210.14891",
        fitted_with="least squares on log(y + 1), brute-force grid, then one local fit",
        derived=(f"Slope after break k: -(c0 + ... + ck); here at most {breaks} break(s)",),
        caveats=(
            "One variable only; its constants belong to one task.",
            "d, f and c of breaks that lie outside the points cannot be identified.",
            "As x grows it tends to a where the slope after the last break is negative, and leaves every bound where "
            "it is positive.",
        ),
        nested_in="" if breaks == 3 else f"bnsl{breaks + 1}",
    )


LAWS = tuple(broken(n) for n in range(4))
