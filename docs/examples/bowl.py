"""L = E + A*Na**-a + B*D**-b + u*ln(lr/lr0)**2 + v*ln(T/T0)**2  (an example: a bowl around the best settings)

where lr0 = p*D**r
and T0 = s*D**t

are the best learning rate and batch size at D tokens.
"""

from formsearch import Constant, Law, Start, Variable

LAW = Law(
    name="bowl",
    title="Active size and data, and a bowl around the best learning rate and batch size",
    formula="E + A*Na**-a + B*D**-b + u*log(lr/(p*D**r))**2 + v*log(T/(s*D**t))**2",
    variables=(
        Variable("Na", "N_active", "parameters used per token"),
        Variable("D", "D", "training tokens"),
        Variable("lr", "lr", "peak learning rate"),
        Variable("T", "batch_size", "tokens in a batch"),
    ),
    constants=(
        Constant("E", "irreducible loss, nats/token", lower=0.0),
        Constant("A", "amplitude of active size", lower=0.0),
        Constant("a", "exponent of active size", lower=0.0, upper=2.0, start=Start(0.1, 1.0)),
        Constant("B", "amplitude of data", lower=0.0),
        Constant("b", "exponent of data", lower=0.0, upper=2.0, start=Start(0.1, 1.0)),
        Constant("u", "cost of a wrong learning rate", lower=0.0),
        Constant("p", "scale of the best learning rate", lower=0.0, start=Start(1e-4, 1e-2, log=True, scale="D**-r")),
        Constant("r", "its exponent in data", lower=-1.0, upper=1.0, start=Start(-0.5, 0.5)),
        Constant("v", "cost of a wrong batch size", lower=0.0),
        Constant("s", "scale of the best batch size", lower=0.0, start=Start(3e4, 3e6, log=True, scale="D**-t")),
        Constant("t", "its exponent in data", lower=0.0, upper=1.5, start=Start(0.0, 1.0)),
    ),
)
