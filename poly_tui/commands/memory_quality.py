"""The verbs of `poly memory` that measure what one finds: test and calibrate."""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import click
import tomli
from pydantic import TypeAdapter, ValidationError

from poly_engine import Engine, InvalidRequest, RecallOptions
from poly_engine.memory.evaluation import Case, Evaluation
from poly_tui import connect
from poly_tui.commands import foreground
from poly_tui.commands.listing import print_json, print_record, print_rows
from poly_tui.commands.loading import load_memory
from poly_tui.commands.names import memory_argument
from poly_tui.commands.progress import ProgressLine
from poly_tui.settings import Settings, pass_settings

__all__ = ["calibrate", "test"]

_DEPTH = 10
_KEPT_OUT = 95
"""Percent of the questions that a memory cannot answer, for which the score that is found keeps everything out."""


@click.command()
@memory_argument()
@click.argument("cases", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--compare",
    "others",
    multiple=True,
    metavar="SETTINGS",
    help="Measure with other settings, too, such as mmr=0.7,neighbours=1; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print an object, with the rank of every case.")
@pass_settings
def test(settings: Settings, *, memory: str, cases: Path, others: Sequence[str], as_json: bool) -> None:
    """Measure how well MEMORY answers questions.

    CASES is a TOML file of questions, each with what a chunk that answers it is like:

    \b
    [[case]]
    question = "When was it decided?"
    source = "*report.pdf"       # the document, and any of these
    contains = "decided in May"
    page = 3

    For each of the settings it prints the share of cases that are answered by the first hit, by one of the first 5 and
    of the first 10, and the mean reciprocal rank. Exit code 1 if a case is not answered by any of the first 10.
    """  # noqa: D301 - click wants the character \b before lines that it is not to join
    known = _cases(cases)
    options = {"as configured": RecallOptions(n=_DEPTH), **{text: _options(text) for text in others}}
    found = foreground.run(_evaluate(settings, memory, known, options))
    if as_json:
        print_json([{**_row(name, one), "ranks": one.ranks} for name, one in found.items()])
    else:
        print_rows([_row(name, one) for name, one in found.items()], as_json=False)
    missed = [case.question for case, rank in zip(known, found["as configured"].ranks, strict=True) if rank is None]
    for question in missed:
        click.echo(f"poly: not found: {question}", err=True)
    if missed:
        raise click.exceptions.Exit(1)


def _row(name: str, found: Evaluation) -> dict[str, object]:
    shares = {f"recall@{n}": round(found.recall_at(n), 3) for n in (1, 5, 10)}
    return {"settings": name, **shares, "mrr": round(found.mrr, 3), "cases": len(found.ranks)}


async def _evaluate(
    settings: Settings, memory: str, cases: Sequence[Case], options: dict[str, RecallOptions]
) -> dict[str, Evaluation]:
    line = ProgressLine()
    found = {}
    async with connect.engine(settings) as engine:
        await load_memory(engine, memory)
        for name, one in options.items():
            ranks = []
            for number, case in enumerate(cases, 1):
                line.show(f"{name}: {number} of {len(cases)} questions")
                ranks.append(case.rank((await engine.recall(memory, case.question, one)).hits))
            found[name] = Evaluation(tuple(ranks))
    line.clear()
    return found


@click.command()
@memory_argument()
@click.argument("cases", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@pass_settings
def calibrate(settings: Settings, *, memory: str, cases: Path | None, as_json: bool) -> None:
    """Find the min_score that suits MEMORY.

    How near a chunk must be at least to be an answer depends on the embedding model. It is chosen so that nothing
    is recalled for 95 of 100 questions about everyday things that the memory knows nothing of. With CASES, as of
    `poly memory test`, it also tells how many of these questions keep an answer.
    """
    known = _cases(cases) if cases is not None else []
    unanswerable = resources.files("poly_tui.commands").joinpath("everyday_questions.txt").read_text().splitlines()
    outside, inside = foreground.run(_scores(settings, memory, unanswerable, known))
    min_score = _percentile(outside, _KEPT_OUT)
    record: dict[str, object] = {"min_score": round(min_score, 3), "questions_kept_out": f"{_KEPT_OUT} %"}
    if inside:
        record["cases_kept"] = f"{100 * statistics.fmean(score >= min_score for score in inside):.0f} %"
    print_record(record, as_json=as_json)
    click.echo(f"poly: write min_score = {min_score:.3f} below [memories.{memory}] to use it", err=True)


async def _scores(
    settings: Settings, memory: str, questions: Sequence[str], cases: Sequence[Case]
) -> tuple[list[float], list[float]]:
    """The best cosine of each question, and of each case the best cosine of a chunk that answers it."""
    async with connect.engine(settings) as engine:
        await load_memory(engine, memory)
        if not await engine.documents(memory):
            raise InvalidRequest(f"memory {memory} is empty: take in what it is to hold first")
        outside = [await _best_score(engine, memory, Case(question)) for question in questions]
        inside = [await _best_score(engine, memory, case) for case in cases]
    return outside, inside


async def _best_score(engine: Engine, memory: str, case: Case) -> float:
    recalled = await engine.recall(memory, case.question, RecallOptions(n=50, min_score=-1.0))
    answers = (hit.vector_score for hit in recalled.hits if case.is_answered_by(hit))
    return max((score for score in answers if score is not None), default=-1.0)


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _cases(path: Path) -> list[Case]:
    """The cases in a file. Raises InvalidRequest that says what is wrong with it."""
    try:
        tables = tomli.loads(path.read_text(encoding="utf-8"))
        cases = TypeAdapter(list[Case]).validate_python(tables.pop("case", []))
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path} is no TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidRequest(f"{path}: case.{where}: {first['msg']}") from error
    if not cases or tables:
        raise InvalidRequest(f"{path} must hold tables [[case]], each with a question, and nothing else")
    return cases


def _options(text: str) -> RecallOptions:
    """Settings such as "mmr=0.7,neighbours=1". Raises UsageError."""
    kinds: dict[str, Any] = {"max_tokens": int, "min_score": float, "mmr": float, "neighbours": int}  # Any: converters
    options = RecallOptions(n=_DEPTH)
    for setting in text.split(","):
        key, _, value = setting.partition("=")
        try:
            options = replace(options, **{key.strip(): kinds[key.strip()](value)})
        except (KeyError, ValueError) as error:
            known = ", ".join(kinds)
            message = f"--compare {text}: write settings as key=value, separated by commas; the keys are {known}"
            raise click.UsageError(message, click.get_current_context()) from error
    return options
