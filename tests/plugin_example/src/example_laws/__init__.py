"""L = E + A*(N*D)**-alpha  (an example: one exponent for the product of size and data)"""

from formsearch.law import Law, Start, Variable, positive

LAW = Law(
    name="example_product",
    title="Example: a power law in the product of size and data",
    formula="E + A*(N*D)**-alpha",
    variables=(
        Variable("N", "N", "parameters"),
        Variable("D", "D", "training tokens"),
    ),
    constants=(
        positive("E", "irreducible loss, nats/token"),
        positive("A", "amplitude"),
        positive("alpha", "exponent of the product", Start(0.02, 0.5)),
    ),
    source="formsearch, example of a plug-in",
    limits={"N": "E", "D": "E"},
    monotone={"N": "decreasing", "D": "decreasing"},
)

LAWS = {LAW.name: LAW}
