"""Mask the selected token, or fill it with one that is drawn; why no text is generated.

The token is drawn by the worker, from the distribution at that place; what is drawn for a prompt
that is no longer there is dropped. Asks the store's masking for the rest.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from gui import theme
from gui.session.store import Store
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest
from gui.widgets.number_boxes import LARGEST_SEED, SeedField
from gui.widgets.text import Text
from model.probe.next_token.asks import NextToken, NextTokenFound

OWNER = "prediction: a token for the mask"
"""By what the store knows who waits for the token: not the pane, which asks only while it is seen.
"""


class MaskControls(QWidget):
    """Two buttons, a seed, and what there is to say.

    Args:
        store: whose prompt is changed.
        position: gives the position that is masked or filled.
        can_fill: says whether a token can be drawn there.
    """

    def __init__(
        self,
        store: Store,
        position: Callable[[], int],
        can_fill: Callable[[], bool],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.store = store
        self._position = position
        self._can_fill = can_fill
        store.asked.join(OWNER, self._take_drawn)
        self.mask_button = _button(self, "Mask")
        self.mask_button.clicked.connect(self.toggle_mask)
        self.fill_button = _button(self, "Fill")
        self.fill_button.setToolTip(
            "Draw one token from this distribution and put it in this place (Ctrl+Return)"
        )
        self.fill_button.clicked.connect(self.fill)
        self.seed = SeedField(self)
        self.seed.textEdited.connect(self._say_of_seed)
        self.seed.setFont(theme.mono(theme.FONT_SIZE - 0.5))
        self.seed.setFixedSize(56, theme.CONTROL_HEIGHT)
        self.seed.setToolTip("The same seed draws the same token; empty is random")
        words = theme.sans(theme.SMALL_FONT_SIZE + 0.5)
        self.why = Text(parent=self, tone="dim", font=words, wrap=True)
        self.says = Text(parent=self, tone="warning", font=words, wrap=True)

        buttons = FlowLayout()
        for widget in (self.mask_button, self.fill_button, self.seed):
            buttons.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.TIGHT)
        nest(layout, buttons)
        layout.addWidget(self.says)
        layout.addWidget(self.why)

    def refresh(self) -> None:
        """Show what can be done at the position."""
        store, at = self.store, self._position()
        masking = store.masking
        back = masking.original(at) is not None
        self.mask_button.setText("Unmask" if back else "Mask")
        self.mask_button.setAccessibleName("Unmask this token" if back else "Mask this token")
        self.mask_button.setToolTip(
            "Put the token back that was masked here (M)"
            if back
            else "Put the mask in place of the selected token; the model guesses it (M)"
        )
        self.mask_button.setEnabled(masking.possible and (back or not masking.is_mask(at)))
        self.fill_button.setEnabled(self._can_fill())
        self._says(self.seed.problem or masking.message)
        why = "" if store.model is None else store.model.config.no_continuation
        if store.model is not None and not masking.possible:
            why += " Its tokenizer has no mask, so none can be put into the prompt."
        self.why.setText(why)

    def _say_of_seed(self) -> None:
        """Say why what is written is no seed, or what there was to say."""
        self._says(self.seed.problem or self.store.masking.message)

    def _says(self, words: str) -> None:
        self.says.setText(words)
        self.says.setVisible(bool(words))

    def toggle_mask(self) -> None:
        """Mask the selected token, or put it back."""
        self.store.masking.toggle(self._position())

    def fill(self) -> None:
        """Draw a token and put it in the place of what stands at the position."""
        store = self.store
        if store.subject is None or not self._can_fill():
            return
        if self.seed.problem:
            self._says(self.seed.problem)
            return
        typed = self.seed.seed
        seed = random.randint(0, LARGEST_SEED) if typed is None else typed
        question = NextToken(position=self._position(), sampling=store.sampling, n=1, seed=seed)
        store.asked.want(OWNER, store.subject, {})  # the same may be drawn once more
        if store.asked.want(OWNER, store.subject, {"drawn": question}):
            self._take_drawn()

    def _take_drawn(self) -> None:
        """Put in what was drawn, if the prompt is still the one that it was drawn for."""
        asked, subject = self.store.asked, self.store.subject
        slot = asked.slot(OWNER, "drawn")
        if slot is None or not (slot.is_current or slot.problem):
            return
        found = slot.answer
        asked.want(OWNER, subject, {})
        if not isinstance(found, NextTokenFound) or found.subject != subject:
            return
        if found.drawn is not None:
            assert isinstance(found.question, NextToken)
            self.store.masking.fill(found.question.position, found.drawn)


def _button(parent: QWidget, text: str) -> QPushButton:
    button = QPushButton(text, parent)
    button.setAccessibleName(text)
    return button
