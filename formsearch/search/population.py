"""A population of forms: what is kept, who breeds, what is fitted, judged and tidied.

For every complexity the forms are kept that extrapolate best, that fit best, and that rose most above their parents,
sane ones (no flaw in a quick look beyond the data, see `asymptotics`) in places of their own, and few of one family,
which is which variables act together in the terms. Parents come from the fronts and from the rest; half of
their children are the ones that `guide` holds most promising, the others are sampled moves.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from formsearch.search.alphabet import Alphabet
from formsearch.search.asymptotics import Surroundings, falling
from formsearch.search.cancellation import cancelling
from formsearch.search.engine import Config
from formsearch.search.expression import from_law
from formsearch.search.grammar import Apply, Form, Term, complexity, constant, fingerprint, uses, variables
from formsearch.search.guide import Guide
from formsearch.search.judge import LEVELS_BEYOND, size_axes
from formsearch.search.losses import cheapest, mixed, within_cap
from formsearch.search.normal import Sketch, normalise
from formsearch.search.places import Option
from formsearch.search.ranking import FRONTS, REST, ROUNDING, alike, front_of, size
from formsearch.search.sampling import children, options_of
from formsearch.search.vocabulary import says
from formsearch.search.workbench import Candidate, Family, Fitted, Steps, Workbench, drive

CANCELLATION = 20.0
"""Terms this many times larger than the target cancel each other."""
ROUGH, FINE = 2.0, 1.2
"""How far behind the best of its size a form may be after the rough fit, and after the fine one."""
NEARLY, EXACT = 1e-9, 1e-22
"""Mean squared residual, as a share of the variance of the target, at which a form may be exact, and is."""
REMEMBERED, RANKED, MOVING = 400, 80, 60
"""Hints are kept for so many forms, and so many for each; all moves, a megabyte each, for the last."""
FREE = 2
"""Few moves add more constants than these: so near the cap a form may have to give some up."""
MET = 500_000
"""So many forms are known to have been fitted, or refused, before; then they are forgotten, to be met again."""


@dataclass(frozen=True)
class Effort:
    """Sizes of the search; one setting for every table.

    Of more than `most_rows` rows a coreset is searched on; what is found is refitted and judged on all rows.
    niche : forms kept of a complexity by each measure. kin : of these, of one family at most.
    """

    parents: int = 8
    children: int = 24
    guided: int = 12
    niche: int = 4
    kin: int = 2
    starts: int = 4
    finalists: int = 60
    most_rows: int = 600
    islands: int = 3


class Tools:
    """What all populations of a search share."""

    def __init__(self, bench: Workbench, config: Config, effort: Effort) -> None:
        self.bench, self.config, self.effort = bench, config, effort
        zeros = {q: bool((bench.columns.variables[q] == 0).any()) for q in config.variables}
        self.alphabet = Alphabet.of(config.variables, zeros, bench.level, bench.columns.centres)
        self.quick = Surroundings(bench, size_axes(bench.points, LEVELS_BEYOND), falling(bench), quick=True)
        self.guide = Guide(bench, self.alphabet)
        self.total = float(bench.weight.sum()) * bench.scale**2
        self.tried = 0
        self._hints: dict[int, tuple[Fitted, list[Option]]] = {}
        self._moves: dict[int, tuple[Fitted, dict[str, list[Option]]]] = {}

    def family(self, f: Fitted) -> Family:
        """Which variables act together in the terms of a form: what forms of one way of thinking share."""
        if f.family is None:
            f.family = tuple(sorted(tuple(sorted(variables((term,)))) for term in f.form.body))
        return f.family

    def hints(self, f: Fitted) -> list[Option]:
        """What a form would gain most from, and what it may do without at least cost, by turns; remembered."""
        # By the fitted form, not by the form: islands may have fitted it differently, and what is remembered must
        # not decide what comes out. The form is kept with its hints, so that no other can get its number.
        if id(f) not in self._hints:
            if len(self._hints) >= REMEMBERED:
                self._hints.pop(next(iter(self._hints)))
            hints = self.guide.hints(f)[:RANKED]
            cap = self.config.max_constants
            ways = cheapest(self.guide, f)
            if cap is not None and len(f.form.kinds) + FREE > cap:
                hints = within_cap(f, hints, ways, cap)[: 2 * RANKED]
            self._hints[id(f)] = f, [Option(move) for move in mixed(f, hints, ways)]
        return self._hints[id(f)][1]

    def moves(self, f: Fitted) -> dict[str, list[Option]]:
        """Every move from a form by itself, remembered."""
        found = self._moves.pop(id(f), None) or (f, options_of(f.sketch(), self.alphabet))
        # Put back last: those that bred the longest ago are forgotten first.
        self._moves[id(f)] = found
        if len(self._moves) > MOVING:
            self._moves.pop(next(iter(self._moves)))
        return found[1]


class Population:
    """The forms in play on one island."""

    def __init__(self, tools: Tools, rng: np.random.Generator) -> None:
        self.tools, self.rng = tools, rng
        self.bench, self.config, self.effort = tools.bench, tools.config, tools.effort
        self.alphabet = tools.alphabet
        # Hashes of the forms that were fitted or refused here: forms themselves would fill the memory in a long search.
        self.seen: set[int] = set()
        self.members: dict[Form, Fitted] = {}
        # Members whose moves by themselves were all made: others breed instead.
        self.barren: set[Form] = set()

    # -- breeding ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """The constant, everything one move away from it, and the seeds."""
        level = self.alphabet.level
        root = normalise((Term(constant(0)),), {0: level}, {}, level)
        self.consider([Candidate(root, None, "a constant")])
        self.consider([Candidate(s, None, f"seed {name}") for name, s in self.seeds()])
        first = self.members.get(root.form)
        if first is not None:
            every = children(first.sketch(), self.alphabet, 10**6, self.rng)
            self.consider([Candidate(s, first, label) for s, label in every])

    def seeds(self) -> Iterator[tuple[str, Sketch]]:
        """Registry forms in normal form."""
        for law in self.config.seeds:
            form = from_law(law)
            yield law.name, normalise(form.body, dict(enumerate(form.kinds)), {}, self.alphabet.level)

    def island(self, rng: np.random.Generator) -> Population:
        """A population that starts from this one's members."""
        twin = Population(self.tools, rng)
        twin.seen, twin.members, twin.barren = set(self.seen), dict(self.members), set(self.barren)
        return twin

    def merge(self, others: Sequence[Population]) -> None:
        """Take in the members of other islands."""
        for other in others:
            self.seen |= other.seen
            self.members |= other.members
            self.barren |= other.barren
        self.prune()

    def breeding(self) -> Steps[None]:
        """One generation."""
        parents = self.select(self.effort.parents)
        others = [f.sketch() for f in self.select(3)]
        found: list[Candidate] = []
        for parent in parents:
            sketch = parent.sketch()
            guided = self.guided(parent, sketch)
            found.extend(guided)
            rest = self.effort.children - len(guided)
            every = self.tools.moves(parent)
            more = children(
                sketch, self.alphabet, rest, self.rng, others, every=every, met=self.seen, fresh=self.fresh,
                cap=self.config.max_constants,
            )  # fmt: skip
            found.extend(Candidate(child, parent, label) for child, label in more)
            if len(more) < rest:
                self.barren.add(parent.form)
        yield from self.considering(found)

    def guided(self, parent: Fitted, sketch: Sketch) -> list[Candidate]:
        """The children that the guide holds most promising and that were not met before."""
        found: list[Candidate] = []
        met: set[int] = set()
        for option in self.tools.hints(parent):
            if len(found) >= self.effort.guided:
                break
            if option.barred or option.key in self.seen:
                continue
            made = option.take(sketch, self.alphabet.level, self.config.max_constants)
            if made is not None and made[1] not in met and self.fresh(*made):
                met.add(made[1])
                found.append(Candidate(made[0], parent, option.move.label))
        return found

    def select(self, count: int) -> list[Fitted]:
        """Parents from the fronts and from all members; half of them from the fronts of a random half of the families.

        The second half is where a family is bred on that another one hides from the fronts.
        """
        everyone = [f for f in self.members.values() if f.form not in self.barren] or list(self.members.values())
        families = sorted({self.tools.family(f) for f in everyone})
        drawn = {family for family in families if self.rng.random() < 0.5}
        half = [f for f in everyone if self.tools.family(f) in drawn]
        pools = [self.sources(everyone), self.sources(half or everyone)]
        chosen = []
        for k in range(count):
            sources = pools[k % 2]
            shares = np.array([share for share, _ in sources])
            forms = sources[int(self.rng.choice(len(sources), p=shares / shares.sum()))][1]
            # Later members of a front are larger and better: they are where the search goes on.
            chosen.append(forms[min(int(len(forms) * np.sqrt(self.rng.random())), len(forms) - 1)])
        return chosen

    def sources(self, members: Sequence[Fitted]) -> list[tuple[float, list[Fitted]]]:
        """Where parents come from, each with its share: fronts, and all members."""
        found = [(share, front_of(members, measure)) for share, measure in FRONTS]
        found.append((REST, list(members)))
        return [(share, forms) for share, forms in found if forms]

    # -- fitting and keeping -------------------------------------------------------------------------------------

    def consider(self, candidates: Sequence[Candidate]) -> None:
        """Fit what is new and small enough, judge what fits well, keep the best of every complexity."""
        drive(self.considering(candidates))

    def considering(self, candidates: Sequence[Candidate]) -> Steps[None]:
        """`consider` in steps."""
        new = []
        for c in candidates:
            key = fingerprint(c.sketch.form)
            if self.fresh(c.sketch, key):
                self.seen.add(key)
                new.append(c)
        self.tools.tried += len(new)
        if len(self.seen) > MET:
            self.seen = {fingerprint(form) for form in self.members}
            self.barren.clear()
        rough = yield from self.bench.fitting(new, starts=2, iterations=12, tolerance=1e-4)
        promising = [
            Candidate(f.sketch(), c.parent, c.move, f.emitted, c.size)
            for f, c in zip(rough, new, strict=True)
            if f is not None and self.promises(f, ROUGH)
        ]
        fine = yield from self.bench.fitting(promising, self.effort.starts)
        fitted = [f for f in fine if f is not None and not self.degenerate(f)]
        yield from self.sharpening(fitted)
        kept = [f for f in fitted if self.promises(f, FINE)]
        if not kept:
            return
        yield from self.bench.judging(kept)
        for f, behaviour in zip(kept, self.tools.quick.behaviour(kept), strict=True):
            f.flaws = behaviour.flaws(self.tools.quick.positive, self.tools.quick.spread)
            f.odd = behaviour.odd(self.bench.rms(f))
            if np.isfinite(f.error):
                self.members[f.form] = f
        self.prune()
        # Last, since it costs most: few of those that are fitted are kept.
        for f in kept:
            if self.members.get(f.form) is f and cancelling(self.bench, f) is not None:
                del self.members[f.form]

    def fresh(self, sketch: Sketch, key: int) -> bool:
        """Whether a form, of fingerprint `key`, is allowed and was not met before. If not allowed, it is met now."""
        if key in self.seen:
            return False
        if not self.admissible(sketch.form):
            # To offer it again would take the place of a form that may be fitted.
            self.seen.add(key)
            return False
        return True

    def admissible(self, form: Form) -> bool:
        """Within the caps on size and the operators asked for."""
        if self.config.max_constants is not None and len(form.kinds) > self.config.max_constants:
            return False
        allowed = complexity(form) <= self.config.max_complexity and bool(uses(form.body))
        return allowed and says(form, self.config.operators)

    def promises(self, f: Fitted, slack: float) -> bool:
        """Whether a form fits better than its parent, or nearly as well as members of its size."""
        if f.parent is None or f.objective < f.parent.objective:
            return True
        best = min((m.objective for m in self.members.values() if m.complexity <= f.complexity), default=np.inf)
        return bool(f.objective <= slack * best)

    def sharpening(self, fitted: list[Fitted]) -> Steps[None]:
        """Forms that look exact are fitted to the last digits, in place."""
        near = [k for k, f in enumerate(fitted) if f.objective < NEARLY * self.tools.total]
        if not near:
            return
        polished = yield from self.bench.polishing([fitted[k] for k in near], starts=1)
        for k, (sharp, _) in zip(near, polished, strict=True):
            fitted[k] = sharp

    def degenerate(self, f: Fitted) -> bool:
        """Terms far larger than the target cancel each other: x**.01 minus a constant instead of log x."""
        limit = CANCELLATION * float(np.abs(self.bench.target).max())
        for term in f.form.body:
            own = term.coefficient.constants
            # Without groups, a centred amplitude is the size of its term at the centre of the points.
            plain = len(own) == 1 and not any(isinstance(x, Apply) for x in term.factors)
            if plain and (np.abs(f.values[:, own[0][0]]) > limit).any():
                return True
        return False

    def prune(self) -> None:
        """Keep the best few of every complexity, by each measure, of forms that are alike only one.

        Not more than `Effort.kin` of them may be of one family: a habit that wins early would fill all places.
        """
        niches: dict[int, list[Fitted]] = {}
        for f in self.members.values():
            niches.setdefault(f.complexity, []).append(f)
        kept: dict[Form, Fitted] = {}
        for niche in niches.values():
            for _, measure in FRONTS:
                places: list[Fitted] = []
                kin: Counter[object] = Counter()
                for f in sorted(niche, key=measure):
                    family = self.tools.family(f)
                    if kin[family] < self.effort.kin and not any(alike(f, other) for other in places):
                        places.append(f)
                        kin[family] += 1
                        kept[f.form] = f
                        if len(places) >= self.effort.niche:
                            break
        self.members = kept
        self.barren &= kept.keys()

    # -- looking -------------------------------------------------------------------------------------------------

    def front(self, measure: Callable[[Fitted], float]) -> list[Fitted]:
        """Members that no smaller one beats, by increasing complexity."""
        return front_of(self.members.values(), measure)

    def exact(self) -> list[Fitted]:
        """Members that fit to the last digits, simplest first."""
        return sorted((f for f in self.members.values() if f.objective <= EXACT * self.tools.total), key=size)

    def tidying(self, chosen: Sequence[Fitted], end: float) -> Steps[None]:
        """Drop, tie and snap whatever the points do not miss, again and again, while the time lasts."""
        waiting = list(chosen)
        while waiting and time.monotonic() < end:
            f = waiting.pop(0)
            smaller = children(f.sketch(), self.alphabet, 10**6, self.rng, groups=("drop", "tie", "snap"))
            before = set(self.members)
            yield from self.considering([Candidate(s, f, label) for s, label in smaller])
            slack = 1.02 * f.error + ROUNDING * self.bench.scale
            better = [
                m for form, m in self.members.items()
                if form not in before and m.complexity < f.complexity and m.error <= slack and m.flaws <= f.flaws
            ]  # fmt: skip
            waiting[:0] = sorted(better, key=size)[:2]
