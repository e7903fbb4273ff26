"""The PySR engine: probe, prepare, run children, watch their files, propose what they found.

PySR is never imported here. Each seed runs in a child process (`formsearch.search.pysr.child`) with a time limit and
writes its front to a folder of its own, which is read while it runs and whatever ends it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from formsearch.exceptions import EngineMissingError, FormsearchError, InputError
from formsearch.search.child import Children, Outcome, processors
from formsearch.search.engine import Config, Progress, Proposal, Report, Spent, warn_failed
from formsearch.search.grammar import complexity, uses
from formsearch.search.mend import mended
from formsearch.search.pysr.folders import fresh_folder, last_run, runs_folder, saved_rows, write_record
from formsearch.search.pysr.hall import Row, read_hall
from formsearch.search.pysr.losses import elementwise_loss
from formsearch.search.pysr.options import SIZE, Exponents, Wish, nodes_allowed, options, variable_nodes
from formsearch.search.pysr.probe import CONSENT, Probe, consent, probe
from formsearch.search.pysr.signature import Signature, read_signature
from formsearch.search.pysr.task import Task, law_guesses, prepare, saved_guesses
from formsearch.search.refine import Refinement
from formsearch.search.vocabulary import says

if TYPE_CHECKING:
    from formsearch.law import Law
    from formsearch.points import Points

MODULE = "formsearch.search.pysr.child"
WATCH = 1.0
"""Seconds between two looks at the files of a running search."""
LATER = 5.0
"""Seconds past its time after which a child is ended: to start took time, and PySR's own limit comes first."""
REFINE_AT_MOST = 30.0
INSTALLING = 3600.0
"""Seconds that PySR may take to install Julia, its packages, and to compile them."""
LAST = "last"
CHECKPOINT = "checkpoint.pkl"
STATE = "pysr folder"


@dataclass(eq=False)
class PySR:
    """PySR as an engine of formsearch.

    around : a law (or its name): the search is for a correction that is added to it, its constants refitted together.
    allow_install : let PySR download Julia and its packages (2 GB) if they are missing; by default what the
        environment variable `FORMSEARCH_ALLOW_JULIA_INSTALL` says.
    folder : where runs are kept; each in a folder of its own that is never overwritten. By default the user's state
        folder.
    resume : folder of an earlier run on the same points, or "last": its front joins the new one's and, on PySR 2, is
        fed back into the search.
    runs : seeds searched side by side, each in a process of its own. exponents : "constant", or "free" to let a
        variable be an exponent. mend : propose mended forms beside the rows (see `mend`).
    refine : share of the time (30 s at most) in which the native engine goes on from PySR's forms; 0 leaves it out.
    more : further options of PySR, by its names.

    After a search, `notes` says what a reader has to know, and `folder_used` where its files are.
    """

    around: Law | str | None = None
    allow_install: bool = field(default_factory=consent)
    folder: Path | str | None = None
    resume: Path | str | None = None
    runs: int = 1
    exponents: Exponents = "constant"
    mend: bool = True
    refine: float = 0.15
    more: Mapping[str, Any] = field(default_factory=dict)
    name: str = field(default="pysr", init=False)
    notes: list[str] = field(default_factory=list, init=False)
    folder_used: Path | None = field(default=None, init=False)
    spent: Spent | None = field(default=None, init=False)

    deterministic = (
        "with a number of generations PySR runs serially, and the same seed gives the same front from the same "
        "versions of PySR and Julia; a search that the clock ends is never repeatable"
    )

    def __post_init__(self) -> None:
        if self.runs < 1:
            raise InputError(f"PySR needs at least one run, not {self.runs}")
        if not 0 <= self.refine < 1:
            raise InputError(f"refine is a share of the time, at least 0 and below 1, not {self.refine!r}")

    def available(self) -> str | None:
        """None if PySR can run here, else what is missing and the one command that completes it. Offline."""
        return probe().missing(self.allow_install)

    def install(self) -> bool:
        """Let PySR download Julia and its packages, if it is allowed to and lacks them; whether it did.

        Takes minutes, once. Raises `EngineMissingError` where that fails, with PySR's own words.
        """
        found = probe()
        if not (self.allow_install and found.trouble):
            return False
        environment = {"PYTHON_JULIAPKG_OFFLINE": "no"}
        with Children(MODULE, [{"import_only": True}], INSTALLING, environment=environment) as children:
            for _ in children.answers():
                pass
        (outcome,) = children.outcomes
        if outcome.status != "done":
            said = outcome.error.removeprefix("RuntimeError: ") or "interrupted"
            raise EngineMissingError(
                f"engine pysr: Julia could not be installed: {said}; where the connection cannot be had, install Julia "
                f"{found.julia_wanted} from another place (https://julialang.org/downloads) and put it on PATH"
            )
        return True

    def propose(self, points: Points, config: Config, report: Report | None = None) -> Iterable[Proposal]:
        """Search; yields what was found when the children have ended, or were interrupted.

        Raises `EngineMissingError` where PySR or Julia is missing, `FormsearchError` where every run failed and left
        nothing on disk.
        """
        begun = time.monotonic()
        self.notes = []
        if self.install():
            self.notes.append(f"PySR installed Julia and its packages first, in {time.monotonic() - begun:.0f} s")
        found = probe()
        if missing := found.missing(self.allow_install):
            raise EngineMissingError(f"engine pysr: {missing}")
        assert found.package is not None
        task = prepare(points, config, self._law())
        self.notes.extend(task.notes)
        run = Run(self, task, config, found, read_signature(found.package))
        self.folder_used = run.folder
        interrupted = False
        end, kept = begun + config.seconds, min(self.refine * config.seconds, REFINE_AT_MOST)
        try:
            run.search(end - kept, report)
        except KeyboardInterrupt:
            interrupted = True
        rows = list(run.proposals())
        yield from rows
        run.finish()
        if self.refine and not interrupted:
            refinement = Refinement(points, config, report)
            yield from refinement.proposals(rows, min(kept, end - time.monotonic()))
            self.spent, interrupted = refinement.spent, refinement.stopped
        if interrupted:
            raise KeyboardInterrupt

    def _law(self) -> Law | None:
        if self.around is None or not isinstance(self.around, str):
            return self.around
        from formsearch.registry import laws

        return laws[self.around]


class Run:
    """One search: its folder, its requests, and what its children leave."""

    def __init__(self, engine: PySR, task: Task, config: Config, found: Probe, signature: Signature) -> None:
        self.engine, self.task, self.config, self.found, self.signature = engine, task, config, found, signature
        self.saved, self.saved_in = self._saved()
        self.folder = fresh_folder(self.base, task.points.hash)
        self.seeds = [config.seed + k for k in range(engine.runs)]
        self.record: dict[str, Any] = {
            "formsearch": "a search by PySR; rows are in the scaled variables",
            "task": task.describe(),
            "around": getattr(engine._law(), "name", None),
            "resumed_from": self.saved_in,
            "probe": found.to_dict(),
            "runs": {},
        }
        # Another run of the same work would find this front, whatever ends this one.
        if config.states is not None:
            config.states.save(STATE, {"folder": str(self.folder)})

    def _saved(self) -> tuple[list[Row], str | None]:
        """Rows of an earlier run that this one goes on from, and its folder."""
        given, states = self.engine.resume, self.config.states
        if given is not None:
            folder = last_run(self.base, self.task.points.hash) if given == LAST else Path(given)
            rows = saved_rows(folder, self.task.describe())
            if not rows:
                self.engine.notes.append(f"nothing was found yet in {folder}: the search starts anew")
            return rows, str(folder)
        noted = None if states is None else (states.load(STATE) or {}).get("folder")
        if noted is None:
            return [], None
        try:
            return saved_rows(Path(noted), self.task.describe()), str(noted)
        except InputError:  # what nobody asked for may be gone
            return [], None

    @property
    def base(self) -> Path:
        """Where runs are kept."""
        return Path(self.engine.folder) if self.engine.folder is not None else runs_folder()

    # -- the search ----------------------------------------------------------------------------------------------

    def requests(self, seconds: float) -> list[dict[str, Any]]:
        """What each child gets."""
        guesses = self._guesses()
        task, config, engine = self.task, self.config, self.engine
        requests = []
        for seed in self.seeds:
            wish = Wish(
                operators=config.operators,
                loss=elementwise_loss(config.objective, task.points.weight is not None, task.scaling.target),
                seed=seed, folder=str(self.folder), run=f"seed{seed}", size=min(config.max_complexity, SIZE),
                exponents=self.exponents, iterations=config.generations, guesses=guesses, more=engine.more,
            )  # fmt: skip
            chosen = options(wish, self.signature)
            self.record["runs"][wish.run] = {"seed": seed, "options": chosen}
            requests.append({
                "options": chosen, "fit": task.fit_arguments(), "seconds": seconds,
                "template": None if task.template is None else task.template.spec(),
            })  # fmt: skip
        return requests

    def _guesses(self) -> list[Any]:
        version, notes = self.found.package_version, self.engine.notes
        if not self.signature.guesses:
            if self.saved:
                notes.append(
                    f"PySR {version} cannot go on from a saved front (that takes guesses, which came with PySR 2): the "
                    f"{len(self.saved)} saved rows are judged with what a new search finds, but do not start it"
                )
            elif self.config.seeds:
                notes.append(f"PySR {version} takes no guesses (they came with PySR 2): the search starts from nothing")
            return []
        saved = saved_guesses(self.task, self.saved, self.config.operators, self.signature.template_guesses)
        if self.saved and not saved:
            notes.append(f"PySR {version} takes no templates with parameters as guesses: the search starts anew")
        elif saved:
            notes.append(f"PySR started from {len(saved)} of {len(self.saved)} rows saved in {self.saved_in}")
        size = nodes_allowed(min(self.config.max_complexity, SIZE), self.exponents)
        return saved + law_guesses(self.task, self.config, size, variable_nodes(self.exponents))

    @property
    def exponents(self) -> Exponents:
        """Constants of groups come as arguments, which PySR counts as variables: they must be allowed as exponents."""
        return "free" if self.task.groups else self.engine.exponents

    def search(self, until: float, report: Report | None) -> None:
        """Run the children until they end or the time is over. Raises `FormsearchError` where all of them failed."""
        requests = self.requests(max(until - time.monotonic(), 1.0))
        self._write_record()
        threads = max(1, processors() // len(requests))
        environment = {"PYTHON_JULIAPKG_OFFLINE": "no" if self.engine.allow_install else "yes"}
        if len(requests) > 1 or self.config.generations is not None:
            environment["PYTHON_JULIACALL_THREADS"] = str(1 if self.config.generations is not None else threads)
        watch = Watch(self.folder, report)
        left = max(until - time.monotonic(), 1.0) + LATER
        with Children(MODULE, requests, left, workers=len(requests), environment=environment) as children:
            try:
                for k, answer in children.answers(watch):
                    self._heard(k, answer)
            finally:
                self._ended(children)
        self._complain(children)

    def _heard(self, k: int, answer: Mapping[str, Any]) -> None:
        about = self.record["runs"][f"seed{self.seeds[k]}"]
        about.update({key: value for key, value in answer.items() if key != "kind"})
        self._write_record()

    def _ended(self, children: Children) -> None:
        for seed, outcome in zip(self.seeds, children.outcomes, strict=True):
            self.record["runs"][f"seed{seed}"] |= {"status": outcome.status, "error": outcome.error}
        self._write_record()

    def _complain(self, children: Children) -> None:
        """Tell of runs that failed; fail if nothing is left."""
        failed = [
            (seed, self._said(seed, outcome))
            for seed, outcome in zip(self.seeds, children.outcomes, strict=True)
            if outcome.status in ("failed", "died", "late")
        ]
        rows = sum(len(read_hall(self.folder / f"seed{seed}").rows) for seed in self.seeds) + len(self.saved)
        if failed and not rows:
            error = failed[0][1]
            if "cannot be imported" in error:
                raise EngineMissingError(f"engine pysr: {error}; {self._remedy()}")
            raise FormsearchError(f"engine pysr: {error}; nothing was found before (files: {self.folder})")
        for seed, error in failed:
            status = self.record["runs"][f"seed{seed}"]["status"]
            if status == "late":
                self.engine.notes.append(f"PySR (seed {seed}) was {error}; what was on disk is kept")
            else:
                warn_failed("pysr", f"seed {seed}: {error}; what was on disk is kept")

    def _said(self, seed: int, outcome: Outcome) -> str:
        """Why a run failed, in a sentence."""
        if outcome.status == "late" and "versions" not in self.record["runs"][f"seed{seed}"]:
            return (
                f"{outcome.error} before PySR had started: Julia compiles its packages once, which takes minutes; "
                f"search longer, or run this first: {self.found.install_command}"
            )
        return outcome.error.removeprefix("RuntimeError: ")

    def _remedy(self) -> str:
        if self.engine.allow_install:
            return "see what `formsearch doctor` says of Julia"
        return f"search with --allow-julia-install (or {CONSENT}=1) to let PySR complete its installation"

    def _write_record(self) -> None:
        write_record(self.folder, self.record)

    # -- what was found ------------------------------------------------------------------------------------------

    def proposals(self) -> Iterator[Proposal]:
        """All rows of all runs and the saved ones, each with its mended forms."""
        sources = [(f"PySR, seed {seed}", self._rows(seed)) for seed in self.seeds]
        if self.saved:
            sources.append((f"PySR, saved in {self.record['resumed_from']}", self.saved))
        for label, rows in sources:
            for proposal in self.task.proposals(rows, label):
                yield from filter(self._within_limits, (proposal, *(mended(proposal) if self.engine.mend else ())))

    def _within_limits(self, proposal: Proposal) -> bool:
        """PySR counts nodes, and no constants: what is too large by our count is left out.

        So is what the operators cannot say: a mended row, or c**x where that is written as a power. The law of a search
        around one may hold what its correction may not.
        """
        most = self.config.max_constants
        constants = len(uses(proposal.form.body))
        if complexity(proposal.form) > self.config.max_complexity or (most is not None and constants > most):
            return False
        return self.record["around"] is not None or says(proposal.form, self.config.operators)

    def _rows(self, seed: int) -> Sequence[Row]:
        hall = read_hall(self.folder / f"seed{seed}")
        if hall.note:
            self.engine.notes.append(f"PySR's table of seed {seed}: {hall.note}")
        return hall.rows

    def finish(self) -> None:
        """Say what ran, and drop PySR's pickles, which only the same PySR can read and we never do."""
        notes = self.engine.notes
        if refused := self.task.refused:
            notes.append(f"{len(refused)} row(s) of PySR could not be read as forms; the first: {refused[0]}")
        for name, about in self.record["runs"].items():
            versions = about.get("versions")
            if versions:
                notes.append(
                    f"{name}: PySR {versions.get('pysr')}, SymbolicRegression.jl {versions.get('SymbolicRegression')}, "
                    f"Julia {versions.get('julia')}"
                )
            (self.folder / name / CHECKPOINT).unlink(missing_ok=True)
        notes.append(f"PySR's options and tables are kept in {self.folder}")


class Watch:
    """Looks at the files of a running search now and then, and tells the best row so far."""

    def __init__(self, folder: Path, report: Report | None) -> None:
        self.folder, self.report = folder, report
        self.begun = self.last = time.monotonic()
        self.seen: set[str] = set()

    def __call__(self) -> None:
        """Called again and again while the children run."""
        now = time.monotonic()
        if self.report is None or now - self.last < WATCH:
            return
        self.last = now
        rows = [row for path in self.folder.glob("seed*") for row in read_hall(path).rows]
        self.seen.update(row.equation for row in rows)
        if rows:
            best = min(rows, key=lambda r: r.loss)
            self.report(
                Progress(now - self.begun, len(self.seen), best.equation, (2 * best.loss) ** 0.5, best.complexity)
            )
