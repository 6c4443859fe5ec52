"""`poly run`: one prompt, one answer."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import click

from poly_engine import Bias, Overrides
from poly_engine.overrides import MOST_LOGPROBS
from poly_tui import connect
from poly_tui.commands import foreground
from poly_tui.commands.answer import Answer, EventsAnswer, JsonAnswer, Request, TextAnswer, answer_prompt
from poly_tui.commands.loading import load
from poly_tui.commands.names import task_argument
from poly_tui.commands.prompt import check_text, read_prompt
from poly_tui.commands.schema import schema_option
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]

_LARGEST_SEED = 2**32 - 2

MakeAnswer: TypeAlias = Callable[[Mapping[str, object]], Answer]


@click.command()
@task_argument(is_required=True)
@click.argument("prompt", nargs=-1, callback=check_text)
@click.option("--json", "as_json", is_flag=True, help="Print one object when the answer is there.")
@click.option("--jsonl", "as_events", is_flag=True, help="Print one object a line: each event when it comes.")
@click.option("--seed", type=click.IntRange(0, _LARGEST_SEED), metavar="N", help="Make the answer repeatable.")
@click.option("--max-tokens", type=click.IntRange(1), metavar="N", help="End the answer after so many tokens.")
@click.option(
    "--logprobs",
    type=click.IntRange(0, MOST_LOGPROBS),
    metavar="N",
    help="In JSON, tell how likely each token was, and so many of the likeliest.",
)
@click.option("--system", callback=check_text, help="Replace the system message of the task.")
@schema_option
@click.option("-q", "--quiet", "is_quiet", is_flag=True, help="Print no remarks on stderr.")
@pass_settings
def command(
    settings: Settings,
    *,
    task: str,
    prompt: Sequence[str],
    as_json: bool,
    as_events: bool,
    seed: int | None,
    max_tokens: int | None,
    logprobs: int | None,
    system: str | None,
    schema: Bias | None,
    is_quiet: bool,
) -> None:
    """Answer a prompt with a task.

    The prompt is the words, joined by spaces. If stdin is a pipe or a file, its text goes before the words, with an
    empty line between: git diff | poly run review "What breaks?"

    The answer goes to stdout while it is written, and ends with a newline. Ctrl-C stops it; what is there stays.
    """
    if as_json and as_events:
        raise click.UsageError("--json and --jsonl cannot both be had", click.get_current_context())
    if logprobs is not None and not (as_json or as_events):
        raise click.UsageError("--logprobs is for --json and --jsonl", click.get_current_context())
    make_answer: MakeAnswer = JsonAnswer if as_json else EventsAnswer if as_events else lambda _: TextAnswer()
    overrides = Overrides(seed=seed, max_tokens=max_tokens, logprobs=logprobs)
    request = Request(read_prompt(prompt), overrides, schema)
    foreground.run(_run(settings, task, request, make_answer, system=system, is_quiet=is_quiet))


async def _run(
    settings: Settings,
    task: str,
    request: Request,
    make_answer: MakeAnswer,
    *,
    system: str | None,
    is_quiet: bool,
) -> None:
    async with connect.engine(settings) as engine:
        model = (await connect.find_task(engine, task)).model
        session = engine.session(task, system=system)
        await load(engine, model, is_quiet=is_quiet)
        async with session:
            answer = make_answer({"task": task, "model": model, "seed": request.overrides.seed})
            await answer_prompt(session, request, answer, is_quiet=is_quiet)
