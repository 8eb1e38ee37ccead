"""`python -m model analogy`: where a − b + c ends, and how near the expected word is."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from model.cli.common import AsJson, Device, Dtype, Threads, one_sentence, print_json
from model.cli.tables import MatrixOption, Sample, TablePath, opened_table

Word = Annotated[str, typer.Argument(help="a word that is one token; in quotes as it is; #812")]


def command(
    path: TablePath,
    a: Word,
    b: Word,
    c: Word,
    expect: Annotated[
        str | None, typer.Option(help="the word that should come out; its rank is told")
    ] = None,
    k: Annotated[int, typer.Option("--k", min=1, help="how many answers")] = 10,
    metric: Annotated[
        str, typer.Option(help="cosine, dot (product) or euclidean (distance: small is near)")
    ] = "cosine",
    matrix: MatrixOption = "W_E",
    sample: Sample = 1,
    device: Device = "auto",
    dtype: Dtype = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """The words nearest to a − b + c, such as king man woman; the three themselves left out.

    Their ranks are told with and without the three words: most analogies hold only without.
    """
    with one_sentence():
        from model.space.asking import ask
        from model.space.questions.asks import METRICS, Near, NearFound
        from model.space.registry import SpaceError

        known = next((one for one in METRICS if one == metric), None)
        if known is None:
            raise SpaceError(f"There is no metric {metric!r}; there are {', '.join(METRICS)}.")
        at = opened_table(path, matrix, device, dtype, threads, sample)
        terms = ((1, at.row(a)), (-1, at.row(b)), (1, at.row(c)))
        expected = -1 if expect is None else at.row(expect)
        found = ask(Near(terms, k + 3, known, expected), at.table)
        assert isinstance(found, NearFound)

    answers: list[dict[str, object]] = []
    for rank, (row, value, own) in enumerate(zip(found.ids, found.values, found.own), start=1):
        if not own and len(answers) < k:
            entry = {**at.shown(row), metric: value, "rank": len(answers) + 1}
            answers.append({**entry, "rank_with_inputs": rank})
    if as_json:
        result: dict[str, object] = {
            "matrix": at.table.name,
            "metric": metric,
            "inputs": [{"sign": sign, **at.shown(row)} for sign, row in terms],
            "answers": answers,
        }
        if expected >= 0:
            result["expect"] = at.shown(expected)
            result["rank"] = {"without_inputs": found.rank_without, "with_inputs": found.rank}
        print_json(result)
        return
    console = Console()
    for answer in answers:
        token = escape(str(answer["token"]))
        console.print(f"{answer['rank']:>3}  {token}  {answer[metric]:.4f}", highlight=False)
    if expected >= 0:
        word = escape(at.names.text(expected))
        console.print(
            f"{word} is number {found.rank_without:,} without the three words, "
            f"{found.rank:,} with them, of {found.n:,}.",
            highlight=False,
        )
