"""The pane of losses: a batch by tokens, the gradient of one of them, what a step moved.

A token that is clicked becomes the prompt's: its window is read as the prompt, and its place is
selected once it is in tokens. Knows the store, the controls and the three views.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QWidget

from gui import theme
from gui.panes.base import EmptyState, Pane, column
from gui.panes.losses import ENTRY, words
from gui.panes.losses.batch_text import BatchText, Texts
from gui.panes.losses.controls import PARTS, VIEWS, Controls
from gui.panes.losses.rows import Column, Line, RowList
from gui.session.store import Store
from gui.widgets.heat_map.heat_map import HeatMap
from gui.widgets.heat_map.layout import HeatMapContent
from gui.widgets.surprisal import color_of
from gui.widgets.text import Text, as_written
from model.probe.batch_losses.asks import BatchLosses, BatchLossesFound
from model.probe.loss_flow.asks import LossFlow, LossFlowFound
from model.probe.question import Named, Question
from model.probe.weights_moved.asks import WeightsMoved, WeightsMovedFound
from model.tokenizer.tokens import visible

WORST = 40
NO_TOKEN = (
    "Nothing predicts the first token, so it has no loss. Select a later one: in Tokens, or by a "
    "click into the batch."
)


class LossesPane(Pane):
    """The three views.

    Attributes:
        controls: which one, and which batch.
        texts, worst: the batch, and its dearest tokens.
        flow, into: the gradient's lengths, operations by tokens; into each embedding.
        tensors, picture: how far each tensor went, and one of them.
        status, sentence: what is shown; what it says here.
    """

    entry = ENTRY
    one_side = "Losses and gradients are of the side in view. Choose A or B to see either."

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.controls = Controls(self)
        self.controls.changed.connect(self._on_choice)
        self.status = Text(parent=self, tone="dim", font=small)
        self.texts = BatchText(self)
        self.texts.token_chosen.connect(self._choose)
        self.texts.describe = self._about_token
        self.worst = RowList(
            "The dearest tokens of the batch",
            (Column("bits", 54, figure=True), Column("token", 74), Column("after", 0)),
            0,
            self,
        )
        self.worst.chosen.connect(self._choose_worst)
        self.worst.describe = self._about_worst
        self.flow = HeatMap(self)
        self.flow.setAccessibleName("Gradient of the loss: rows are operations, columns tokens")
        self.flow.cell_chosen.connect(self._choose_operation)
        self.flow.describe = self._about_flow
        self.into = RowList(
            "How long the gradient into each token's embedding is",
            (Column("", 34, figure=True), Column("into", 0), Column("‖d loss‖", 66, figure=True)),
            2,
            self,
        )
        self.into.chosen.connect(self._light)
        self.tensors = RowList(
            "How far each tensor moved",
            (
                Column("tensor", 0),
                Column("‖Δ‖", 62, figure=True),
                Column("‖Δ‖/‖W‖", 66, figure=True),
            ),
            2,
            self,
        )
        self.tensors.chosen.connect(self._choose_tensor)
        self.tensors.describe = self._about_tensor
        self.picture = HeatMap(self)
        self.picture.setAccessibleName("What moved of one tensor")
        self.picture.set_fit(True)
        self._views = QStackedWidget(self)
        self._views.addWidget(_beside(self.texts, self.worst))
        self._views.addWidget(_beside(self.flow, self.into))
        self._views.addWidget(_beside(self.tensors, self.picture, even=True))
        self._empty = EmptyState(parent=self)
        self.sentence = Text(parent=self, wrap=True, font=small)
        layout = column(self, spacing=theme.TIGHT)
        layout.addWidget(self.controls)
        layout.addWidget(self.status)
        layout.addWidget(self._views, 1)
        layout.addWidget(self._empty, 1)
        layout.addWidget(self.sentence)
        self._tensor = ""
        self._wanted: tuple[str, int] | None = None  # a prompt's text, and a character of it
        self._drawn: object = None
        self.controls.show_view("batch")
        store.model_changed.connect(self._on_model)

    # ----------------------------------------------------------------------- questions

    def questions(self) -> Mapping[str, Question]:
        match self.controls.view:
            case "batch":
                number = self.controls.number
                return {
                    "batch": BatchLosses(
                        part=self.controls.part,
                        batch=-1 if number is None else number,
                        worst=WORST,
                    )
                }
            case "flow":
                at = self.store.selection.position
                return {"flow": LossFlow(position=at - 1)} if at > 0 else {}
            case "moved":
                return {"moved": WeightsMoved(tensor=self._tensor)}

    def refresh(self) -> None:
        self._select_wanted()
        view = self.controls.view
        self._views.setCurrentIndex(list(VIEWS).index(view))
        there, status, sentence = {
            "batch": self._refresh_batch,
            "flow": self._refresh_flow,
            "moved": self._refresh_moved,
        }[view]()
        slot = self.slot(view)
        problem = "" if slot is None or slot.is_current else slot.problem
        waits = self.store.asked.waits(self.key)
        self._views.setVisible(there)
        self._empty.setVisible(not there)
        if not there:
            self._empty.setText(problem or self._why_not(view))
        elif problem:
            sentence = problem
        self.sentence.setText(sentence if there else "")
        self.sentence.set_tone("warning" if problem else "text")
        self.sentence.setVisible(there and bool(sentence))
        if waits is not None and there:
            status = f"working… · {status}"
        self.status.setText(status)
        self.status.setToolTip(as_written(status))
        self.status.setVisible(bool(status))

    def _why_not(self, view: str) -> str:
        if self.store.model is None:
            return "No model is open. Open a checkpoint or a run first."
        if self.store.prompt_problem:
            return self.store.prompt_problem
        if view == "flow" and self.store.selection.position <= 0:
            return NO_TOKEN
        return {
            "batch": "The text is read or written again and cut into batches…",
            "flow": "The gradient is on its way…",
            "moved": "The weights of two steps are compared…",
        }[view]

    # --------------------------------------------------------------------------- batch

    def _refresh_batch(self) -> tuple[bool, str, str]:
        found = self.answered("batch", BatchLossesFound)
        if found is None:
            return False, "", ""
        self.controls.show_number(found.number, found.n_batches)
        if found is not self._drawn:
            self._drawn = found
            self._draw_batch(found)
        return True, words.batch(found), words.here(found)

    def _draw_batch(self, found: BatchLossesFound) -> None:
        bits_BT = found.nats_BT.astype(np.float64) / math.log(2)
        words_BT = [[self._text(int(token)) for token in ids_T] for ids_T in found.ids_BT]
        # The first token of a window is not predicted, nor is the question of a task.
        first = int(np.isnan(bits_BT).all(axis=0).argmin())
        means_B = bits_BT[:, first:].mean(axis=1)
        limit = math.log2(max(2, len(self._vocabulary())))
        before = self.texts.texts
        same = before is not None and before.words_BT == words_BT
        self.texts.set_texts(Texts(words_BT, bits_BT, means_B, limit))
        if not same:
            self.texts.set_current(None)
        lines = []
        for row, at in found.worst_K2:
            bits = float(bits_BT[row, at])
            after = "".join(words_BT[row][max(0, at - 12) : at])
            lines.append(
                Line(
                    (f"{bits:.1f}", words_BT[row][at], after[-48:]),
                    bits / float(np.nanmax(bits_BT, initial=limit)),
                    color_of(min(bits / limit, 1.0)),
                )
            )
        self.worst.set_lines(lines)

    def _vocabulary(self) -> tuple[bytes, ...]:
        model = self.store.model
        return () if model is None else tuple(model.vocabulary)

    def _text(self, token: int) -> str:
        model = self.store.model
        vocabulary = () if model is None else model.vocabulary
        raw = vocabulary[token] if token < len(vocabulary) else b""
        return visible(raw) if raw else f"‹{token}›"

    def _about_token(self, row: int, at: int) -> str:
        found = self.answered("batch", BatchLossesFound)
        if found is None or row >= len(found.ids_BT):
            return ""
        own = self._text(int(found.ids_BT[row, at]))
        nats = float(found.nats_BT[row, at])
        if math.isnan(nats):
            return f"{own}\nthe first of window {row}: nothing predicts it"
        likeliest = self._text(int(found.top_BT[row, at]))
        right = "and it was the likeliest" if likeliest == own else f"the likeliest was {likeliest}"
        return (
            f"{own}  window {row}, position {at}\n{nats:.4f} nats = {nats / math.log(2):.3f} bits, "
            f"p = {math.exp(-nats):.3g}\n{right}\nclick to read this text as the prompt"
        )

    def _about_worst(self, line: int) -> str:
        found = self.answered("batch", BatchLossesFound)
        if found is None or line >= len(found.worst_K2):
            return ""
        row, at = found.worst_K2[line]
        return self._about_token(int(row), int(at))

    def _choose_worst(self, line: int) -> None:
        found = self.answered("batch", BatchLossesFound)
        if found is not None and line < len(found.worst_K2):
            row, at = (int(one) for one in found.worst_K2[line])
            self.texts.set_current((row, at))
            self._choose((row, at))

    def _choose(self, token: tuple[int, int]) -> None:
        """Read a token's window as the prompt, and select it there."""
        found, model = self.answered("batch", BatchLossesFound), self.store.model
        if found is None or model is None:
            return
        row, at = token
        self._mark_worst(found, token)
        ids = [int(one) for one in found.ids_BT[row]]
        # The last is predicted from all before it: in the prompt one makes room for it.
        first = max(0, at + 1 - model.config.n_ctx)
        last = first + model.config.n_ctx
        before = self._raw(ids[first:at])
        text = before + self._raw(ids[at:last])
        decoded = text.decode("utf-8", "ignore")
        self._wanted = decoded, len(before.decode("utf-8", "ignore"))
        self.store.set_prompt(decoded)
        self._select_wanted()

    def _mark_worst(self, found: BatchLossesFound, token: tuple[int, int]) -> None:
        hit = np.flatnonzero((found.worst_K2 == np.array(token)).all(axis=1))
        self.worst.set_current(int(hit[0]) if len(hit) else -1)

    def _raw(self, ids: list[int]) -> bytes:
        vocabulary = self._vocabulary()
        return b"".join(vocabulary[one] for one in ids if one < len(vocabulary))

    def _select_wanted(self) -> None:
        """The prompt that was asked for may be in tokens now: select the one that was clicked."""
        read = self.store.read
        if self._wanted is None or read is None or read.text != self._wanted[0]:
            return
        _, character = self._wanted
        self._wanted = None
        for position, token in enumerate(read.tokens):
            if token.char_start <= character < token.char_end:
                self.store.select(position=position)
                return

    # ---------------------------------------------------------------------------- flow

    def _refresh_flow(self) -> tuple[bool, str, str]:
        found = self.answered("flow", LossFlowFound)
        slot = self.slot("flow")
        if found is None or slot is None or slot.read is None:
            self.flow.set_content(None)
            return False, "", ""
        tokens = [token.text for token in slot.read.tokens][: found.norm_OT.shape[1]]
        target = self._text(found.target)
        question = found.question
        assert isinstance(question, LossFlow)
        if found is not self._drawn:
            self._drawn = found
            finite = found.norm_OT[np.isfinite(found.norm_OT)]
            # A few are far longer than all others: where those begin the colours end.
            limit = float(np.quantile(finite[finite > 0], 0.98)) if (finite > 0).any() else 1.0
            self.flow.set_content(
                HeatMapContent(
                    found.norm_OT,
                    tuple(_short(name) for name in found.names),
                    tuple(tokens),
                    row_title="operations",
                    column_title="tokens",
                    limit=limit or 1.0,
                    beyond=bool((finite > limit).any()),
                    value_title=("length of d loss / d activation", "‖d loss / d x‖"),
                    digits=3,
                )
            )
            most = float(found.embedding_T.max()) or 1.0
            self.into.set_lines(
                [
                    Line((str(at), token, f"{length:.3g}"), length / most)
                    for at, (token, length) in enumerate(
                        zip(tokens, found.embedding_T.tolist(), strict=True)
                    )
                ]
            )
        self.flow.set_marks(line=(self._row_of_operation(found), None))
        status = f"gradient of −log p of {target} at position {question.position + 1}"
        return True, status, words.flow(found, target, tokens)

    def _row_of_operation(self, found: LossFlowFound) -> int | None:
        operations = self.store.operations
        at = self.store.selection.operation
        name = operations[at].output if 0 <= at < len(operations) else ""
        return found.names.index(name) if name in found.names else None

    def _about_flow(self, row: int, at: int) -> str:
        found = self.answered("flow", LossFlowFound)
        if found is None or row >= len(found.names) or at >= found.norm_OT.shape[1]:
            return ""
        return (
            f"{found.names[row]} at position {at}\n‖d loss / d activation‖ = "
            f"{found.norm_OT[row, at]:.6g}\nclick to go to this operation"
        )

    def _choose_operation(self, cell: tuple[int | None, int | None]) -> None:
        found = self.answered("flow", LossFlowFound)
        if found is None or cell[0] is None or cell[0] >= len(found.names):
            return
        name = found.names[cell[0]]
        for at, op in enumerate(self.store.operations):
            if op.output == name:
                self.store.select(operation=at)
                self.invalidate()
                return

    def _light(self, position: int) -> None:
        """Show where a token's column is on the map."""
        self.flow.set_lit(None, position)

    # --------------------------------------------------------------------------- moved

    def _refresh_moved(self) -> tuple[bool, str, str]:
        found = self.answered("moved", WeightsMovedFound)
        if found is None:
            return False, "", ""
        if found is not self._drawn:
            self._drawn = found
            self._draw_moved(found)
        return True, words.moved_title(found), words.moved(found)

    def _draw_moved(self, found: WeightsMovedFound) -> None:
        finite = found.relative_N[np.isfinite(found.relative_N)]
        most = float(finite.max()) if len(finite) else 0.0
        lines = [
            Line(
                (name, f"{norm:.3g}", f"{relative:.2%}" if math.isfinite(relative) else "new"),
                min(relative / most, 1.0) if most > 0 else 0.0,
            )
            for name, norm, relative in zip(
                found.names, found.norm_N.tolist(), found.relative_N.tolist(), strict=True
            )
        ]
        self.tensors.set_lines(lines, found.names.index(found.drawn))
        limit = float(np.nanmax(np.abs(found.picture_RC), initial=0.0))
        rows, columns = found.picture_RC.shape
        self.picture.set_content(
            HeatMapContent(
                found.picture_RC,
                tuple(str(row * found.block[0]) for row in range(rows)),
                tuple(str(at * found.block[1]) for at in range(columns)),
                row_title="rows",
                column_title="columns",
                kind="diverging",
                limit=limit or 1.0,
                value_title=("change of each weight", "Δ weight"),
                digits=4,
            )
        )

    def _about_tensor(self, line: int) -> str:
        found = self.answered("moved", WeightsMovedFound)
        if found is None or line >= len(found.names):
            return ""
        return words.about_moved(found, line)

    def _choose_tensor(self, line: int) -> None:
        found = self.answered("moved", WeightsMovedFound)
        if found is not None and line < len(found.names):
            self._tensor = found.names[line]
            self.ask()

    # -------------------------------------------------------------------------- inside

    def _on_choice(self) -> None:
        self._drawn = None
        self.ask()
        self.invalidate()

    def _on_model(self) -> None:
        self._tensor, self._wanted, self._drawn = "", None, None
        self.controls.follow()
        self.texts.set_texts(None)
        self.invalidate()

    def header_note(self) -> str:
        found = self.answered("batch", BatchLossesFound)
        if self.controls.view != "batch" or found is None or found.step is None:
            return ""
        return f"at step {found.step:,}"

    def apply_theme(self) -> None:
        self._drawn = None

    def export_data(self) -> Mapping[str, Named | Any]:
        kinds = {"batch": BatchLossesFound, "flow": LossFlowFound, "moved": WeightsMovedFound}
        view = self.controls.view
        found = self.answered(view, kinds[view])
        return {} if found is None else dict(found.arrays())

    def remember(self) -> dict[str, Any]:
        return {"view": self.controls.view, "part": self.controls.part}

    def recall(self, kept: Mapping[str, Any]) -> None:
        if kept.get("part") in PARTS:
            self.controls.parts.set_current(str(kept["part"]))
        view = next((one for one in VIEWS if one == kept.get("view")), "batch")
        self.controls.show_view(view)  # type: ignore[arg-type]

    def sizeHint(self) -> QSize:
        return QSize(620, 430)


class _Beside(QWidget):
    """A picture and a list beside it, in a share of the width."""

    def __init__(self, one: QWidget, other: QWidget, shares: tuple[int, int]) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        row.addWidget(one, shares[0])
        row.addWidget(other, shares[1])


def _beside(one: QWidget, other: QWidget, *, even: bool = False) -> QWidget:
    return _Beside(one, other, (1, 1) if even else (66, 34))


def _short(name: str) -> str:
    """An activation's name as it fits beside a map."""
    return name.removeprefix("blocks.").replace("hook_", "")
