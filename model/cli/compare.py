"""`python -m model compare`: two models or two texts beside each other."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
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
    prompt_of,
    tell,
)
from model.cli.intervening import interventions, records

if TYPE_CHECKING:
    from model.comparison import Comparison
    from model.language_model import LanguageModel

Other = Annotated[
    Path, typer.Argument(metavar="OTHER", help="B, as PATH; the same for one model and two texts")
]
SHOWN = 12
"""Rows of a table for people; all of them are in the JSON."""


def command(
    path: Checkpoint,
    other: Other,
    text: Annotated[str | None, typer.Option(help="what both read")] = None,
    ids: Annotated[str | None, typer.Option(help='token ids instead: "1,2,3"')] = None,
    text_b: Annotated[
        str | None, typer.Option("--text-b", help="what B reads, if it is another text")
    ] = None,
    intervene: Annotated[
        list[str] | None,
        typer.Option(help='change B first: "ablate_head layer=0 head=3"; may be repeated'),
    ] = None,
    routes: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            metavar="WEIGHT",
            help="list the edges of attention whose weight differs by at least this, too",
        ),
    ] = None,
    device: Device = "cpu",
    dtype: Dtype = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """How far B is from A: by tensor of the weights and, of a text, by activation and prediction.

    Differences are B − A, relative to A; norms are Frobenius norms. Divergences are in bits.
    """
    with one_sentence():
        from model.comparison import compare

        changed = records(intervene or ())
        prompt = None
        if text is not None or ids is not None:
            prompt = prompt_of("--text", text, ids)
        elif text_b is not None or changed or routes is not None:
            raise ValueError("Give --text too: what A reads.")
        a = opened(path, device, dtype, threads)
        one = _same_place(path, other)
        b = a if one else opened(other, device, dtype, threads)
        if one and text_b is None and not changed:
            raise ValueError(
                "A and B are the same model: give --text-b for two texts, or --intervene for "
                "before and after."
            )
        for lm in (a,) if one else (a, b):
            if prompt is not None:
                tell(lm, prompt, "--text")
        found = compare(a, b, prompt, text_b, interventions(changed, b), routes)
    if as_json:
        print_json(_as_json(found, a, b))
    else:
        _show(found, a, b)


def _same_place(path: Path, other: Path) -> bool:
    return path == other or (path.exists() and other.exists() and path.samefile(other))


def _as_json(found: Comparison, a: LanguageModel, b: LanguageModel) -> dict[str, Any]:
    data: dict[str, Any] = {
        "a": str(a.path),
        "b": str(b.path),
        "architecture": found.words,
    }
    if found.weights is not None:
        data["tensors"] = found.weights.as_rows()["tensors"]
        data["tensors_left_out"] = list(found.weights.left_out)
    if found.alignment is not None:
        data["tokens_a"] = [_text(a, one) for one in found.ids_a]
        data["tokens_b"] = [_text(b, one) for one in found.ids_b]
        data["alignment"] = found.alignment.words
    activations = found.activations
    if activations is not None:
        rows = activations.as_rows()
        data["activations"] = rows["activations"]
        data["activations_left_out"] = list(activations.left_out)
        data["positions"] = [
            {**row, "top_a_text": _text(a, row["top_a"]), "top_b_text": _text(b, row["top_b"])}
            for row in rows["positions"]
        ]
        if found.routes is not None:
            data["routes"] = _edges(found, a, b)
            data["routes_above"] = found.routes.total
        data["no_predictions"] = activations.no_predictions
        data["top_token_agreement"] = activations.agreement
        data["mean_kl_bits"] = _mean([row["kl_bits"] for row in rows["positions"]])
    return data


def _edges(found: Comparison, a: LanguageModel, b: LanguageModel) -> list[dict[str, Any]]:
    """A row an edge: which head, both weights, and the tokens with their positions in either."""
    routes = found.routes
    assert routes is not None
    rows = []
    for at in range(len(routes)):
        row: dict[str, Any] = {"layer": int(routes.layer_E[at]), "head": int(routes.head_E[at])}
        for name, column in (("query", routes.query_E[at]), ("key", routes.key_E[at])):
            in_a, in_b = int(routes.own_C[column]), int(routes.other_C[column])
            row[f"{name}_a"], row[f"{name}_b"] = in_a, in_b
            row[f"{name}_text"] = _text(a, found.ids_a[in_a]) if in_a >= 0 else ""
            row[f"{name}_text_b"] = _text(b, found.ids_b[in_b]) if in_b >= 0 else ""
        weights = float(routes.own_E[at]), float(routes.other_E[at])
        row["a"], row["b"] = (None if math.isnan(weight) else weight for weight in weights)
        row["difference"] = None if math.isnan(sum(weights)) else weights[1] - weights[0]
        rows.append(row)
    return rows


def _named(row: dict[str, Any], name: str) -> str:
    """A token of an edge: A's, then B's where that is another, at A's position."""
    a, b = row[f"{name}_text"], row[f"{name}_text_b"]
    return f"{a if a == b else f'{a} → {b}'} ({row[f'{name}_a']})"


def _show_routes(console: Console, found: Comparison, a: LanguageModel, b: LanguageModel) -> None:
    """The edges that differ most, where both texts have their tokens."""
    routes = found.routes
    assert routes is not None
    rows = [row for row in _edges(found, a, b) if row["difference"] is not None]
    if not rows:
        console.print(f"No edge differs enough; the largest difference is {routes.largest:.4g}.")
        return
    table = Table(box=None, pad_edge=False, title="attention that differs", title_justify="left")
    for heading in ("head", "query", "key", "A", "B", "B − A"):
        table.add_column(heading, justify="left" if heading in ("query", "key") else "right")
    for row in rows[:SHOWN]:
        table.add_row(
            f"{row['layer']}.{row['head']}",
            *(_named(row, name) for name in ("query", "key")),
            f"{row['a']:.4f}",
            f"{row['b']:.4f}",
            f"{row['difference']:+.4f}",
        )
    console.print(table)
    if len(rows) > SHOWN:
        console.print(f"and {len(rows) - SHOWN:,} more; all of them with --json")


def _mean(numbers: list[float]) -> float:
    return math.fsum(numbers) / len(numbers) if numbers else math.nan


def _text(lm: LanguageModel, token_id: int) -> str:
    from model.tokenizer.tokens import visible

    vocabulary = () if lm.tokenizer is None else lm.tokenizer.vocabulary
    raw = vocabulary[token_id] if 0 <= token_id < len(vocabulary) else b""
    return visible(raw) if raw else f"‹{token_id}›"


def _show(found: Comparison, a: LanguageModel, b: LanguageModel) -> None:
    console = Console()
    console.print(found.words)
    weights, activations = found.weights, found.activations
    if weights is not None:
        n_same = int((weights.n_changed_N == 0).sum())
        console.print(f"{len(weights.names):,} tensors compared, {n_same:,} exactly the same.")
        rows = weights.as_rows()["tensors"]
        rows.sort(key=lambda row: -_finite(row["relative_norm"]))
        _table(console, "what differs most in the weights", rows)
        for words in weights.left_out[:SHOWN]:
            console.print(f"not compared: {words}")
        if len(weights.left_out) > SHOWN:
            console.print(f"nor are {len(weights.left_out) - SHOWN:,} more tensors")
    if found.alignment is not None and found.alignment.words:
        console.print(found.alignment.words)
    if activations is None:
        return
    rows = activations.as_rows()["activations"]
    rows.sort(key=lambda row: -_finite(row["relative_norm"]))
    _table(console, "what differs most on the way of the text", rows)
    if found.routes is not None:
        _show_routes(console, found, a, b)
    if activations.no_predictions:
        console.print(activations.no_predictions)
        return
    positions = activations.as_rows()["positions"]
    table = Table(box=None, pad_edge=False, title="next token", title_justify="left")
    for heading in ("position", "token", "KL, bits", "likeliest in A", "in B"):
        table.add_column(
            heading, justify="right" if heading in ("position", "KL, bits") else "left"
        )
    for row in sorted(positions, key=lambda row: -_finite(row["kl_bits"]))[:SHOWN]:
        at = row["position"]
        table.add_row(
            str(at),
            _text(a, found.ids_a[at]),
            f"{row['kl_bits']:.4g}",
            _text(a, row["top_a"]),
            "the same" if row["same_top"] else _text(a, row["top_b"]),
        )
    console.print(table)
    mean = _mean([row["kl_bits"] for row in positions])
    console.print(
        f"The likeliest next token is the same after {activations.agreement:.1%} of "
        f"{len(positions):,} tokens. "
        f"Were tokens drawn as A says, B would need {mean:.4g} bits a token more."
    )


def _finite(number: float) -> float:
    return math.inf if math.isnan(number) else number


def _table(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    table.add_column("name")
    for heading in ("‖B−A‖ / ‖A‖", "largest |b−a|", "cosine"):
        table.add_column(heading, justify="right")
    for row in rows[:SHOWN]:
        table.add_row(
            row["name"],
            f"{row['relative_norm']:.4g}",
            f"{row['max_abs']:.4g}",
            f"{row['cosine']:.6f}",
        )
    console.print(table)
    if len(rows) > SHOWN:
        console.print(f"and {len(rows) - SHOWN:,} more; all of them with --json")
