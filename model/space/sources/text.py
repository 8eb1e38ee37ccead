"""An activation for the tokens of a text file, as a table.

The text is read from its beginning, window by window, each on a bench of its own, so that nothing
of it stays but the rows. A tokenizer's own tokens around a text stand around every window; they are
read and have no row.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.config import TransformerConfig
from model.counting import counted
from model.space.registry import SpaceError
from model.space.sources.asks import TextInContext
from model.space.sources.in_context import of_head
from model.space.sources.place import Place
from model.space.table import VectorTable
from model.space.text_rows import TextRows
from model.subject import Subject
from model.tokenizer.long_text import cutting
from model.tokenizer.tokenizer import Tokenizer
from model.train.text_files import DataError, pieces, text_files

LONGEST = 1_024
"""Tokens of a window; a model that can read more at once is not asked to: it would take as much
memory as the text is long, and time by its square."""
MOST_BYTES = 1 << 30
"""Of all rows; of wide vectors there are fewer."""
SINK = 8.0
"""A window's first token whose vector is so many times as long as others has no row."""
BYTES_A_TOKEN = 6
"""So many characters are read for a token at first; twice as many if that is too few."""

UNSURE = 64
"""So many tokens before a place at which a text is cut off are not taken as they are."""

Steps = Generator[tuple[int, int], None, VectorTable]


def table(source: TextInContext, place: Place) -> Steps:
    """Read the file, then a window a few slices.

    Raises:
        SpaceError: there is no text or tokenizer, or the model has no such activation.
    """
    if place.bench is None:
        raise SpaceError("No model is open. Open a checkpoint first.")
    bench = place.bench
    config = bench.network_at(source.model, source.step).config
    tokenizer = bench.tokenizer(source.model)
    if tokenizer is None:
        raise SpaceError("This model has no tokenizer: there is nothing that cuts a text.")
    if not 0 <= source.layer < config.n_layers:
        raise SpaceError(f"There is no layer {source.layer}; the model has {config.n_layers}.")
    most = max(1, min(source.most, MOST_BYTES // (4 * config.d_model)))
    ids, whole = yield from _tokens(source, tokenizer, most)
    before, after = framing(tokenizer)
    window = min(config.n_ctx, LONGEST) - len(before) - len(after)
    if window < 1:
        raise SpaceError(f"A text has no room in {config.n_ctx} tokens beside those around it.")
    rows_ND: Tensor | None = None
    for start in range(0, len(ids), window):
        some = ids[start : start + window]
        subject = Subject(source.model, source.step, (*before, *some, *after), source.interventions)
        shelf = bench.beside(source.model)
        for _ in shelf.streaming(subject):
            yield start, len(ids)
        values = _values(shelf, subject, source, config)[len(before) : len(before) + len(some)]
        if rows_ND is None:
            rows_ND = values.new_empty((len(ids), values.shape[1]))
        rows_ND[start : start + len(some)] = values
        yield start + len(some), len(ids)
    assert rows_ND is not None
    positions_N = torch.arange(len(ids)) % window
    kept_N, longer = _without_sinks(rows_ND, positions_N)
    called = {token: place.called(token) for token in dict.fromkeys(ids)}
    note = _note(source, len(ids), window, config, whole=whole)
    if longer:
        gone = counted(int((~kept_N).sum()), "first token")
        note += f" Without the {gone} of windows, {longer:.0f} times as long as the others."
    return VectorTable(
        rows_ND if kept_N.all() else rows_ND[kept_N],
        source.title,
        [called[token] for token, kept in zip(ids, kept_N.tolist()) if kept],
        note,
        TextRows(
            np.array(ids, np.int32)[kept_N.numpy()],
            positions_N[kept_N].numpy().astype(np.int32),
            _lines(tokenizer, ids)[kept_N.numpy()],
            window,
        ),
    )


def _without_sinks(rows_ND: Tensor, positions_N: Tensor) -> tuple[Tensor, float]:
    """Which rows stay, and how many times as long the others are; 0 where all stay.

    Many models make the first token's vector a hundred times as long as any other, for heads to
    rest on (Xiao et al. 2023, attention sinks): a few such rows would be all that axes show.
    """
    norms_N = rows_ND.norm(dim=1)
    first_N = positions_N == 0
    others_N = norms_N[~first_N]
    usual = float(others_N.median()) if len(others_N) else 0.0
    gone_N = first_N & (norms_N > SINK * usual) if usual > 0 else torch.zeros_like(first_N)
    longer = float(norms_N[gone_N].median()) / usual if bool(gone_N.any()) else 0.0
    return ~gone_N, longer


def _values(
    bench: Bench, subject: Subject, source: TextInContext, config: TransformerConfig
) -> Tensor:
    try:
        values = bench.values(subject, (source.activation,))[source.activation][0]
    except KeyError:
        raise SpaceError(f"This model has no {source.activation}.") from None
    return of_head(values, source, config).float().cpu()


def _tokens(
    source: TextInContext, tokenizer: Tokenizer, most: int
) -> Generator[tuple[int, int], None, tuple[list[int], bool]]:
    """The first tokens of the file, and whether they are all there are."""
    wanted = most * BYTES_A_TOKEN
    held = ""
    try:
        files, _ = text_files(Path(source.path))
        stream: Iterator[tuple[str, int]] = pieces(files)
        ended = False
        while True:
            while len(held) < wanted and not ended:
                piece = next(stream, None)
                ended = piece is None
                held += "" if piece is None else piece[0]
                yield 0, 0
            if not held.strip():
                raise SpaceError(f"{source.path} is empty; there are no tokens in it.")
            text = held if len(held) <= wanted else held[:wanted]
            steps = cutting(tokenizer, text, np.uint32)
            while True:
                try:
                    next(steps)
                except StopIteration as stop:
                    ids: list[int] = stop.value.tolist()
                    break
                yield 0, 0
            all_cut = ended and len(text) == len(held)
            # Where the text was cut off in a word the last tokens may be others.
            if len(ids) > most + UNSURE or all_cut:
                return ids[:most], all_cut and len(ids) <= most
            wanted *= 2
    except (DataError, OSError) as error:
        raise SpaceError(str(error)) from None


def framing(tokenizer: Tokenizer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The tokens that a tokenizer puts before a text and after it."""
    bare = [token.id for token in tokenizer.encode("a", add_special=False).tokens]
    full = [token.id for token in tokenizer.encode("a").tokens]
    for at in range(len(full) - len(bare) + 1):
        if bare and full[at : at + len(bare)] == bare:
            return tuple(full[:at]), tuple(full[at + len(bare) :])
    return (), ()


def _lines(tokenizer: Tokenizer, ids: list[int]) -> np.ndarray:
    """In which line each token begins; zeros where tokens don't say where a line ends."""
    ends = {token: tokenizer.token_bytes(token).count(b"\n") for token in dict.fromkeys(ids)}
    probe = tokenizer.encode("a\na", add_special=False).tokens
    if not any(b"\n" in tokenizer.token_bytes(token.id) for token in probe):
        return np.zeros(len(ids), np.int32)
    ended = np.cumsum([ends[token] for token in ids])
    return np.concatenate([[1], 1 + ended[:-1]]).astype(np.int32)


def _note(
    source: TextInContext, n: int, window: int, config: TransformerConfig, *, whole: bool
) -> str:
    """How much of the text it is, and how it was read."""
    name = Path(source.path).name
    some = f"All {counted(n, 'token')}" if whole else f"The first {n:,} tokens"
    told = [f"{some} of {name}"]
    if n > window:
        longer = f" (the model can read {config.n_ctx:,} at once)" if config.n_ctx > LONGEST else ""
        told.append(f"read in windows of {window:,}{longer}")
    limited = not whole and n < source.most
    why = f"; of vectors this wide more would take over {MOST_BYTES >> 30} GiB" if limited else ""
    return ", ".join(told) + why + "."
