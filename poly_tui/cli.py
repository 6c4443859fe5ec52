"""The `poly` command: its verbs, the options before them, and how it ends.

A verb is imported when it is called, so that `poly --help` imports click and nothing else. Data goes to stdout, and
everything else to stderr, in lines that begin with `poly:`.
"""

import importlib
import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from poly_tui.settings import Settings, has_terminal

if TYPE_CHECKING:  # 10 ms
    from click.shell_completion import CompletionItem

__all__ = ["VERBS", "Poly", "main", "poly"]

VERBS: Mapping[str, str] = {
    "run": "Answer a prompt with a task.",
    "chat": "Talk with a task, line by line.",
    "chats": "List, find, export and delete the chats that were kept.",
    "tui": "Open the terminal interface.",
    "task": "List tasks and show what they are.",
    "model": "List models, show what they are, and fetch others.",
    "ingest": "Take documents into a memory.",
    "recall": "Find what a memory holds on a question.",
    "memory": "Look into memories, mend and move them, and measure what they find.",
    "serve": "Serve tasks, models and memories over HTTP.",
    "token": "Make tokens for the server.",
    "key": "Make keys for the server.",
    "tokenize": "Show the tokens of a text.",
    "detokenize": "Show the text of tokens.",
    "embed": "Turn texts into vectors.",
    "config": "Check the configuration, show it, or begin one.",
    "doctor": "Say what works on this machine, and what to mend.",
    "keys": "List the keys of the terminal interface.",
    "completion": "Print the script that completes commands in a shell.",
}
"""Each verb lives in the module of its name in `poly_tui.commands`, and has this help."""

_LOCAL_VERBS = ("chats", "serve", "token", "key", "config", "doctor", "keys", "completion")
"""Those that are about this machine, whether or not $POLY_URL names a server."""

_USAGE, _INTERRUPTED, _CLOSED_PIPE = 2, 130, 141
_EXIT_CODES = "Exit codes: 0 ok, 1 the work failed, 2 wrong usage or configuration, 130 interrupted."


class Poly(click.Group):
    """A group of verbs that are imported when they are called. Errors become one line on stderr and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature, here and below
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"poly_tui.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem  # 10 ms

        verbs = [CompletionItem(verb, help=line) for verb, line in VERBS.items() if verb.startswith(incomplete)]
        return verbs + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        verb = args[0]
        if verb not in VERBS and not verb.startswith("-") and not ctx.resilient_parsing:
            from poly_engine.errors import suggestion  # 40 ms, which only a mistyped verb costs

            ctx.fail(f"there is no verb {verb}{suggestion(verb, VERBS)}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        from poly_engine.errors import ConfigError, InvalidRequest, NotFound, PolyError  # 40 ms too much for --help

        try:
            return super().invoke(ctx)
        except PolyError as error:
            lines = error.problems if isinstance(error, ConfigError) else [str(error)]
            message = "\n".join(" ".join(line.split("\n")) for line in lines)
            is_usage = isinstance(error, ConfigError | InvalidRequest | NotFound)
            raise (click.UsageError(message) if is_usage else click.ClickException(message)) from error
        except BrokenPipeError as error:
            raise click.exceptions.Exit(_CLOSED_PIPE) from error
        except KeyboardInterrupt as error:
            if sys.stderr.isatty():
                click.echo(err=True)  # what the terminal shows for Ctrl-C stands in the line
            raise click.exceptions.Exit(_INTERRUPTED) from error

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:  # Any: click has two signatures, which we only pass on
        """Do what the arguments say, and exit."""
        try:
            status = super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            status = error.exit_code
        except click.ClickException as error:
            _complain(error)
            status = error.exit_code
        except click.Abort:  # click's word for a Ctrl-C before `invoke`
            status = _INTERRUPTED
        sys.exit(status)


def _complain(error: click.ClickException) -> None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" (see {context.command_path} --help)" if context else ""
    for line in error.format_message().splitlines():
        click.echo(f"poly: {line}{hint}", err=True)


def _print_version(ctx: click.Context, _: click.Parameter, is_wanted: bool) -> None:  # noqa: FBT001 - click's signature
    if is_wanted:
        from poly_engine import __version__  # 40 ms, which only this option costs

        click.echo(f"poly {__version__}")
        ctx.exit()


@click.group(
    cls=Poly,
    invoke_without_command=True,
    subcommand_metavar="VERB [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXIT_CODES,
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The configuration. By default $POLY_CONFIG, ./poly.toml, $XDG_CONFIG_HOME/poly/config.toml, or the "
    "built-in one.",
)
@click.option(
    "--connect",
    "url",
    envvar="POLY_URL",
    metavar="URL",
    help="Have a server do the work, where poly serve runs. By default $POLY_URL.",
)
@click.option(
    "--key",
    envvar="POLY_API_KEY",
    metavar="KEY",
    help="The key that the server wants. By default $POLY_API_KEY, which others on this machine cannot see.",
)
@click.option("-v", "--verbose", "is_verbose", is_flag=True, help="Log to stderr what goes on, llama.cpp's lines too.")
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
@click.pass_context
def poly(
    ctx: click.Context, *, config_file: Path | None, url: str | None, key: str | None, is_verbose: bool
) -> int | None:
    """Poly runs language models on this machine.

    A task uses a model in one specific way; `poly task ls` lists them. Without a verb, the terminal interface opens.
    """
    ctx.obj = Settings(config_file, is_verbose, _server(ctx, url, config_file), key)
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        ctx.color = False
    _start_logging(is_verbose=is_verbose)
    return _run_without_verb(ctx) if ctx.invoked_subcommand is None else None


def _server(ctx: click.Context, url: str | None, config_file: Path | None) -> str | None:
    """The server that is to do the work, if any: what is said in the command counts before the environment."""
    is_said = ctx.get_parameter_source("url") is click.core.ParameterSource.COMMANDLINE
    is_local = ctx.invoked_subcommand in _LOCAL_VERBS
    if is_said and is_local:
        raise click.UsageError(f"poly {ctx.invoked_subcommand} is about this machine: leave out --connect", ctx)
    if is_said and config_file is not None:
        raise click.UsageError("a server has its own configuration: leave out --config or --connect", ctx)
    return None if is_local or config_file is not None else url


def _start_logging(*, is_verbose: bool) -> None:
    import logging  # 10 ms too much for --help

    if is_verbose:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for package in ("poly_engine", "poly_serve", "poly_tui"):
        logger = logging.getLogger(package)
        logger.setLevel(logging.DEBUG if is_verbose else logging.WARNING)
        logger.addHandler(logging.NullHandler())  # without any, Python prints warnings to stderr


def _run_without_verb(ctx: click.Context) -> int:
    if not has_terminal():
        click.echo(ctx.get_help(), err=True)
        ctx.exit(_USAGE)
    tui = poly.get_command(ctx, "tui")
    assert tui is not None
    status = ctx.invoke(tui)
    assert isinstance(status, int)
    return status


def main() -> NoReturn:
    """Be the `poly` program."""
    _prepare_streams()
    try:
        try:
            poly.main(prog_name="poly")
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _leave(_CLOSED_PIPE)
    except OSError as error:  # what no verb has words for: the disk is full, stdin is a folder
        click.echo(f"poly: {': '.join(filter(None, (error.filename, error.strerror)))}", err=True)
        _leave(1)


def _prepare_streams() -> None:
    """Data is UTF-8 wherever it goes but to a terminal, and no character that is unknown there ends us."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            nowhere = os.open(os.devnull, os.O_WRONLY)
            setattr(sys, name, os.fdopen(nowhere, "w", closefd=False))  # it is in use to the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def _leave(status: int) -> NoReturn:
    """Exit without another attempt to write what is left for stdout, of which Python would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)
