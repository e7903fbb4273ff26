"""`@verb`: what all verbs share, namely options, the reading of DATA, JSON output, errors and exit codes.

A verb is a function; a parameter named `session` stands for the options of every verb, one named `source` for DATA
and its reading options. The decorator puts the real options in their place, so that each is declared once.
"""

from __future__ import annotations

import inspect
import os
import re
import shlex
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from typer.models import OptionInfo

from formsearch.cli import terminal
from formsearch.cli.ending import TERMINATED, Terminated, no_room, terminable
from formsearch.cli.options import CONFIG, DATA, EVERY_VERB, SESSION, SOURCE
from formsearch.command import INTERRUPTED
from formsearch.exceptions import FormsearchError, InputError

if TYPE_CHECKING:
    from formsearch.points import Points

DEFECT = 70

_NOTING = ("run", "fit", "search")
"""Verbs that say on stderr what was assumed of the table; the others print it with their result."""


@dataclass(frozen=True, slots=True)
class Session:
    """Options that every verb has, and where its output goes."""

    verb: str
    json: bool = False
    seed: int = 0
    out: Path | None = None
    quiet: bool = False
    debug: bool = False
    files: tuple[str, ...] = ()
    """Suffixes by which `--out` names a file, beside .json."""
    configured: tuple[str, ...] = ()
    """Options that a configuration file gave, as words of a command line."""

    @property
    def command(self) -> str:
        """The command line that does the same without a configuration file."""
        return shlex.join(["formsearch", *sys.argv[1:], *self.configured])

    def note(self, message: str) -> None:
        """Say on stderr what was assumed; nothing with --quiet."""
        if not self.quiet:
            terminal.complain(message, kind="note")

    def say(self, *renderables: object, preformatted: bool = False) -> None:
        """Print for a reader; nothing with --quiet or --json. `preformatted` text keeps its lines as they are."""
        if not (self.quiet or self.json):
            terminal.console().print(*renderables, markup=False, soft_wrap=preformatted or None)

    def emit(self, result: Mapping[str, Any]) -> None:
        """The result as a JSON document: on stdout with --json, and in the file of `--out NAME.json`."""
        document = {"formsearch": _version(), "verb": self.verb, "result": result}
        if self.json:
            print(terminal.json_text(document))
        if self.out is not None and self.out.suffix == ".json":
            write_text(self.out, terminal.json_text(document) + "\n")
            self.say(f"written: {self.out}")

    def write(self, renderings: Mapping[str, Callable[[], str]]) -> None:
        """Write the file that `--out` names, in the rendering of its suffix."""
        if self.out is not None and self.out.suffix in renderings:
            write_text(self.out, renderings[self.out.suffix]())
            self.say(f"written: {self.out}")

    @property
    def folder(self) -> Path | None:
        """`--out` where it names a folder."""
        return None if self.out is None or self.out.suffix in (".json", *self.files) else self.out


@dataclass(frozen=True, slots=True)
class Source:
    """DATA and how to read it."""

    data: str
    options: Mapping[str, Any] = field(default_factory=dict)
    note: Callable[[str], None] | None = None
    """Where to say what was assumed of the table, for verbs whose result does not say it."""

    def read(self) -> Points:
        """The points. Raises `InputError` with row, value and remedy."""
        from formsearch.data import load

        points = load(self.data, **self.options)
        for note in points.notes if self.note is not None else ():
            assert self.note is not None
            self.note(f"{points.name}: {note}")
        return points


Verb = Callable[..., int | None]


def verb(
    *examples: str,
    out: str = "Write the report to this folder, or the JSON to a file named *.json.",
    needs_data: bool = True,
    files: tuple[str, ...] = (),
    configurable: bool = True,
) -> Callable[[Verb], Callable[..., None]]:
    """Make a function a verb. It returns its exit code (None is 0).

    `examples` are printed by its `--help`; `needs_data=False` gives a meaning to a missing DATA (`source.data` is then
    empty), which otherwise has to be named here or in a configuration file;
    `files` are suffixes by which `--out` names a file (see `Session.write`); `configurable=False` reads no
    `formsearch.toml`.
    """

    def decorate(function: Verb) -> Callable[..., None]:
        signature = inspect.signature(function, eval_str=True)
        name = function.__name__.rstrip("_")
        reads = "source" in signature.parameters
        own = [p for p in signature.parameters.values() if p.name not in ("session", "source")]
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        if reads:
            argument = inspect.Parameter("data", inspect.Parameter.KEYWORD_ONLY, default="", annotation=DATA)
            parameters = [
                argument,
                *parameters,
                *_parameters(SOURCE | (CONFIG if configurable else {})),
            ]
        parameters += _parameters(SESSION, out=out)
        parameters.append(inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context))

        def wrapper(**values: Any) -> None:
            debug = bool(values["debug"])
            context: typer.Context = values.pop("context")

            def call() -> int | None:
                configured = _configure(name, values, needs_data, context) if reads else ()
                options = {k: values.pop(k) for k in SESSION}
                session = Session(name, files=files, configured=configured, **options)
                given: dict[str, Any] = {"session": session}
                if reads:
                    given["source"] = _source(values, session)
                return function(**given, **values)

            raise typer.Exit(guarded(call, debug))

        for parameter in parameters:
            _name_value(parameter.annotation)
        wrapper.__name__ = name
        wrapper.__doc__ = function.__doc__
        wrapper.__signature__ = signature.replace(parameters=parameters, return_annotation=None)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
        wrapper.epilog = "\n\n".join(f"Example:  {e}" for e in examples)  # type: ignore[attr-defined]
        return wrapper

    return decorate


def guarded(call: Callable[[], int | None], debug: bool = False) -> int:
    """Run a verb; errors become one line on stderr and an exit code. `debug` shows their traceback first."""
    debug = debug or bool(os.environ.get("FORMSEARCH_DEBUG"))
    try:
        with terminable(), warnings.catch_warnings():
            warnings.showwarning = _show_warning
            return call() or 0
    except (typer.Exit, typer.Abort):
        raise
    except KeyboardInterrupt:
        terminal.complain("interrupted", kind="stopped")
        return INTERRUPTED
    except Terminated:
        terminal.complain("terminated", kind="stopped")
        return TERMINATED
    except BrokenPipeError:  # the reader of our output went away (`formsearch laws | head`): nothing to complain about
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            import traceback

            traceback.print_exc()
        if isinstance(error, FormsearchError):
            for problem in getattr(error, "problems", (str(error),)):
                terminal.complain(problem)
            return error.exit_code
        if isinstance(error, OSError) and (said := no_room(error)) is not None:
            terminal.complain(said)
            return InputError.exit_code
        if isinstance(error, OSError) and error.filename is not None:
            terminal.complain(f"{error.filename}: {error.strerror}; check the path, its permissions and free space")
            return InputError.exit_code
        terminal.complain(
            f"this is a defect of formsearch {_version()}, not of your input: {type(error).__name__}: {error}; "
            "please report it with the traceback that --debug shows"
        )
        return DEFECT


def pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    """`["N=params,D=tokens"]` -> `{"N": "params", "D": "tokens"}`. Raises `InputError` for anything else.

    A comma separates pairs only where another `NAME=` follows, so that column names may hold commas.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        for part in re.split(r",(?=\s*\w+\s*=)", text):
            name, sign, value = (piece.strip() for piece in part.partition("="))
            if not (name and sign and value):
                raise InputError(f"{option} {text!r}: write it as NAME=VALUE, e.g. {option} N=params,D=tokens")
            if name in found:
                raise InputError(f"{option} gives {name} twice ({found[name]!r} and {value!r}): leave one out")
            found[name] = value
    return found


def factors(texts: Sequence[str] | None, option: str) -> dict[str, float]:
    """`["D=1e9"]` -> `{"D": 1e9}`. Raises `InputError` for what is no finite number."""
    found: dict[str, float] = {}
    for name, text in pairs(texts, option).items():
        try:
            found[name] = float(text)
        except ValueError:
            raise InputError(
                f"{option} {name}={text}: {text!r} is not a number, write e.g. {option} {name}=1e9"
            ) from None
        if not abs(found[name]) < float("inf"):
            raise InputError(f"{option} {name}={text}: must be finite")
    return found


def words(texts: Sequence[str] | None) -> list[str]:
    """`["a,b", "c"]` -> `["a", "b", "c"]`."""
    return [w.strip() for text in texts or () for w in text.split(",") if w.strip()]


def write_report(session: Session, items: Sequence[object]) -> None:
    """Write the report of these results where `--out` names a folder."""
    if session.folder is None:
        return
    from formsearch.cli.folder import staged
    from formsearch.report import report

    with staged(session.folder) as stage, terminal.progress(session.quiet) as tell:
        paths = report(items, stage.files, command=session.command, seed=session.seed, progress=tell)
        written = [path.relative_to(stage.files) for path in paths]
    session.say("written: " + ", ".join(str(session.folder / p) for p in written if p.parent == Path()))


def write_text(path: Path, text: str) -> None:
    """Write a file in one step: it is either the old one or the whole new one."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step: it is either the old one or the whole new one, after a power cut, too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _name_value(annotation: Any) -> None:
    """What `--help` prints as the value of an option: nothing for a switch, in place of the name of a Python type."""
    kind, *details = get_args(annotation) or (annotation,)
    kinds = {k for k in get_args(kind) or (kind,) if k is not type(None)}
    for option in details:
        if isinstance(option, OptionInfo) and option.metavar is None:
            option.metavar = "" if kinds == {bool} else "NUMBER" if kinds <= {int, float} else "TEXT"


def _parameters(options: Mapping[str, tuple[Any, Any]], out: str = "") -> list[inspect.Parameter]:
    made = []
    for name, (annotation, default) in options.items():
        if name == "out":
            annotation = Annotated[Path | None, typer.Option(help=out, metavar="PATH", rich_help_panel=EVERY_VERB)]
        made.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation))
    return made


def _configure(name: str, values: dict[str, Any], needs_data: bool, context: typer.Context) -> tuple[str, ...]:
    """Fill in options from the configuration that goes with the command line. Returns them as words.

    Raises `InputError` where DATA is needed and nothing names it.
    """
    from formsearch.cli import configured

    if "config" not in values:  # a verb that reads no configuration
        if not values["data"] and needs_data:
            raise InputError(f"DATA is missing: give a table, e.g. formsearch {name} runs.csv")
        return ()
    given = values.pop("config")
    path = configured.find(given, values["data"], listing=name == "data")
    if path is not None:
        found = configured.apply(path, name, values, context)
        if not values["quiet"]:
            configured.tell(path)
        return tuple(found)
    if not values["data"] and needs_data:
        raise InputError(
            f"DATA is missing: give a table or a name, e.g. formsearch {name} zhao2025, or write "
            f"{configured.NAME} with `formsearch init TABLE`"
        )
    if configured.unused(given, values["data"]) and not values["quiet"]:
        terminal.complain(f"{configured.NAME} describes another table and is not used; --config uses it", kind="note")
    return ()


def _source(values: dict[str, Any], session: Session) -> Source:
    given = {name: values.pop(name) for name in ("data", *SOURCE)}
    options: dict[str, Any] = {
        "columns": pairs(given["columns"], "--columns"),
        "scale": factors(given["scale"], "--scale"),
        "target": given["target"] if given["target"] and len(given["target"]) > 1 else (given["target"] or [None])[0],
        "where": given["where"],
        "group": given["group"],
        "weight": given["weight"],
        "split": given["split_column"],
        "last_by": words(given["last_by"]),
        "duplicates": given["duplicates"],
    }
    told = session.note if session.verb in _NOTING else None
    return Source(given["data"], {k: v for k, v in options.items() if v}, told)


def _show_warning(message: Warning | str, *_rest: object, **_more: object) -> None:
    terminal.complain(str(message), kind="warning")


def _version() -> str:
    from formsearch import __version__

    return __version__
