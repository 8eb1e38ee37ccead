"""From an answer to what the heat map draws, and from a cell back to layer, head and position.

Knows the answers of both probes, tokens and the model's description; no store, no widget that is
shown.

Shape suffixes: R rows, C columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gui.widgets.heat_map.layout import HeatMapContent
from model.messages import ModelInfo, PromptRead
from model.probe.facts.asks import Facts, FactsFound
from model.probe.patch.asks import OF_HEADS, Patch, PatchFound
from model.probe.question import Answer


@dataclass(frozen=True, slots=True)
class Cell:
    """A place that was patched or restored.

    Attributes:
        layer: of which block.
        head: of which head; None where it is of no single one.
        position: at which token; None where it is at all of them.
    """

    layer: int
    head: int | None
    position: int | None


@dataclass(frozen=True, slots=True, eq=False)
class SweepMap:
    """What is drawn of an answer.

    Layers (of heads: heads of layers) are rows and tokens are columns, or the other way round
    where there are more of the former: a pane is wider than it is high.

    Attributes:
        content: of the heat map, turned or not.
        cells: which place each number is, layers first.
        values_RC: the numbers, layers first.
        turned: whether layers are columns.
    """

    content: HeatMapContent
    cells: tuple[tuple[Cell, ...], ...]
    values_RC: NDArray[np.floating]
    turned: bool

    def cell(self, row: int, column: int) -> Cell:
        """What a row and a column of the map are."""
        return self.cells[column][row] if self.turned else self.cells[row][column]

    def place_of(self, layer: int, head: int, position: int) -> tuple[int, int] | None:
        """Row and column of what is selected; None where it has no cell."""
        for row, cells in enumerate(self.cells):
            if cells[0].layer != layer:
                continue
            for column, cell in enumerate(cells):
                if cell.head in (None, head) and cell.position in (None, position):
                    return (column, row) if self.turned else (row, column)
        return None

    @property
    def strongest(self) -> tuple[int, int] | None:
        """Row and column of the map's largest number."""
        return strongest(self.content.values_RC)

    @property
    def by_token(self) -> bool:
        """Whether one of the axes are tokens."""
        return self.cells[0][0].position is not None


def of_answer(answer: Answer, read: PromptRead, model: ModelInfo) -> SweepMap | None:
    """The map of an answer; None of another kind of answer."""
    if isinstance(answer, PatchFound):
        return _of_patch(answer, read, model)
    return _of_facts(answer, read) if isinstance(answer, FactsFound) else None


def at(answer: PatchFound | FactsFound, cell: Cell) -> tuple[int, ...]:
    """Where a cell stands in the answer's arrays."""
    layer = answer.layers.index(cell.layer) if isinstance(answer, PatchFound) else cell.layer
    return tuple(one for one in (layer, cell.head, cell.position) if one is not None)


def _of_patch(found: PatchFound, read: PromptRead, model: ModelInfo) -> SweepMap:
    question = found.question
    assert isinstance(question, Patch)
    of_heads = question.kind in OF_HEADS
    values = np.asarray(found.recovered, float)
    done = np.asarray(found.done)
    if of_heads and question.together:
        row_labels = tuple(str(layer) for layer in found.layers)
        columns = tuple(str(head) for head in range(values.shape[1]))
        cells = tuple(
            tuple(Cell(layer, head, None) for head in range(values.shape[1]))
            for layer in found.layers
        )
        titles = "layers", "heads"
    else:
        columns = _tokens(found, read, model)
        places = range(len(columns))
        if of_heads:
            heads = range(values.shape[1])
            rows = [(layer, head) for layer in found.layers for head in heads]
            row_labels = tuple(f"{layer}.{head}" for layer, head in rows)
            cells = tuple(tuple(Cell(*row, place) for place in places) for row in rows)
            values, done = (x.reshape(len(rows), -1) for x in (values, done))
        else:
            row_labels = tuple(str(layer) for layer in found.layers)
            cells = tuple(
                tuple(Cell(layer, None, place) for place in places) for layer in found.layers
            )
        titles = "heads" if of_heads else "layers", "tokens"
    without = np.isnan(values)
    alone = not question.together and min(found.sources) < 0
    faint = ~done & ~without
    share = done.mean() if done.size else 1.0
    return _laid(
        HeatMapContent(
            values,
            row_labels,
            columns,
            row_title=titles[0],
            column_title=titles[1],
            kind="diverging",
            limit=1.0,
            beyond=bool((np.abs(values[~without]) > 1.005).any()),
            masked_RC=without,
            masked_title="no partner in B" if alone else "still to run",
            faint_RC=faint,
            faint_title=f"estimate ({share:.0%} exact)",
            value_title=("0: as A · 1: as B · −1: away from B", "0: as A · 1: as B", "1 = B"),
        ),
        cells,
    )


def _of_facts(found: FactsFound, read: PromptRead) -> SweepMap:
    question = found.question
    assert isinstance(question, Facts)
    values = np.asarray(found.effect, float)
    limit = abs(found.clean - found.corrupted)
    largest = np.nanmax(np.abs(values), initial=0.0)
    n_layers = len(values)
    columns = tuple(
        f"{token.text}*" if found.first <= place <= found.last else token.text
        for place, token in enumerate(read.tokens)
    )
    places = range(values.shape[1])
    title = f"{found.measure} that comes back"
    return _laid(
        HeatMapContent(
            values,
            tuple(map(str, range(n_layers))),
            columns,
            row_title="layers",
            column_title="tokens (* hidden)",
            kind="diverging",
            limit=float(limit) or 1.0,
            beyond=bool(largest > 1.005 * limit),
            masked_RC=np.isnan(values),
            masked_title="still to run",
            value_title=(f"{title} of the {limit:.3g} that noise takes", title, "comes back"),
        ),
        tuple(tuple(Cell(layer, None, place) for place in places) for layer in range(n_layers)),
    )


def _laid(content: HeatMapContent, cells: tuple[tuple[Cell, ...], ...]) -> SweepMap:
    """With layers as rows, or turned."""
    values_RC = content.values_RC
    turned = values_RC.shape[0] > values_RC.shape[1]
    if turned:
        content = replace(
            content,
            values_RC=values_RC.T,
            row_labels=content.column_labels,
            column_labels=content.row_labels,
            row_title=content.column_title,
            column_title=content.row_title,
            masked_RC=None if content.masked_RC is None else content.masked_RC.T,
            faint_RC=None if content.faint_RC is None else content.faint_RC.T,
        )
    return SweepMap(content, cells, values_RC, turned)


def _tokens(found: PatchFound, read: PromptRead, model: ModelInfo) -> tuple[str, ...]:
    """A's tokens; where B has others at a few places, those behind an arrow."""
    question = found.question
    assert isinstance(question, Patch)
    partners = [(token, source) for token, source in zip(read.tokens, found.sources) if source >= 0]
    n_others = sum(question.clean_ids[source] != token.id for token, source in partners)
    if n_others > max(3, len(read.tokens) // 4):  # there is more to read than there is room for
        return tuple(token.text for token in read.tokens)
    labels = []
    for token, source in zip(read.tokens, found.sources, strict=True):
        theirs = question.clean_ids[source] if source >= 0 else token.id
        other = "" if theirs == token.id else f"→{model.token_text(theirs)}"
        labels.append(f"{token.text}{other}")
    return tuple(labels)


def strongest(values: NDArray[np.floating]) -> tuple[int, int] | None:
    """Row and column of the largest number; None where there is none."""
    if not np.isfinite(values).any():
        return None
    row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
    return int(row), int(column)
