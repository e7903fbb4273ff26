"""One run of Operon, in a child process: `python -m formsearch.search.operon.run FOLDER`.

The bare bindings of pyoperon, not its scikit-learn class: that class scales linearly behind one's back, cannot be
seeded, and chooses by a description length that assumes a noise of 1. NSGA-II minimises (mean squared error, length);
every tree's constants are fitted by Levenberg-Marquardt. Trees come in as postfix programs and go out as text.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from formsearch.search.child import Send, serve

Program = Sequence[Sequence[Any]]

CALLS = {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "pow": "Pow", "exp": "Exp", "log": "Log",
         "abs": "Abs", "min": "Fmin", "max": "Fmax"}  # fmt: skip
DIGITS = 24
EPSILON = 1e-5
BUDGET = 10**12
PER_LENGTH = 3
"""Trees told of each length, best first: the best in the sample is often not the one that extrapolates."""
TELLING = 1.0
"""Seconds between two fronts told while a run goes on; a crash loses no more than that."""
EXACT = 1e-12
"""Share of the target's variance below which an error is rounding."""
WORST = 1e30
"""Errors above are Operon's way to say that a tree has no value."""
MUTATIONS = ("onepoint", "changevar", "changefunc", "replace", "insert", "remove", "multipoint")


def work(request: dict[str, Any], send: Send) -> None:
    """Search, and send the front while it grows and at the end."""
    Run(request, send).go()


class Run:
    """The parts of one run. Operon holds bare pointers to them: they must live as long as the algorithm."""

    def __init__(self, request: Mapping[str, Any], send: Send) -> None:
        import pyoperon as op

        self.op, self.request, self.send = op, request, send
        columns = np.asarray(request["columns"], dtype=np.float32)
        target = np.asarray(request["target"], dtype=np.float32)
        check(columns, target)
        # Column order, single precision: what the library works in anyhow. It may look at this very memory.
        self.array = np.asfortranarray(np.column_stack([*columns, target]))
        self.data = op.Dataset(self.array)
        variables = self.data.Variables
        self.hashes = {f"x{i + 1}": v.Hash for i, v in enumerate(variables[:-1])}
        self.names = {h: name for name, h in self.hashes.items()}
        self.problem = op.Problem(self.data)
        rows = op.Range(0, len(target))
        self.problem.TrainingRange, self.problem.TestRange = rows, rows
        self.problem.Target = variables[-1]
        self.problem.InputHashes = list(self.hashes.values())
        self.population = int(request["population"])
        self.begun = time.monotonic()
        self.told = -TELLING  # the first generation is told at once: a short run may be cut before the next
        self.generations = 0
        # What single precision can tell from exact.
        self.floor, self.exact = EXACT * float(np.var(target)), False
        self._assemble()

    def _assemble(self) -> None:
        op, request = self.op, self.request
        config = op.NodeType.Constant | op.NodeType.Variable
        for name in request["operators"]:
            config |= getattr(op.NodeType, CALLS[name])
        self.problem.ConfigurePrimitiveSet(config)
        self.primitives, self.inputs = self.problem.PrimitiveSet, self.problem.InputHashes
        primitives, inputs = self.primitives, self.inputs
        length, depth = int(request["length"]), int(request["depth"])
        self.creator = op.BalancedTreeCreator(primitives, inputs, 0.0)
        self.trees = op.UniformLengthTreeInitializer(self.creator)
        self.trees.ParameterizeDistribution(3, min(15, length))
        self.trees.MinDepth, self.trees.MaxDepth = 1, depth
        self.constants = op.NormalCoefficientInitializer()
        self.constants.ParameterizeDistribution(0, 1)
        self.table = op.DispatchTable()
        self.metric = op.MSE()
        self.error = op.Evaluator(self.problem, self.table, self.metric, False)
        self.size = op.LengthEvaluator(self.problem)
        self.evaluator = op.MultiEvaluator(self.problem)
        self.evaluator.Add(self.error)
        self.evaluator.Add(self.size)
        # The default of 0 evaluations ends the run before its first generation.
        for evaluator in (self.error, self.size, self.evaluator):
            evaluator.Budget = BUDGET
        self.local = op.LMOptimizer(self.table, self.problem, max_iter=int(request["iterations"]))
        self.fitter = op.CoefficientOptimizer(self.local)
        self.crossover = op.SubtreeCrossover(0.9, depth, length)
        normal = op.NormalOnePointMutation()
        normal.ParameterizeDistribution(0, 1)
        several = op.NormalMultiPointMutation()
        several.ParameterizeDistribution(0, 1)
        self.mutations = dict(zip(MUTATIONS, (
            normal,
            op.ChangeVariableMutation(inputs),
            op.ChangeFunctionMutation(primitives),
            op.ReplaceSubtreeMutation(self.creator, self.constants, depth, length),
            op.InsertSubtreeMutation(self.creator, self.constants, depth, length),
            op.RemoveSubtreeMutation(primitives),
            several,
        ), strict=True))  # fmt: skip
        self.mutator = op.MultiMutation()
        for mutation in self.mutations.values():
            self.mutator.Add(mutation, 1.0)
        self.compare = op.CrowdedComparison()
        self.selector = op.TournamentSelector(self.compare)
        self.selector.TournamentSize = 5
        self.generator = op.BasicOffspringGenerator(
            self.evaluator, self.crossover, self.mutator, self.selector, self.selector, self.fitter
        )
        self.reinserter = op.KeepBestReinserter(self.compare)
        self.sorter = op.RankSorter()
        self.rng = op.RandomGenerator(int(request["seed"]))
        self.config = op.GeneticAlgorithmConfig(
            generations=int(request["generations"]), max_evaluations=BUDGET,
            local_iterations=int(request["iterations"]),
            population_size=self.population, pool_size=self.population, p_crossover=1.0, p_mutation=0.25,
            epsilon=EPSILON, seed=int(request["seed"]), max_time=max(1, round(float(request["seconds"]))),
        )  # fmt: skip
        self.algorithm = op.NSGA2Algorithm(
            self.config, self.problem, self.trees, self.constants, self.generator, self.reinserter, self.sorter
        )

    # -- trees ---------------------------------------------------------------------------------------------------

    def node(self, name: str, *arguments: Any) -> Any:
        """A node of a program: (const, value), (var, name, weight) or a function."""
        op = self.op
        if name == "const":
            return op.Node.Constant(float(arguments[0]))
        if name == "var":
            node = op.Node.Variable(float(arguments[1]))
            node.HashValue = node.CalculatedHashValue = self.hashes[arguments[0]]
            return node
        node = op.Node(getattr(op.NodeType, CALLS[name]))
        if name in ("min", "max") and node.Name != f"f{name}":
            # Release 0.6.2 has the names of the two types exchanged.
            node = op.Node(op.NodeType.Fmax if name == "min" else op.NodeType.Fmin)
        return node

    def tree(self, program: Program) -> Any:
        """A tree from a postfix program (operands of a binary function right to left, as Operon has them)."""
        return self.op.Tree([self.node(*part) for part in program]).UpdateNodes()

    def individual(self, tree: Any) -> Any:
        """An evaluated individual."""
        one = self.op.Individual(2)
        one.Genotype = tree
        for k, value in enumerate(self.evaluator(self.rng, one)):
            one.SetFitness(value, k)
        return one

    def restore(self, seeds: Sequence[Program]) -> None:
        """Seeds, and random trees to fill up. Any other number of individuals would abort the process."""
        total = self.config.PopulationSize + self.config.PoolSize
        pool = self.op.IndividualCollection()
        for program in itertools.islice(seeds, total):
            pool.append(self.individual(self.tree(program)))
        while len(pool) < total:
            tree = self.trees(self.rng)
            self.constants(self.rng, tree)
            pool.append(self.individual(tree))
        self.algorithm.RestoreIndividuals(pool)
        self.algorithm.IsFitted = True

    # -- running -------------------------------------------------------------------------------------------------

    def go(self) -> None:
        """Run to the end of the generations or of the time, and send what was found."""
        seeds = self.request["seeds"]
        if seeds:
            self.restore(seeds)
        failed: list[Exception] = []

        def callback(*_: Any) -> bool:
            # What it returns is not looked at, but an exception ends the run, without a word.
            try:
                over = self.tick()
            except Exception as error:
                failed.append(error)
                raise
            if over:
                raise StopIteration
            return False

        self.algorithm.Run(self.rng, callback, 1, bool(seeds))
        if failed:
            raise failed[0]
        self.tell("front")

    def tick(self) -> bool:
        """After every generation: tell now and then; stop when a tree is exact, or the time is over (the library's
        clock is in whole seconds)."""
        self.generations += 1
        best = min((float(i.GetFitness(0)) for i in self.algorithm.BestFront), default=WORST)
        if best < self.floor:
            self.exact = True
            return True
        now = time.monotonic()
        if now - self.told >= TELLING:
            self.told = now
            self.tell("so far")
        return now - self.begun >= float(self.request["seconds"])

    def tell(self, kind: str) -> None:
        """Send the best trees of each length."""
        self.send(
            {
                "kind": kind,
                "forms": self.best(),
                "generations": self.generations,
                "exact": self.exact,
                "evaluations": self.evaluator.ResidualEvaluations + self.evaluator.JacobianEvaluations,
                "seconds": time.monotonic() - self.begun,
            }
        )

    def best(self) -> list[dict[str, Any]]:
        """Of each length the `PER_LENGTH` best trees that differ in more than their constants."""
        everyone = self.algorithm.Individuals
        ranked = sorted(
            ((float(i.GetFitness(0)), int(i.Genotype.Length), i.Genotype) for i in everyone), key=lambda t: t[:2]
        )
        kept: dict[tuple[int, str], dict[str, Any]] = {}
        count: dict[int, int] = {}
        for error, length, tree in ranked:
            if not error < WORST or count.get(length, 0) >= PER_LENGTH:
                continue
            shape = " ".join(f"{n.Name}{n.HashValue if n.IsVariable else ''}" for n in tree.Nodes)
            if (length, shape) in kept:
                continue
            text = self.op.InfixFormatter.Format(tree, self.names, DIGITS)
            kept[length, shape] = {"text": text, "error": error, "length": length}
            count[length] = count.get(length, 0) + 1
        return sorted(kept.values(), key=lambda f: (f["length"], f["error"]))


def check(columns: np.ndarray[Any, Any], target: np.ndarray[Any, Any]) -> None:
    """Refuse what would abort the process or make every error a NaN. Raises `ValueError` with the numbers."""
    if columns.ndim != 2 or columns.shape[1] != len(target):
        raise ValueError(f"columns have shape {columns.shape}, the target {len(target)} rows")
    if len(target) < 2:
        raise ValueError(f"{len(target)} rows are too few")
    for name, v in [*((f"x{i + 1}", c) for i, c in enumerate(columns)), ("the target", target)]:
        if not np.isfinite(v).all():
            row = int(np.flatnonzero(~np.isfinite(v))[0])
            raise ValueError(f"{name} is {v[row]} in row {row}, in single precision")
        if not v.max() > v.min():
            raise ValueError(f"{name} is {v[0]} in every row, in single precision")


if __name__ == "__main__":
    raise SystemExit(serve(work))
