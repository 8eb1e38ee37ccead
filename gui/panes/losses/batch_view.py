"""A batch, token by token, and its dearest tokens; one that is clicked becomes the prompt's.

Its window is read as the prompt, and its place is selected once it is in tokens. Knows the store.
"""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from gui.panes.losses.batch_text import BatchText, Texts
from gui.panes.losses.beside import Beside
from gui.panes.losses.rows import Column, Line, RowList
from gui.session.store import Store
from gui.widgets.surprisal import color_of
from model.probe.batch_losses.asks import BatchLossesFound
from model.tokenizer.tokens import visible


class BatchView(Beside):
    """The texts, and the list beside them.

    Attributes:
        texts, worst: these two.
        found: what is drawn; None for nothing.
    """

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        self.texts = BatchText()
        self.worst = RowList(
            "The dearest tokens of the batch",
            (
                Column("bits", 54, figure=True),
                Column("after", 0, elide=Qt.TextElideMode.ElideLeft),
                Column("token", 70),
            ),
            0,
        )
        super().__init__(self.texts, self.worst, (60, 40), parent)
        self._store = store
        self.found: BatchLossesFound | None = None
        self._wanted: tuple[str, int] | None = None  # a prompt's text, and a character of it
        self.texts.token_chosen.connect(self._choose)
        self.texts.describe = self._about_token
        self.worst.chosen.connect(self._choose_worst)
        self.worst.describe = self._about_worst

    def forget(self) -> None:
        """Another model: nothing is drawn, and nothing is to be selected."""
        self._wanted = self.found = None
        self.texts.set_texts(None)

    def show_found(self, found: BatchLossesFound) -> None:
        """Draw a batch."""
        self.found = found
        bits_BT = found.nats_BT.astype(np.float64) / math.log(2)
        words_BT = [[self.text_of(int(token)) for token in ids_T] for ids_T in found.ids_BT]
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
                    (f"{bits:.1f}", after, words_BT[row][at]),
                    bits / float(np.nanmax(bits_BT, initial=limit)),
                    color_of(min(bits / limit, 1.0)),
                )
            )
        self.worst.set_lines(lines)

    def _vocabulary(self) -> tuple[bytes, ...]:
        model = self._store.model
        return () if model is None else tuple(model.vocabulary)

    def text_of(self, token: int) -> str:
        model = self._store.model
        vocabulary = () if model is None else model.vocabulary
        raw = vocabulary[token] if token < len(vocabulary) else b""
        return visible(raw) if raw else f"‹{token}›"

    def _about_token(self, row: int, at: int) -> str:
        found = self.found
        if found is None or row >= len(found.ids_BT):
            return ""
        own = self.text_of(int(found.ids_BT[row, at]))
        nats = float(found.nats_BT[row, at])
        if math.isnan(nats):
            return f"{own}\nthe first of window {row}: nothing predicts it"
        likeliest = self.text_of(int(found.top_BT[row, at]))
        right = "and it was the likeliest" if likeliest == own else f"the likeliest was {likeliest}"
        return (
            f"{own}  window {row}, position {at}\n{nats:.4f} nats = {nats / math.log(2):.3f} bits, "
            f"p = {math.exp(-nats):.3g}\n{right}\nclick to read this text as the prompt"
        )

    def _about_worst(self, line: int) -> str:
        found = self.found
        if found is None or line >= len(found.worst_K2):
            return ""
        row, at = found.worst_K2[line]
        return self._about_token(int(row), int(at))

    def _choose_worst(self, line: int) -> None:
        found = self.found
        if found is not None and line < len(found.worst_K2):
            row, at = (int(one) for one in found.worst_K2[line])
            self.texts.set_current((row, at))
            self._choose((row, at))

    def _choose(self, token: tuple[int, int]) -> None:
        """Read a token's window as the prompt, and select it there."""
        found, model = self.found, self._store.model
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
        self._store.set_prompt(decoded)
        self.select_wanted()

    def _mark_worst(self, found: BatchLossesFound, token: tuple[int, int]) -> None:
        hit = np.flatnonzero((found.worst_K2 == np.array(token)).all(axis=1))
        self.worst.set_current(int(hit[0]) if len(hit) else -1)

    def _raw(self, ids: list[int]) -> bytes:
        vocabulary = self._vocabulary()
        return b"".join(vocabulary[one] for one in ids if one < len(vocabulary))

    def select_wanted(self) -> None:
        """The prompt that was asked for may be in tokens now: select the one that was clicked."""
        read = self._store.read
        if self._wanted is None or read is None or read.text != self._wanted[0]:
            return
        _, character = self._wanted
        self._wanted = None
        for position, token in enumerate(read.tokens):
            if token.char_start <= character < token.char_end:
                self._store.select(position=position)
                return
