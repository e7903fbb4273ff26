"""The application: its verbs by name, suggestions for misspelt ones, `--version`."""

import difflib
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from formsearch.cli.advise import advise
from formsearch.cli.compare import compare
from formsearch.cli.data import data
from formsearch.cli.derive import derive
from formsearch.cli.doctor import doctor
from formsearch.cli.fit import fit
from formsearch.cli.init import init
from formsearch.cli.laws import laws
from formsearch.cli.report import report
from formsearch.cli.run import run
from formsearch.cli.runs import runs
from formsearch.cli.search import search
from formsearch.cli.terminal import show_anything
from formsearch.cli.verb import guarded
from formsearch.cli.verify import verify
from formsearch.exceptions import InputError, UnknownNameError

VERBS = {
    "run": run,
    "init": init,
    "laws": laws,
    "data": data,
    "fit": fit,
    "compare": compare,
    "advise": advise,
    "search": search,
    "derive": derive,
    "verify": verify,
    "report": report,
    "runs": runs,
    "doctor": doctor,
}
"""In the order of `formsearch --help`."""


def _without_types(parameters: list[Any]) -> list[Any]:
    """The parameters, of which `--help` shows no type of Python: arguments by name only, switches without a value."""
    for parameter in parameters:
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda ctx: None
        elif parameter.is_flag and parameter.metavar is None:
            parameter.metavar = ""
    return parameters


class Command(TyperCommand):
    """A verb, with a help for people who do not program in Python."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: D102
        return _without_types(super().get_params(ctx))


class Interrupted(BaseException):
    """Ctrl-C on its way through the parser of the command line, which would end with the code and without a word."""


class Verbs(TyperGroup):
    """A group that names the nearest verbs when one is misspelt, and lists verbs in our order."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        try:
            return super().make_context(*args, **kwargs)
        except KeyboardInterrupt:
            raise Interrupted from None

    def invoke(self, ctx: Any) -> Any:  # noqa: D102
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted from None

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: D102
        command = super().get_command(ctx, cmd_name)
        if command is None and not ctx.resilient_parsing:
            raise UnknownNameError("verb", cmd_name, VERBS, "`formsearch --help` lists them")
        return command

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: D102
        return _without_types(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: D102
        return list(VERBS)


app = typer.Typer(
    name="formsearch",
    cls=Verbs,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start:  formsearch run zhao2025 --out out",
)


def _print_version(value: bool) -> None:
    if value:
        from formsearch import __version__

        print(f"formsearch {__version__}")
        raise typer.Exit


@app.callback()
def _formsearch(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, metavar="", help="Print the version and leave."
        ),
    ] = False,
) -> None:
    """Discover, judge and explain neural scaling laws: from a table of runs to a law, its optima and a report."""
    del version


for _name, _verb in VERBS.items():
    app.command(_name, cls=Command, epilog=_verb.epilog, no_args_is_help=False)(_verb)  # type: ignore[attr-defined]


def run_app() -> None:
    """Run the application on `sys.argv` and exit with the verb's code."""
    show_anything()

    def call() -> int:
        try:
            return int(app(prog_name="formsearch", standalone_mode=False) or 0)
        except (Interrupted, typer.Abort):
            raise KeyboardInterrupt from None
        except Exception as error:
            if type(error).__name__ == "NoArgsIsHelpError":  # the help is printed already
                return InputError.exit_code
            if not hasattr(error, "format_message"):
                raise
            raise _in_one_line(error) from None

    sys.exit(guarded(call))


def _in_one_line(error: Any) -> InputError:
    """The parser's complaint about a command line as an error like all others, with the nearest option."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "formsearch"
    where = f"`{path} --help` lists them"
    if (name := getattr(error, "option_name", None)) and context is not None and "o such option" in str(error.message):
        known = [o for p in context.command.params for o in (*p.opts, *p.secondary_opts) if o.startswith("--")]
        near = difflib.get_close_matches(name, known, n=3)
        return InputError(
            f"no such option {name!r}: " + (f"did you mean {' or '.join(map(repr, near))}?" if near else where)
        )
    message = error.format_message().strip().rstrip(".")
    return InputError(f"{message[:1].lower()}{message[1:]}; see `{path} --help`")
