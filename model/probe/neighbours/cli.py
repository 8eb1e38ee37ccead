"""`python -m model probe neighbours`: tokens near a word or a sum of words."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from model.cli.common import (
    AsJson,
    Checkpoint,
    Device,
    Dtype,
    Threads,
    one_sentence,
    opened,
    print_json,
    say,
)
from model.probe.question import ProbeError


def command(
    path: Checkpoint,
    words: Annotated[
        str, typer.Argument(metavar="SUM", help='a word or a sum of words: "king - man + woman"')
    ],
    k: Annotated[int, typer.Option("--k", min=1, help="how many neighbours")] = 12,
    matrix: Annotated[
        str, typer.Option(help="W_E, the embedding, or W_U, the unembedding")
    ] = "W_E",
    device: Device = "auto",
    dtype: Dtype = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Tokens near a word or a sum of words, by the cosine of their vectors.

    The words themselves are among them, and marked: an analogy is read without them.

    A word is looked for with a space before it, then without. In quotes it is taken as it is.

    #812 is an id.
    """
    with one_sentence():
        from model.probe.neighbours import compute
        from model.probe.neighbours.asks import MATRICES, NeighboursQuestion
        from model.probe.neighbours.sums import pieces_of, terms_of, token_named
        from model.tokenizer.tokens import continued, visible

        if matrix not in MATRICES:
            raise ProbeError(f"There is no table {matrix!r} of token vectors; W_E and W_U are.")
        lm = opened(path, device, dtype, threads)
        say(lm.notes)
        tokenizer = lm.tokenizer
        vocabulary = () if tokenizer is None else tokenizer.vocabulary
        continuing = frozenset() if tokenizer is None else tokenizer.continuing
        d_vocab = lm.config.d_vocab
        terms = terms_of(pieces_of(words), lambda word: token_named(word, vocabulary, d_vocab))
        question = NeighboursQuestion(terms=terms, k=k, matrix=matrix)
        found = compute.answer(question, compute.table(lm.transformer, matrix))

    def shown(token_id: int) -> str:
        raw = vocabulary[token_id] if token_id < len(vocabulary) else b""
        if not raw:
            return f"‹{token_id}›"
        text = visible(raw)
        return continued(text) if token_id in continuing else text

    rows = list(zip(found.ids, found.cosines, found.own, found.ranks_without_own, strict=True))
    if as_json:
        print_json(
            {
                "matrix": matrix,
                "terms": [
                    {"sign": sign, "id": token_id, "token": shown(token_id)}
                    for sign, token_id in terms
                ],
                "neighbours": [
                    {
                        "id": token_id,
                        "token": shown(token_id),
                        "cosine": cosine,
                        "own": own,
                        "rank": rank,
                        "rank_without_own": without,
                    }
                    for rank, (token_id, cosine, own, without) in enumerate(rows, 1)
                ],
            }
        )
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right", style="dim")
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    for rank, (token_id, cosine, own, _) in enumerate(rows, 1):
        mark = "in the sum" if own else ""
        table.add_row(str(rank), escape(shown(token_id)), f"{cosine:.4f}", mark)
    Console().print(table)
