"""`python -m model neighbours`: rows near a word or a sum of words."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from model.cli.common import AsJson, Device, Dtype, Threads, one_sentence, print_json
from model.cli.tables import MatrixOption, Sample, TablePath, opened_table


def command(
    path: TablePath,
    words: Annotated[
        str, typer.Argument(metavar="SUM", help='a word or a sum of words: "king - man + woman"')
    ],
    k: Annotated[int, typer.Option("--k", min=1, help="how many neighbours")] = 12,
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
    """Tokens near a word or a sum of words; cosine, dot product or Euclidean distance.

    The words themselves are among them, and marked: an analogy is read without them. Behind = may
    stand the word that is expected: king - man + woman = queen; its rank is told.

    A word is looked for with a space before it, then without. In quotes it is taken as it is.

    #812 is an id.
    """
    with one_sentence():
        from model.probe.neighbours.sums import pieces_of, terms_of
        from model.space.asking import ask
        from model.space.questions.asks import METRICS, Near, NearFound
        from model.space.registry import SpaceError

        known = next((one for one in METRICS if one == metric), None)
        if known is None:
            raise SpaceError(f"There is no metric {metric!r}; there are {', '.join(METRICS)}.")
        at = opened_table(path, matrix, device, dtype, threads, sample)
        left, _, right = words.partition("=")
        terms = terms_of(pieces_of(left), at.row)
        expected = at.row(right.strip()) if right.strip() else -1
        found = ask(Near(terms, k, known, expected), at.table)
        assert isinstance(found, NearFound)

    rows = []
    without = 0
    for rank, (row, value, own) in enumerate(zip(found.ids, found.values, found.own), start=1):
        without += not own
        rows.append((rank, None if own else without, row, value, own))
    if as_json:
        print_json(
            {
                "matrix": at.table.name,
                "metric": metric,
                "terms": [{"sign": sign, **at.shown(row)} for sign, row in terms],
                "mean": found.mean,
                "std": found.std,
                "expected": None
                if expected < 0
                else {
                    **at.shown(expected),
                    "rank": found.rank,
                    "rank_without_own": found.rank_without,
                },
                "neighbours": [
                    {
                        **at.shown(row),
                        metric: value,
                        "own": own,
                        "rank": rank,
                        "rank_without_own": rank_without,
                    }
                    for rank, rank_without, row, value, own in rows
                ],
            }
        )
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right", style="dim")
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    for rank, _, row, value, own in rows:
        mark = "in the sum" if own else ""
        table.add_row(str(rank), escape(at.names.text(row)), f"{value:.4f}", mark)
    Console().print(table)
